"""An intent once the market has had its say: lots, levels and tickets, ready to be sent."""

from __future__ import annotations

import msgspec

from onefill.model.intent import Action, OrderType, Side


class ResolvedOrder(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What will be asked of the broker; prices are on the symbol's step, 0.0 means none."""

    action: Action
    symbol: str = ""
    #: Side of the order sent: a close of a buy position is a sell.
    side: Side = Side.BUY
    order_type: OrderType = OrderType.MARKET
    volume_e8: int = 0
    price: float = 0.0
    stop_limit_price: float = 0.0
    stop_loss: float = 0.0
    take_profit: float = 0.0
    deviation: int = 0
    expiration_ms: int = 0
    position_ticket: int = 0
    order_ticket: int = 0
    #: The positions a close_all means; each becomes a child intent `KEY/ticket`.
    tickets: tuple[int, ...] = ()
    #: The working orders that it means too; each becomes a cancel.
    cancels: tuple[int, ...] = ()
    #: The order (client key) whose position or pending order is meant.
    target: str = ""
    #: What the decision expected to pay; slippage is measured against it. 0.0: nothing fills.
    requested_price: float = 0.0
    pip_points: int = 1
    digits: int = 0
    #: Base-currency units that rounding down to the volume step left.
    units_left: float = 0.0
    #: The account nets: the broker has one position a symbol, of which this order has a share.
    netting: bool = False


class Reservation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an accepted order may take at worst, held until its outcome is proven.

    Money is in the account currency's smallest unit.
    """

    symbol: str
    side: Side
    volume_e8: int
    value_minor: int
    margin_minor: int
    risk_minor: int = 0
    #: Whether a fill makes a position (a pending order counts as an order until then).
    pending: bool = False

    def part(self, volume_e8: int) -> Reservation:
        """The share of it that belongs to a part of the volume, rounded up: worst case."""

        def share(amount: int) -> int:
            return -(-amount * volume_e8 // self.volume_e8) if self.volume_e8 else 0

        return Reservation(
            symbol=self.symbol,
            side=self.side,
            volume_e8=volume_e8,
            value_minor=share(self.value_minor),
            margin_minor=share(self.margin_minor),
            risk_minor=share(self.risk_minor),
            pending=self.pending,
        )


class BrokerRequest(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """MT5's trade request, field for field (`order_send`); expiration is UTC milliseconds here."""

    action: int
    symbol: str = ""
    magic: int = 0
    order: int = 0
    volume: float = 0.0
    price: float = 0.0
    stoplimit: float = 0.0
    sl: float = 0.0
    tp: float = 0.0
    deviation: int = 0
    type: int = 0
    type_filling: int = 0
    type_time: int = 0
    expiration_ms: int = 0
    comment: str = ""
    position: int = 0
    position_by: int = 0
