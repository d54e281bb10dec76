"""The account that the oracle keeps; README.md beside this file states its rules."""

from dataclasses import replace
from decimal import Decimal

from .records import Deal, Order, Outcome, Pending, Position, Refused, lots, milliseconds, number
from .rules import (
    below,
    changed_stops,
    check_pending,
    check_stops,
    closing_price,
    fill,
    opening_price,
)
from .symbols import SYMBOLS, Symbol, held_margin, margin, profit
from .ticks import Tick


class Book:
    """Balance, working orders and open positions, the latter two in ticket order."""

    def __init__(self, balance: Decimal, currency: str, leverage: int) -> None:
        self.balance = balance
        self.currency = currency
        self.leverage = leverage
        self.now_ms = 0
        self.quotes: dict[str, Tick] = {}
        self.working: list[Pending] = []
        self.positions: list[Position] = []
        self.outcomes: dict[str, Outcome] = {}  # by client key, in order of arrival
        self.deals: list[Deal] = []

    # What a tick does.

    def tick(self, tick: Tick) -> None:
        """Expire; then let working orders trigger, then stops, each in ticket order."""
        self.expire(tick.time_ms)
        self.quotes[tick.symbol] = tick
        for pending in list(self.working):
            if pending.symbol.name == tick.symbol:
                self.try_to_fill(pending, tick)
        for position in list(self.positions):
            if position.symbol.name == tick.symbol:
                self.try_stops(position, tick)

    def expire(self, now_ms: int) -> None:
        """End every working order whose expiration has come."""
        self.now_ms = now_ms
        for pending in list(self.working):
            if pending.expiration_ms is not None and pending.expiration_ms <= now_ms:
                self.end(pending, "expired")

    def try_to_fill(self, pending: Pending, tick: Tick) -> None:
        """Look at one working order on one tick of its symbol."""
        price = opening_price(pending.side, tick)
        if pending.kind == "stop_limit" and not below(price, pending.price, pending.side):
            triggered = replace(pending, kind="limit", price=pending.limit_price)
            self.working[self.working.index(pending)] = triggered
            pending = triggered
        stop_hit = pending.kind == "stop" and not below(price, pending.price, pending.side)
        limit_hit = pending.kind == "limit" and not below(pending.price, price, pending.side)
        if stop_hit or limit_hit:
            if self.needed(pending, price) > self.free_margin():
                self.end(pending, "rejected")
            else:
                self.end(pending, "filled")
                self.open_position(pending, price, pending.limit_price)

    def try_stops(self, position: Position, tick: Tick) -> None:
        """Close a position whose stop loss, or else take profit, this tick reaches."""
        price, side = closing_price(position.side, tick), position.side
        if position.stop_loss is not None and not below(position.stop_loss, price, side):
            self.close(position, position.volume, "sl")
        elif position.take_profit is not None and not below(price, position.take_profit, side):
            self.close(position, position.volume, "tp")

    # What an order does.

    def order(self, order: Order) -> Outcome:
        """Carry out one order at its time, at the quotes in force."""
        self.expire(milliseconds(order["at"]))
        outcome = Outcome(order["client_key"], order["action"])
        if outcome.key in self.outcomes:
            raise ValueError(f"{outcome.key} comes twice: not judged")
        self.outcomes[outcome.key] = outcome
        actions = {
            "open": self.do_open,
            "close": self.do_close,
            "close_all": self.do_close_all,
            "cancel": self.do_cancel,
            "modify": self.do_modify,
        }
        try:
            actions[outcome.action](order, outcome)
        except Refused as refusal:
            outcome.why = str(refusal)
        return outcome

    def do_open(self, order: Order, outcome: Outcome) -> None:
        """A market order fills at once; any other kind starts working."""
        symbol = SYMBOLS.get(order["symbol"])
        if symbol is None or symbol.name not in self.quotes:
            raise Refused("no such symbol, or no quote of it yet")
        quote = self.quotes[symbol.name]
        side = {"buy": 1, "sell": -1}[order["side"]]
        price = opening_price(side, quote)
        wanted = number(order, "price") or price
        expiration = order.get("expiration")
        asked = Pending(
            ticket=len(self.outcomes),
            key=outcome.key,
            symbol=symbol,
            side=side,
            kind=order["order_type"],
            volume=lots(order, symbol),
            price=wanted,
            limit_price=number(order, "stop_limit_price") or wanted,
            stop_loss=number(order, "stop_loss") or None,
            take_profit=number(order, "take_profit") or None,
            expiration_ms=None if expiration is None else milliseconds(expiration),
        )
        if asked.kind == "market":
            check_stops(side, asked.stop_loss, closing_price(side, quote), asked.take_profit)
            self.check_money(asked, price)
            self.open_position(asked, price, wanted)
        else:
            check_pending(asked, price)
            if asked.expiration_ms is not None and asked.expiration_ms <= self.now_ms:
                raise Refused("already expired")
            self.check_money(asked, asked.limit_price)
            self.working.append(asked)
            outcome.status = "working"

    def do_close(self, order: Order, outcome: Outcome) -> None:
        """Close a position, or `volume` of it."""
        position = self.find_position(order["target"])
        if position is None:
            raise Refused("no such position is open")
        volume = position.volume
        if order.get("volume") is not None:
            volume = lots(order, position.symbol)
        if volume > position.volume:
            raise Refused("more than is open")
        deal = self.close(position, volume, "close")
        outcome.profit = deal.profit
        fill(outcome, deal, number(order, "price") or deal.price, position.symbol.pip)

    def do_close_all(self, order: Order, outcome: Outcome) -> None:
        """Close everything that is open now, or everything of one symbol."""
        for position in list(self.positions):
            if order.get("symbol") in (None, position.symbol.name):
                outcome.profit += self.close(position, position.volume, "close").profit
        outcome.status = "done"

    def do_cancel(self, order: Order, outcome: Outcome) -> None:
        """Withdraw a working order."""
        self.end(self.find_working(order["target"]), "cancelled")
        outcome.status = "done"

    def do_modify(self, order: Order, outcome: Outcome) -> None:
        """Change a position's stops, or a working order's prices and stops."""
        position = self.find_position(order["target"])
        if position is not None:
            if order.get("price") is not None or order.get("stop_limit_price") is not None:
                raise ValueError("a new price for an open position is not judged")
            stop_loss, take_profit = changed_stops(order, position)
            price = closing_price(position.side, self.quotes[position.symbol.name])
            check_stops(position.side, stop_loss, price, take_profit)
            position.stop_loss, position.take_profit = stop_loss, take_profit
        else:
            old = self.find_working(order["target"])
            price = number(order, "price") or old.price
            limit_price = number(order, "stop_limit_price") or old.limit_price
            stop_loss, take_profit = changed_stops(order, old)
            new = replace(
                old,
                price=price,
                limit_price=limit_price if old.kind == "stop_limit" else price,
                stop_loss=stop_loss,
                take_profit=take_profit,
            )
            check_pending(new, opening_price(old.side, self.quotes[old.symbol.name]))
            self.working[self.working.index(old)] = new
        outcome.status = "done"

    # What both need.

    def open_position(self, order: Pending, price: Decimal, requested: Decimal) -> None:
        """Fill an order to open; positions stay in ticket order."""
        held = self.margin_of(order, price)
        opened = Position(order.ticket, order.key, order.symbol, order.side, order.volume, price)
        opened.stop_loss, opened.take_profit = order.stop_loss, order.take_profit
        self.positions.append(opened)
        self.positions.sort(key=lambda position: position.ticket)
        deal = self.make_deal(order.key, "open", order.side, order.volume, price)
        self.outcomes[order.key].margin_at_open = held
        fill(self.outcomes[order.key], deal, requested, order.symbol.pip)

    def close(self, position: Position, volume: Decimal, reason: str) -> Deal:
        """Close `volume` of a position at the quote in force and book its profit."""
        price = closing_price(position.side, self.quotes[position.symbol.name])
        gain = self.profit_of(position, volume, price)
        deal = self.make_deal(position.key, reason, -position.side, volume, price, gain)
        self.balance += gain
        self.outcomes[position.key].profit += gain
        position.volume -= volume
        if position.volume == 0:
            self.positions.remove(position)
        return deal

    def make_deal(
        self,
        key: str,
        reason: str,
        side: int,
        volume: Decimal,
        price: Decimal,
        gain: Decimal = Decimal(0),
    ) -> Deal:
        """Write down an execution."""
        number = len(self.deals) + 1
        self.deals.append(Deal(number, self.now_ms, key, reason, side, volume, price, gain))
        return self.deals[-1]

    def end(self, pending: Pending, status: str) -> None:
        """Take an order off the book."""
        self.working.remove(pending)
        self.outcomes[pending.key].status = status

    def find_position(self, key: str) -> Position | None:
        """The open position of the order with this key."""
        return next((position for position in self.positions if position.key == key), None)

    def find_working(self, key: str) -> Pending:
        """The working order with this key."""
        for pending in self.working:
            if pending.key == key:
                return pending
        raise Refused("no such order is working")

    def check_money(self, asked: Pending, price: Decimal) -> None:
        """Refuse what free margin does not cover by itself, whatever it hedges (risk counts so);
        what is near the border is not judged."""
        free, alone = self.free_margin(), self.margin_of(asked, price)
        if alone > free:
            raise Refused("not enough free margin")
        if alone * 3 > free:
            raise ValueError(f"margin {alone} of {free} is too near the border to be judged")

    def margin_of(self, order: Pending, price: Decimal) -> Decimal:
        """The margin of an order at `price`, by itself."""
        return margin(order.symbol, order.volume, price, self.currency, self.leverage)

    def profit_of(self, position: Position, volume: Decimal, price: Decimal) -> Decimal:
        """What `volume` of a position brings at `price`."""
        opened = position.open_price
        return profit(position.symbol, position.side, volume, opened, price, self.currency)

    def used_margin(self) -> Decimal:
        """What the positions of every symbol bind."""
        names = {position.symbol.name for position in self.positions}
        return sum((self.margin_in(SYMBOLS[name]) for name in names), Decimal(0))

    def margin_in(self, symbol: Symbol, *more: tuple[int, Decimal, Decimal]) -> Decimal:
        """What the positions of one symbol bind, with `more` (side, lots, price) among them."""
        held = [
            (position.side, position.volume, position.open_price)
            for position in self.positions
            if position.symbol == symbol
        ]
        return held_margin(symbol, [*held, *more], self.currency, self.leverage)

    def needed(self, order: Pending, price: Decimal) -> Decimal:
        """What opening an order at `price` binds on top; where it hedges, 0 or less."""
        symbol = order.symbol
        with_it = self.margin_in(symbol, (order.side, order.volume, price))
        return with_it - self.margin_in(symbol)

    def floating(self) -> Decimal:
        """The sum of the open positions' profits, each rounded."""
        total = Decimal(0)
        for position in self.positions:
            price = closing_price(position.side, self.quotes[position.symbol.name])
            total += self.profit_of(position, position.volume, price)
        return total

    def free_margin(self) -> Decimal:
        """Equity without what positions hold."""
        return self.balance + self.floating() - self.used_margin()
