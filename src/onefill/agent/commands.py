"""Commands from the gateway to the engine, in their order, and what is said of each: taken, known
before, or why not."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from onefill.contracts.messages import Ack, Command, Message, Result, Status, WireError
from onefill.contracts.refusals import FrameRefused
from onefill.contracts.results import result_of
from onefill.execution.drivers.live import LiveDriver
from onefill.execution.told import Acknowledged, KeyReused, Settled
from onefill.model.errors import OnefillError
from onefill.model.intent import OrderIntent, content_hash
from onefill.model.order import OrderState
from onefill.runtime.clock import Clock

WAITING_MOST = 20_000
"""Commands that wait for their turn; more are refused, and the gateway may send them again."""
TAKING_MOST = 2_048
"""Commands that are being taken (looked at, judged, recorded) at once."""
OWN = "agent:"
"""What the keys begin with of orders that the agent makes itself; no command may have one."""


def is_own(key: str) -> bool:
    """Whether an order is the agent's own, of which no gateway is told."""
    return key.startswith(OWN)


class Told(Protocol):
    """What of an order's results the gateway has."""

    def has_told(self, key: str) -> bool:
        """Whether every result of the order was acknowledged."""
        ...


@dataclass(slots=True)
class _Taking:
    """A command that is being taken, until it is answered."""

    content: bytes
    #: Whether it is known already, and how often it has come again meanwhile.
    repeat: bool
    again: int = 0


class Commands:
    """One account's commands. `reply` says something to the gateway, where there is one now."""

    def __init__(
        self,
        driver: LiveDriver,
        login: int,
        outbox: Told,
        reply: Callable[[Message], None],
        symbol: Callable[[OrderIntent, OrderState | None], Any],
        failed: Callable[[BaseException], None],
        clock: Clock,
    ) -> None:
        """`symbol` comes back with the intent under the broker's name of its symbol; `failed`
        hears of an engine that can go on no more."""
        self._driver = driver
        self._login = str(login)
        self._outbox = outbox
        self._reply = reply
        self._symbol = symbol
        self._failed = failed
        self._clock = clock
        self._waiting: deque[Command] = deque()
        self._taking: dict[str, _Taking] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._stopping = False

    def take(self, command: Command) -> None:
        """A command came."""
        key = command.intent.client_key
        why = self._why_not(command)
        if why is not None:
            self.refuse(key, *why)
        elif not self._stopping:  # else the gateway, which hears no acknowledgement, sends it again
            self._waiting.append(command)
            self._go_on()

    def refuse(self, key: str, code: str, sentence: str) -> None:
        """A command is not carried out: FAILED, unless an order has its key: that one's results are
        not to be mixed up with it."""
        if self._driver.desk.find(key) is not None or key in self._driver.desk.taking:
            self._reply(WireError(code, sentence, key))
            return
        self._reply(
            Result(
                command_id=key,
                status=Status.FAILED,
                error=f"{code}: {sentence}",
                at_ms=self._clock.now_ms(),
            )
        )

    def refused(self, frame: FrameRefused) -> None:
        """A frame could not be read."""
        if frame.code == "COMMAND_INVALID" and frame.id:
            self.refuse(frame.id, frame.code, frame.message)
        else:
            self._reply(WireError(frame.code, frame.message, frame.id))

    def hear(self, what: Any) -> None:
        """What the driver tells of orders, durable."""
        if isinstance(what, KeyReused):
            self._reused(what.key)
            self._answered(what.key)
        elif isinstance(what, Acknowledged | Settled) and what.order is not None:
            self._stands(what.order)

    def stop(self) -> None:
        """Take no more; those that wait are the gateway's to send again."""
        self._stopping = True
        self._waiting.clear()

    def _why_not(self, command: Command) -> tuple[str, str] | None:
        key, account = command.intent.client_key, command.account
        if account and account != self._login:
            return "ACCOUNT_UNKNOWN", f"this client holds account {self._login}, not {account!r}"
        if is_own(key):
            return "KEY_RESERVED", f"a command_id must not begin with {OWN!r}"
        if len(self._waiting) >= WAITING_MOST:
            return "AGENT_BUSY", f"{WAITING_MOST} commands wait already; it was not taken"
        return None

    def _go_on(self) -> None:
        while self._waiting and len(self._taking) < TAKING_MOST:
            intent = self._waiting.popleft().intent
            content = content_hash(intent)
            first = self._taking.get(intent.client_key)
            if first is not None and first.content == content:
                first.again += 1  # answered with the first one
                continue
            if first is not None:
                self._reused(intent.client_key)
                continue
            known = self._driver.desk.find(intent.client_key)
            self._taking[intent.client_key] = _Taking(content, known is not None)
            task = asyncio.create_task(self._carry_out(intent, known))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _carry_out(self, intent: OrderIntent, known: OrderState | None) -> None:
        try:
            await self._driver.execute(self._symbol(intent, known))
        except OnefillError as wrong:
            if wrong.code != "ENGINE_CLOSED":
                self._failed(wrong)
        finally:
            self._answered(intent.client_key)

    def _stands(self, order: OrderState) -> None:
        taking = self._taking.get(order.key)
        if taking is None:
            return  # it was answered before, or no command of this agent's life asked for it
        self._reply(Ack(order.key, duplicate=taking.repeat))
        for _ in range(taking.again):
            self._reply(Ack(order.key, duplicate=True))
        if taking.repeat and self._outbox.has_told(order.key):
            told = result_of(msgspec.structs.replace(order), sequence=0, at_ms=order_ms(order))
            if told is not None:
                self._reply(told)
        self._answered(order.key)

    def _reused(self, key: str) -> None:
        """An error, and no FAILED: that would be said of the command that had the id first."""
        self._reply(
            WireError(
                "KEY_REUSED",
                "the command_id was used before for another command; this one was not taken",
                key,
            )
        )

    def _answered(self, key: str) -> None:
        if self._taking.pop(key, None) is not None:
            self._go_on()


def order_ms(order: OrderState) -> int:
    """When an order became what it is, as far as it tells; Unix ms."""
    return order.filled_ms or order.submitted_ms or order.received_ms
