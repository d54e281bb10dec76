"""From the inside to the wire: orders, records, positions and halts as the REST door tells them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from onefill.contracts import rest
from onefill.contracts.messages import HeldPosition
from onefill.execution.report import answer
from onefill.gateway.desk.kill_report import Flattening
from onefill.gateway.identity.model import Account
from onefill.journal.record import Record
from onefill.model.events import key_of
from onefill.model.halt import Halt
from onefill.model.intent import OrderType
from onefill.model.order import OrderState
from onefill.model.states import State

#: Somebody still works on it: its outcome is not known yet.
UNDER_WAY = frozenset({State.RECEIVED, State.ACCEPTED, State.SENDING, State.UNKNOWN})
#: Parts of events that are the engine's own.
_INTERNAL = ("content", "repeat", "repeat_window_ms", "reservation", "request", "key", "type")


def order_told(name: str, order: OrderState) -> rest.Order:
    """An order of the account `name`."""
    told = answer(order)
    intent, why = order.intent, told.reason
    return rest.Order(
        mt5_account=name,
        client_key=order.key,
        intent_id=order.intent_id,
        status=order.state,
        reason=None if why is None else rest.Reason(why.code, why.message),
        user_id=intent.user_id,
        action=intent.action,
        symbol=intent.symbol,
        side=intent.side,
        target=intent.target or "",
        target_ticket=intent.target_ticket or intent.target_order,
        order_type=intent.order_type,
        volume=intent.volume,
        units=intent.units,
        price=intent.price,
        stop_limit_price=intent.stop_limit_price,
        stop_loss=intent.stop_loss,
        take_profit=intent.take_profit,
        deviation=intent.deviation,
        magic=intent.magic,
        comment=intent.comment,
        confidence_score=intent.confidence,
        decision_reason=intent.reason,
        correlation_id=intent.correlation_id,
        expires_at_ms=intent.expires_at_ms,
        expiration_ms=intent.expiration_ms or None,
        order_ticket=told.order_ticket,
        position_ticket=told.position_ticket,
        requested_price=told.requested_price or _named_price(order),
        fill_price=told.fill_price,
        filled_volume=told.filled_volume,
        slippage_pips=told.slippage_pips,
        attempts=told.attempts,
        late=order.late,
        by=order.by,
        received_at_ms=told.received_at_ms,
        submitted_at_ms=told.submitted_at_ms,
        filled_at_ms=told.filled_at_ms,
    )


def _named_price(order: OrderState) -> float | None:
    """The price that a deal of the order was asked for at, where the order says one."""
    intent = order.intent
    if not order.makes_deals:
        return None
    stop_limit = intent.order_type is OrderType.STOP_LIMIT
    return (intent.stop_limit_price if stop_limit else intent.price) or None


def event_told(record: Record) -> rest.OrderEvent:
    """A record; its account's name is what follows the tenant's."""
    event = record.event
    detail: dict[str, Any] = msgspec.to_builtins(event)
    for name in _INTERNAL:
        detail.pop(name, None)
    return rest.OrderEvent(
        seq=record.seq,
        at_ms=record.at_ms,
        mt5_account=record.account.partition("/")[2],
        type=str(event.__struct_config__.tag),
        client_key=key_of(event),
        detail=detail,
    )


def position_told(name: str, held: HeldPosition) -> rest.Position:
    """A position of the account `name`."""
    fields = msgspec.structs.asdict(held)
    return rest.Position(mt5_account=name, client_key=fields.pop("command_id"), **fields)


def account_told(account: Account, connected: bool | None) -> rest.AccountTold:
    """An account."""
    return rest.AccountTold(
        mt5_account=account.name,
        user_id=account.user,
        server=account.server,
        broker=account.broker,
        live=account.live,
        standing=str(account.standing),
        connected=connected,
    )


def name_told(account_id: str, tenant: str) -> str:
    """An account's name; another tenant's comes with the tenant's."""
    owner, _, name = account_id.partition("/")
    return name if owner == tenant else account_id


def halt_told(halt: Halt, flattening: Iterable[Flattening] = (), tenant: str = "") -> rest.Halted:
    """A halt, and what is told to a tenant of its flattening."""
    return rest.Halted(
        id=halt.id,
        scope=halt.scope,
        mt5_account=halt.account,
        strategy=halt.strategy,
        reason=halt.reason,
        by=halt.by,
        at_ms=halt.at_ms,
        flatten=halt.flatten,
        flattening=[
            rest.Flattened(
                mt5_account=name_told(one.account, tenant),
                positions=one.positions,
                flat=one.flat,
                foreign=one.foreign,
                why=one.why,
            )
            for one in flattening
        ],
    )
