"""The broker: one account, the market it trades on, and what happens there as time goes on."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush

from onefill.model.errors import OnefillError
from onefill.model.money import currency_digits, to_minor
from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import SendResult
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.activation import take_tick
from onefill.terminal.simulator.book import Book
from onefill.terminal.simulator.conversion import Exchange
from onefill.terminal.simulator.entries import (
    NO_FATE,
    VERSION,
    AccountOpened,
    Dealt,
    Fate,
    Fenced,
    Missed,
    Scheduled,
    Troubled,
    WentOffline,
)
from onefill.terminal.simulator.market import Feed, FeedMaker, Market, Quotes
from onefill.terminal.simulator.pending_orders import ended
from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.requests import carry_out, refuse
from onefill.terminal.simulator.server_day import begin_day, next_day_ms
from onefill.terminal.simulator.sessions import sessions_of
from onefill.terminal.simulator.stop_out import StopOut
from onefill.terminal.simulator.ticks import TickSeries
from onefill.terminal.simulator.valuation import Valuation
from onefill.terminal.zone import ServerTime, parse_zone

_DAY_MS = 86_400_000
_OPENED_BEFORE_DAYS = 30


class Broker:
    """Everything on the far side of the terminal. It outlives the engine by its book."""

    def __init__(
        self,
        profile: Profile,
        series: Quotes,
        *,
        currency: str,
        balance: float,
        leverage: int,
        book: Book,
        hook: Callable[[str], None],
        lazily: bool = False,
    ) -> None:
        """`lazily`: a symbol that cannot be converted to `currency` is only refused when it is
        first traded or asked for."""
        self.profile = profile
        self.market = Market(series)
        self._hook = hook
        digits = currency_digits(currency)
        listed = list_symbols(profile, self.market, currency, digits, leverage, lazily=lazily)
        self.account = Account(profile.broker, book, listed)
        opening = AccountOpened(
            at_ms=_opening_ms(series),
            version=VERSION,
            login=profile.broker.login,
            server=profile.broker.server,
            currency=currency,
            currency_digits=digits,
            leverage=leverage,
        )
        self._take_up(opening, to_minor(balance, digits))
        self._stop_out = StopOut(self.account)
        #: What `_looked_at` was found for last, and what it is.
        self._looked_for: tuple[tuple[Listed, ...], dict[str, Feed]] = ((), {})
        self._looked: tuple[Listed, ...] = ()
        self.market.move(self.account.now_ms)
        self._late = [(one.due_ms, number) for number, one in self.account.ledger.late.items()]
        heapify(self._late)

    def _take_up(self, opening: AccountOpened, deposit_minor: int) -> None:
        """Open the account with its deposit, or check that the book is of such a one."""
        account, known = self.account, self.account.ledger.account
        if known is None:
            account.now_ms = opening.at_ms
            account.record(opening)
            account.record(_deposit(account, deposit_minor / account.ledger.unit))
            account.commit()
        elif known != opening or account.ledger.deposit_minor != deposit_minor:
            raise OnefillError(
                "BOOK_OF_ANOTHER_RUN",
                "the simulated broker's book belongs to another account "
                f"({known.login}, {known.currency}, leverage {known.leverage}); give the same "
                "ticks, broker, balance, currency and leverage again, or begin elsewhere",
            )

    # Time.

    def next_ms(self, limit_ms: int) -> int | None:
        """When something happens next, at `limit_ms` at the latest; None where nothing does."""
        account = self.account
        found: int | None = None
        expiration = account.next_expiration()
        if expiration is not None and expiration[0] <= limit_ms:
            found = limit_ms = max(expiration[0], account.now_ms)
        if self._late and self._late[0][0] <= limit_ms:
            found = limit_ms = max(self._late[0][0], account.now_ms)
        if not account.busy:
            return found
        day_ms = next_day_ms(account)
        if day_ms is not None and day_ms <= limit_ms:
            found = limit_ms = day_ms
        for listed in account.busy:
            if listed.orders or listed.positions:
                feed = listed.feed
                end = feed.place_at(limit_ms) + 1
                place = listed.next_touch(end)
                if place < end:
                    found = limit_ms = feed.time_at(place)
        looked_ms = self._stop_out.next_ms(limit_ms)
        return found if looked_ms is None else looked_ms

    def step(self, now_ms: int) -> None:
        """All that happens at a time up to which nothing else does: expirations, the beginning of a
        day, then ticks in the symbols' order, then requests that were scheduled."""
        account = self.account
        begins_day = next_day_ms(account) == now_ms
        if begins_day:
            self.market.move(now_ms - 1)
        account.now_ms = now_ms
        while (due := account.next_expiration()) is not None and due[0] <= now_ms:
            account.record(ended(account, account.ledger.orders[due[1]], port.STATE_EXPIRED))
        if begins_day:
            begin_day(account)
            self._stop_out.look()
        for listed in self._looked_at():
            feed = listed.feed
            place = feed.place_at(now_ms)
            if place > feed.place and feed.time_at(place) == now_ms:
                self.market.move_to_tick(feed, place)
                if listed.is_busy and listed.sessions.is_open(now_ms):
                    take_tick(account, listed)
                self._stop_out.look()
        self.market.move(now_ms)
        account.commit()
        while self._late and self._late[0][0] <= now_ms:
            late = heappop(self._late)[1]
            scheduled = account.ledger.late[late]
            self._hook("broker:before")
            carry_out(account, self.profile, scheduled.request, scheduled.fate, late)
            self._stop_out.look()
            account.commit()
            self._hook("broker:executed")

    def _looked_at(self) -> tuple[Listed, ...]:
        """The symbols, in their order, whose ticks decide anything: those that have orders or
        positions, and (where there are stop-outs) those that positions are converted through."""
        account = self.account
        busy = account.busy
        if not self._stop_out.is_on:
            return busy
        feeds = account.watch.feeds()
        # Both are made anew where they change.
        if busy is not self._looked_for[0] or feeds is not self._looked_for[1]:
            self._looked_for = busy, feeds
            self._looked = tuple(
                [one for name, one in account.listed.items() if one.is_busy or name in feeds]
            )
        return self._looked

    def rest(self, now_ms: int) -> None:
        """Let time pass in which nothing happens."""
        self.account.now_ms = now_ms
        self.market.move(now_ms)

    @property
    def next_late_ms(self) -> int | None:
        """When the next scheduled request is carried out."""
        return self._late[0][0] if self._late else None

    # What is asked of it.

    def execute(self, request: BrokerRequest, fate: Fate = NO_FATE) -> SendResult:
        """Carry out a request now; durable when this comes back."""
        result = carry_out(self.account, self.profile, request, fate)
        self._stop_out.look()
        self.account.commit()
        return result

    def refuse(self, request: BrokerRequest, retcode: int) -> SendResult:
        """Refuse a request for no reason of its own."""
        result = refuse(self.account, request, retcode)
        self.account.commit()
        return result

    def schedule(self, request: BrokerRequest, fate: Fate, delay_ms: int) -> None:
        """Carry out a request later, whoever still wants it then."""
        account = self.account
        late, due_ms = account.ledger.last_late + 1, account.now_ms + delay_ms
        account.record(
            Scheduled(at_ms=account.now_ms, late=late, due_ms=due_ms, request=request, fate=fate)
        )
        account.commit()
        heappush(self._late, (due_ms, late))

    def go_offline(self, delay_ms: int) -> None:
        """Lose the connection for a while."""
        now_ms = self.account.now_ms
        self.account.record(WentOffline(at_ms=now_ms, until_ms=now_ms + delay_ms))
        self.account.commit()

    def trouble(self, kind: str, delay_ms: int, amount: int = 0) -> None:
        """Let a fault last for a while."""
        now_ms = self.account.now_ms
        self.account.record(
            Troubled(at_ms=now_ms, kind=kind, until_ms=now_ms + delay_ms, amount=amount)
        )
        self.account.commit()

    def miss(self) -> None:
        """A request came to nothing, and nobody here knows of it."""
        self.account.record(Missed(at_ms=self.account.now_ms))
        self.account.commit()

    def fence(self, epoch: int) -> None:
        """Listen to engines of this epoch or later only."""
        if epoch > self.account.ledger.epoch:
            self.account.record(Fenced(at_ms=self.account.now_ms, epoch=epoch))
            self.account.commit()


def list_symbols(
    profile: Profile,
    market: Market,
    currency: str,
    digits: int,
    leverage: int,
    *,
    lazily: bool = False,
) -> dict[str, Listed]:
    """The symbols that have ticks. Raises `OnefillError` where one is unknown or cannot be valued
    in the account's currency; `lazily`: that is found out when it is first traded or asked for."""
    for name in market.feeds:
        profile.symbol(name)
    loaded = [profile.specifications[name] for name in market.feeds]
    exchange = Exchange(loaded, market.feeds)
    clock = ServerTime(parse_zone(profile.broker.time_zone))
    listed = {}
    for one in loaded:
        feed = market.feeds[one.symbol.name]
        valuation = Valuation(one, feed, exchange, currency, digits, leverage)
        if not lazily:
            valuation.check_convertible()
        terms = one.terms
        sessions = sessions_of(terms.sessions, terms.start, terms.expiration, clock)
        listed[one.symbol.name] = Listed(one, sessions, feed, valuation)
    return listed


def _opening_ms(quotes: Quotes) -> int:
    """A midnight well before the first tick: an order that arrives before any tick, or a day
    early, finds the account open. A generated market says itself when it begins."""
    begins = [_begins_ms(one) for one in quotes.values()]
    return min((begin_ms for begin_ms in begins if begin_ms is not None), default=0)


def _begins_ms(quotes: TickSeries | FeedMaker) -> int | None:
    if not isinstance(quotes, TickSeries):
        return quotes.begins_ms
    if not len(quotes):
        return None
    return max(0, int(quotes.time_ms[0]) // _DAY_MS - _OPENED_BEFORE_DAYS) * _DAY_MS


def _deposit(account: Account, amount: float) -> Dealt:
    return Dealt(
        at_ms=account.now_ms,
        ticket=account.ledger.next_deal,
        order=0,
        position_id=0,
        symbol="",
        type=2,
        entry=port.ENTRY_IN,
        magic=0,
        reason=port.REASON_CLIENT,
        volume=0.0,
        price=0.0,
        profit=amount,
        commission=0.0,
        swap=0.0,
        fee=0.0,
        comment="deposit",
        time_ms=account.now_ms,
    )
