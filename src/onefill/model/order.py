"""An order's life so far: what folding its events gives."""

from __future__ import annotations

import msgspec

from onefill.model.deal import Deal
from onefill.model.intent import Action, OrderIntent
from onefill.model.resolved import BrokerRequest, Reservation, ResolvedOrder
from onefill.model.states import FINAL, State

NOT_ALL_CLOSED = "NOT_ALL_CLOSED"
"""The code of a close_all that is over and left something of ours open."""
OTHERS_LEFT = "OTHERS_LEFT"
"""The code of one that left alone what no order of ours opened."""
TARGET_CLOSED = "TARGET_CLOSED"
"""The code of a close or a change of a position that is not open, or not known to the engine."""


class OrderState(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One order. Mutable, and only `model.fold` changes it. Times are Unix ms, UTC."""

    key: str
    intent_id: str
    #: The journal's number of its first record; orders are told apart and sorted by it.
    number: int
    state: State
    intent: OrderIntent
    received_ms: int
    content: bytes = b""
    order: ResolvedOrder | None = None
    reservation: Reservation | None = None
    code: str = ""
    message: str = ""
    retcode: int = 0
    attempts: int = 0
    epoch: int = 0
    submitted_ms: int = 0
    #: The broker's clock (as UTC) and its highest ticket right before the last send.
    server_ms: int = 0
    baseline_ticket: int = 0
    request: BrokerRequest | None = None
    unknown_since_ms: int = 0
    order_ticket: int = 0
    position_ticket: int = 0
    deals: list[Deal] = []
    filled_e8: int = 0
    filled_ms: int = 0
    #: Of an order at a gateway: the average price that the account's client told.
    told_price: float = 0.0
    #: And the number of the last result that told of it.
    told_sequence: int = 0
    #: What the client told of the price that it asked for, and how far from it the fill is.
    told_requested: float = 0.0
    told_slippage_pips: float | None = None
    late: bool = False
    by: str = ""

    @property
    def is_final(self) -> bool:
        """Whether only late evidence can change it."""
        return self.state in FINAL

    @property
    def asked_e8(self) -> int:
        """The volume asked for, in 1e-8 lots."""
        return self.order.volume_e8 if self.order else 0

    @property
    def makes_deals(self) -> bool:
        """Whether its success is a fill of its own."""
        return self.intent.action in (Action.OPEN, Action.CLOSE)

    def fill_price(self) -> float | None:
        """Volume-weighted price of its deals; a single price stays exactly that."""
        if not self.deals:
            return self.told_price or None
        first = self.deals[0].price
        if all(deal.price == first for deal in self.deals):
            return first
        total = sum(deal.volume_e8 for deal in self.deals)
        return sum(deal.price * deal.volume_e8 for deal in self.deals) / total

    def requested_price(self) -> float | None:
        """What the fill is held against: the order's own price, or the quote it was sent at."""
        return (self.order.requested_price if self.order else 0.0) or self.told_requested or None

    def slippage_pips(self) -> float | None:
        """Fill against requested price in pips; positive is worse for the account."""
        if not self.deals:
            return self.told_slippage_pips
        fill = self.fill_price()
        order = self.order
        if fill is None or order is None or not order.requested_price:
            return None
        scale = 10.0**order.digits
        points = round((fill - order.requested_price) * scale, 4) * order.side.sign
        return round(points / order.pip_points, 6) + 0.0
