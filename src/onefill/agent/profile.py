"""The account as its gateway is told of it: on connecting, each minute, and when something material
changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec

from onefill.agent.equity import EquityMarks
from onefill.channels.local.session import PooledSession
from onefill.channels.local.terminals_file import Terminals
from onefill.contracts.account_profile import MAX_POSITIONS, encode
from onefill.contracts.framing import MAX_FRAME
from onefill.contracts.messages import HeldPosition, Profile
from onefill.execution.drivers.live import LiveDriver
from onefill.model.intent import Side
from onefill.runtime.clock import Clock, monotonic_ns
from onefill.terminal.port import TYPE_BUY, AccountRow, PositionRow

EVERY_S = 60.0
LOOK_S = 5.0
"""How often equity and the permission to trade are looked at."""
SOON_S = 0.25
"""What happens in so short a time is told in one profile."""
MATERIAL = 0.01
"""The part of equity whose change is told at once."""
FRAME_MOST = MAX_FRAME - 1_024
"""Bytes of a profile, which goes in one frame: the rest is for what lies around it."""
_REAL = 2


def fitting(profile: Profile) -> Profile:
    """The profile as it goes into a frame: where its positions are too many for one, it says how
    many there are, so that nobody takes the account for one without."""
    positions = profile.positions or ()
    if len(positions) <= MAX_POSITIONS and len(encode(profile)) <= FRAME_MOST:
        return profile
    return msgspec.structs.replace(profile, positions=None, positions_untold=len(positions))


class Profiles:
    """Makes one account's profiles and says when one is due. `send` tells the gateway."""

    def __init__(
        self,
        session: PooledSession,
        driver: LiveDriver,
        marks: EquityMarks,
        terminals: Terminals,
        as_of: Callable[[], int],
        send: Callable[[Profile], None],
        clock: Clock,
        user: Callable[[], str],
    ) -> None:
        """`user` tells whom the gateway knows this client as."""
        self._session = session
        self._driver = driver
        self._marks = marks
        self._terminals = terminals
        self._as_of = as_of
        self._send = send
        self._clock = clock
        self._due = asyncio.Event()
        self._told: Profile | None = None
        self._user = user
        self._open = frozenset(driver.desk.state.positions)
        self._connected = asyncio.Event()

    def connected(self) -> None:
        """There is a gateway to tell: at once."""
        self._told = None
        self._due.set()
        self._connected.set()

    def disconnected(self) -> None:
        """There is nobody to tell."""
        self._connected.clear()

    def look_at_positions(self) -> None:
        """Something was recorded: a position that opened or closed is told soon."""
        now_open = frozenset(self._driver.desk.state.positions)
        if now_open != self._open:
            self._open = now_open
            self._due.set()

    async def run(self) -> None:
        """Send them, for ever."""
        sent_ns = 0
        while True:
            await self._connected.wait()
            due = self._due.is_set()
            self._due.clear()
            if due or monotonic_ns() - sent_ns >= EVERY_S * 1e9 or await self._moved():
                profile = await self.make()
                if profile is not None:
                    self._told, sent_ns = profile, monotonic_ns()
                    self._send(profile)
                await asyncio.sleep(SOON_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), LOOK_S)

    async def _moved(self) -> bool:
        """Whether equity moved materially, or the permission to trade changed."""
        account: AccountRow | None = (await self._session.call_soon("account_info")).value
        if account is None or self._told is None:
            return account is not None
        await self._see(account)
        before = self._told
        moved = abs(account.equity - before.equity) > MATERIAL * max(abs(before.equity), 0.01)
        return moved or (not self._session.why_not_trading) != before.trade_allowed

    async def make(self) -> Profile | None:
        """The account as it is now; None where its terminal cannot tell."""
        as_of = self._as_of()  # before the look: what came until then is in what it shows
        account: AccountRow | None = (await self._session.call_soon("account_info")).value
        rows: tuple[PositionRow, ...] | None = (
            await self._session.call_soon("positions_get")
        ).value
        config = self._session.config
        if account is None or rows is None or account.login != config.login:
            return None
        await self._see(account)
        why_not = self._session.why_not_trading
        profile = Profile(
            user_id=self._user(),
            account=str(account.login),
            broker=self._terminals.broker or account.company,
            server=account.server,
            live=account.trade_mode == _REAL,
            currency=account.currency,
            balance=account.balance,
            equity=account.equity,
            margin_used=account.margin,
            margin_free=account.margin_free,
            risk=self._terminals.risk,
            preferences=self._terminals.preferences,
            positions=self._held(rows),
            as_of_sequence=as_of,
            day_start_equity=self._marks.day_start,
            peak_equity=self._marks.peak,
            trade_allowed=not why_not,
            why_not=why_not,
            limits_fingerprint=self._driver.desk.limits.fingerprint(),
        )
        return fitting(profile)

    async def _see(self, account: AccountRow) -> None:
        """On a thread: a mark that moves is synced to the disk."""
        await asyncio.to_thread(self._marks.see, account.equity, self._clock.now_ms())

    def _held(self, rows: tuple[PositionRow, ...]) -> tuple[HeldPosition, ...]:
        known = self._driver.desk.state.positions
        return tuple(
            HeldPosition(
                ticket=row.identifier,
                symbol=row.symbol,
                side=Side.BUY if row.type == TYPE_BUY else Side.SELL,
                volume=row.volume,
                price=row.price_open,
                price_now=row.price_current,
                stop_loss=row.sl,
                take_profit=row.tp,
                profit=row.profit,
                magic=row.magic,
                command_id=known[row.identifier].key if row.identifier in known else "",
            )
            for row in rows
        )
