"""Who else has a hand in a run: an operator who settles what is quarantined, strangers who trade on
the same account."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from onefill.journal.decision import resolve
from onefill.journal.journal import Journal
from onefill.model.intent import OrderIntent, Side
from onefill.model.order import OrderState
from onefill.model.resolved import BrokerRequest
from onefill.model.states import State
from onefill.runtime.clock import VirtualClock
from onefill.terminal import port
from onefill.terminal.port import Request
from onefill.terminal.simulator.terminal import SimulatedTerminal
from tests.simulation.plan import Plan
from tests.simulation.truth import Truth, read_truth
from tests.simulation.watch import ACCOUNT

_ENDED = {
    port.STATE_FILLED: State.FILLED,
    port.STATE_CANCELED: State.CANCELLED,
    port.STATE_EXPIRED: State.EXPIRED,
    port.STATE_REJECTED: State.REJECTED,
}
_OVER = (State.CANCELLED, State.REJECTED, State.EXPIRED, State.NOT_EXECUTED)
STRANGE_MAGIC = 999
BY_HAND = "by hand"


def decide_quarantined(
    plan: Plan, directory: Path, clock: VirtualClock, journal_options: dict[str, Any]
) -> bool:
    """Settle what an operator can and will settle now; whether anything was."""
    decided = False
    truth = read_truth(directory)
    with Journal.open(directory, **journal_options) as journal:
        waiting = [
            order
            for order in journal.state(ACCOUNT).orders.values()
            if order.state is State.QUARANTINED
        ]
        for order in waiting:
            to = _judged(plan, truth, order)
            if to is None:
                continue
            reason = f"seen at the broker: {to}"
            rows = (
                truth.orders_of(order.key) if to in (State.WORKING, State.PARTIALLY_FILLED) else ()
            )
            ticket = rows[0].ticket if rows else 0
            resolve(
                journal, order.key, to, by="operator", reason=reason, clock=clock, ticket=ticket
            )
            decided = True
    return decided


def _judged(plan: Plan, truth: Truth, order: OrderState) -> State | None:
    draw = random.Random(f"operator {plan.seed} {order.key}")
    if plan.operator == "wrong" and order.makes_deals:
        return draw.choice(_OVER)
    if not order.makes_deals:
        request = order.request
        done = any(r.request == request and r.retcode == truth.DONE for r in truth.requests)
        return State.DONE if done else State.NOT_EXECUTED
    if truth.is_scheduled(order.key):
        return None  # nobody can know yet
    rows = truth.orders_of(order.key)
    if not rows:
        return State.NOT_EXECUTED
    row = rows[0]
    if row.state in _ENDED:
        return _ENDED[row.state]
    return State.PARTIALLY_FILLED if row.state == port.STATE_PARTIAL else State.WORKING


def trade_as_stranger(terminal: SimulatedTerminal, number: int, now_ms: int, plan: Plan) -> None:
    """Somebody buys or sells a little, by hand."""
    side = Side.BUY if number % 2 else Side.SELL
    _trade(terminal, plan.markets[0].symbol, side, 0.01, STRANGE_MAGIC, now_ms)


def trade_as_twin(terminal: SimulatedTerminal, intent: OrderIntent, now_ms: int) -> None:
    """Another program does the same as we are about to do, with the same magic."""
    if intent.side is not None and intent.volume is not None:
        _trade(terminal, intent.symbol, intent.side, intent.volume, intent.magic, now_ms)


def _trade(
    terminal: SimulatedTerminal, symbol: str, side: Side, lots: float, magic: int, now_ms: int
) -> None:
    request = BrokerRequest(
        action=port.ACTION_DEAL,
        symbol=symbol,
        magic=magic,
        volume=lots,
        type=port.TYPE_BUY if side is Side.BUY else port.TYPE_SELL,
        type_filling=port.FILLING_IOC,
        comment=BY_HAND,
    )
    by_hand = Request("order_send", {"request": request}, terminal.fenced)
    terminal.call(by_hand, now_ms)
