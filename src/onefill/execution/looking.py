"""Looks at a symbol's market and the account: orders that come close together share one.

A look costs a worker's turn, and a line of orders would wait for as many turns as it is long. What
a look showed holds for as long as `ExecutionConfig.look_shared_ms` says, unless a deal became known
meanwhile: from then on the look's margin no longer goes with what is still reserved.
"""

from __future__ import annotations

from onefill.execution.desk import Desk, Look
from onefill.execution.effects import Steps
from onefill.model.order import OrderState
from onefill.terminal.port import Reply


def look(desk: Desk, symbol: str, order: OrderState | None = None) -> Steps:
    """The reply to `look`, of a moment ago where that will do."""
    asked_ms, deal = desk.now_ms, next(reversed(desk.state.booked), 0)
    shared_ms = desk.config.look_shared_ms
    latest = desk.looks.get(symbol)
    if latest is not None and latest.deal == deal and 0 <= asked_ms - latest.at_ms < shared_ms:
        return latest.reply
    reply: Reply = yield desk.call("look", order, symbol=symbol)
    if shared_ms and reply.value is not None:
        desk.looks[symbol] = Look(reply, asked_ms, deal)
    return reply
