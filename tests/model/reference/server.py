"""The trade server: requests in, answers out; and what time does."""

from __future__ import annotations

from typing import Final

from . import days, margin, pendings, stop_out, trading
from .account import Account, Drawn
from .money import Quote
from .rows import (
    CLOSE_BY,
    DEAL,
    EXPIRED,
    MODIFY,
    NO_LUCK,
    PENDING,
    REMOVE,
    SLTP,
    Answer,
    Check,
    Luck,
    Position,
    Refused,
    Request,
)
from .terms import DAY_MS, Broker, Number, Symbol

COMMENTS: Final = {
    0: "Done",
    10004: "Requote",
    10009: "Request executed",
    10010: "Request executed partially",
    10013: "Invalid request",
    10014: "Invalid volume",
    10015: "Invalid price",
    10016: "Invalid stops",
    10017: "Trade disabled",
    10018: "Market closed",
    10019: "No money",
    10021: "No prices",
    10022: "Invalid expiration",
    10025: "No changes",
    10029: "Order or position frozen",
    10030: "Unsupported filling mode",
    10033: "Orders limit reached",
    10034: "Volume limit reached",
    10035: "Invalid order",
    10036: "Position closed",
    10038: "Invalid close volume",
    10040: "Positions limit reached",
    10042: "Only long positions allowed",
    10043: "Only short positions allowed",
    10044: "Only closing allowed",
    10045: "Only FIFO closing allowed",
    10046: "Hedging prohibited",
}
"""Every retcode that the model gives, and what the server says with it."""


class Server:
    """One account at a broker."""

    def __init__(self, broker: Broker, now_ms: int, drawn: Drawn) -> None:
        self.account = Account(broker, now_ms, drawn)
        server_ms = now_ms + broker.clock_ms
        self.midnight_ms = now_ms + DAY_MS - server_ms % DAY_MS

    # Requests.

    def send(self, request: Request, luck: Luck = NO_LUCK) -> Answer | None:
        """`order_send`; None where the terminal does not even pass it on."""
        if len(request.comment) > self.account.broker.comment_accepted:
            return None
        account = self.account
        account.luck = luck
        account.requests += 1
        answer = self._answer(request)
        answer.request_id = account.requests
        stop_out.look(account, self.is_open)
        return answer

    def check(self, request: Request) -> Check | None:
        """`order_check`. Choice: the margin is that of now and of what would be opened, seen by
        itself; what that would hedge is not taken off."""
        account = self.account
        if len(request.comment) > account.broker.comment_accepted:
            return None
        try:
            retcode, opens = 0, self._carry_out(request, checking=True).opens
        except Refused as no:
            retcode, opens = no.retcode, no.opens
        told = Check(retcode=retcode, comment=COMMENTS[retcode])
        if retcode not in (0, 10019):
            return told
        told.balance, told.equity, told.profit = (
            account.balance,
            account.equity(),
            account.floating(),
        )
        told.margin = account.margin()
        if opens is not None:
            told.margin += margin.of_deal(account, *opens)
        told.margin_free = told.equity - told.margin
        told.margin_level = told.equity / told.margin * 100 if told.margin else told.margin
        return told

    def _answer(self, request: Request) -> Answer:
        try:
            answer = self._carry_out(request, checking=False)
        except Refused as no:
            answer = Answer(retcode=no.retcode)
            if no.retcode == 10004:
                quote = self.account.quotes[request.symbol]
                answer.bid, answer.ask = quote.bid, quote.ask
        answer.comment = answer.comment or COMMENTS[answer.retcode]
        return answer

    def _carry_out(self, request: Request, *, checking: bool) -> Answer:
        account = self.account
        if request.action == DEAL:
            symbol = self._tradable(request.symbol, needs_quote=True)
            return trading.deal(account, symbol, request, checking=checking)
        if request.action == PENDING:
            symbol = self._tradable(request.symbol, needs_quote=True)
            return pendings.place(account, symbol, request, checking=checking)
        if request.action == SLTP:
            position = self._position(request)
            symbol = self._tradable(position.symbol)
            return pendings.change_stops(account, symbol, request, position, checking=checking)
        if request.action == CLOSE_BY:
            position = self._position(request)
            symbol = self._tradable(position.symbol, needs_quote=True)
            return trading.offset(account, symbol, request, checking=checking)
        if request.action not in (MODIFY, REMOVE) or request.order not in account.orders:
            raise Refused(10013)
        order = account.orders[request.order]
        symbol = self._tradable(order.symbol)
        if request.action == MODIFY:
            return pendings.change(account, symbol, request, order, checking=checking)
        return pendings.remove(account, order, checking=checking)

    def _position(self, request: Request) -> Position:
        """By its ticket; on a netting account by its symbol alone too."""
        account = self.account
        position = account.positions.get(request.position)
        if not request.position and not account.broker.hedging:
            position = account.position_of(request.symbol)
        if position is None:
            raise Refused(10036)
        if request.symbol not in ("", position.symbol):
            raise Refused(10013)
        return position

    def _tradable(self, name: str, *, needs_quote: bool = False) -> Symbol:
        account = self.account
        symbol = account.symbols.get(name)
        if symbol is None:
            raise Refused(10013)
        if symbol.trade_mode == 0:
            raise Refused(10017)
        if not self.is_open(symbol):
            raise Refused(10018)
        if needs_quote:
            age = account.broker.quote_age_ms
            if not account.money.is_quoted(symbol):
                raise Refused(10021)
            if age and account.now_ms - account.quotes[name].time_ms > age:
                raise Refused(10021)
        return symbol

    def is_open(self, symbol: Symbol) -> bool:
        """Whether it is traded now, by the server's clock."""
        if symbol.session is None:
            return True
        server_ms = self.account.now_ms + self.account.broker.clock_ms
        weekday = (server_ms // DAY_MS + 3) % 7  # 0 Monday: Unix time began on a Thursday
        begin, end = symbol.session
        return weekday < 5 and begin <= server_ms % DAY_MS < end

    # Time.

    def tick(self, name: str, bid: Number, ask: Number, at_ms: int) -> None:
        """A new price of a symbol. Orders and stops are triggered only while it is traded."""
        self.pass_to(at_ms)
        account, symbol = self.account, self.account.symbols[name]
        account.quotes[name] = Quote(bid, ask, at_ms)
        if self.is_open(symbol):
            pendings.take_tick(account, symbol)
        stop_out.look(account, self.is_open)

    def pass_to(self, now_ms: int) -> None:
        """Time without ticks: orders expire, days begin; at one instant in this order."""
        account = self.account
        while True:
            expiring = [one for one in account.orders.values() if one.expiration_ms]
            first = min(expiring, key=lambda one: (one.expiration_ms, one.ticket), default=None)
            if first is not None and first.expiration_ms <= min(now_ms, self.midnight_ms):
                account.now_ms = first.expiration_ms
                account.finish(first, EXPIRED)
            elif self.midnight_ms <= now_ms:
                account.now_ms = self.midnight_ms
                self.midnight_ms += DAY_MS
                days.begin_day(account, (account.now_ms + account.broker.clock_ms) // DAY_MS)
                stop_out.look(account, self.is_open)
            else:
                account.now_ms = now_ms
                return
