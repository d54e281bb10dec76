"""The calls that only look: symbols, quotes, the account, orders and positions as they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onefill.model.market import MarketView
from onefill.model.volume import to_e8
from onefill.terminal import port
from onefill.terminal.port import AccountRow, OrderRow, PositionRow, Ready, Reply, Tick
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.checks import points_of
from onefill.terminal.simulator.entries import Held
from onefill.terminal.simulator.order_check import check_request
from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.settings import MARGIN_MODES, TRADE_MODES

NOT_FOUND = Reply(None, (-4, "Terminal: Not found"))
INVALID_PARAMS = Reply(None, (-2, "Terminal: Invalid params"))
CALL_FAILED = Reply(None, (-1, "Terminal: Call failed"))

Arguments = Mapping[str, Any]


class Queries:
    """Answers from one account and its market. Money is in account currency, times are UTC ms."""

    def __init__(self, account: Account, profile: Profile) -> None:
        self._account = account
        self._profile = profile
        opened = account.ledger.account
        assert opened is not None
        self._opened = opened
        #: Per symbol: the quotes that decide it, point value, margin of a lot.
        self._worth: dict[str, tuple[tuple[int, ...], float, float]] = {}
        self.by_name: dict[str, Callable[[Arguments], Reply]] = {
            "look": self.look,
            "changes": self.changes,
            "symbol_info": self.symbol_info,
            "symbol_info_tick": self.symbol_info_tick,
            "account_info": self.account_info,
            "orders_get": self.orders_get,
            "positions_get": self.positions_get,
            "history_orders_get": self.history_orders_get,
            "history_deals_get": self.history_deals_get,
            "order_check": self.order_check,
            "order_calc_margin": self.order_calc_margin,
            "order_calc_profit": self.order_calc_profit,
        }

    def look(self, arguments: Arguments) -> Reply:
        """One symbol's quote and the account, as a `MarketView`."""
        name = arguments["symbol"]
        account = self._account
        listed = account.listed.get(name)
        if listed is None and name not in self._profile.specifications:
            return NOT_FOUND
        quote_ms, bid, ask, point_value, margin_per_lot = self._quote(listed)
        ledger, unit = account.ledger, account.ledger.unit
        balance, margin, equity = ledger.balance_minor, account.margin(), account.equity()
        view = MarketView(
            symbol=name,
            quote_ms=quote_ms,
            bid=bid,
            ask=ask,
            point_value=point_value,
            margin_per_lot=margin_per_lot,
            session_open=listed is not None and listed.sessions.is_open(account.now_ms),
            balance=balance / unit,
            equity=equity / unit,
            margin=margin / unit,
            margin_free=(equity - margin) / unit,
            currency=self._opened.currency,
            currency_digits=self._opened.currency_digits,
            open_positions=len(ledger.positions),
            open_orders=len(ledger.orders),
        )
        return Reply(view)

    def _quote(self, listed: Listed | None) -> tuple[int, float, float, float, float]:
        """Time, bid, ask, point value and margin of a lot; zeros where they are not known yet."""
        if listed is None or not listed.valuation.is_quoted:
            return 0, 0.0, 0.0, 0.0, 0.0
        feed, scale, valuation = listed.feed, listed.scale, listed.valuation
        margin_legs = valuation.margins.way.legs
        through = (*valuation.converted_through, *[leg.feed for leg in margin_legs])
        places = (feed.place, *[other.place for other in through])
        worth = self._worth.get(feed.symbol)
        if worth is None or worth[0] != places:
            worth = (places, valuation.point_value(), valuation.margin_per_lot())
            self._worth[feed.symbol] = worth
        return feed.time_ms, feed.bid / scale, feed.ask / scale, worth[1], worth[2]

    def ready(self) -> Reply:
        """What is verified right before a send."""
        account, ledger = self._account, self._account.ledger
        online = account.now_ms >= ledger.offline_until_ms
        skew = account.trouble("clock_skew")
        return Reply(
            Ready(
                connected=online,
                trade_allowed=account.trouble("autotrading_off") is None,
                synchronised=online,
                login=self._opened.login,
                server=self._opened.server,
                server_ms=account.now_ms + (skew.amount if skew else 0),
                last_ticket=ledger.next_order - 1,
            )
        )

    def changes(self, arguments: Arguments) -> Reply:
        """What happened since a cursor."""
        return Reply(self._account.history.changes(arguments["cursor"]))

    def symbol_info(self, arguments: Arguments) -> Reply:
        """A symbol's specification."""
        found = self._profile.specifications.get(arguments["symbol"])
        return NOT_FOUND if found is None else Reply(found.symbol)

    def symbol_info_tick(self, arguments: Arguments) -> Reply:
        """The quote in force."""
        listed = self._account.listed.get(arguments["symbol"])
        if listed is None or listed.feed.place < 0:
            return NOT_FOUND
        feed, scale = listed.feed, listed.scale
        return Reply(Tick(feed.time_ms, feed.bid / scale, feed.ask / scale))

    def account_info(self, arguments: Arguments) -> Reply:
        """Balance, equity, margin."""
        account, ledger, opened = self._account, self._account.ledger, self._opened
        floating = account.floating()
        equity, margin = account.equity(), account.margin()
        row = AccountRow(
            login=opened.login,
            server=opened.server,
            currency=opened.currency,
            currency_digits=opened.currency_digits,
            leverage=opened.leverage,
            balance=account.money(ledger.balance_minor),
            equity=account.money(equity),
            margin=account.money(margin),
            margin_free=account.money(equity - margin),
            profit=account.money(floating),
            margin_mode=MARGIN_MODES[account.settings.margin_mode],
            trade_mode=TRADE_MODES[account.settings.trade_mode],
            company=account.settings.company,
        )
        return Reply(row)

    def orders_get(self, arguments: Arguments) -> Reply:
        """Working orders: of a symbol, or by ticket, or all."""
        rows: tuple[OrderRow, ...]
        if "ticket" in arguments:
            found = self._account.ledger.orders.get(arguments["ticket"])
            rows = () if found is None else (found,)
        else:
            every = self._account.ledger.orders.values()
            rows = tuple([row for row in every if _is_of(arguments, row.symbol)])
        return Reply(rows)

    def positions_get(self, arguments: Arguments) -> Reply:
        """Open positions: of a symbol, or by ticket, or all."""
        if "ticket" in arguments:
            found = self._account.ledger.positions.get(arguments["ticket"])
            return Reply(() if found is None else (self._position(found),))
        every = self._account.ledger.positions.values()
        return Reply(
            tuple([self._position(held) for held in every if _is_of(arguments, held.symbol)])
        )

    def _position(self, held: Held) -> PositionRow:
        account = self._account
        listed = account.listed[held.symbol]
        buy = held.type == port.TYPE_BUY
        close = listed.feed.bid if buy else listed.feed.ask
        profit = listed.valuation.profit(
            1 if buy else -1, to_e8(held.volume), listed.opened(held), close
        )
        return PositionRow(
            ticket=held.ticket,
            identifier=held.identifier,
            symbol=held.symbol,
            type=held.type,
            magic=held.magic,
            volume=held.volume,
            price_open=held.price_open,
            price_current=close / listed.scale,
            sl=held.sl,
            tp=held.tp,
            profit=account.money(profit),
            swap=held.swap,
            comment=held.comment,
            time_ms=held.time_ms,
            update_ms=held.update_ms,
            reason=held.reason,
        )

    def history_orders_get(self, arguments: Arguments) -> Reply:
        """Finished orders: by ticket, of a position, or that ended in a window."""
        history = self._account.history
        if "ticket" in arguments:
            return Reply(history.order(arguments["ticket"]))
        if "position" in arguments:
            return Reply(history.orders_of_position(arguments["position"]))
        return Reply(history.orders_between(arguments["from_ms"], arguments["to_ms"]))

    def history_deals_get(self, arguments: Arguments) -> Reply:
        """Deals: of an order (`ticket`), of a position, or of a window."""
        history = self._account.history
        if "ticket" in arguments:
            return Reply(history.deals_of_order(arguments["ticket"]))
        if "position" in arguments:
            return Reply(history.deals_of_position(arguments["position"]))
        return Reply(history.deals_between(arguments["from_ms"], arguments["to_ms"]))

    def order_check(self, arguments: Arguments) -> Reply:
        """Whether `order_send` would take the `request`, as a `CheckResult`."""
        return Reply(check_request(self._account, self._profile, arguments["request"]))

    def order_calc_margin(self, arguments: Arguments) -> Reply:
        """Margin of `action` (0 buy, 1 sell), `symbol`, `volume` at `price`."""
        listed = self._account.listed.get(arguments["symbol"])
        if listed is None:
            return NOT_FOUND
        price = points_of(arguments["price"], listed.scale)
        if not price or not listed.valuation.is_quoted:
            return INVALID_PARAMS
        sign = 1 if arguments["action"] == port.TYPE_BUY else -1
        rate = listed.valuation.margin_rate(sign)
        margin = listed.valuation.margin(sign, to_e8(arguments["volume"]), (price, 1), rate)
        return Reply(self._account.money(margin))

    def order_calc_profit(self, arguments: Arguments) -> Reply:
        """Profit of `action` (0 buy, 1 sell), `symbol`, `volume` from `price_open` to
        `price_close`."""
        listed = self._account.listed.get(arguments["symbol"])
        if listed is None:
            return NOT_FOUND
        opened = points_of(arguments["price_open"], listed.scale)
        close = points_of(arguments["price_close"], listed.scale)
        if not opened or not close or not listed.valuation.is_quoted:
            return INVALID_PARAMS
        sign = 1 if arguments["action"] == port.TYPE_BUY else -1
        profit = listed.valuation.profit(sign, to_e8(arguments["volume"]), (opened, 1), close)
        return Reply(self._account.money(profit))


def _is_of(arguments: Arguments, symbol: str) -> bool:
    wanted = arguments.get("symbol")
    return wanted is None or wanted == symbol
