"""Drafts of orders that must be refused, each for one reason."""

from decimal import Decimal

from .drafts import Drafts, Line, is_stop_limit
from .rules import closing_price, opening_price
from .ticks import Tick


class WrongDrafts(Drafts):
    """The drafts of orders to be carried out, and those of wrong ones."""

    def wrong_volume(self) -> Line:
        """Below the least, off the step, above the most, or more than the account can hold."""
        symbol, _, _, line = self.start("market")
        line.pop("units", None)
        least, most = Decimal("0.004"), symbol.max_volume
        line["volume"] = self.random.choice((least, Decimal("0.015"), most + symbol.step, most))
        if symbol.contract > 1000 and self.chance(0.2):
            line["units"] = int(symbol.contract * symbol.step) - 1
            del line["volume"]
        return line

    def wrong_stops(self) -> Line:
        """A stop loss or take profit at or beyond its own side of the price."""
        line = self.random.choice((self.market, self.limit, self.stop, self.stop_limit))()
        quote, side = self.quote_and_side(line)
        if quote is None:
            return line
        own = line.get("stop_limit_price") or line.get("price")
        if line["order_type"] == "market" or own is None:
            own = closing_price(side, quote)
        return line | self.random.choice(
            (
                {"stop_loss": own + side * self.maybe_distance(quote)},
                {"take_profit": own - side * self.maybe_distance(quote)},
            )
        )

    def wrong_price(self) -> Line:
        """A working order at or beyond the market."""
        kind = self.random.choice(("limit", "stop", "stop_limit"))
        _, quote, side, line = self.start(kind)
        if quote is None:
            return line | {"order_type": "market"}
        beyond = side if kind == "limit" else -side
        line["price"] = opening_price(side, quote) + beyond * self.maybe_distance(quote)
        if kind == "stop_limit":
            line["stop_limit_price"] = line["price"] - side * self.distance(quote)
        return line

    def wrong_limit_price(self) -> Line:
        """A stop limit whose limit is not on the near side of its stop."""
        _, quote, side, line = self.start("stop_limit")
        if quote is None:
            return line | {"order_type": "market"}
        line["price"] = opening_price(side, quote) + side * self.distance(quote)
        line["stop_limit_price"] = line["price"] + side * self.maybe_distance(quote)
        return line

    def wrong_expiration(self) -> Line:
        """A working order that has expired before it arrives."""
        line = self.random.choice((self.limit, self.stop, self.stop_limit))()
        if line["order_type"] != "market":
            line["expiration"] = (self.book.now_ms // 1000 - self.random.randint(1, 100)) * 1000
        return line

    def wrong_target(self) -> Line:
        """An unknown key, one that has ended or never began, or one in the other state."""
        action = self.random.choice(("close", "cancel", "modify"))
        positions = [position.key for position in self.book.positions]
        working = [pending.key for pending in self.book.working]
        live = {"close": positions, "cancel": working, "modify": positions + working}[action]
        others = [key for key in self.book.outcomes if key not in live]
        line: Line = {"action": action, "target": self.random.choice([*others, "nobody"])}
        if action == "modify":
            line["stop_loss"] = 1
        return line

    def wrong_target_by_a_moment(self) -> Line:
        """An order that has expired since the last tick, or this very millisecond."""
        return {"action": "cancel", "target": self.random.choice(self.just_expired)}

    def wrong_part(self) -> Line | None:
        """More than the position has, or less than a step."""
        position = self.any_position()
        if position is None:
            return None
        volume = self.random.choice((position.volume + position.symbol.step, Decimal("0.005")))
        return {"action": "close", "target": position.key, "volume": volume}

    def wrong_change_of_position(self) -> Line | None:
        """A stop at or beyond its own side of the quote."""
        position = self.any_position()
        if position is None:
            return None
        side, quote = position.side, self.book.quotes[position.symbol.name]
        price = closing_price(side, quote)
        line: Line = {"action": "modify", "target": position.key}
        return line | self.random.choice(
            (
                {"stop_loss": price + side * self.maybe_distance(quote)},
                {"take_profit": price - side * self.maybe_distance(quote)},
            )
        )

    def wrong_change_of_pending(self) -> Line | None:
        """A price at or beyond the market."""
        pending = self.any_working()
        if pending is None or is_stop_limit(pending):
            return None
        side, quote = pending.side, self.book.quotes[pending.symbol.name]
        beyond = side if pending.kind == "limit" else -side
        price = opening_price(side, quote) + beyond * self.maybe_distance(quote)
        return {"action": "modify", "target": pending.key, "price": price}

    def quote_and_side(self, line: Line) -> tuple[Tick | None, int]:
        """The quote in force for a line, and its side as a sign."""
        return self.book.quotes.get(line["symbol"]), 1 if line["side"] == "buy" else -1

    def maybe_distance(self, quote: Tick) -> Decimal:
        """No distance at all in some cases: equal is refused too."""
        return Decimal(0) if self.chance(0.4) else self.distance(quote)
