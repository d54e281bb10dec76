"""A trade request at the broker: to whom it goes, what forbids it, what comes of it."""

from __future__ import annotations

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import SendResult
from onefill.terminal.simulator import market_orders, pending_orders, retcodes
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.answers import Plan, Refusal, answer_refused, recorded
from onefill.terminal.simulator.close_by import plan_close_by
from onefill.terminal.simulator.entries import NO_FATE, Fate, Held
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
        return planned(account, profile, request).carry_out(fate, late)
    except Refusal as no:
        return refuse(account, request, no.retcode, late)


def refuse(account: Account, request: BrokerRequest, retcode: int, late: int = 0) -> SendResult:
    """Answer a request with a refusal; recorded, not yet committed."""
    recorded(account, request, retcode, 0, late)
    return answer_refused(account, account.listed.get(request.symbol), retcode)


def planned(account: Account, profile: Profile, request: BrokerRequest) -> Plan:
    """How a request would be carried out at the quotes in force; nothing is changed. Raises
    `Refusal`."""
    action = request.action
    if action == port.ACTION_DEAL:
        listed = _tradable(account, profile, request.symbol)
        _check_quote(account, listed)
        return market_orders.plan_deal(account, listed, request)
    if action == port.ACTION_PENDING:
        listed = _tradable(account, profile, request.symbol)
        _check_quote(account, listed)
        return pending_orders.plan_pending(account, listed, request)
    if action == port.ACTION_SLTP:
        held = _position(account, request)
        listed = _tradable(account, profile, held.symbol)
        return pending_orders.plan_stops(account, listed, request, held)
    if action == port.ACTION_CLOSE_BY:
        held = _position(account, request)
        listed = _tradable(account, profile, held.symbol)
        _check_quote(account, listed)
        return plan_close_by(account, listed, request)
    if action not in (port.ACTION_MODIFY, port.ACTION_REMOVE):
        raise Refusal(retcodes.INVALID)
    order = account.ledger.orders.get(request.order)
    if order is None:
        raise Refusal(retcodes.INVALID)
    listed = _tradable(account, profile, order.symbol)
    if action == port.ACTION_MODIFY:
        return pending_orders.plan_change(account, listed, request, order)
    return pending_orders.plan_removal(account, listed, request, order)


def _position(account: Account, request: BrokerRequest) -> Held:
    """The position that a request means: by its ticket, or on a netting account by its symbol."""
    held = account.ledger.positions.get(request.position)
    if held is None and not request.position:
        held = account.net_position(request.symbol)
    if held is None:
        raise Refusal(retcodes.POSITION_CLOSED)
    if request.symbol not in ("", held.symbol):
        raise Refusal(retcodes.INVALID)
    return held


def _tradable(account: Account, profile: Profile, name: str) -> Listed:
    """The symbol, where requests for it are taken now."""
    listed = account.listed.get(name)
    if listed is None:
        known = name in profile.specifications
        raise Refusal(retcodes.PRICE_OFF if known else retcodes.INVALID)
    if listed.symbol.trade_mode == 0 or listed.specification.calculation == "collateral":
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
