"""The account at the broker: its ledger, and beside it what every quote is held against.

Whatever happens is recorded as an entry, taken into the ledger and into these views at once, and
written to the book together with all that happened with it.
"""

from __future__ import annotations

from heapq import heappop, heappush

from onefill.model.errors import OnefillError
from onefill.model.resolved import BrokerRequest
from onefill.model.volume import to_e8
from onefill.runtime.draws import Draws
from onefill.terminal import port
from onefill.terminal.simulator.book import Book
from onefill.terminal.simulator.contract import COLLATERAL
from onefill.terminal.simulator.costs import Costs
from onefill.terminal.simulator.entries import Dealt, Entry, Fate, Held, Ordered, Troubled
from onefill.terminal.simulator.exposure import Exposure
from onefill.terminal.simulator.history import History
from onefill.terminal.simulator.holdings import Holdings
from onefill.terminal.simulator.ledger import WORKING, Ledger
from onefill.terminal.simulator.margin_watch import MarginWatch
from onefill.terminal.simulator.market import NEVER_HIGH, Feed, Levels
from onefill.terminal.simulator.sessions import Sessions
from onefill.terminal.simulator.settings import BrokerSettings
from onefill.terminal.simulator.specification import Specification
from onefill.terminal.simulator.triggers import ASK_HIGH, ASK_LOW, BID_HIGH, BID_LOW, Waiting
from onefill.terminal.simulator.valuation import Rate, Valuation
from onefill.terminal.simulator.volumes import Volumes
from onefill.terminal.zone import ServerTime, parse_zone

#: Where an order waits: its price, on this side.
_WAITS_AT = {
    port.TYPE_BUY: ASK_LOW,
    port.TYPE_SELL: BID_HIGH,
    port.TYPE_BUY_LIMIT: ASK_LOW,
    port.TYPE_SELL_LIMIT: BID_HIGH,
    port.TYPE_BUY_STOP: ASK_HIGH,
    port.TYPE_SELL_STOP: BID_LOW,
    port.TYPE_BUY_STOP_LIMIT: ASK_HIGH,
    port.TYPE_SELL_STOP_LIMIT: BID_LOW,
}
#: What is left of a market order waits for the next tick, whatever it brings.
_ANY_TICK = {port.TYPE_BUY: NEVER_HIGH - 1, port.TYPE_SELL: 0}
#: Where a position's stop loss and take profit wait.
_STOPS_AT = {port.TYPE_BUY: (BID_LOW, BID_HIGH), port.TYPE_SELL: (ASK_HIGH, ASK_LOW)}


class Listed:
    """A symbol with quotes: its terms, its positions, and who waits at which of its levels."""

    def __init__(
        self,
        specification: Specification,
        sessions: Sessions,
        feed: Feed,
        valuation: Valuation,
    ) -> None:
        self.specification = specification
        self.symbol = symbol = specification.symbol
        #: Prices are multiples of it, in points.
        self.tick = specification.tick_points
        #: Of a side, 0: none.
        self.volume_limit_e8 = to_e8(specification.terms.volume_limit)
        self.sessions = sessions
        self.feed = feed
        self.valuation = valuation
        self.scale = valuation.scale
        self.holdings = Holdings(valuation, symbol.volume_step_e8)
        self.exposure = Exposure(valuation.margins)
        self.orders = Waiting()
        self.positions = Waiting()
        #: Volumes of its positions and of its working orders, by side.
        self.held = Volumes()
        self.ordered = Volumes()
        terms = specification.terms
        #: A new day of the server changes something for its orders and positions.
        self.ends_days = bool(
            (terms.swap_mode and (terms.swap_long or terms.swap_short))
            or terms.order_gtc_mode
            or terms.expiration
        )
        #: Has positions or working orders.
        self.is_busy = False
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
        while found < end and not self.sessions.is_open(at_ms := self.feed.time_at(found)):
            found = self._after_break(found, at_ms, end)
            found = self.feed.first_touch(found, end, levels)
        self._clear = found - 1
        return found

    def _after_break(self, place: int, at_ms: int, end: int) -> int:
        """The first place before `end` that can be in a session, after a tick outside of one."""
        opens_ms = self.sessions.opens_ms(at_ms)
        if opens_ms is None:
            return end
        return min(end, max(place, self.feed.place_at(opens_ms - 1)) + 1)

    def put_order(self, order: Ordered) -> None:
        """Let an order wait where it does now, or nowhere."""
        side, ticket = _WAITS_AT.get(order.type), order.ticket
        if side is None:
            return
        if order.state in WORKING:
            level = _ANY_TICK.get(order.type)
            if level is None:
                level = round(order.price_open * self.scale)
            self.orders.arm(side, ticket, level)
            self.ordered.put(ticket, 1 - order.type % 2 * 2, to_e8(order.volume_current))
            self._clear = self.feed.place
        else:
            self.orders.disarm(side, ticket)
            self.ordered.put(ticket, 1, 0)

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
            sign, volume_e8 = 1 - 2 * held.type, to_e8(held.volume)
            opened = self.opened(held)
            self.holdings.put(ticket, sign, volume_e8, opened)
            self.exposure.put(ticket, sign, volume_e8, opened, held.margin_rate)
            self.held.put(ticket, sign, volume_e8)
        else:
            self.holdings.drop(ticket)
            self.exposure.drop(ticket)
            self.held.put(ticket, 1, 0)


class Account:
    """One account. Money is in its currency's smallest unit; times are Unix ms."""

    def __init__(self, settings: BrokerSettings, book: Book, listed: dict[str, Listed]) -> None:
        """Take up the account where its book leaves it; an empty book leaves it unopened."""
        self.settings = settings
        #: One position a symbol.
        self.nets = settings.margin_mode != "hedging"
        self.draws = Draws(settings.seed)
        self.clock = ServerTime(parse_zone(settings.time_zone))
        self.ledger = Ledger()
        self.listed = listed
        self._margin_minor = 0
        self._costs: dict[str, Costs] = {}
        self._has_collateral = any(
            one.specification.calculation == COLLATERAL for one in listed.values()
        )
        self.now_ms = 0
        #: Counts what happened, so that others see that something did.
        self.happened = 0
        #: The symbols that have positions or working orders.
        self.busy: tuple[Listed, ...] = ()
        #: What says when a stop-out must be looked for.
        self.watch = MarginWatch()
        self._book = book
        self._together: list[Entry] = []
        self._expirations: list[tuple[int, int]] = []
        for entry in book.found:
            self.ledger.apply(entry)
        book.found = []
        self.now_ms = self.ledger.last_ms
        self.history = History(self.ledger, settings.history_lag_ms)
        self._check_symbols()
        for order in self.ledger.orders.values():
            self._watch_order(order)
        for held in self.ledger.positions.values():
            self._put_position(held)

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
            self._put_position(entry)
        elif isinstance(entry, Dealt):
            self.watch.forget()

    def commit(self) -> None:
        """Write what happened together to the book."""
        if self._together:
            self._book.append(self._together, self.now_ms)
            self._together = []
            self.happened += 1

    def _put_position(self, held: Held) -> None:
        listed = self.listed[held.symbol]
        bound = listed.exposure.margin()
        listed.put_position(held)
        self._margin_minor += listed.exposure.margin() - bound
        self._note_use(listed)
        if self.settings.stop_out > 0:
            self.watch.put(
                held.symbol,
                listed.valuation,
                held.ticket,
                to_e8(held.volume),
                listed.opened(held),
            )

    def _note_use(self, listed: Listed) -> None:
        """Keep `busy`, in the symbols' order."""
        busy = bool(listed.held or listed.ordered)
        if busy != listed.is_busy:
            listed.is_busy = busy
            self.busy = tuple([one for one in self.listed.values() if one.is_busy])

    def _watch_order(self, order: Ordered) -> None:
        listed = self.listed[order.symbol]
        listed.put_order(order)
        self._note_use(listed)
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

    def trouble(self, kind: str) -> Troubled | None:
        """A fault of this kind that lasts now; None where none does."""
        last = self.ledger.troubles.get(kind)
        return last if last is not None and self.now_ms < last.until_ms else None

    def floating(self) -> int:
        """Profit of all open positions at the quotes in force, and the swaps put on them."""
        return self.ledger.swap_minor + sum([one.holdings.floating() for one in self.busy])

    def equity(self) -> int:
        """What closing everything at the quotes in force would leave, and the worth of what is held
        as security only."""
        return self.ledger.balance_minor + self.floating() + self.assets()

    def assets(self) -> int:
        """What positions held as security only (collateral) count for."""
        if not self._has_collateral:
            return 0
        return sum(
            one.valuation.assets(one.held.of(1))
            for one in self.busy
            if one.specification.calculation == COLLATERAL
        )

    def margin(self) -> int:
        """What the open positions bind."""
        return self._margin_minor

    def free_margin(self) -> int:
        """Equity without what positions bind."""
        return self.equity() - self.margin()

    def margin_needed(self, listed: Listed, sign: int, volume_e8: int, price: int) -> int:
        """What opening so much at a price (points) would bind on top of what is bound now; `sign`
        +1 buy, -1 sell. Where it hedges, or reduces a netting account's position, 0 or less."""
        return listed.exposure.needed(sign, volume_e8, price, nets=self.nets)

    def net_position(self, symbol: str) -> Held | None:
        """The position of a symbol on a netting account; None where there is none, and always
        on a hedging account."""
        if not self.nets:
            return None
        held = self.ledger.by_symbol.get(symbol)
        return next(iter(held.values())) if held else None

    def money(self, amount_minor: int) -> float:
        """Smallest units as account currency."""
        return amount_minor / self.ledger.unit

    def deal_costs(
        self, listed: Listed, volume_e8: int, price: int, entry: int, opened_e8: int | None = None
    ) -> tuple[int, int]:
        """Commission and fee of a deal at a price (points): 0 or less. `opened_e8`: of a reversal,
        the volume that it opens."""
        name = listed.symbol.name
        costs = self._costs.get(name)
        if costs is None:
            costs = self._costs[name] = Costs(self.settings, listed.valuation)
        return costs.of_deal(volume_e8, price, entry, opened_e8)

    def comment(self, request: BrokerRequest, fate: Fate) -> str:
        """The comment that the broker keeps: the client's, cut, or one of its own."""
        text = request.comment if fate.comment is None else fate.comment
        return text[: self.settings.comment_limit]
