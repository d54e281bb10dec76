"""Two opposite positions of a hedging account closed by each other, without the market."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

from onefill.model.resolved import BrokerRequest
from onefill.model.volume import to_e8, to_lots
from onefill.terminal import port
from onefill.terminal.port import SendResult
from onefill.terminal.simulator import checks, limits, retcodes
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.answers import Plan, Refusal, answer_deal, recorded
from onefill.terminal.simulator.deals import record_deal, shrunk, swap_share
from onefill.terminal.simulator.entries import Dealt, Fate, Held, Ordered


def plan_close_by(account: Account, listed: Listed, request: BrokerRequest) -> Plan:
    """Close `position` by `position_by`: the smaller volume of the two. Raises `Refusal`."""
    positions = account.ledger.positions
    held, other = positions.get(request.position), positions.get(request.position_by)
    if account.nets:
        raise Refusal(retcodes.INVALID)
    if held is None or other is None:
        raise Refusal(retcodes.POSITION_CLOSED)
    if held.symbol != other.symbol or held.type == other.type:
        raise Refusal(retcodes.INVALID)
    refused = (
        checks.close_by_code(listed.symbol)
        or limits.fifo_code(account, held)
        or limits.fifo_code(account, other)
        or _frozen_code(listed, held)
        or _frozen_code(listed, other)
    )
    if refused:
        raise Refusal(refused)
    return Plan(partial(_execute, account, listed, request, held, other))


def _frozen_code(listed: Listed, held: Held) -> int:
    market = listed.feed.bid if held.type == port.TYPE_BUY else listed.feed.ask
    levels = (round(held.sl * listed.scale), round(held.tp * listed.scale))
    return retcodes.FROZEN if checks.is_frozen(listed.symbol, market, *levels) else 0


def _execute(
    account: Account,
    listed: Listed,
    request: BrokerRequest,
    held: Held,
    other: Held,
    fate: Fate,
    late: int,
) -> SendResult:
    volume_e8 = min(to_e8(held.volume), to_e8(other.volume))
    order = _close_by_order(account, request, held, other, volume_e8, fate)
    recorded(account, request, retcodes.DONE, order.ticket, late)
    account.record(order)
    deal = _offset(account, listed, order, held, other, volume_e8)
    _offset(account, listed, order, other, other, volume_e8)
    return answer_deal(account, listed, retcodes.DONE, order.ticket, deal)


def _close_by_order(
    account: Account, request: BrokerRequest, held: Held, other: Held, volume_e8: int, fate: Fate
) -> Ordered:
    now_ms = account.now_ms
    return Ordered(
        at_ms=now_ms,
        ticket=account.ledger.next_order,
        symbol=held.symbol,
        type=port.TYPE_CLOSE_BY,
        state=port.STATE_FILLED,
        magic=request.magic,
        volume_initial=to_lots(volume_e8),
        volume_current=0.0,
        price_open=other.price_open,
        sl=0.0,
        tp=0.0,
        price_stoplimit=0.0,
        comment=account.comment(request, fate),
        setup_ms=now_ms,
        done_ms=now_ms,
        position_id=held.identifier,
        position_by_id=other.identifier,
        hidden_ms=now_ms + fate.hide_ms if fate.hide_ms else 0,
    )


def _offset(
    account: Account, listed: Listed, order: Ordered, held: Held, other: Held, volume_e8: int
) -> Dealt:
    """Close so much of a position at the opening price of `other`: of `other` itself, at no
    profit."""
    at = Fraction(*listed.opened(other))
    price = round(at)
    # The exact distance counts, though the price may lie between points.
    opened = Fraction(*listed.opened(held)) - at + price
    profit = listed.valuation.profit(
        1 - 2 * held.type, volume_e8, (opened.numerator, opened.denominator), price
    )
    swap = swap_share(account, held, volume_e8)
    deal = record_deal(
        account,
        listed,
        order,
        held,
        port.ENTRY_OUT_BY,
        volume_e8,
        price,
        side=1 - held.type,
        profit_minor=profit,
        swap_minor=swap,
        told=other.price_open,
    )
    account.record(shrunk(account, listed, held, volume_e8, swap))
    return deal
