"""Whatever is sent, with whatever faults and restarts: no cent is made or lost."""

import json
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

from onefill.model.resolved import BrokerRequest
from onefill.replay.generate import generate_ticks
from onefill.terminal import port
from onefill.terminal.port import Reply, Request
from onefill.terminal.simulator.faults import parse_faults
from onefill.terminal.simulator.ledger import Ledger
from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.terminal import SimulatedTerminal
from onefill.terminal.simulator.ticks import TickSeries
from tests.oracle.money import Account as Plain
from tests.oracle.money import Contract, Held

from .stage import NOON, deal, modify, pending, profile_with, remove, stops

FAULTS = (
    "lost_reply=0.1,late_execution=0.1,hang=0.05,disconnect=0.01,partial=0.3,requote=0.1,"
    "reject=0.05,early_cancel=0.1,activation_reject=0.2,rewritten_comment=0.2,stale_history=0.2"
)
MARKETS = {
    "EURUSD": (5, 1.1), "USDJPY": (3, 108.0), "EURJPY": (3, 119.0), "XAUUSD": (3, 1300.0)
}  # fmt: skip


SCALES = {"EURUSD": 100_000, "USDJPY": 1_000, "EURJPY": 1_000, "XAUUSD": 1_000}


MONEY = ("profit", "commission", "swap", "fee")


class Walk:
    """Random requests to one account."""

    def __init__(self, seed: int, profile: Profile, book: Path, currency: str) -> None:
        self.random = Random(seed)
        self.seed = seed
        self.profile = profile
        self.book = book
        self.currency = currency
        self.series: dict[str, TickSeries] = {
            name: generate_ticks(name, digits, NOON, 3_000, seed, price, 100, 10.0)
            for name, (digits, price) in MARKETS.items()
        }
        self.terminal = self.start()
        self.count = 0
        self.terminal.advance(NOON)

    def start(self) -> SimulatedTerminal:
        return SimulatedTerminal(
            self.profile,
            self.series,
            currency=self.currency,
            balance=30_000.0 if self.currency != "JPY" else 3_000_000.0,
            book=self.book,
            faults=parse_faults(FAULTS, self.seed),
        )

    def ask(self, name: str, **arguments: int) -> object:
        reply = self.terminal.call(Request(name, arguments), self.terminal.now_ms)
        assert isinstance(reply, Reply)
        return reply.value

    def step(self) -> None:
        """Let some time pass, and send one request."""
        self.count += 1
        self.terminal.advance(self.terminal.now_ms + self.random.randrange(600))
        if self.random.random() < 0.01:
            self.terminal.close()
            self.terminal = self.start()
        request = Request("order_send", {"request": self.request()}, key=str(self.count), attempt=1)
        self.terminal.call(request, self.terminal.now_ms)

    def request(self) -> BrokerRequest:
        random, ledger = self.random, self.ledger
        kind = random.randrange(12)
        if kind < 3 and ledger.positions:
            held = random.choice(list(ledger.positions.values()))
            volume = random.choice([held.volume, held.volume, 0.01, 0.07])
            return deal(1 - held.type, volume, held.symbol, position=held.ticket)
        if kind < 4 and ledger.positions:
            ticket = random.choice(list(ledger.positions))
            return stops(ticket, sl=self.level(ledger.positions[ticket].symbol))
        if kind < 6 and ledger.orders:
            ticket = random.choice(list(ledger.orders))
            if random.random() < 0.5:
                return remove(ticket)
            return modify(ticket, self.level(ledger.orders[ticket].symbol))
        symbol = random.choice(list(MARKETS))
        volume = random.randrange(1, 60) / 100
        if kind < 9:
            return deal(random.randrange(2), volume, symbol, sl=self.level(symbol, 0.5))
        return pending(
            random.randrange(2, 8),
            self.level(symbol),
            volume,
            symbol,
            stoplimit=self.level(symbol),
            tp=self.level(symbol, 0.5),
        )

    @property
    def ledger(self) -> Ledger:
        return self.terminal.broker.account.ledger

    def level(self, symbol: str, chance: float = 1.0) -> float:
        """A price near the market, or none."""
        if self.random.random() >= chance:
            return 0.0
        feed, scale = self.terminal.broker.market.feeds[symbol], SCALES[symbol]
        bid = feed.bid if feed.place >= 0 else scale
        return (bid + self.random.randint(-60, 60)) / scale


def exact(number: float) -> Decimal:
    return Decimal(str(number))


def check_books(walk: Walk) -> None:
    """The book, read as plain JSON, against what the terminal says."""
    lines = [json.loads(line) for line in walk.book.read_text(encoding="utf-8").splitlines()]
    deals = [line for line in lines if line["what"] == "deal"]
    balance = sum(exact(one[field]) for one in deals for field in MONEY)
    volumes: dict[int, Decimal] = defaultdict(Decimal)
    for one in deals[1:]:
        volumes[one["position_id"]] += exact(one["volume"]) * (1 if one["entry"] == 0 else -1)
    assert min(volumes.values()) >= 0
    positions = walk.ask("positions_get")
    assert isinstance(positions, tuple)
    held = {row.ticket: exact(row.volume) for row in positions}
    assert held == {ticket: volume for ticket, volume in volumes.items() if volume}
    account = walk.ask("account_info")
    assert isinstance(account, port.AccountRow)
    assert exact(account.balance) == balance
    assert exact(account.equity) == balance + sum(exact(row.profit) for row in positions)
    assert exact(account.margin) == bound_margin(lines, account)
    for line in lines:
        if line["what"] == "request" and line["request"]["action"] in (1, 5) and line["order"]:
            filled = sum(exact(one["volume"]) for one in deals if one["order"] == line["order"])
            assert filled <= exact(line["request"]["volume"]), "more than was asked for"


def bound_margin(lines: list[dict[str, Any]], account: port.AccountRow) -> Decimal:
    """What the positions in the book bind, by the plain calculation."""
    rows = {line["ticket"]: line for line in lines if line["what"] == "position"}
    plain = Plain(account.currency, account.currency_digits, account.leverage, [])
    total = Fraction(0)
    for symbol, (digits, _) in MARKETS.items():
        gold = symbol == "XAUUSD"
        one = Contract(
            name=symbol,
            calculation="cfd_leverage" if gold else "forex",
            base=symbol[:3],
            profit=symbol[3:],
            margin="USD" if gold else symbol[:3],
            digits=digits,
            contract=Fraction(100 if gold else 100_000),
        )
        held = [
            Held(
                1 - 2 * row["type"],
                Fraction(exact(row["volume"])),
                Fraction(*row["average"]) / SCALES[symbol]
                if row.get("average")
                else Fraction(exact(row["price_open"])),
                Fraction(*row["margin_rate"]),
            )
            for row in rows.values()
            if row["symbol"] == symbol and row["volume"]
        ]
        total += plain.held_margin(one, held)
    return Decimal(total.numerator) / Decimal(total.denominator)


@pytest.mark.parametrize(("seed", "currency"), [(1, "USD"), (2, "EUR"), (5, "JPY"), (4, "USD")])
def test_no_cent_is_made_or_lost(seed: int, currency: str, tmp_path: Path) -> None:
    profile = profile_with(tmp_path, "[broker]\ncommission_per_lot = 3.33\n")
    walk = Walk(seed, profile, tmp_path / "broker.log", currency)
    for _ in range(600):
        walk.step()
    while walk.ledger.offline_until_ms > walk.terminal.now_ms:
        walk.terminal.advance(walk.ledger.offline_until_ms)
    check_books(walk)
    walk.terminal.close()
    again = walk.start()
    live, reread = walk.ledger, again.broker.account.ledger
    assert reread == live
    assert len(live.history) > 300
    assert live.positions
    assert live.orders
