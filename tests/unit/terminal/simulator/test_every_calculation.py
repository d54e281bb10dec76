"""Every calculation mode against a plain calculation that imports nothing of onefill: margin and
profit, hedged and net margins, swaps, costs and tick values, in six deposit currencies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onefill.terminal import port
from onefill.terminal.simulator.conversion import Exchange
from onefill.terminal.simulator.costs import Costs
from onefill.terminal.simulator.exposure import Exposure
from onefill.terminal.simulator.market import Market
from onefill.terminal.simulator.profile import load_profile
from onefill.terminal.simulator.settings import BrokerSettings
from onefill.terminal.simulator.specification import CALC_MODES, Specification, specification_of
from onefill.terminal.simulator.swap import night_swap, reopening_price
from onefill.terminal.simulator.tick_value import tick_values
from onefill.terminal.simulator.valuation import Valuation
from tests.oracle.money import Account, Contract, Held, exact

from .stage import NOON, series

CURRENCIES = ("USD", "EUR", "GBP", "JPY", "CHF", "AUD")
#: Pairs that join all currencies: round the dollar, in a chain, and with more ways than one.
MARKETS = (
    ("EURUSD", "GBPUSD", "USDJPY", "USDCHF", "AUDUSD"),
    ("EURGBP", "GBPAUD", "AUDJPY", "CHFJPY", "USDCHF"),
    ("EURUSD", "EURGBP", "EURJPY", "EURCHF", "AUDUSD", "GBPUSD", "USDJPY"),
)
SETTINGS = load_profile().broker
LOT = 10**8


def minor(amount: Fraction, currency: str) -> int:
    """Money as a number of its smallest units."""
    units = amount * 10 ** digits_of(currency)
    assert units.denominator == 1
    return int(units)


def digits_of(currency: str) -> int:
    return 0 if currency == "JPY" else 2


@dataclass
class Case:
    """A symbol of a broker, on an account: as the simulator and as the plain calculation know
    it."""

    contract: Contract
    account: Account
    valuation: Valuation

    def points(self, price: Fraction) -> int:
        points = price * 10**self.contract.digits
        assert points.denominator == 1
        return int(points)


def table_of(one: Contract) -> dict[str, Any]:
    """The contract as a symbol's table in a profile."""
    return {
        "calculation": one.calculation,
        "base": one.base,
        "profit": one.profit,
        "margin": one.margin,
        "digits": one.digits,
        "contract_size": float(one.contract),
        "tick_size": float(one.tick_size),
        "tick_value": float(one.tick_value),
        "margin_initial": float(one.margin_initial),
        "margin_maintenance": float(one.margin_maintenance),
        "margin_rate_long": float(one.rate_long),
        "margin_rate_short": float(one.rate_short),
        "margin_hedged": -1.0 if one.margin_hedged is None else float(one.margin_hedged),
        "margin_hedged_use_leg": one.larger_leg,
        "face_value": float(one.face_value),
        "liquidity_rate": float(one.liquidity),
        "swap_mode": one.swap_mode,
        "swap_long": float(one.swap_long),
        "swap_short": float(one.swap_short),
        "volume_min": 0.01,
        "volume_max": 500.0,
        "volume_step": 0.01,
    }


def pair(name: str) -> Contract:
    """A currency pair of the market around."""
    base, profit = name[:3], name[3:]
    digits = 3 if profit == "JPY" else 5
    return Contract(name, "forex", base, profit, base, digits, Fraction(100_000))


def case_of(
    contracts: Sequence[Contract],
    quotes: dict[str, tuple[int, int]],
    currency: str,
    leverage: int,
) -> Case:
    """The last of the contracts, on an account; quotes are in points."""
    specifications: list[Specification] = [
        specification_of(one.name, one.name, table_of(one)) for one in contracts
    ]
    market = Market({name: series(name, [(0, *quote)]) for name, quote in quotes.items()})
    market.move(NOON)
    exchange = Exchange(specifications, market.feeds)
    tested = contracts[-1]
    valuation = Valuation(
        specifications[-1],
        market.feeds[tested.name],
        exchange,
        currency,
        digits_of(currency),
        leverage,
    )
    account = Account(currency, digits_of(currency), leverage, contracts)
    for one in contracts:
        bid, ask = quotes[one.name]
        scale = 10**one.digits
        account.quotes[one.name] = (Fraction(bid, scale), Fraction(ask, scale))
    return Case(tested, account, valuation)


decimals = st.integers(0, 50_000).map(lambda number: Fraction(number, 100))
shares = st.integers(0, 300).map(lambda number: Fraction(number, 100))
points = st.integers(200, 3_000_000)
spreads = st.integers(0, 900)
currencies = st.sampled_from(CURRENCIES)
volumes = st.integers(1, 50_000).map(lambda number: Fraction(number, 100))
signs = st.sampled_from([1, -1])


@st.composite
def contracts(draw: st.DrawFn, calculation: str) -> Contract:
    """A symbol of any terms."""
    digits = draw(st.integers(0, 5))
    base = draw(currencies)
    profit = draw(currencies.filter(lambda name: name != base))
    if not calculation.startswith("forex"):
        base = draw(st.sampled_from([base, profit, "XAU"]))
    set_margin = st.one_of(st.just(Fraction(0)), decimals)
    return Contract(
        name="TESTED",
        calculation=calculation,
        base=base,
        profit=profit,
        margin=draw(st.sampled_from([name for name in (base, profit) if name != "XAU"])),
        digits=digits,
        contract=draw(st.sampled_from([1, 10, 100, 1_000, 100_000]).map(Fraction)),
        tick_size=Fraction(draw(st.sampled_from([0, 1, 5, 25])), 10**digits),
        tick_value=draw(st.sampled_from([exact(0), exact("0.1"), exact("12.5")])),
        margin_initial=draw(set_margin),
        margin_maintenance=draw(set_margin),
        rate_long=draw(shares),
        rate_short=draw(shares),
        margin_hedged=draw(st.one_of(st.none(), st.just(Fraction(0)), decimals)),
        larger_leg=draw(st.booleans()),
        face_value=draw(st.sampled_from([0, 100, 1_000]).map(Fraction)),
        liquidity=draw(shares),
        swap_mode=draw(st.integers(0, 8)),
        swap_long=draw(st.integers(-9_000, 9_000)) * Fraction(1, 100),
        swap_short=draw(st.integers(-9_000, 9_000)) * Fraction(1, 100),
    )


@st.composite
def cases(draw: st.DrawFn, calculation: str) -> Case:
    """A symbol of a calculation mode, on an account of any currency."""
    around = [pair(name) for name in draw(st.sampled_from(MARKETS))]
    listed = [*around, draw(contracts(calculation))]
    quotes = {}
    for one in listed:
        bid = draw(points)
        quotes[one.name] = (bid, bid + draw(spreads))
    return case_of(listed, quotes, draw(currencies), draw(st.integers(1, 500)))


def profit_and_the_margin_to_open(case: Case, data: st.DataObject) -> None:
    one, account, valuation = case.contract, case.account, case.valuation
    scale = 10**one.digits
    for sign in (1, -1):
        lots, opened, closed = data.draw(volumes), data.draw(points), data.draw(points)
        volume_e8 = int(lots * LOT)
        prices = Fraction(opened, scale), Fraction(closed, scale)
        profit = account.profit(one, sign, lots, *prices)
        told = valuation.profit(sign, volume_e8, (opened, 1), closed)
        assert told == minor(profit, account.currency)
        margin = account.opening_margin(one, sign, lots, prices[0])
        told = valuation.margin(sign, volume_e8, (opened, 1), valuation.margin_rate(sign))
        assert told == minor(margin, account.currency)


rates = st.integers(1, 10**14).map(lambda number: Fraction(number, 10**12))
#: Side, lots, opening price in 1e-8 points, and conversion rate.
positions = st.lists(
    st.tuples(signs, volumes, st.integers(10**8, 10**14), rates), min_size=1, max_size=6
)


def what_positions_bind_together_and_what_one_more_adds(case: Case, data: st.DataObject) -> None:
    one, account = case.contract, case.account
    nets = data.draw(st.booleans())
    held = data.draw(positions)[: 1 if nets else None]
    exposure = Exposure(case.valuation.margins)
    gone = data.draw(st.sets(st.integers(0, len(held) - 1)))
    for ticket, (sign, lots, price, rate) in enumerate(held):
        opened = (price, 10**8)
        exposure.put(ticket, -sign, 7, (1, 1), (1, 1))  # as it was before
        exposure.put(ticket, sign, int(lots * LOT), opened, rate.as_integer_ratio())
    for ticket in gone:
        exposure.drop(ticket)
    left = [
        Held(sign, lots, Fraction(price, 10 ** (8 + one.digits)), rate)
        for ticket, (sign, lots, price, rate) in enumerate(held)
        if ticket not in gone
    ]
    assert exposure.margin() == minor(account.held_margin(one, left), account.currency)
    sign, lots, at = data.draw(signs), data.draw(volumes), data.draw(points)
    needed = account.needed(one, left, sign, lots, Fraction(at, 10**one.digits), nets=nets)
    told = exposure.needed(sign, int(lots * LOT), at, nets=nets)
    assert told == minor(needed, account.currency)


def swap(case: Case, data: st.DataObject) -> None:
    one, account, valuation = case.contract, case.account, case.valuation
    sign, lots, opened = data.draw(signs), data.draw(volumes), data.draw(points)
    days = data.draw(st.sampled_from([1, 3]))
    price = Fraction(opened, 10**one.digits)
    told = night_swap(valuation, sign, int(lots * LOT), (opened, 1), days)
    assert told == minor(account.swap(one, sign, lots, price, days), account.currency)
    reopened = reopening_price(valuation, sign, days)
    assert (reopened is not None) == (one.swap_mode in (7, 8))
    if reopened is not None:
        assert reopened == case.points(account.reopened(one, sign, days))
        assert told == 0


def commission_and_fee(case: Case, data: st.DataObject) -> None:
    one, account = case.contract, case.account
    lots, price = data.draw(volumes), data.draw(points)
    per_lot, fee, percent = data.draw(decimals), data.draw(decimals), data.draw(shares)
    costs = Costs(_settings(per_lot, percent, fee), case.valuation)
    told = costs.of_deal(int(lots * LOT), price, port.ENTRY_OUT)
    at = Fraction(price, 10**one.digits)
    commission = account.commission(one, lots, at, per_lot, percent)
    charged = -account.money(fee * lots)
    assert told == (minor(commission, account.currency), minor(charged, account.currency))


def values_of_a_tick(case: Case, data: st.DataObject) -> None:
    profit, loss = case.account.tick_values(case.contract)
    told = tick_values(case.valuation)
    assert told == pytest.approx((float(profit), float(loss), float(case.contract.step)))


def _settings(per_lot: Fraction, percent: Fraction, fee: Fraction) -> BrokerSettings:
    return msgspec.structs.replace(
        SETTINGS,
        commission_per_lot=float(per_lot),
        commission_percent=float(percent),
        fee_per_lot=float(fee),
    )


every_mode = pytest.mark.parametrize("calculation", CALC_MODES)
RULES = [
    profit_and_the_margin_to_open,
    what_positions_bind_together_and_what_one_more_adds,
    swap,
    commission_and_fee,
    values_of_a_tick,
]


@every_mode
@settings(max_examples=40)
@given(data=st.data())
def test_it_agrees_with_the_plain_calculation(calculation: str, data: st.DataObject) -> None:
    case = data.draw(cases(calculation))
    for agrees in RULES:
        agrees(case, data)


@pytest.mark.long
@pytest.mark.parametrize("agrees", RULES)
@given(calculation=st.sampled_from(sorted(CALC_MODES)), data=st.data())
def test_it_agrees_with_the_plain_calculation_at_length(
    agrees: Callable[[Case, st.DataObject], None], calculation: str, data: st.DataObject
) -> None:
    agrees(data.draw(cases(calculation)), data)


@given(data=st.data(), lots=volumes)
def test_collateral_counts_for_its_liquid_share(data: st.DataObject, lots: Fraction) -> None:
    case = data.draw(cases("collateral"))
    told = case.valuation.assets(int(lots * LOT))
    assert told == minor(case.account.assets(case.contract, lots), case.account.currency)


@every_mode
def test_the_modes_by_hand(calculation: str) -> None:
    """A lot of 100 at 50.00 with a face value of 1000, a tick of 0.25 worth 12.5, leverage 10,
    and closed at 51.00; an initial margin only for futures."""
    initial = Fraction(1_200 if "futures" in calculation or "margin" in calculation else 0)
    one = Contract(
        "TESTED", calculation, "EUR", "USD", "EUR", 2, Fraction(100),
        tick_size=exact("0.25"), tick_value=exact("12.5"), face_value=Fraction(1_000),
        margin_initial=initial,
    )  # fmt: skip
    if not calculation.startswith("forex"):
        one = replace(one, base="USD", margin="USD")
    case = case_of([one], {"TESTED": (5_000, 5_025)}, "USD", 10)
    profit = case.valuation.profit(1, LOT, (5_000, 1), 5_100)
    margin = case.valuation.margin(1, LOT, (5_000, 1), case.valuation.margin_rate(1))
    by_hand = {
        "forex": (100, 500), "forex_no_leverage": (100, 5_000), "cfd": (100, 5_000),
        "cfd_leverage": (100, 500), "cfd_index": (100, 250_000), "exch_stocks": (100, 5_000),
        "exch_stocks_moex": (100, 5_000), "futures": (50, 1_200), "exch_futures": (50, 1_200),
        "exch_options": (50, 2_500), "exch_options_margin": (50, 1_200),
        "exch_bonds": (1_000, 50_000), "exch_bonds_moex": (1_000, 50_000), "collateral": (0, 0),
    }  # fmt: skip
    assert (profit / 100, margin / 100) == by_hand[calculation]
