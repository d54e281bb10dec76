"""What the desk holds of one account beside the journal: its client, its profile, what waits."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import NamedTuple

import msgspec

from onefill.contracts.client_config import Settlement
from onefill.contracts.messages import Profile
from onefill.model.account import AccountState
from onefill.model.intent import OrderIntent, Side
from onefill.risk.at_gateway_rate import Rates
from onefill.risk.at_gateway_view import Held, Told

MOST_FILLS = 10_000
"""How many fills are kept that no profile has shown yet."""
MOST_PARTS = 1_000
"""How many parts of close_alls are remembered, to know them again."""
DAY_BEGAN = "daily_loss of the day that began with "
"""What is recorded as breached, before the equity at the start of the broker's day: a gateway knows
the day by nothing else."""

Part = tuple[str, int, str, float, int]
"""Of a close_all: its key, the position, the state, the volume, and the result's number."""


class Leaving(NamedTuple):
    """A dispatched order on its way to the client's queue."""

    #: The record that says so; it is handed over once that is durable.
    seq: int
    key: str
    #: Handed over before: by this gateway, or by one before it.
    again: bool


class Fill(msgspec.Struct, frozen=True):
    """What a result told of an opening order, and no profile has shown yet."""

    symbol: str
    side: Side
    volume_e8: int
    magic: int
    sequence: int


class Book:
    """One account. Orders wait in `waiting` (accepted) and go out through `leaving`."""

    def __init__(self, id: str, state: AccountState) -> None:
        self.id = id
        self.tenant, _, self.name = id.partition("/")
        self.state = state
        self.waiting: OrderedDict[str, None] = OrderedDict()
        self.leaving: deque[Leaving] = deque()
        #: The account's last record.
        self.appended = 0
        #: Its client's queue was full; tried again after a while.
        self.full = False
        self.here = False
        self.enveloped = False
        self.arrived_ms = 0
        #: When the client's lease last began anew, on the steady clock; None: not since this
        #: gateway began.
        self.contact_ms: int | None = None
        self.profile: Profile | None = None
        self.told: Told | None = None
        self.fills: OrderedDict[str, Fill] = OrderedDict()
        #: Those fills by symbol, and their number by magic.
        self.filled_in: dict[str, Held] = {}
        self.filled_of: dict[int, int] = {}
        self.parts: OrderedDict[Part, None] = OrderedDict()
        self.rates = Rates()
        #: The equity at whose day's start the daily loss was breached last.
        self.breached_day = _breached_day(state)
        self.breach_told = ""
        self.config_version = 0
        #: What people decided here about orders that its agent has in quarantine, untold.
        self.settled: dict[str, Settlement] = {}
        self.config_acknowledged = 0
        #: A task hands on what waits.
        self.pumping = False

    def take_profile(self, profile: Profile, now_ms: int) -> None:
        """The client's profile; fills that it shows are no longer counted beside it."""
        self.profile = profile
        self.told = told_of(profile, now_ms)
        if profile.positions is None:
            return
        shown = profile.as_of_sequence
        for key, fill in list(self.fills.items()):
            if not shown or not fill.sequence or fill.sequence <= shown:
                self.forget_fill(key)

    def filled(self, key: str, fill: Fill) -> None:
        """An opening order filled, as far as told."""
        profile = self.profile
        if profile is not None and profile.positions is not None:
            shown = profile.as_of_sequence
            if shown and fill.sequence and fill.sequence <= shown:
                return
        self.forget_fill(key)
        self._count(key, fill)
        if len(self.fills) > MOST_FILLS:
            self.forget_fill(next(iter(self.fills)))

    def closed(self, key: str, volume_e8: int) -> None:
        """What an order opened was closed, as far as told."""
        fill = self.forget_fill(key)
        if fill is not None and fill.volume_e8 > volume_e8:
            left_e8 = fill.volume_e8 - volume_e8
            self._count(key, msgspec.structs.replace(fill, volume_e8=left_e8))

    def all_closed(self, intent: OrderIntent, *, complete: bool) -> None:
        """A close_all is over; what it left open, or did not mean, still counts."""
        for key, fill in list(self.fills.items()) if complete else ():
            if intent.symbol in ("", fill.symbol) and intent.magic in (0, fill.magic):
                self.forget_fill(key)

    def forget_fill(self, key: str) -> Fill | None:
        """It is no longer counted beside the profile."""
        fill = self.fills.pop(key, None)
        if fill is not None:
            self.filled_in[fill.symbol].add(fill.side, fill.volume_e8, -1)
            self.filled_of[fill.magic] -= 1
        return fill

    def first_heard(self, part: Part) -> bool:
        """Whether a part of a close_all is told for the first time since the gateway began."""
        if part in self.parts:
            return False
        self.parts[part] = None
        if len(self.parts) > MOST_PARTS:
            self.parts.popitem(last=False)
        return True

    def _count(self, key: str, fill: Fill) -> None:
        self.fills[key] = fill
        self.filled_in.setdefault(fill.symbol, Held()).add(fill.side, fill.volume_e8)
        self.filled_of[fill.magic] = self.filled_of.get(fill.magic, 0) + 1


def _breached_day(state: AccountState) -> float | None:
    found = [limit for limit in state.breached if limit.startswith(DAY_BEGAN)]
    return float(found[-1].removeprefix(DAY_BEGAN)) if found else None


def told_of(profile: Profile, now_ms: int) -> Told:
    """A profile as the controls look at it; volumes are in lots."""
    held: dict[str, Held] = {}
    of_magic: dict[int, int] = {}
    for position in profile.positions or ():
        volume_e8 = round(position.volume * 1e8)
        held.setdefault(position.symbol, Held()).add(position.side, volume_e8)
        of_magic[position.magic] = of_magic.get(position.magic, 0) + 1
    return Told(
        at_ms=now_ms,
        live=profile.live,
        broker=profile.broker,
        currency=profile.currency,
        equity=profile.equity,
        margin_used=profile.margin_used,
        day_start_equity=profile.day_start_equity,
        peak_equity=profile.peak_equity,
        trade_allowed=profile.trade_allowed,
        why_not=profile.why_not,
        limits_fingerprint=profile.limits_fingerprint,
        untold=profile.positions_untold if profile.positions is None else 0,
        held=held,
        of_magic=of_magic,
        max_daily_loss=profile.risk.max_daily_loss,
        max_drawdown=profile.risk.max_drawdown,
        allowed_symbols=profile.risk.allowed_symbols,
        max_open_positions=profile.preferences.max_open_positions,
        conservative=profile.preferences.conservative_mode,
    )
