"""Orders of every kind through the terminal, against the oracle's plain loop over the ticks."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onefill.replay.generate import generate_ticks
from onefill.terminal import port
from onefill.terminal.port import PositionRow, Reply, Request
from onefill.terminal.simulator.profile import load_profile
from onefill.terminal.simulator.terminal import SimulatedTerminal
from onefill.terminal.simulator.ticks import TickSeries
from tests.oracle import replay
from tests.oracle.book import Book
from tests.oracle.orders import generate
from tests.oracle.records import Order, Pending, Refused, lots, milliseconds, number
from tests.oracle.replay import OracleRun, replay_ticks
from tests.oracle.symbols import SYMBOLS
from tests.oracle.ticks import Tick

from .stage import NOON, deal, modify, pending, remove, stops

BALANCE = Decimal(100_000)
POOR = Decimal(250)
MARKETS = {"EURUSD": (5, 1.1), "XAUUSD": (3, 1300.0), "NZDUSD": (5, 0.86)}
NOBODY = 999
KINDS = {"limit": 2, "stop": 4, "stop_limit": 6}
REASONS = {port.REASON_SL: "sl", port.REASON_TP: "tp"}
STATES = {2: "cancelled", 4: "filled", 5: "rejected", 6: "expired"}


def markets(seed: int, count: int) -> dict[str, TickSeries]:
    """Ticks of three symbols, many of them in the same milliseconds."""
    made = {
        name: generate_ticks(name, digits, NOON, count, seed, price, 40, 15.0)
        for name, (digits, price) in MARKETS.items()
    }
    return {name: on_a_grid(ticks) for name, ticks in made.items()}


def on_a_grid(ticks: TickSeries) -> TickSeries:
    time_ms = ticks.time_ms // 20 * 20
    last = np.append(time_ms[1:] != time_ms[:-1], True)
    kept = int(last.sum())
    return TickSeries(ticks.symbol, time_ms[last], ticks.bid[last], ticks.ask[last], kept)


def as_oracle_ticks(made: dict[str, TickSeries]) -> list[Tick]:
    """The same ticks by time; of one millisecond in the symbols' order."""
    every = [
        Tick(time_ms, name, Decimal(bid).scaleb(-digits), Decimal(ask).scaleb(-digits))
        for name, (digits, _) in MARKETS.items()
        for time_ms, bid, ask in zip(
            made[name].time_ms.tolist(), made[name].bid.tolist(), made[name].ask.tolist(),
            strict=True,
        )
    ]  # fmt: skip
    return sorted(every, key=lambda tick: tick.time_ms)


class Trader:
    """Sends the oracle's orders to a terminal, and keeps what became of each key."""

    def __init__(self, terminal: SimulatedTerminal) -> None:
        self.terminal = terminal
        self.tickets: dict[str, int] = {}
        self.status: dict[str, str] = {}

    def ask(self, name: str, **arguments: Any) -> Any:
        reply = self.terminal.call(Request(name, arguments), self.terminal.now_ms)
        assert isinstance(reply, Reply)
        return reply.value

    def trade(self, order: Order) -> None:
        now_ms = milliseconds(order["at"])
        while self.terminal.advance(now_ms) < now_ms:
            pass
        key = order["client_key"]
        try:
            requests = getattr(self, f"ask_{order['action']}")(order)
        except Refused:
            self.status[key] = "refused"
            return
        taken = True
        for request in requests:
            reply = self.terminal.call(Request("order_send", {"request": request}), now_ms)
            assert isinstance(reply, Reply)
            taken = taken and reply.value.retcode in (10009, 10025)
            if taken and reply.value.order and order["action"] == "open":
                self.tickets[key] = reply.value.order
        done = {"open": "working", "close": "filled"}.get(order["action"], "done")
        self.status[key] = done if taken else "refused"

    def ask_open(self, order: Order) -> list[Any]:
        symbol = SYMBOLS.get(order["symbol"])
        if symbol is None:
            raise Refused("no such symbol")
        side = {"buy": 0, "sell": 1}[order["side"]]
        volume = float(lots(order, symbol))
        levels = {"sl": level(order, "stop_loss"), "tp": level(order, "take_profit")}
        if order["order_type"] == "market":
            return [deal(side, volume, symbol.name, **levels)]
        expiration = order.get("expiration")
        at_ms = 0 if expiration is None else milliseconds(expiration)
        return [
            pending(
                KINDS[order["order_type"]] + side,
                level(order, "price"),
                volume,
                symbol.name,
                stoplimit=level(order, "stop_limit_price"),
                type_time=2 if at_ms else 0,
                expiration_ms=at_ms,
                **levels,
            )
        ]

    def position(self, key: str) -> PositionRow:
        rows = self.ask("positions_get", ticket=self.tickets.get(key, NOBODY))
        if not rows:
            raise Refused("not open")
        row: PositionRow = rows[0]
        return row

    def ask_close(self, order: Order) -> list[Any]:
        held = self.position(order["target"])
        volume = held.volume
        if order.get("volume") is not None:
            volume = float(lots(order, SYMBOLS[held.symbol]))
        return [deal(1 - held.type, volume, held.symbol, position=held.ticket)]

    def ask_close_all(self, order: Order) -> list[Any]:
        wanted = {} if order.get("symbol") is None else {"symbol": order["symbol"]}
        rows = sorted(self.ask("positions_get", **wanted), key=lambda row: int(row.ticket))
        return [deal(1 - row.type, row.volume, row.symbol, position=row.ticket) for row in rows]

    def ask_cancel(self, order: Order) -> list[Any]:
        return [remove(self.tickets.get(order["target"], NOBODY))]

    def ask_modify(self, order: Order) -> list[Any]:
        ticket = self.tickets.get(order["target"], NOBODY)
        for held in self.ask("positions_get", ticket=ticket):
            return [stops(ticket, changed(order, "stop_loss", held.sl),
                          changed(order, "take_profit", held.tp))]  # fmt: skip
        for row in self.ask("orders_get", ticket=ticket):
            return [
                modify(
                    ticket,
                    level(order, "price") or row.price_open,
                    stoplimit=level(order, "stop_limit_price") or row.price_stoplimit,
                    sl=changed(order, "stop_loss", row.sl),
                    tp=changed(order, "take_profit", row.tp),
                    type_time=row.type_time,
                    expiration_ms=row.expiration_ms,
                )
            ]
        raise Refused("neither open nor working")


def level(order: Order, field: str) -> float:
    return float(number(order, field) or 0)


def changed(order: Order, field: str, now: float) -> float:
    value = number(order, field)
    return now if value is None else float(value)


def trade_all(
    made: dict[str, TickSeries],
    orders: Sequence[Order],
    book: Path | None,
    currency: str,
    balance: Decimal = BALANCE,
) -> Trader:
    """All orders in order of arrival; with a book, in several lives of the broker."""

    def start() -> SimulatedTerminal:
        return SimulatedTerminal(
            load_profile(), made, currency=currency, balance=float(balance), book=book
        )

    trader = Trader(start())
    for number_, order in enumerate(sorted(orders, key=lambda one: milliseconds(one["at"]))):
        if book is not None and number_ % 50 == 49:
            trader.terminal.close()
            trader.terminal = start()
        trader.trade(order)
    end_ms = max(int(ticks.time_ms[-1]) for ticks in made.values())
    while trader.terminal.advance(end_ms) < end_ms:
        pass
    return trader


def deals_told(trader: Trader) -> list[tuple[Any, ...]]:
    keys = {ticket: key for key, ticket in trader.tickets.items()}
    rows = trader.ask("changes", cursor=0).deals
    return [
        (
            row.time_ms,
            keys[row.position_id],
            "open" if row.entry == 0 else REASONS.get(row.reason, "close"),
            1 if row.type == 0 else -1,
            exact(row.volume),
            exact(row.price),
            exact(row.profit),
        )
        for row in rows
        if row.type != 2
    ]


def deals_expected(expected: OracleRun) -> list[tuple[Any, ...]]:
    return [
        (one.time_ms, one.key, one.reason, one.side, one.volume, one.price, one.profit)
        for one in expected.deals
    ]


def judge(trader: Trader, expected: OracleRun) -> None:
    told, wanted = deals_told(trader), deals_expected(expected)
    for told_deal, wanted_deal in zip(told, wanted, strict=False):
        assert told_deal == wanted_deal
    assert len(told) == len(wanted)
    for outcome in expected.outcomes:
        ticket = trader.tickets.get(outcome.key)
        rows = () if ticket is None else trader.ask("history_orders_get", ticket=ticket)
        status = STATES[rows[0].state] if rows else trader.status[outcome.key]
        assert (outcome.key, status) == (outcome.key, outcome.status), outcome.why
    account = trader.ask("account_info")
    assert exact(account.balance) == expected.balance
    assert exact(account.equity) == expected.equity
    assert exact(account.margin) == expected.margin
    assert exact(account.profit) == expected.equity - expected.balance


def exact(amount: float) -> Decimal:
    return Decimal(str(amount))


@pytest.mark.parametrize("seed", range(6))
def test_every_deal_and_every_cent_agree(seed: int, tmp_path: Path) -> None:
    made = markets(seed, 4_000)
    ticks = as_oracle_ticks(made)
    orders = generate(ticks, seed, 400, BALANCE)
    expected = replay_ticks(ticks, orders, BALANCE)
    assert len(expected.deals) > 150, "too tame a market"
    book = tmp_path / "broker.log" if seed % 2 else None
    judge(trade_all(made, orders, book, "USD"), expected)


def test_an_account_in_the_traded_currency_agrees() -> None:
    made = {"EURUSD": markets(9, 4_000)["EURUSD"]}
    ticks = [tick for tick in as_oracle_ticks(markets(9, 4_000)) if tick.symbol == "EURUSD"]
    orders = generate(ticks, 9, 300, BALANCE, "EUR")
    judge(trade_all(made, orders, None, "EUR"), replay_ticks(ticks, orders, BALANCE, "EUR"))


class StrictBook(Book):
    """The broker itself has no cushion: what free margin covers is opened."""

    def check_money(self, asked: Pending, price: Decimal) -> None:
        if self.needed(asked, price) > self.free_margin():
            raise Refused("not enough free margin")


@pytest.mark.parametrize("seed", range(20, 24))
def test_a_poor_account_is_refused_the_same_orders(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = markets(seed, 4_000)
    ticks = as_oracle_ticks(made)
    orders = generate(ticks, seed, 400, BALANCE)
    monkeypatch.setattr(replay, "Book", StrictBook)
    expected = replay_ticks(ticks, orders, POOR)
    why = [outcome.why for outcome in expected.outcomes]
    assert why.count("not enough free margin") > 20
    judge(trade_all(made, orders, None, "USD", POOR), expected)
