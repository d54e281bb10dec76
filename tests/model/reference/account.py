"""The account: its books, tickets, history and sums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from . import margin
from .money import Money, Quote
from .rows import CLIENT, IN, Deal, Luck, Order, Position
from .terms import ZERO, Broker, Number, Symbol

Drawn = Callable[[int, int], int]


class Account:
    """Everything that there is, as it stands now."""

    def __init__(self, broker: Broker, now_ms: int, drawn: Drawn = lambda most, ticket: 0) -> None:
        """`drawn`: how many ticks, of so many at most, the order of a ticket slips."""
        self.broker = broker
        self.symbols = {symbol.name: symbol for symbol in broker.symbols}
        self.quotes: dict[str, Quote] = {}
        self.money = Money(broker, self.quotes)
        self.now_ms = now_ms
        self._drawn = drawn
        self.balance = ZERO
        self.orders: dict[int, Order] = {}
        self.positions: dict[int, Position] = {}
        #: Finished orders and deals, oldest first.
        self.history: list[Order | Deal] = []
        self.next_order, self.next_deal = 1_000_001, 1
        self.requests = 0
        #: For the request under way.
        self.luck = Luck()
        self.book(self.deal("", 2, ZERO, ZERO, profit=broker.balance, reason=CLIENT, say="deposit"))

    # Sums.

    def profit_of(self, position: Position) -> Number:
        """What closing it now would bring, swap left out."""
        symbol, quote = self.symbols[position.symbol], self.quotes[position.symbol]
        closed = quote.closing(position.sign)
        return self.money.profit(symbol, position.sign, position.volume, position.price, closed)

    def floating(self) -> Number:
        """Profit and swap of all that is open."""
        return sum((self.profit_of(one) + one.swap for one in self.positions.values()), ZERO)

    def equity(self) -> Number:
        """What closing everything now would leave."""
        return self.balance + self.floating()

    def margin(self) -> Number:
        """What the open positions bind."""
        return margin.of_all(self)

    def slipped(self, symbol: Symbol, sign: int, price: Number, ticket: int) -> Number:
        """The price that an order gets which is executed at the market: never a better one."""
        most = int(self.broker.slippage * symbol.point / symbol.tick_size)
        worse = self._drawn(most, ticket) * symbol.tick_size if most else ZERO
        return max(symbol.tick_size, price + sign * worse)

    # Tickets and history.

    def ticket(self) -> int:
        """Of a new order."""
        self.next_order += 1
        return self.next_order - 1

    def finish(self, order: Order, state: int) -> None:
        """An order goes from the book into history."""
        self.orders.pop(order.ticket, None)
        order = replace(order, state=state, done_ms=self.now_ms)
        self.history.append(order)

    def deal(
        self,
        symbol: str,
        kind: int,
        volume: Number,
        price: Number,
        *,
        order: Order | None = None,
        position: int = 0,
        entry: int = IN,
        profit: Number = ZERO,
        swap: Number = ZERO,
        opened: Number = ZERO,
        reason: int,
        say: str,
    ) -> Deal:
        """A deal that has not been booked yet."""
        commission = fee = ZERO
        if order is not None:
            terms = self.symbols[symbol]
            commission, fee = self.money.costs(terms, volume, price, entry, opened)
        return Deal(
            ticket=self.next_deal,
            order=order.ticket if order else 0,
            position_id=position,
            symbol=symbol,
            type=kind,
            entry=entry,
            magic=order.magic if order else 0,
            reason=reason,
            volume=volume,
            price=price,
            profit=profit,
            commission=commission,
            swap=swap,
            fee=fee,
            comment=say,
            time_ms=self.now_ms,
        )

    def book(self, deal: Deal) -> Deal:
        """It happened: the balance changes."""
        self.next_deal += 1
        self.balance += deal.profit + deal.commission + deal.swap + deal.fee
        self.history.append(deal)
        return deal

    def position_of(self, symbol: str) -> Position | None:
        """The one position of a symbol on a netting account."""
        return next((one for one in self.positions.values() if one.symbol == symbol), None)
