"""What the broker answers to a trade request, as MT5's `order_send` shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from onefill.model.resolved import BrokerRequest
from onefill.terminal.port import SendResult
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.entries import Dealt, Fate, Requested
from onefill.terminal.simulator.retcodes import COMMENTS, DONE, REQUOTE


class Opening(NamedTuple):
    """What a request would open: `sign` +1 buy, -1 sell; the price in points."""

    listed: Listed
    sign: int
    volume_e8: int
    price: int


class Plan(NamedTuple):
    """A request that nothing forbids: how it is carried out, with what faults have in store for it
    and under which number it was scheduled."""

    carry_out: Callable[[Fate, int], SendResult]
    opening: Opening | None = None


class Refusal(Exception):
    """The broker refuses; nothing has been recorded yet. `opening`: there is no money for it."""

    def __init__(self, retcode: int, opening: Opening | None = None) -> None:
        super().__init__(retcode)
        self.retcode = retcode
        self.opening = opening


def recorded(account: Account, request: BrokerRequest, retcode: int, order: int, late: int) -> None:
    """A request was looked at and decided."""
    account.record(
        Requested(at_ms=account.now_ms, retcode=retcode, request=request, order=order, late=late)
    )


def answer_deal(
    account: Account, listed: Listed, retcode: int, order: int, deal: Dealt | None
) -> SendResult:
    """A deal was made, or (None) an order taken whose deal did not come about."""
    bid = ask = 0.0
    if account.settings.answer_quotes:
        bid, ask = listed.feed.bid / listed.scale, listed.feed.ask / listed.scale
    return SendResult(
        retcode=retcode,
        deal=deal.ticket if deal else 0,
        order=order,
        volume=deal.volume if deal else 0.0,
        price=deal.price if deal else 0.0,
        bid=bid,
        ask=ask,
        comment=COMMENTS[retcode],
        request_id=account.ledger.requests,
    )


def answer_done(
    account: Account, order: int = 0, volume: float = 0.0, comment: str = ""
) -> SendResult:
    """A pending order was placed, changed or removed, or a position's stops were changed. A comment
    is told where the broker echoes it."""
    echoed = account.settings.answer_echoes_comment and comment
    return SendResult(
        retcode=DONE,
        order=order,
        volume=volume,
        comment=comment if echoed else COMMENTS[DONE],
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
