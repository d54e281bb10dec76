"""The account at the broker: its ledger, and beside it what every quote is held against.

Whatever happens is recorded as an entry, taken into the ledger and into these views at once, and
written to the book together with all that happened with it.
"""

from __future__ import annotations

from fractions import Fraction
from heapq import heappop, heappush

from onefill.model.errors import OnefillError
from onefill.model.resolved import BrokerRequest
from onefill.model.symbol import Symbol
from onefill.model.volume import LOT_E8, to_e8
from onefill.terminal import port
from onefill.terminal.simulator.book import Book
from onefill.terminal.simulator.entries import Entry, Fate, Held, Ordered
from onefill.terminal.simulator.history import History
from onefill.terminal.simulator.holdings import Holdings
from onefill.terminal.simulator.ledger import WORKING, Ledger
from onefill.terminal.simulator.market import Feed, Levels
from onefill.terminal.simulator.sessions import Sessions
from onefill.terminal.simulator.settings import BrokerSettings
from onefill.terminal.simulator.triggers import ASK_HIGH, ASK_LOW, BID_HIGH, BID_LOW, Waiting
from onefill.terminal.simulator.valuation import Rate, Valuation, rounded
from onefill.terminal.zone import ServerTime, parse_zone

#: Where a pending order waits: its price, on this side.
_WAITS_AT = {
    port.TYPE_BUY_LIMIT: ASK_LOW,
    port.TYPE_SELL_LIMIT: BID_HIGH,
    port.TYPE_BUY_STOP: ASK_HIGH,
    port.TYPE_SELL_STOP: BID_LOW,
    port.TYPE_BUY_STOP_LIMIT: ASK_HIGH,
    port.TYPE_SELL_STOP_LIMIT: BID_LOW,
}
#: Where a position's stop loss and take profit wait.
_STOPS_AT = {port.TYPE_BUY: (BID_LOW, BID_HIGH), port.TYPE_SELL: (ASK_HIGH, ASK_LOW)}


class Listed:
    """A symbol with quotes: its terms, its positions, and who waits at which of its levels."""

    def __init__(
        self, symbol: Symbol, sessions: Sessions, feed: Feed, valuation: Valuation
    ) -> None:
        self.symbol = symbol
        self.sessions = sessions
        self.feed = feed
        self.valuation = valuation
        self.scale = valuation.scale
        self.holdings = Holdings(valuation, symbol.volume_step_e8)
        self.orders = Waiting()
        self.positions = Waiting()
        #: No tick up to this place touches anything.
        self._clear = -1

    def opened(self, held: Held) -> Rate:
        """A position's average opening price in points."""
        return held.average or (round(held.price_open * self.scale), 1)

    def next_touch(self, end: int) -> int:
        """The place of the next tick before `end` that touches a level; `end` where none does."""
        begin = max(self._clear, self.feed.place) + 1
        if begin >= end or not (self.orders or self.positions):
            return end
        orders, positions = self.orders, self.positions
        levels = Levels(
            max(orders.nearest(BID_LOW), positions.nearest(BID_LOW)),
            min(orders.nearest(BID_HIGH), positions.nearest(BID_HIGH)),
            max(orders.nearest(ASK_LOW), positions.nearest(ASK_LOW)),
            min(orders.nearest(ASK_HIGH), positions.nearest(ASK_HIGH)),
        )
        found = self.feed.first_touch(begin, end, levels)
        self._clear = found - 1
        return found

    def put_order(self, order: Ordered) -> None:
        """Let an order wait where it does now, or nowhere."""
        side = _WAITS_AT.get(order.type)
        if side is None:
            return
        if order.state in WORKING:
            self.orders.arm(side, order.ticket, round(order.price_open * self.scale))
            self._clear = self.feed.place
        else:
            self.orders.disarm(side, order.ticket)

    def put_position(self, held: Held) -> None:
        """Value a position, and let its stops wait."""
        ticket = held.ticket
        for side, level in zip(_STOPS_AT[held.type], (held.sl, held.tp), strict=True):
            if level and held.volume:
                self.positions.arm(side, ticket, round(level * self.scale))
                self._clear = self.feed.place
            else:
                self.positions.disarm(side, ticket)
        if held.volume:
            sign = 1 if held.type == port.TYPE_BUY else -1
            self.holdings.put(ticket, sign, to_e8(held.volume), self.opened(held))
        else:
            self.holdings.drop(ticket)


class Account:
    """One account. Money is in its currency's smallest unit; times are Unix ms."""

    def __init__(self, settings: BrokerSettings, book: Book, listed: dict[str, Listed]) -> None:
        """Take up the account where its book leaves it; an empty book leaves it unopened."""
        self.settings = settings
        self.clock = ServerTime(parse_zone(settings.time_zone))
        self.ledger = Ledger()
        self.listed = listed
        self.now_ms = 0
        #: Counts what happened, so that others see that something did.
        self.happened = 0
        self._book = book
        self._together: list[Entry] = []
        self._expirations: list[tuple[int, int]] = []
        for entry in book.found:
            self.ledger.apply(entry)
        book.found = []
        self.now_ms = self.ledger.last_ms
        self.history = History(self.ledger)
        self._check_symbols()
        for order in self.ledger.orders.values():
            self._watch_order(order)
        for held in self.ledger.positions.values():
            listed[held.symbol].put_position(held)

    def _check_symbols(self) -> None:
        rows: list[Ordered | Held] = [
            *self.ledger.orders.values(),
            *self.ledger.positions.values(),
        ]
        for row in rows:
            if row.symbol not in self.listed:
                raise OnefillError(
                    "BOOK_OF_ANOTHER_RUN",
                    f"the simulated broker's book {self._book.path} holds {row.symbol}, of which "
                    "there are no ticks; give the same ticks again, or begin in another directory",
                )

    def record(self, entry: Entry) -> None:
        """Something happened: it is so from here on, and durable with the next `commit`."""
        self._together.append(entry)
        self.ledger.apply(entry)
        if isinstance(entry, Ordered):
            self._watch_order(entry)
            if entry.hidden_ms:
                self.history.hide(entry)
        elif isinstance(entry, Held):
            self.listed[entry.symbol].put_position(entry)

    def commit(self) -> None:
        """Write what happened together to the book."""
        if self._together:
            self._book.append(self._together, self.now_ms)
            self._together = []
            self.happened += 1

    def _watch_order(self, order: Ordered) -> None:
        self.listed[order.symbol].put_order(order)
        if order.expiration_ms and order.state in WORKING:
            heappush(self._expirations, (order.expiration_ms, order.ticket))

    def next_expiration(self) -> tuple[int, int] | None:
        """When the next pending order expires, and its ticket."""
        waiting = self._expirations
        while waiting:
            order = self.ledger.orders.get(waiting[0][1])
            if order is not None and order.expiration_ms == waiting[0][0]:
                return waiting[0]
            heappop(waiting)
        return None

    def floating(self) -> int:
        """Profit of all open positions at the quotes in force."""
        return sum([one.holdings.floating() for one in self.listed.values()])

    def equity(self) -> int:
        """What closing everything at the quotes in force would leave."""
        return self.ledger.balance_minor + self.floating()

    def margin(self) -> int:
        """What the open positions bind."""
        return self.ledger.margin_minor

    def free_margin(self) -> int:
        """Equity without what positions bind."""
        return self.equity() - self.margin()

    def margin_needed(self, listed: Listed, sign: int, volume_e8: int, price: int) -> int:
        """What opening so much at a price (points) would bind on top; `sign` +1 buy, -1 sell."""
        valuation = listed.valuation
        return valuation.margin(volume_e8, (price, 1), valuation.margin_rate(sign))

    def money(self, amount_minor: int) -> float:
        """Smallest units as account currency."""
        return amount_minor / self.ledger.unit

    def commission(self, volume_e8: int) -> float:
        """What a deal costs, in account currency: negative, or 0."""
        rate = self.settings.commission_per_lot
        if not rate:
            return 0.0
        cost = Fraction(repr(rate)) * self.ledger.unit * Fraction(volume_e8, LOT_E8)
        return self.money(-rounded(cost.numerator, cost.denominator))

    def comment(self, request: BrokerRequest, fate: Fate) -> str:
        """The comment that the broker keeps: the client's, cut, or one of its own."""
        text = request.comment if fate.comment is None else fate.comment
        return text[: self.settings.comment_limit]
