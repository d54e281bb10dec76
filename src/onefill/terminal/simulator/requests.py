"""A trade request at the broker: to whom it goes, what forbids it, what comes of it."""

from __future__ import annotations

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import SendResult
from onefill.terminal.simulator import market_orders, pending_orders, retcodes
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.answers import Refusal, answer_refused, recorded
from onefill.terminal.simulator.entries import NO_FATE, Fate
from onefill.terminal.simulator.profile import Profile


def carry_out(
    account: Account,
    profile: Profile,
    request: BrokerRequest,
    fate: Fate = NO_FATE,
    late: int = 0,
) -> SendResult:
    """Do what is asked at the quotes in force, or refuse; recorded, not yet committed.

    `late` is the number under which the request was scheduled, 0 where it has just come.
    """
    try:
        return _carried_out(account, profile, request, fate, late)
    except Refusal as no:
        return refuse(account, request, no.retcode, late)


def refuse(account: Account, request: BrokerRequest, retcode: int, late: int = 0) -> SendResult:
    """Answer a request with a refusal; recorded, not yet committed."""
    recorded(account, request, retcode, 0, late)
    return answer_refused(account, account.listed.get(request.symbol), retcode)


def _carried_out(
    account: Account, profile: Profile, request: BrokerRequest, fate: Fate, late: int
) -> SendResult:
    ledger, action = account.ledger, request.action
    if action == port.ACTION_DEAL:
        listed = _tradable(account, profile, request.symbol)
        _check_quote(account, listed)
        return market_orders.market_order(account, listed, request, fate, late)
    if action == port.ACTION_PENDING:
        listed = _tradable(account, profile, request.symbol)
        _check_quote(account, listed)
        return pending_orders.place(account, listed, request, fate, late)
    if action == port.ACTION_SLTP:
        held = ledger.positions.get(request.position)
        if held is None:
            raise Refusal(retcodes.POSITION_CLOSED)
        if request.symbol not in ("", held.symbol):
            raise Refusal(retcodes.INVALID)
        listed = _tradable(account, profile, held.symbol)
        return pending_orders.change_stops(account, listed, request, held, late)
    if action not in (port.ACTION_MODIFY, port.ACTION_REMOVE):
        raise Refusal(retcodes.INVALID)
    order = ledger.orders.get(request.order)
    if order is None:
        raise Refusal(retcodes.INVALID)
    listed = _tradable(account, profile, order.symbol)
    if action == port.ACTION_MODIFY:
        return pending_orders.change_order(account, listed, request, order, late)
    return pending_orders.remove_order(account, listed, request, order, late)


def _tradable(account: Account, profile: Profile, name: str) -> Listed:
    """The symbol, where requests for it are taken now."""
    listed = account.listed.get(name)
    if listed is None:
        known = name in profile.specifications
        raise Refusal(retcodes.PRICE_OFF if known else retcodes.INVALID)
    if listed.symbol.trade_mode == 0:
        raise Refusal(retcodes.TRADE_DISABLED)
    if not listed.sessions.is_open(account.now_ms):
        raise Refusal(retcodes.MARKET_CLOSED)
    return listed


def _check_quote(account: Account, listed: Listed) -> None:
    """Nothing is opened or closed without quotes, nor at one that has grown too old."""
    age_ms = account.settings.quote_age_ms
    if not listed.valuation.is_quoted:
        raise Refusal(retcodes.PRICE_OFF)
    if age_ms and account.now_ms - listed.feed.time_ms > age_ms:
        raise Refusal(retcodes.PRICE_OFF)
