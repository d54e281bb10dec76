"""What the REST door asks of the desk, of identity and of delivery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from onefill.contracts.messages import HeldPosition
from onefill.gateway.desk.kill_report import Flattening, KillReport
from onefill.gateway.identity.model import Caller
from onefill.gateway.ports import Decision
from onefill.model.halt import Halt
from onefill.model.order import OrderState
from onefill.model.states import State


class Desk(Protocol):
    """Decisions, orders and halts. What it returns is durable. Accounts are given by their journal
    names (`..._id`) or by their `mt5_account`. Raises `OnefillError` for what a caller can mend."""

    async def decide(self, caller: Caller, decision: Decision) -> OrderState:
        """Take a decision; the order as it stands then. Raises `KEY_REUSED`, `ACCOUNT_UNKNOWN`."""
        ...

    async def outcome(self, account_id: str, key: str, timeout_s: float) -> OrderState:
        """The order once it is settled, or as it stands after so long."""
        ...

    async def cancel(self, caller: Caller, account: str, key: str) -> OrderState:
        """Take an order back, or have its pending order removed; the order as it stands then."""
        ...

    async def settle(
        self, caller: Caller, account: str, key: str, to: State, why: str, ticket: int = 0
    ) -> OrderState:
        """A person's decision about an order whose outcome is in doubt. Raises `NOT_IN_DOUBT`,
        `NOT_AN_OUTCOME`, `TICKET_MISSING`."""
        ...

    def positions(self, account_id: str) -> tuple[HeldPosition, ...] | None:
        """Open positions, as the client last told; None: it told none."""
        ...

    async def kill(self, halt: Halt) -> KillReport:
        """Halt, durably; comes back once each client confirmed, or its lease ran out, or it could
        not be reached. A halt in force is looked at anew."""
        ...

    def flattening(self, halt: Halt) -> list[Flattening]:
        """How far each account is from flat under a halt that flattens."""
        ...

    async def resume(self, id: str, by: str, reason: str) -> None:
        """A person ends a halt, and says why; durable on return. Raises `HALT_UNKNOWN`."""
        ...


class Standing(Protocol):
    """Whether and how the gateway goes."""

    def problems(self) -> list[str]:
        """Why it takes no decisions now; empty: it does."""
        ...

    def gauges(self) -> Mapping[str, float]:
        """Numbers of the moment, by name (for `/metrics`)."""
        ...

    def counters(self) -> Mapping[str, float]:
        """Numbers that only rise while the gateway runs, by name without `_total`."""
        ...

    def connected(self, account_id: str) -> bool:
        """Whether the account's client is connected."""
        ...


class Issued(msgspec.Struct, frozen=True):
    """Something that opens a door for a while."""

    text: str
    expires_ms: int


class Issues(Protocol):
    """Who makes access tokens and tickets."""

    def access_token(self, caller: Caller) -> Issued:
        """A short-lived access token with the caller's rights."""
        ...

    def ticket(self, caller: Caller) -> Issued:
        """A one-use ticket for a WebSocket handshake."""
        ...
