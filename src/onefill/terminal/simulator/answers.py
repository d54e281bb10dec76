"""What the broker answers to a trade request, as MT5's `order_send` shows it."""

from __future__ import annotations

from onefill.model.resolved import BrokerRequest
from onefill.terminal.port import SendResult
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.entries import Dealt, Requested
from onefill.terminal.simulator.retcodes import COMMENTS, DONE, REQUOTE


class Refusal(Exception):
    """The broker refuses; nothing has been recorded yet."""

    def __init__(self, retcode: int) -> None:
        super().__init__(retcode)
        self.retcode = retcode


def recorded(account: Account, request: BrokerRequest, retcode: int, order: int, late: int) -> None:
    """A request was looked at and decided."""
    account.record(
        Requested(at_ms=account.now_ms, retcode=retcode, request=request, order=order, late=late)
    )


def answer_deal(
    account: Account, listed: Listed, retcode: int, order: int, deal: Dealt | None
) -> SendResult:
    """A deal was made, or (None) an order taken whose deal did not come about."""
    scale, feed = listed.scale, listed.feed
    return SendResult(
        retcode=retcode,
        deal=deal.ticket if deal else 0,
        order=order,
        volume=deal.volume if deal else 0.0,
        price=deal.price if deal else 0.0,
        bid=feed.bid / scale,
        ask=feed.ask / scale,
        comment=COMMENTS[retcode],
        request_id=account.ledger.requests,
    )


def answer_done(account: Account, order: int = 0, volume: float = 0.0) -> SendResult:
    """A pending order was placed, changed or removed, or a position's stops were changed."""
    return SendResult(
        retcode=DONE,
        order=order,
        volume=volume,
        comment=COMMENTS[DONE],
        request_id=account.ledger.requests,
    )


def answer_refused(account: Account, listed: Listed | None, retcode: int) -> SendResult:
    """Nothing was done; a requote names the prices."""
    bid = ask = 0.0
    if retcode == REQUOTE and listed is not None and listed.feed.place >= 0:
        bid, ask = listed.feed.bid / listed.scale, listed.feed.ask / listed.scale
    return SendResult(
        retcode=retcode,
        bid=bid,
        ask=ask,
        comment=COMMENTS[retcode],
        request_id=account.ledger.requests,
    )
