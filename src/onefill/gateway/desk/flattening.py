"""Closing all that a halt with `flatten` covers, round by round, until the client shows nothing.

What is done next follows from the directory's halts, the journal (each round has a key of its own)
and the newest profile; so a restart goes on where it was.
"""

from __future__ import annotations

from functools import partial

import msgspec

from onefill.contracts.messages import HeldPosition
from onefill.gateway.desk.book import Book
from onefill.gateway.desk.dispatch import Dispatch
from onefill.gateway.desk.intake import OWN_KEYS
from onefill.gateway.desk.judging import told_halt
from onefill.gateway.desk.kill_report import Flattening
from onefill.gateway.desk.ledger import Ledger
from onefill.gateway.desk.reach import concerns
from onefill.gateway.desk.settings import DeskSettings
from onefill.gateway.desk.timers import Timers
from onefill.gateway.ports import Directory
from onefill.model.halt import Halt
from onefill.model.intent import Action, OrderIntent
from onefill.model.order import OTHERS_LEFT
from onefill.risk.at_gateway_reasons import GatewayCode

#: After a close_all that ended so, every position that the profile shows is closed by its ticket.
_ONE_BY_ONE = (GatewayCode.NOT_EXPRESSIBLE, OTHERS_LEFT)
MOST_COMMANDS = 10_000
"""How many commands one halt gives an account before a person must look."""


class _Progress:
    """Of one account under one halt."""

    def __init__(self) -> None:
        self.commands = 0
        self.began_ms = 0
        #: Of the last round.
        self.keys: list[str] = []
        #: The client has no words for closing all at once, or left alone what is not ours.
        self.one_by_one = False
        self.flat = False


class Flattener:
    """`go_on` does the next step of an account's flattenings, where one is due."""

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        dispatch: Dispatch,
        timers: Timers,
        settings: DeskSettings,
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._dispatch = dispatch
        self._timers = timers
        self._settings = settings
        self._progress: dict[tuple[str, str], _Progress] = {}

    def go_on(self, book: Book) -> None:
        """Look at what the account still holds under each halt that flattens."""
        for halt in self._directory.halts():
            if halt.flatten and concerns(halt, book):
                self._step(book, halt)

    def told(self, halt: Halt) -> list[Flattening]:
        """How far each account is."""
        return [
            Flattening(
                halt=id,
                account=account,
                commands=one.commands,
                positions=_count(_open(self._ledger.book(account), halt)),
                flat=one.flat,
            )
            for (id, account), one in self._progress.items()
            if id == halt.id
        ]

    def _step(self, book: Book, halt: Halt) -> None:
        progress = self._progress.get((halt.id, book.id))
        if progress is None:
            progress = self._progress[halt.id, book.id] = _Progress()
            self._take_up(book, halt, progress)
        if any(key in book.state.orders for key in progress.keys):
            return  # a round is under way; its results come back here
        held = _open(book, halt)
        told_ms = book.told.at_ms if book.told is not None else 0
        if held is not None and not held and told_ms > max(progress.began_ms, halt.at_ms):
            self._flat(book, halt, progress)
            return
        progress.flat = False
        now_ms = self._ledger.now_ms()
        if progress.began_ms and now_ms < progress.began_ms + self._settings.flatten_every_ms:
            return  # the profile may be older than the closes
        if self._dispatch.reaches(book) and progress.commands < MOST_COMMANDS:
            self._round(book, halt, progress, held)
            again_ms = now_ms + self._settings.flatten_every_ms
            self._timers.at(again_ms, partial(self.go_on, book))

    def _round(
        self, book: Book, halt: Halt, progress: _Progress, held: list[HeldPosition] | None
    ) -> None:
        """One command for everything; one for each position where that cannot be said."""
        for key in progress.keys:
            before = self._ledger.find(book, key)
            if before is not None and before.code in _ONE_BY_ONE:
                progress.one_by_one = True
        progress.began_ms = self._ledger.now_ms()
        at_once = halt.strategy is None or (held is None and _strategy_can_be_named(book, halt))
        if at_once and not progress.one_by_one:
            magic = halt.strategy or 0
            intents = [OrderIntent(client_key="", action=Action.CLOSE_ALL, magic=magic)]
        else:  # without a profile nobody knows what to close
            intents = [_close(position) for position in held or ()]
        progress.keys = []
        for intent in intents:
            progress.commands += 1
            key = _key(halt, progress.commands)
            progress.keys.append(key)
            self._dispatch.issue(book, msgspec.structs.replace(intent, client_key=key))

    def _take_up(self, book: Book, halt: Halt, progress: _Progress) -> None:
        """The commands that the journal knows of; a round that is under way goes on."""
        while progress.commands < MOST_COMMANDS:
            key = _key(halt, progress.commands + 1)
            order = self._ledger.find(book, key)
            if order is None:
                return
            progress.commands += 1
            progress.one_by_one |= order.code in _ONE_BY_ONE
            if not order.is_final:
                progress.keys.append(key)

    def _flat(self, book: Book, halt: Halt, progress: _Progress) -> None:
        if progress.flat:
            return
        progress.flat = True
        message = (
            f"account {book.name} is flat after {progress.commands} commands ({told_halt(halt)})"
        )
        self._ledger.alert(book, "FLAT", message)


def _open(book: Book, halt: Halt) -> list[HeldPosition] | None:
    """What the profile shows open of what the halt covers; None: it does not say."""
    profile = book.profile
    if profile is None or profile.positions is None:
        return None
    return [
        position
        for position in profile.positions
        if halt.strategy is None or position.magic == halt.strategy
    ]


def _strategy_can_be_named(book: Book, halt: Halt) -> bool:
    """Whether a close_all is to close a strategy's positions, which are too many to be listed: a
    magic number of 0 names none."""
    return bool(halt.strategy and book.told is not None and book.told.untold)


def _close(position: HeldPosition) -> OrderIntent:
    return OrderIntent(
        client_key="",
        action=Action.CLOSE,
        symbol=position.symbol,
        side=position.side,
        target_ticket=position.ticket,
        magic=position.magic,
    )


def _key(halt: Halt, n: int) -> str:
    return f"{OWN_KEYS}{halt.id}-{n}"


def _count(held: list[HeldPosition] | None) -> int | None:
    return None if held is None else len(held)
