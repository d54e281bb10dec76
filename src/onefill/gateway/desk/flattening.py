"""Closing all that a halt with `flatten` covers, round by round, until the client shows nothing.

What is done next follows from the directory's halts, the journal (each round has a key of its own)
and the newest profile; so a restart goes on where it was.
"""

from __future__ import annotations

from collections import Counter
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
from onefill.model.order import OTHERS_LEFT, TARGET_CLOSED, OrderState
from onefill.model.states import State
from onefill.model.wording import counted
from onefill.risk.at_gateway_reasons import GatewayCode

_NOT_KNOWN = "their client does not know them"
_A_PERSON = "a person must close them at the broker"
_ENDED_WELL = (State.FILLED, State.DONE)
MOST_COMMANDS = 10_000
"""How many commands one halt gives an account before a person must look."""
REFUSALS = 3
"""So often a client must say that it does not know a position: it may come to know it."""
AGAIN_MS = 60_000
"""After this long it is asked again."""


class _Progress:
    """Of one account under one halt."""

    def __init__(self) -> None:
        self.commands = 0
        self.began_ms = 0
        #: Of the last round.
        self.keys: list[str] = []
        #: What their ends say was taken in.
        self.learned = False
        #: The client has no words for closing all at once.
        self.one_by_one = False
        #: A close_all left alone what is not ours: that is closed position by position.
        self.foreign_too = False
        self.flat = False
        #: How often the client said that it does not know a position, by tickets.
        self.refused: Counter[int] = Counter()
        #: Why nothing more is tried; empty where something is.
        self.given_up = ""

    def learn(self, order: OrderState | None) -> None:
        """What the end of one of its commands says."""
        if order is None:
            return
        self.one_by_one |= order.code == GatewayCode.NOT_EXPRESSIBLE
        self.foreign_too |= order.code == OTHERS_LEFT
        if order.code == TARGET_CLOSED and order.intent.target_ticket:
            self.refused[order.intent.target_ticket] += 1

    def is_beyond(self, position: HeldPosition) -> bool:
        """Whether the client does not know a position, as far as anybody can tell."""
        return self.refused[position.ticket] >= REFUSALS and not position.command_id


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
        found = []
        for (id, account), one in self._progress.items():
            if id != halt.id:
                continue
            book = self._ledger.book(account)
            held = _open(book, halt)
            found.append(
                Flattening(
                    halt=id,
                    account=account,
                    commands=one.commands,
                    positions=None if held is None else len(held),
                    foreign=len(_foreign(held)),
                    flat=one.flat,
                    why="" if one.flat else self._why(book, one),
                )
            )
        return found

    def _step(self, book: Book, halt: Halt) -> None:
        progress = self._progress.get((halt.id, book.id))
        if progress is None:
            progress = self._progress[halt.id, book.id] = _Progress()
            self._take_up(book, halt, progress)
        if any(key in book.state.orders for key in progress.keys):
            return  # a round is under way; its results come back here
        for key in [] if progress.learned else progress.keys:
            progress.learn(self._ledger.find(book, key))
        progress.learned = True
        held = _open(book, halt)
        told_ms = book.told.at_ms if book.told is not None else 0
        if held is not None and not held and told_ms > max(progress.began_ms, halt.at_ms):
            self._flat(book, halt, progress)
            return
        progress.flat = False
        now_ms, again_ms = self._ledger.now_ms(), progress.began_ms + AGAIN_MS
        beyond = bool(held) and all(map(progress.is_beyond, held or ()))
        if beyond and told_ms > progress.began_ms and now_ms < again_ms:
            self._give_up(book, halt, progress, _NOT_KNOWN)
            self._timers.at(again_ms, partial(self.go_on, book))
            return
        if progress.began_ms and now_ms < progress.began_ms + self._settings.flatten_every_ms:
            return  # the profile may be older than the closes
        if progress.commands >= MOST_COMMANDS:
            self._give_up(book, halt, progress, "nothing more is tried")
        elif self._dispatch.reaches(book):
            # What a close_all left is none that its agent opened, or even knows of.
            progress.foreign_too |= bool(_foreign(held)) and told_ms > progress.began_ms > 0
            if not beyond:
                progress.given_up = ""
            known = [one for one in held if not progress.is_beyond(one)] if held else held
            self._round(book, halt, progress, held if beyond else known)
            again_ms = now_ms + self._settings.flatten_every_ms
            self._timers.at(again_ms, partial(self.go_on, book))

    def _give_up(self, book: Book, halt: Halt, progress: _Progress, why: str) -> None:
        if progress.given_up == why:
            return
        progress.given_up = why
        left = _left(_open(book, halt)) or "not told how many open"
        tries = counted(progress.commands, "command")
        message = (
            f"account {book.name} is not flat after {tries} ({told_halt(halt)}): {left}; {why}: "
            f"{_A_PERSON}"
        )
        self._ledger.alert(book, "NOT_FLAT", message, level="critical")

    def _why(self, book: Book, progress: _Progress) -> str:
        """Why what was tried last did not close all of it."""
        if progress.given_up:
            return f"{progress.given_up}: {_A_PERSON}"
        if not self._dispatch.reaches(book):
            return "its client is away"
        for key in progress.keys:
            order = self._ledger.find(book, key)
            if order is not None and order.is_final and order.state not in _ENDED_WELL:
                return ": ".join(filter(None, (order.code, order.message))) or order.state.value
        return ""

    def _round(
        self, book: Book, halt: Halt, progress: _Progress, held: list[HeldPosition] | None
    ) -> None:
        """One command for everything, and one for each position that this leaves alone, or where
        that cannot be said."""
        progress.began_ms = self._ledger.now_ms()
        at_once = halt.strategy is None or (held is None and _strategy_can_be_named(book, halt))
        if at_once and not progress.one_by_one:
            magic = halt.strategy or 0
            foreign = _foreign(held) if progress.foreign_too else []
            intents = [_close(position) for position in foreign]
            if held is None or len(foreign) < len(held):
                intents.append(OrderIntent(client_key="", action=Action.CLOSE_ALL, magic=magic))
        else:  # without a profile nobody knows what to close
            intents = [_close(position) for position in held or ()]
        progress.keys, progress.learned = [], False
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
            progress.learn(order)
            if not order.is_final:
                progress.keys.append(key)

    def _flat(self, book: Book, halt: Halt, progress: _Progress) -> None:
        if progress.flat:
            return
        progress.flat, progress.given_up = True, ""
        after = counted(progress.commands, "command")
        message = f"account {book.name} is flat after {after} ({told_halt(halt)})"
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


def _foreign(held: list[HeldPosition] | None) -> list[HeldPosition]:
    """Those that no order of ours opened."""
    return [position for position in held or () if not position.command_id]


def _left(held: list[HeldPosition] | None) -> str:
    if not held:
        return ""
    foreign = len(_foreign(held))
    told = f"{counted(len(held), 'position')} open"
    return f"{told}, {foreign} of them not opened by Onefill" if foreign else told
