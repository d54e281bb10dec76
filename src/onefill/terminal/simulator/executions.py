"""A market order executed: how much of it fills and at what price, and what becomes of the rest."""

from __future__ import annotations

import msgspec

from onefill.model.resolved import BrokerRequest
from onefill.model.symbol import Symbol
from onefill.model.volume import LOT_E8, to_e8
from onefill.terminal import port
from onefill.terminal.port import SendResult
from onefill.terminal.simulator import checks, retcodes
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.answers import answer_deal, recorded
from onefill.terminal.simulator.deals import close_deal, slipped
from onefill.terminal.simulator.entries import NO_FATE, Fate, Held, Ordered
from onefill.terminal.simulator.netting import fill_order, identifier_for

_EXCHANGE = 3


def execute(
    account: Account,
    listed: Listed,
    request: BrokerRequest,
    held: Held | None,
    price: int,
    fate: Fate,
    late: int,
) -> SendResult:
    """Fill what can be had, at `price` in points and what it slips; close `held`, or (None) open
    a position or change the symbol's."""
    symbol, volume_e8 = listed.symbol, to_e8(request.volume)
    # What is not filled at once of a close by ticket does not rest: it would find no position.
    rests = held is None and _rests(symbol, request)
    filled_e8 = _filled(symbol, request, volume_e8, fate, rests=rests)
    # An order that is cancelled without a fill was taken all the same.
    retcode = retcodes.DONE if filled_e8 in (0, volume_e8) else retcodes.DONE_PARTIAL
    if symbol.execution_mode >= 2:
        sign = checks.sign_of(request.type)
        price = slipped(account, listed, sign, price, account.ledger.next_order)
    rests = rests and 0 < filled_e8 < volume_e8
    order = _order(account, listed, request, held, price, filled_e8, fate, rests=rests)
    recorded(account, request, retcode, order.ticket, late)
    account.record(order)
    if not filled_e8:
        deal = None
    elif held is None:
        deal = fill_order(account, listed, order, filled_e8, price)
    else:
        deal = close_deal(account, listed, order, held, filled_e8, price)
    return answer_deal(account, listed, retcode, order.ticket, deal)


def _filled(
    symbol: Symbol, request: BrokerRequest, volume_e8: int, fate: Fate, *, rests: bool
) -> int:
    """How much of a market order fills: all, unless faults will otherwise."""
    if fate.nothing:
        return 0
    if fate.parts and (rests or request.type_filling == port.FILLING_IOC):
        return part_of(symbol, volume_e8, fate.parts[0])
    return volume_e8


def _rests(symbol: Symbol, request: BrokerRequest) -> bool:
    """Whether what is not filled at once stays, and is filled by the ticks that follow."""
    return symbol.execution_mode == _EXCHANGE and request.type_filling == port.FILLING_RETURN


def part_of(symbol: Symbol, volume_e8: int, share: float) -> int:
    """A share of a volume: at least one step, and one step less than all where it can be."""
    steps = volume_e8 // symbol.volume_step_e8
    if not steps:
        return volume_e8
    return max(1, min(steps - 1, int(share * steps))) * symbol.volume_step_e8


def _order(
    account: Account,
    listed: Listed,
    request: BrokerRequest,
    held: Held | None,
    price: int,
    filled_e8: int,
    fate: Fate,
    *,
    rests: bool,
) -> Ordered:
    """The order of a deal. It is over at once, and what did not fill is cancelled, unless that
    rests."""
    now_ms, scale = account.now_ms, listed.scale
    ticket, volume_e8 = account.ledger.next_order, to_e8(request.volume)
    identifier = 0
    if held is not None:
        identifier = held.identifier
    elif filled_e8:
        identifier = identifier_for(account, request.symbol, ticket)
    state = port.STATE_FILLED if filled_e8 == volume_e8 else port.STATE_CANCELED
    has_stops = held is None and _opens(account, request, volume_e8)
    return Ordered(
        at_ms=now_ms,
        ticket=ticket,
        symbol=request.symbol,
        type=request.type,
        state=port.STATE_PARTIAL if rests else state,
        magic=request.magic,
        volume_initial=volume_e8 / LOT_E8,
        volume_current=(volume_e8 - filled_e8) / LOT_E8,
        price_open=price / scale,
        sl=round(request.sl * scale) / scale if has_stops else 0.0,
        tp=round(request.tp * scale) / scale if has_stops else 0.0,
        price_stoplimit=0.0,
        comment=account.comment(request, fate),
        setup_ms=now_ms,
        done_ms=0 if rests else now_ms,
        position_id=identifier,
        type_filling=request.type_filling,
        fate=msgspec.structs.replace(fate, parts=fate.parts[1:]) if rests else NO_FATE,
        hidden_ms=now_ms + fate.hide_ms if fate.hide_ms and not rests else 0,
    )


def _opens(account: Account, request: BrokerRequest, volume_e8: int) -> bool:
    """Whether a deal opens anything: the stops of one that only closes were not looked at."""
    held = account.net_position(request.symbol)
    return held is None or held.type == request.type or volume_e8 > to_e8(held.volume)
