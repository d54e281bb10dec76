"""Steps 1 and 2 of the protocol: the inbox, then risk, reservation and acceptance in one commit."""

from __future__ import annotations

import msgspec

from onefill.execution.breach import consequences, loss_marks, moved, tell_alerts
from onefill.execution.children import resolve_close_all
from onefill.execution.denial import Refused, target_not_open, unknown_symbol
from onefill.execution.desk import Desk
from onefill.execution.effects import Commit, Sleep, Steps, Tell, Until
from onefill.execution.gate import stopped
from onefill.execution.looking import look
from onefill.execution.pipeline import carry_out
from onefill.execution.resolve import (
    resolve_cancel,
    resolve_close,
    resolve_modify_order,
    resolve_modify_position,
    resolve_open,
)
from onefill.execution.target import (
    magics,
    pending_meant,
    position_meant,
    settled_target,
    target_meant,
)
from onefill.execution.told import Acknowledged, KeyReused, Settled
from onefill.model.account import Position
from onefill.model.events import Accepted, Denied, Event
from onefill.model.intent import Action, OrderIntent, content_hash, intent_id, is_child_key
from onefill.model.market import MarketView
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.model.symbol import Symbol
from onefill.risk.approved import RiskApproved
from onefill.risk.review import review
from onefill.terminal.port import NO_WORKER, WORKER_DIED, OrderRow, PositionRow, Reply

_NOT_FOUND = -4
"""MT5's error where it has no such symbol."""

_NO_WORKER = (NO_WORKER, WORKER_DIED)
_WORKER_RETRY_MS = 200


def take(desk: Desk, intent: OrderIntent) -> Steps:
    """An order from the door to its end: new ones are carried out, known ones answered."""
    key = intent.client_key
    if key in desk.taking:
        yield Until(lambda _: key not in desk.taking)
    known = desk.find(key)
    if known is not None:
        yield from _answer_known(known, intent)
        return
    desk.taking[key] = desk.turns[key] = None
    desk.note_expiry(intent)
    try:
        try:
            accepted = yield from _accept(desk, intent)
        finally:
            desk.taking.pop(key, None)
            desk.turns.pop(key, None)
        if accepted:
            yield from carry_out(desk, desk.state.orders[key])
    finally:
        desk.expiries.pop(key, None)


def _answer_known(known: OrderState, intent: OrderIntent) -> Steps:
    """The inbox: the same content gets the stored result, other content is refused.

    What is told is how the order stands now, once that is durable.
    """
    stands = msgspec.structs.replace(known)
    yield Commit((), "repeat")
    if same_content(stands, intent):
        yield Tell(Settled(stands) if stands.is_final else Acknowledged(stands), "repeat")
    else:
        yield Tell(KeyReused(intent.client_key), "key_reused")


def same_content(known: OrderState, intent: OrderIntent) -> bool:
    """Whether a key comes again with what it came with before."""
    return known.content == content_hash(intent)


def _accept(desk: Desk, intent: OrderIntent) -> Steps:
    """Resolve, review and record; True where the order was accepted.

    Orders come here in turn. Nothing is yielded between the review and the commit, so that
    approving and reserving are one.
    """
    identity = intent_id(desk.tenant, desk.account, intent.client_key)
    content = content_hash(intent)
    key = intent.client_key
    seen: tuple[Event, ...] = ()
    after: tuple[Event, ...] = ()
    if next(iter(desk.turns)) != key:
        yield Until(lambda _: next(iter(desk.turns), key) == key, in_line=True)
    try:
        if intent.parent is None and is_child_key(key):
            raise Refused(
                "KEY_RESERVED",
                f"client_key {key!r} ends in / and a number, which names children of a close_all",
            )
        if desk.expired(intent):
            raise Refused("EXPIRED", "the order had expired when it arrived; it was not sent")
        order, symbol, view = yield from _resolve(desk, intent)
        refused = stopped(desk.gate, intent, magics(desk, intent, order))
        if refused is not None:
            raise refused
        marks = loss_marks(desk, intent, order.symbol, view)
        seen = moved(desk, marks)
        verdict = review(intent, order, symbol, view, desk.state, desk.limits, desk.now_ms, marks)
        if not isinstance(verdict, RiskApproved):
            after = consequences(desk, intent, verdict, marks)
            raise Refused(verdict.code, verdict.message)
    except Refused as no:
        denied = Denied(
            key=intent.client_key,
            code=no.code,
            message=no.message,
            intent_id=identity,
            content=content,
            intent=intent,
        )
        desk.turns.pop(key, None)
        yield Commit((*seen, denied, *after), "deny")
        yield Tell(Settled(desk.find(intent.client_key)), "denied")
        yield from tell_alerts(after)
        return False
    accepted = Accepted(
        key=intent.client_key,
        intent_id=identity,
        content=content,
        intent=intent,
        order=order,
        reservation=verdict.reservation,
        repeat=verdict.repeat,
        repeat_window_ms=verdict.repeat_window_ms,
        message_window_ms=verdict.message_window_ms,
        alike_window_ms=verdict.alike_window_ms,
    )
    desk.turns.pop(key, None)
    yield Commit((*seen, accepted), "accept")
    yield Tell(Acknowledged(desk.state.orders[intent.client_key]), "acknowledge")
    return True


def rehearse(desk: Desk, intent: OrderIntent) -> Steps:
    """What would be said to an opening order now: a `Refused`, or None where it would be accepted
    and pass stage 1. Nothing is recorded and nothing reserved."""
    try:
        order, symbol, view = yield from _resolve(desk, intent)
    except Refused as no:
        return no
    marks = loss_marks(desk, intent, order.symbol, view)
    verdict = review(intent, order, symbol, view, desk.state, desk.limits, desk.now_ms, marks)
    if not isinstance(verdict, RiskApproved):
        return Refused(verdict.code, verdict.message)
    return None


def _resolve(desk: Desk, intent: OrderIntent) -> Steps:
    """(resolved order, symbol, market view); the last two None where no symbol is meant."""
    if intent.action is Action.OPEN:
        symbol, view = yield from _market(desk, intent.symbol)
        order = resolve_open(intent, symbol, view, desk.config.deviation_pips, netting=desk.netting)
        return order, symbol, view
    if intent.action is Action.CLOSE:
        position: Position = yield from position_meant(desk, intent)
        symbol, view = yield from _market(desk, position.symbol)
        order = resolve_close(
            intent, position, symbol, view, desk.config.deviation_pips, netting=desk.netting
        )
        return order, symbol, view
    if intent.action is Action.CLOSE_ALL:
        return (yield from resolve_close_all(desk, intent)), None, None
    meant = target_meant(desk.state, intent)
    if isinstance(meant, Position):
        return (yield from _resolve_not_ours(desk, intent, meant))
    target: OrderState = yield from settled_target(desk, intent, meant)
    if intent.action is Action.CANCEL:
        return (yield from _resolve_cancel(desk, target))
    return (yield from _resolve_modify(desk, intent, target))


def _resolve_not_ours(desk: Desk, intent: OrderIntent, meant: Position) -> Steps:
    """New levels of a position that no order of ours opened, named by its ticket or alone."""
    symbol, view = yield from _market(desk, meant.symbol)
    reply: Reply = yield desk.call("positions_get", ticket=meant.reopened_as or meant.ticket)
    held: tuple[PositionRow, ...] = reply.value or ()
    if not held:
        raise Refused("TARGET_CLOSED", f"position {meant.ticket} is no longer open")
    return resolve_modify_position(intent, held[0], symbol, ""), symbol, view


def _resolve_cancel(desk: Desk, target: OrderState) -> Steps:
    symbol_name = target.order.symbol if target.order else ""
    if target.key not in desk.held or target.state is not State.ACCEPTED:
        pending_meant(target)
    symbol, view = yield from _market(desk, symbol_name)
    return resolve_cancel(target.order_ticket, symbol_name, target.key), symbol, view


def _resolve_modify(desk: Desk, intent: OrderIntent, target: OrderState) -> Steps:
    if target.order is None:
        raise target_not_open(target.key, str(target.state))
    symbol, view = yield from _market(desk, target.order.symbol)
    reply: Reply
    if target.state in (State.WORKING, State.PARTIALLY_FILLED):
        reply = yield desk.call("orders_get", ticket=target.order_ticket)
        rows: tuple[OrderRow, ...] = reply.value or ()
        if rows:
            return resolve_modify_order(intent, rows[0], symbol, target.key), symbol, view
    if desk.netting:
        reply = yield desk.call("positions_get", symbol=symbol.name)
        is_open = target.position_ticket in desk.state.positions
    else:
        held_now = desk.state.positions.get(target.position_ticket)
        ticket = held_now.reopened_as if held_now is not None else 0
        reply = yield desk.call("positions_get", ticket=ticket or target.position_ticket)
        is_open = bool(target.position_ticket)
    held: tuple[PositionRow, ...] = (reply.value or ()) if is_open else ()
    if not held:
        raise Refused(
            "TARGET_NOT_OPEN",
            f"target {target.key!r} has neither a working order nor an open position to change",
        )
    share = target.position_ticket if desk.netting else 0
    modified = resolve_modify_position(intent, held[0], symbol, target.key, share=share)
    return modified, symbol, view


def _looked(desk: Desk, name: str) -> Steps:
    """A look at the market; a terminal whose worker is being replaced is waited for a while."""
    give_up_ms = desk.now_ms + desk.config.worker_patience_ms
    while True:
        reply: Reply = yield from look(desk, name)
        if reply.value is not None or reply.error[0] not in _NO_WORKER:
            return reply
        if desk.now_ms >= give_up_ms:
            return reply
        yield Sleep(desk.now_ms + _WORKER_RETRY_MS)


def _market(desk: Desk, name: str) -> Steps:
    reply: Reply = yield from _looked(desk, name)
    if reply.value is None and reply.error[0] != _NOT_FOUND:
        raise Refused(
            "NO_MARKET_DATA", f"no market data for {name}: the terminal answered {reply.error[1]!r}"
        )
    symbol: Symbol | None = yield from desk.symbol(name)
    view: MarketView | None = reply.value
    if symbol is None or view is None:
        raise unknown_symbol(name)
    return symbol, view
