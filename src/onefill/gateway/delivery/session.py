"""One client's connection: its frames in, one after the other, and what is said back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Protocol

from starlette.types import Receive

from onefill.contracts.bare import Bare
from onefill.contracts.framing import Framing, parse_statuses
from onefill.contracts.messages import (
    Ack,
    ConfigUpdate,
    Heartbeat,
    Message,
    Profile,
    Result,
    WireError,
)
from onefill.contracts.refusals import FrameRefused
from onefill.gateway.delivery.allowance import Allowance
from onefill.gateway.delivery.closing import CloseCode
from onefill.gateway.delivery.counters import Counters
from onefill.gateway.delivery.outgoing import Outgoing
from onefill.gateway.delivery.settings import DeliverySettings
from onefill.gateway.identity.model import Account, Caller
from onefill.gateway.ports import Hears
from onefill.model.errors import OnefillError
from onefill.runtime.clock import Clock, steady_ms

_log = logging.getLogger(__name__)

#: After so many frames in a row the other connections get their turn.
_TURN = 64
REPLACED = WireError(
    "SESSION_REPLACED", "a newer connection holds the account; nothing from this one counts"
)
_CONFIG = "config/"
_MOST_CONFIGURED = 64
_NO_ACCOUNT = "say which account this is before anything else, by its profile"


class House(Protocol):
    """What a session needs of whoever keeps all of them."""

    hears: Hears
    clock: Clock
    settings: DeliverySettings
    counters: Counters

    async def profiled(self, session: Session, profile: Profile) -> None:
        """A profile came: whose it is, and whether this session holds that account now."""
        ...


class Session:
    """A connection that was admitted. `accounts` are those that it holds now, by journal name."""

    __slots__ = (
        "_allowance", "_bad", "_configured", "_hearing", "_house", "_lost", "_whose", "accounts",
        "caller", "framing", "heard_s", "out", "since_s",
    )  # fmt: skip

    def __init__(
        self, house: House, caller: Caller, framing: Framing, out: Outgoing, now_s: float
    ) -> None:
        self.caller = caller
        self.framing = framing
        self.out = out
        self.accounts: dict[str, Account] = {}
        #: When it connected, and when a frame came last, in the loop's seconds.
        self.since_s = self.heard_s = now_s
        self._house = house
        self._allowance = Allowance(
            house.settings.messages_per_s, house.settings.messages_at_once, now_s
        )
        self._bad = 0
        self._hearing: set[asyncio.Task[None]] = set()
        #: Accounts that a newer session took; None while there are none, as of the next.
        self._lost: set[str] | None = None
        #: Which account a command was for, where the client holds several.
        self._whose: dict[str, str] | None = None
        #: The ids of configurations that were told, and whose; an ack does not say for which.
        self._configured: list[tuple[str, str]] = []

    # What is said to the client.

    def say(self, message: Message, account: str = "") -> bool:
        """Queue a message; False where this framing has no words for it, or there is no room."""
        frame = self.framing.pack(message)
        return frame is not None and self.out.answer(frame, account)

    def note(self, account: str, key: str) -> bool:
        """Remember for which account a command goes out; False where another of this client's
        accounts has one of the same id, so that an answer could not be told apart."""
        if len(self.accounts) < 2:
            return True
        if self._whose is None:
            self._whose = {}
        if self._whose.setdefault(key, account) != account:
            return False
        if len(self._whose) > self._house.settings.queue_frames:
            del self._whose[next(iter(self._whose))]
        return True

    def configure(self, account: str, update: ConfigUpdate) -> bool:
        """Tell an account's configuration; its ack will be that account's."""
        if not self.say(update, account):
            return False
        self._configured.append((f"{_CONFIG}{update.version}", account))
        del self._configured[:-_MOST_CONFIGURED]
        return True

    def hold(self, account: Account) -> None:
        """The account is this client's from now on, or was changed."""
        self.accounts[account.id] = account
        if account.statuses and isinstance(self.framing, Bare):
            self.framing = self.framing.with_statuses(parse_statuses(account.statuses))

    def lose(self, account: str) -> None:
        """A newer session holds the account: what waits for it here is not sent any more."""
        self.accounts.pop(account, None)
        self._lost = (self._lost or set()) | {account}
        self.out.drop(account)
        self.say(REPLACED)
        if not self.accounts:
            self.out.close(CloseCode.REPLACED, REPLACED.message)

    def shut_out(self, sentence: str) -> None:
        """Its token is no longer good: nothing that waits is sent."""
        for account in self.accounts:
            self.out.drop(account)
        self.out.close(CloseCode.UNAUTHORIZED, sentence)

    def has_lost(self, account: str) -> bool:
        """Whether a newer session took it from this one."""
        return self._lost is not None and account in self._lost

    # What comes from it.

    async def run(self, receive: Receive) -> None:
        """Take frames until the client is gone, or is to go."""
        loop = asyncio.get_running_loop()
        counters = self._house.counters
        taken = 0
        while not self.out.ending:
            event = await receive()
            if event["type"] == "websocket.disconnect" or self.out.ending:
                break
            self.heard_s = loop.time()
            counters.frames_in += 1
            frame: bytes | None = event.get("bytes")
            if frame is None:
                self.out.close(CloseCode.TEXT, "messages are binary here; this one is text")
            elif not self._allowance.take(self.heard_s):
                most = self._house.settings.messages_per_s
                self.out.close(CloseCode.TOO_FAST, f"more than {most:g} messages a second")
            else:
                await self._take(frame)
            taken += 1
            if not taken % _TURN:
                await asyncio.sleep(0)
        await self.settled()
        await self.out.written()

    async def settled(self) -> None:
        """Wait until all that came before was heard."""
        if self._hearing:
            await asyncio.wait(self._hearing)

    async def _take(self, frame: bytes) -> None:
        try:
            message = self.framing.unpack(frame)
        except FrameRefused as refused:
            self._reject(refused.code, refused.message, refused.id)
            in_doubt = refused.code == "RESULT_INVALID" and refused.id  # what became of an order
            if self.accounts and (in_doubt or not self.framing.enveloped):
                # A bare client is never told: somebody else must hear of it.
                await self._begin(
                    self._warned(WireError(refused.code, refused.message, refused.id))
                )
            return
        match message:
            case None:
                pass  # a newer client's; what it says is not for this gateway
            case Heartbeat():
                self._beat(message)
            case Result():
                await self._begin(self._result(message))
            case Ack():
                await self._begin(self._acknowledged(message))
            case WireError():
                await self._begin(self._warned(message))
            case Profile():
                # Results before it must be counted in before it is believed.
                await self.settled()
                await self._house.profiled(self, message)
            case _:
                kind = type(message).__name__
                self._reject("NOT_FOR_GATEWAY", f"a client does not send {kind} here")

    def _reject(self, code: str, sentence: str, about: str = "") -> None:
        """A frame that makes no sense; too many of them end the connection."""
        self.refuse(code, sentence, about)
        self._bad += 1
        if self._bad >= self._house.settings.bad_frames:
            self.out.close(CloseCode.MALFORMED, sentence)

    def refuse(self, code: str, sentence: str, about: str = "") -> None:
        """Answer a frame with an error, where the framing can say one."""
        self._house.counters.rejected[code] += 1
        self.say(WireError(code, sentence, about))

    def _beat(self, beat: Heartbeat) -> None:
        """Contact counts only where the client can know of it. The answer tells our clock."""
        if self.say(Heartbeat(beat.sent_at_ms, self._house.clock.now_ms())):
            now_ms = steady_ms()
            for account in self.accounts.values():
                self._house.hears.contact(account, now_ms)

    async def _begin(self, hearing: Coroutine[object, object, None]) -> None:
        """Let it be heard beside others, so that they share a commit. Tasks begin in the order in
        which they are made, so the desk is asked in the order of the frames."""
        task = asyncio.get_running_loop().create_task(hearing)
        self._hearing.add(task)
        task.add_done_callback(self._heard)
        if len(self._hearing) >= self._house.settings.hearing:
            await asyncio.wait(self._hearing, return_when=asyncio.FIRST_COMPLETED)

    def _heard(self, task: asyncio.Task[None]) -> None:
        self._hearing.discard(task)
        if not task.cancelled() and (trouble := task.exception()):
            # Not acknowledged, so the client sends it again once it is back.
            _log.error("a client's message could not be heard", exc_info=trouble)
            self.out.close(CloseCode.FAILED, "the gateway could not take a message; send it again")

    def _meant(self, key: str) -> list[Account]:
        """The accounts that an answer may be about: one, unless nobody can know."""
        accounts = list(self.accounts.values())
        if len(accounts) > 1 and self._whose is not None and key in self._whose:
            return [each for each in accounts if each.id == self._whose[key]]
        return accounts

    async def _result(self, result: Result) -> None:
        about = result.command_id
        meant = self._meant(about)
        if not meant:
            self._orphan(about)
        unknown: OnefillError | None = None
        for account in meant:
            if account.id not in self.accounts:
                continue
            try:
                ack = await self._house.hears.heard(account, result)
            except OnefillError as refused:
                unknown = refused
                if refused.code == "COMMAND_UNKNOWN":
                    continue
                break
            self.say(ack)
            return
        if unknown is not None:
            self.refuse(unknown.code, unknown.message, about)

    async def _acknowledged(self, ack: Ack) -> None:
        if ack.id.startswith(_CONFIG):
            # The client answers in the order in which it was told.
            for key, name in self._configured:
                if key == ack.id:
                    self._configured.remove((key, name))
                    if name in self.accounts:
                        await self._house.hears.acknowledged(self.accounts[name], ack)
                    return
            return
        await self._each(ack.id, lambda account: self._house.hears.acknowledged(account, ack))

    async def _warned(self, error: WireError) -> None:
        await self._each(error.id, lambda account: self._house.hears.warned(account, error))

    async def _each(
        self, key: str, tell: Callable[[Account], Coroutine[object, object, None]]
    ) -> None:
        meant = self._meant(key)
        if not meant:
            self._orphan(key)
        for account in meant:
            if account.id in self.accounts:
                await tell(account)

    def _orphan(self, about: str) -> None:
        """Something of a client that holds no account: not yet, or no longer."""
        if self._lost:
            self.refuse(REPLACED.code, REPLACED.message, about)
        else:
            self._reject("ACCOUNT_MISSING", _NO_ACCOUNT, about)
