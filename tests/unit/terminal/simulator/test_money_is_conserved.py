"""Random requests of every action, hedged and netted, with costs, swaps, slippage and parts filled:
the balance is what was deposited and what the deals say, and the positions are what they made."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from onefill.model.resolved import BrokerRequest
from onefill.replay.generate import generate_ticks
from onefill.terminal import port
from onefill.terminal.port import Reply, Request, SendResult
from onefill.terminal.simulator.faults import parse_faults
from onefill.terminal.simulator.ledger import Ledger
from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.terminal import SimulatedTerminal

from .stage import NOON, deal, modify, pending, profile_with, remove, stops

#: Digits and price.
MARKETS = {"EURUSD": (5, 1.1), "USDJPY": (3, 108.0), "EURJPY": (3, 119.0), "XAUUSD": (3, 1300.0)}
PROFILE = """
[broker]
margin_mode = "{mode}"
commission_per_lot = 3.33
commission_percent = 0.0013
fee_per_lot = 0.77
slippage_points = 5
stop_out = {stop_out}
seed = {seed}
time_zone = "Europe/Athens"
limit_orders = 40
[groups.forex]
swap_mode = 4
swap_long = -3.17
swap_short = -2.9
exemode = {execution}
filling_mode = 7
[symbols.EURUSD]
swap_mode = 1
swap_long = -7.3
swap_short = 2.1
volume_limit = 2
[symbols.EURJPY]
swap_mode = 8
swap_long = -3
swap_short = 2
[groups.metals]
swap_mode = 5
swap_long = -4.5
swap_short = 1.5
tick_size = 0.01
"""
#: Account currency, its deposit, digits.
DEPOSITS = {"USD": (20_000.0, 2), "EUR": (18_000.0, 2), "JPY": (2_000_000.0, 0)}


@dataclass
class Net:
    """A position as the deals tell it: volume (below 0: sold) and what it cost."""

    volume: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    def take(self, deal_row: port.DealRow) -> None:
        """Take a deal in."""
        sign = 1 if deal_row.type == port.TYPE_BUY else -1
        volume, price = exact(deal_row.volume) * sign, exact(deal_row.price)
        if deal_row.entry == port.ENTRY_IN:
            assert self.volume * sign >= 0, "an opening deal closes"
            self.cost += volume * price
            self.volume += volume
            return
        assert self.volume * sign < 0, "a closing deal opens"
        left = self.volume + volume
        if deal_row.entry == port.ENTRY_INOUT:
            assert left * sign > 0, "a reversal that reverses nothing"
            self.cost = left * price
        else:
            assert left * sign <= 0, "more was closed than there was"
            self.cost = self.cost * left / self.volume
        self.volume = left


class Walk:
    """Random requests to one account."""

    def __init__(
        self, seed: int, profile: Profile, book: Path, currency: str, count: int, faults: str
    ) -> None:
        self.random = Random(seed)
        self.profile, self.book, self.currency = profile, book, currency
        self.faults = parse_faults(faults, seed) if faults else None
        self.series = {
            name: generate_ticks(name, digits, NOON, count * 4, seed, price, 60_000, 8.0)
            for name, (digits, price) in MARKETS.items()
        }
        self.taken: dict[int, int] = defaultdict(int)
        self.refused: dict[int, int] = defaultdict(int)
        self.terminal = self.start()
        self.terminal.advance(NOON)

    def start(self) -> SimulatedTerminal:
        return SimulatedTerminal(
            self.profile,
            self.series,
            currency=self.currency,
            balance=DEPOSITS[self.currency][0],
            book=self.book,
            faults=self.faults,
        )

    @property
    def ledger(self) -> Ledger:
        return self.terminal.broker.account.ledger

    def ask(self, name: str, **arguments: object) -> object:
        reply = self.terminal.call(Request(name, arguments), self.terminal.now_ms)
        assert isinstance(reply, Reply)
        return reply.value

    def step(self, number: int) -> None:
        """Let some time pass, check a request and send it."""
        random = self.random
        to_ms = self.terminal.now_ms + random.randrange(400_000)
        while self.terminal.advance(to_ms) < to_ms:
            pass
        if random.random() < 0.003:
            self.terminal.close()
            self.terminal = self.start()
        request = self.request()
        checked = self.ask("order_check", request=request)
        assert isinstance(checked, port.CheckResult)
        reply = self.terminal.call(
            Request("order_send", {"request": request}, key=str(number), attempt=1),
            self.terminal.now_ms,
        )
        assert isinstance(reply, Reply)
        assert isinstance(reply.value, SendResult)
        retcode = reply.value.retcode
        taken = retcode in (10009, 10010)
        assert checked.retcode == (0 if taken else retcode), request
        (self.taken if taken else self.refused)[request.action if taken else retcode] += 1

    def request(self) -> BrokerRequest:
        random, ledger = self.random, self.ledger
        positions, orders = list(ledger.positions.values()), list(ledger.orders.values())
        kind = random.randrange(16)
        if kind < 3 and positions:
            held = random.choice(positions)
            volume = random.choice([held.volume, held.volume, 0.01, 0.07, 0.5])
            ticket = held.ticket if random.random() < 0.8 else 0
            return self.deal(1 - held.type, volume, held.symbol, position=ticket)
        if kind < 5 and positions:
            held, other = random.choice(positions), random.choice(positions)
            opposite = [one for one in positions if one.symbol == held.symbol != other.symbol]
            other = random.choice([other, *(one for one in opposite if one.type != held.type)])
            return BrokerRequest(
                action=port.ACTION_CLOSE_BY, position=held.ticket, position_by=other.ticket
            )
        if kind < 6 and positions:
            held = random.choice(positions)
            sl, tp = self.level(held.symbol), self.level(held.symbol, 0.5)
            return stops(held.ticket, sl=sl, tp=tp)
        if kind < 8 and orders:
            order = random.choice(orders)
            if random.random() < 0.5:
                return remove(order.ticket)
            return modify(
                order.ticket,
                self.level(order.symbol),
                sl=self.level(order.symbol, 0.3),
                stoplimit=self.level(order.symbol),
            )
        symbol, volume = random.choice(list(MARKETS)), random.randrange(1, 90) / 100
        if kind < 12:
            return self.deal(random.randrange(2), volume, symbol, sl=self.level(symbol, 0.4))
        return pending(
            random.randrange(2, 8),
            self.level(symbol),
            volume,
            symbol,
            stoplimit=self.level(symbol),
            tp=self.level(symbol, 0.3),
            magic=random.randrange(3),
            type_filling=random.choice([2, 2, 2, 1, 3]),
            type_time=random.choice([0, 0, 2]),
            expiration_ms=self.terminal.now_ms + random.randrange(1, 5_000_000),
        )

    def deal(self, side: int, volume: float, symbol: str, **more: float) -> BrokerRequest:
        """At a price that is near, with any filling."""
        random, feed = self.random, self.terminal.broker.market.feeds[symbol]
        points = feed.ask if side == 0 else feed.bid
        return deal(
            side,
            volume,
            symbol,
            price=(points + random.choice([0, 0, 0, 30])) / 10 ** MARKETS[symbol][0],
            deviation=random.choice([10, 50]),
            type_filling=random.choice([0, 1, 1, 2]),
            magic=random.randrange(3),
            **more,
        )

    def level(self, symbol: str, chance: float = 1.0) -> float:
        """A price near the market, or none."""
        if self.random.random() >= chance:
            return 0.0
        feed = self.terminal.broker.market.feeds[symbol]
        points = feed.bid + self.random.randint(-90, 90)
        if symbol == "XAUUSD":
            points -= points % 10
        scale: int = 10 ** MARKETS[symbol][0]
        return points / scale


def exact(number: float) -> Decimal:
    return Decimal(str(number))


def check_account(walk: Walk) -> None:
    """What the account says against its own deals."""
    deals = walk.ask("history_deals_get", from_ms=0, to_ms=walk.terminal.now_ms)
    positions, account = walk.ask("positions_get"), walk.ask("account_info")
    assert isinstance(deals, tuple)
    assert isinstance(positions, tuple)
    assert isinstance(account, port.AccountRow)
    check_money(walk, deals, positions, account)
    check_positions(walk, deals, positions)
    check_orders(walk, deals)


def check_money(
    walk: Walk,
    deals: tuple[port.DealRow, ...],
    positions: tuple[port.PositionRow, ...],
    account: port.AccountRow,
) -> None:
    deposit, digits = DEPOSITS[walk.currency]
    money = [
        exact(amount)
        for row in deals[1:]
        for amount in (row.profit, row.commission, row.swap, row.fee)
    ]
    assert all(amount == round(amount, digits) for amount in money), "parts of a cent"
    assert exact(account.balance) == exact(deposit) + sum(money)
    floating = sum((exact(row.profit) + exact(row.swap) for row in positions), Decimal(0))
    assert exact(account.equity) == exact(account.balance) + floating
    assert account.margin >= 0
    assert positions or account.margin == 0
    assert exact(account.margin_free) == exact(account.equity) - exact(account.margin)
    assert all(row.commission <= 0 and row.fee <= 0 for row in deals)


def check_positions(
    walk: Walk, deals: tuple[port.DealRow, ...], positions: tuple[port.PositionRow, ...]
) -> None:
    nets: dict[int, Net] = defaultdict(Net)
    for row in deals[1:]:
        nets[row.position_id].take(row)
    told = {row.identifier: row for row in positions}
    assert len(told) == len(positions)
    assert set(told) == {identifier for identifier, net in nets.items() if net.volume}
    for identifier, held in told.items():
        net = nets[identifier]
        assert exact(held.volume) == abs(net.volume) > 0
        assert held.type == (0 if net.volume > 0 else 1)
        assert held.price_open == pytest.approx(float(net.cost / net.volume), rel=1e-9)
    entries = {row.entry for row in deals[1:]}
    if walk.terminal.broker.account.nets:
        assert len({row.symbol for row in positions}) == len(positions)
        assert port.ENTRY_OUT_BY not in entries
    else:
        assert port.ENTRY_INOUT not in entries


def check_orders(walk: Walk, deals: tuple[port.DealRow, ...]) -> None:
    filled: dict[int, Decimal] = defaultdict(Decimal)
    for row in deals[1:]:
        filled[row.order] += exact(row.volume)
    finished = walk.ask("history_orders_get", from_ms=0, to_ms=walk.terminal.now_ms)
    working = walk.ask("orders_get")
    assert isinstance(finished, tuple)
    assert isinstance(working, tuple)
    assert len({row.ticket for row in (*finished, *working)}) == len(finished) + len(working)
    for row in (*finished, *working):
        done = exact(row.volume_initial) - exact(row.volume_current)
        assert 0 <= done <= exact(row.volume_initial)
        assert filled.pop(row.ticket, 0) == done * (2 if row.type == port.TYPE_CLOSE_BY else 1)
    assert not filled, "deals of no order"


def walked(
    mode: str, seed: int, currency: str, count: int, tmp_path: Path, *, execution: int = 2
) -> Walk:
    toml = PROFILE.format(mode=mode, seed=seed, execution=execution, stop_out=seed % 2 * 50)
    faults = "partial=0.3,activation_reject=0.05,rewritten_comment=0.1" if seed % 3 else ""
    profile = profile_with(tmp_path, toml)
    walk = Walk(seed, profile, tmp_path / "broker.log", currency, count, faults)
    for number in range(count):
        walk.step(number)
        if number % 250 == 0:
            check_account(walk)
    check_account(walk)
    walk.terminal.close()
    assert walk.start().broker.account.ledger == walk.ledger
    return walk


SHORT = [
    ("hedging", 1, "USD", 2), ("netting", 2, "USD", 2), ("exchange", 3, "USD", 3),
    ("hedging", 4, "JPY", 1), ("netting", 5, "EUR", 3),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "seed", "currency", "execution"), SHORT)
def test_no_cent_is_made_or_lost(
    mode: str, seed: int, currency: str, execution: int, tmp_path: Path
) -> None:
    walk = walked(mode, seed, currency, 1_500, tmp_path, execution=execution)
    actions = {1, 5, 6, 7, 8, *([10] if mode == "hedging" else [])}
    assert set(walk.taken) == actions
    assert len(walk.refused) >= 6
    swaps = [row.swap for row in walk.ledger.history if isinstance(row, port.DealRow)]
    assert any(swaps), "no rollover was booked"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(11, 17))
@pytest.mark.parametrize("mode", ["hedging", "netting", "exchange"])
def test_no_cent_is_made_or_lost_in_ten_thousand_requests(
    mode: str, seed: int, tmp_path: Path
) -> None:
    currency = ["USD", "EUR", "JPY"][seed % 3]
    walk = walked(mode, seed, currency, 10_000, tmp_path, execution=1 + seed % 3)
    assert sum(walk.taken.values()) > 3_000
