"""Drafts of single orders that fit what a book holds at a moment: the ones to be carried out."""

from decimal import Decimal
from random import Random
from typing import Any

from .book import Book
from .records import Pending, Position
from .rules import closing_price, opening_price
from .symbols import SYMBOLS, Symbol
from .ticks import Tick

Line = dict[str, Any]
_DAY_MS = 86_400_000


class Drafts:
    """Drafts lines without key and time; None where the book has nothing to aim at."""

    def __init__(
        self, book: Book, random: Random, names: list[str], arrivals: list[int], last_ms: int
    ) -> None:
        self.book = book
        self.random = random
        self.names = names
        self.arrivals = arrivals  # of all orders to be drafted
        self.last_ms = last_ms  # the last tick's time
        self.just_expired: list[str] = []

    def expire(self, now_ms: int) -> None:
        """Let the book's time run to the next order's, and note what that ends."""
        working = [pending.key for pending in self.book.working]
        self.book.expire(now_ms)
        self.just_expired = [key for key in working if self.book.outcomes[key].status == "expired"]

    def market(self) -> Line:
        """Buy or sell now."""
        symbol, quote, side, line = self.start("market")
        if quote is None:
            return line
        if self.chance(0.6):
            line |= self.stops(side, closing_price(side, quote), quote)
        if self.chance(0.15):
            points = self.random.randint(-5, 5)
            line["price"] = opening_price(side, quote) + points * symbol.point
        if self.chance(0.1):
            line["deviation"] = 20
        return line

    def limit(self) -> Line:
        """Buy below the market or sell above it."""
        return self.pending("limit")

    def stop(self) -> Line:
        """Buy above the market or sell below it."""
        return self.pending("stop")

    def stop_limit(self) -> Line:
        """A stop that places a limit."""
        return self.pending("stop_limit")

    def pending(self, kind: str) -> Line:
        """A working order at some distance from the market."""
        _, quote, side, line = self.start(kind)
        if quote is None:
            return line | {"order_type": "market"}
        towards = -side if kind == "limit" else side
        own = line["price"] = opening_price(side, quote) + towards * self.distance(quote)
        if kind == "stop_limit":
            own = line["stop_limit_price"] = own - side * self.distance(quote)
        if self.chance(0.6):
            line |= self.stops(side, own, quote)
        if self.chance(0.5):
            line["expiration"] = self.expiration()
        return line

    def close(self) -> Line | None:
        """A whole position."""
        position = self.any_position()
        return None if position is None else {"action": "close", "target": position.key}

    def close_part(self) -> Line | None:
        """Some of a position; at times all of it, by its volume."""
        position = self.any_position()
        if position is None:
            return None
        steps = self.random.randint(1, int(position.volume / position.symbol.step))
        volume = steps * position.symbol.step
        return {"action": "close", "target": position.key, "volume": volume}

    def close_all(self) -> Line:
        """Everything."""
        return {"action": "close_all"}

    def close_all_of_symbol(self) -> Line:
        """Everything of one symbol, which may be nothing."""
        return {"action": "close_all", "symbol": self.random.choice(self.names)}

    def cancel(self) -> Line | None:
        """A working order."""
        pending = self.any_working()
        return None if pending is None else {"action": "cancel", "target": pending.key}

    def modify_position(self) -> Line | None:
        """New stops; 0 removes one, null and absence leave it."""
        position = self.any_position()
        if position is None:
            return None
        quote = self.book.quotes[position.symbol.name]
        stops = self.stops(position.side, closing_price(position.side, quote), quote)
        for field in ("stop_loss", "take_profit"):
            if self.chance(0.2):
                stops[field] = self.random.choice((0, None))
        return {"action": "modify", "target": position.key, **stops}

    def modify_pending(self) -> Line | None:
        """A new price (of a stop limit only stops), mostly with stops that suit it."""
        pending = self.any_working()
        if pending is None:
            return None
        side, quote = pending.side, self.book.quotes[pending.symbol.name]
        line: Line = {"action": "modify", "target": pending.key}
        own = pending.limit_price
        if not is_stop_limit(pending):
            towards = -side if pending.kind == "limit" else side
            own = line["price"] = opening_price(side, quote) + towards * self.distance(quote)
        if "price" not in line or self.chance(0.7):
            line |= self.stops(side, own, quote)
        return line

    # Parts of a draft.

    def start(self, kind: str) -> tuple[Symbol, Tick | None, int, Line]:
        """Symbol (mostly a quoted one), side and volume of an order to open."""
        quoted = [name for name in self.names if name in self.book.quotes]
        name = self.random.choice(quoted if quoted and self.chance(0.97) else self.names)
        symbol, side = SYMBOLS[name], self.random.choice((1, -1))
        line: Line = {
            "action": "open",
            "symbol": name,
            "side": "buy" if side > 0 else "sell",
            "order_type": kind,
        }
        steps = self.random.randint(1, 20)
        if self.chance(0.25):
            step_units = int(symbol.contract * symbol.step)
            line["units"] = steps * step_units + self.random.randrange(step_units)
        else:
            line["volume"] = steps * symbol.step
        if self.chance(0.2):
            line |= {"magic": self.random.randint(1, 9999), "comment": "oracle"}
        return symbol, self.book.quotes.get(name), side, line

    def stops(self, side: int, own: Decimal, quote: Tick) -> Line:
        """Stop loss, take profit or both, on the right sides of `own`."""
        loss, gain = own - side * self.distance(quote), own + side * self.distance(quote)
        return self.random.choice(
            (
                {"stop_loss": loss},
                {"take_profit": gain},
                {"stop_loss": loss, "take_profit": gain},
            )
        )

    def distance(self, quote: Tick) -> Decimal:
        """One point to thirty spreads."""
        point = SYMBOLS[quote.symbol].point
        spread = max(5, int((quote.ask - quote.bid) / point))
        return self.random.randint(1, spread * self.random.choice((1, 3, 10, 30))) * point

    def expiration(self) -> int:
        """A whole second before the last tick, at times some order's own, or a day after it."""
        shared = [
            arrival
            for arrival in self.arrivals
            if arrival % 1000 == 0 and self.book.now_ms < arrival < self.last_ms
        ]
        if shared and self.chance(0.3):
            return self.random.choice(shared[:5])
        seconds = self.random.choice((1, 10, 60, 600, 3600, 4 * 3600))
        expiration = (self.book.now_ms // 1000 + 1 + seconds) * 1000
        return expiration if expiration < self.last_ms else self.last_ms // 1000 * 1000 + _DAY_MS

    def any_position(self) -> Position | None:
        """An open position."""
        return self.random.choice(self.book.positions or [None])

    def any_working(self) -> Pending | None:
        """A working order."""
        return self.random.choice(self.book.working or [None])

    def chance(self, probability: float) -> bool:
        """True in that share of the calls."""
        return self.random.random() < probability


def is_stop_limit(pending: Pending) -> bool:
    """Whether it was placed as a stop limit, by its key: its kind changes when it triggers."""
    return pending.key.endswith("stop_limit")
