"""An account on a bench: orders brought where a test wants them by folding the events of their
life, and broker's rows to hold against them."""

from __future__ import annotations

from typing import Any

from onefill.execution.config import ExecutionConfig
from onefill.execution.desk import Desk
from onefill.model.account import AccountState
from onefill.model.events import Accepted, Event, Moved, Sending
from onefill.model.fold import apply, order_of
from onefill.model.intent import Action, OrderIntent, Side, content_hash, intent_id, token_of
from onefill.model.order import OrderState
from onefill.model.resolved import BrokerRequest, Reservation, ResolvedOrder
from onefill.model.states import State
from onefill.model.symbol import Symbol
from onefill.model.volume import to_e8, to_lots
from onefill.risk.limits import Limits, load_limits
from onefill.runtime.clock import VirtualClock
from onefill.terminal import port
from onefill.terminal.port import DealRow, OrderRow, PositionRow, Ready

T0 = 1_772_409_600_000

EURUSD = Symbol(
    name="EURUSD",
    digits=5,
    contract_size=100_000.0,
    volume_min_e8=to_e8(0.01),
    volume_max_e8=to_e8(100),
    volume_step_e8=to_e8(0.01),
    base="EUR",
    profit="USD",
    margin="EUR",
)


class Bench:
    """A desk whose account is made of the events that a test applies."""

    def __init__(self, limits: Limits | None = None, config: ExecutionConfig | None = None) -> None:
        self.state = AccountState(account="a")
        self.records: list[tuple[int, int, Event]] = []
        self.clock = VirtualClock(T0)
        self.desk = Desk(
            tenant="t",
            account="a",
            login=1,
            server="s",
            state=self.state,
            find=self.find,
            limits=limits or load_limits(None),
            clock=self.clock,
            epoch=1,
            config=config or ExecutionConfig(),
            symbols={"EURUSD": EURUSD},
        )

    def apply(self, *events: Event) -> None:
        """Take events in, as a commit would."""
        for event in events:
            number = len(self.records) + 1
            self.records.append((number, self.clock.now_ms(), event))
            apply(self.state, event, number, self.clock.now_ms())

    def find(self, key: str) -> OrderState | None:
        """The inbox: live, or folded again from its own records."""
        live = self.state.orders.get(key)
        return live or order_of(r for r in self.records if _speaks_of(r[2], key))

    def accepted(
        self, key: str, lots: float = 0.1, intent: dict[str, Any] | None = None, **order: Any
    ) -> OrderState:
        """A market buy of EURUSD, or what the arguments make of it, ACCEPTED."""
        asked = OrderIntent(
            **{
                "client_key": key,
                "action": Action.OPEN,
                "symbol": "EURUSD",
                "side": Side.BUY,
                "volume": lots,
                **(intent or {}),
            }
        )
        resolved = ResolvedOrder(
            **{
                "action": asked.action,
                "symbol": "EURUSD",
                "volume_e8": to_e8(lots),
                "requested_price": 1.1,
                "pip_points": 10,
                "digits": 5,
                **order,
            }
        )
        held = None
        if asked.action is Action.OPEN:
            held = Reservation("EURUSD", resolved.side, to_e8(lots), 1_000_000, 10_000)
        self.apply(
            Accepted(
                key=key,
                intent_id=intent_id("t", "a", key),
                content=content_hash(asked),
                intent=asked,
                order=resolved,
                reservation=held,
            )
        )
        return self.state.orders[key]

    def sending(self, key: str, *, baseline: int = 100, **order: Any) -> OrderState:
        """The same, SENDING with the request that asks for it."""
        found = self.accepted(key, **order)
        resolved = found.order
        assert resolved is not None
        request = BrokerRequest(
            action=order.get("request_action", port.ACTION_DEAL),
            symbol=resolved.symbol,
            magic=found.intent.magic,
            volume=to_lots(resolved.volume_e8),
            type=0 if resolved.side is Side.BUY else 1,
            position=resolved.position_ticket,
            comment=token_of(found.intent_id),
        )
        self.apply(
            Sending(
                key=key,
                attempt=1,
                epoch=1,
                server_ms=self.clock.now_ms(),
                baseline_ticket=baseline,
                request=request,
            )
        )
        return found

    def moved(self, key: str, to: State, **more: Any) -> OrderState:
        """One step of an order's life; the order, live or over."""
        self.apply(Moved(key=key, to=to, **more))
        found = self.find(key)
        assert found is not None
        return found


def _speaks_of(event: Event, key: str) -> bool:
    return getattr(event, "key", None) == key


def order_row(ticket: int = 101, **over: Any) -> OrderRow:
    """A finished buy of 0.1 lots of EURUSD, filled, unless told otherwise."""
    row: dict[str, Any] = {
        "ticket": ticket,
        "symbol": "EURUSD",
        "type": port.TYPE_BUY,
        "state": port.STATE_FILLED,
        "magic": 0,
        "volume_initial": 0.1,
        "volume_current": 0.0,
        "price_open": 1.1,
        "sl": 0.0,
        "tp": 0.0,
        "price_stoplimit": 0.0,
        "comment": "",
        "setup_ms": T0,
        **over,
    }
    return OrderRow(**row)


def deal_row(ticket: int = 201, order: int = 101, **over: Any) -> DealRow:
    """A deal of 0.1 lots that opens position 101, unless told otherwise."""
    row: dict[str, Any] = {
        "ticket": ticket,
        "order": order,
        "position_id": 101,
        "symbol": "EURUSD",
        "type": 0,
        "entry": port.ENTRY_IN,
        "magic": 0,
        "reason": port.REASON_EXPERT,
        "volume": 0.1,
        "price": 1.1,
        "profit": 0.0,
        "commission": 0.0,
        "swap": 0.0,
        "fee": 0.0,
        "comment": "",
        "time_ms": T0,
        **over,
    }
    return DealRow(**row)


def position_row(ticket: int = 101, **over: Any) -> PositionRow:
    """An open buy of 0.1 lots, unless told otherwise."""
    row: dict[str, Any] = {
        "ticket": ticket,
        "identifier": ticket,
        "symbol": "EURUSD",
        "type": 0,
        "magic": 0,
        "volume": 0.1,
        "price_open": 1.1,
        "price_current": 1.1,
        "sl": 0.0,
        "tp": 0.0,
        "profit": 0.0,
        "swap": 0.0,
        "comment": "",
        "time_ms": T0,
        "update_ms": T0,
        **over,
    }
    return PositionRow(**row)


READY = Ready(
    connected=True,
    trade_allowed=True,
    synchronised=True,
    login=1,
    server="s",
    server_ms=T0,
    last_ticket=100,
)
