"""Profit and margin against fractions worked out on their own, for every way to a currency."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.model.errors import OnefillError
from onefill.terminal.simulator.broker import list_symbols
from onefill.terminal.simulator.holdings import Holdings
from onefill.terminal.simulator.market import Market
from onefill.terminal.simulator.profile import load_profile
from onefill.terminal.simulator.tick_value import tick_values
from onefill.terminal.simulator.valuation import Valuation, rounded

from .stage import NOON, Stage, deal, series

PROFILE = load_profile()

#: Bid and ask in points.
QUOTES = {
    "EURUSD": (138_000, 138_020),
    "USDJPY": (108_183, 108_197),
    "EURJPY": (149_100, 149_130),
    "GBPUSD": (131_660, 131_668),
    "AUDNZD": (107_500, 107_530),
    "NZDUSD": (86_000, 86_020),
    "XAUUSD": (1_300_335, 1_300_799),
    "XAGUSD": (195_000, 195_300),
    "USDCHF": (98_000, 98_010),
    "CHFJPY": (110_000, 110_020),
    "AUDJPY": (75_000, 75_010),
    "GBPAUD": (180_000, 180_040),
}
DIGITS = {"USDJPY": 3, "EURJPY": 3, "CHFJPY": 3, "AUDJPY": 3, "XAUUSD": 3, "XAGUSD": 4}
CONTRACTS = {"XAUUSD": 100, "XAGUSD": 5_000}


def market(*names: str) -> Market:
    made = Market({name: series(name, [(0, *QUOTES[name])]) for name in names})
    made.move(NOON)
    return made


def valued(symbol: str, currency: str, *through: str, leverage: int = 100) -> Valuation:
    digits = 0 if currency == "JPY" else 2
    listed = list_symbols(PROFILE, market(symbol, *through), currency, digits, leverage)
    return listed[symbol].valuation


def price(symbol: str, *, ask: bool) -> Fraction:
    return Fraction(QUOTES[symbol][ask], 10 ** DIGITS.get(symbol, 5))


def half_away(amount: Fraction, currency: str) -> int:
    minor = amount * (1 if currency == "JPY" else 100)
    whole = int(abs(minor) + Fraction(1, 2))
    return whole if minor >= 0 else -whole


def profit_in_its_currency(symbol: str, sign: int, lots: Fraction, move: int) -> Fraction:
    scale = 10 ** DIGITS.get(symbol, 5)
    return Fraction(move * sign, scale) * lots * CONTRACTS.get(symbol, 100_000)


@given(above=st.integers(-(10**20), 10**20), below=st.integers(1, 10**12))
def test_rounding_takes_halves_away_from_zero(above: int, below: int) -> None:
    exact = Fraction(above, below)
    result = rounded(above, below)
    assert abs(exact - result) <= Fraction(1, 2)
    if abs(exact - result) == Fraction(1, 2):
        assert abs(result) > abs(exact)


volumes = st.integers(1, 50_000).map(lambda steps: steps * 1_000_000)
moves = st.integers(-3_000, 3_000)
signs = st.sampled_from([1, -1])


@given(sign=signs, volume_e8=volumes, move=moves)
def test_profit_in_the_account_currency_is_not_converted(
    sign: int, volume_e8: int, move: int
) -> None:
    for symbol in ("EURUSD", "XAUUSD", "XAGUSD"):
        opened = QUOTES[symbol][0]
        told = valued(symbol, "USD").profit(sign, volume_e8, (opened, 1), opened + move)
        lots = Fraction(volume_e8, 10**8)
        assert told == half_away(profit_in_its_currency(symbol, sign, lots, move), "USD")


@given(sign=signs, volume_e8=volumes, move=moves)
def test_a_symbol_that_converts_itself_does_so_at_the_closing_price(
    sign: int, volume_e8: int, move: int
) -> None:
    for symbol, currency in (("USDJPY", "USD"), ("EURUSD", "EUR")):
        opened = QUOTES[symbol][0]
        told = valued(symbol, currency).profit(sign, volume_e8, (opened, 1), opened + move)
        in_profit = profit_in_its_currency(symbol, sign, Fraction(volume_e8, 10**8), move)
        close = Fraction(opened + move, 10 ** DIGITS.get(symbol, 5))
        assert told == half_away(in_profit / close, currency)


@given(sign=signs, volume_e8=volumes, move=moves)
def test_gains_are_sold_and_losses_are_bought(sign: int, volume_e8: int, move: int) -> None:
    lots, gain = Fraction(volume_e8, 10**8), move * sign > 0
    inverse = valued("EURJPY", "USD", "EURUSD", "USDJPY")
    told = inverse.profit(sign, volume_e8, (149_100, 1), 149_100 + move)
    in_yen = profit_in_its_currency("EURJPY", sign, lots, move)
    assert told == half_away(in_yen / price("USDJPY", ask=gain), "USD")
    direct = valued("AUDNZD", "USD", "NZDUSD", "AUDNZD")
    told = direct.profit(sign, volume_e8, (107_500, 1), 107_500 + move)
    in_kiwi = profit_in_its_currency("AUDNZD", sign, lots, move)
    assert told == half_away(in_kiwi * price("NZDUSD", ask=not gain), "USD")


@given(volume_e8=volumes, move=moves)
def test_two_legs_lead_where_one_does_not(volume_e8: int, move: int) -> None:
    gold = valued("XAUUSD", "JPY", "EURUSD", "EURJPY")
    told = gold.profit(1, volume_e8, (1_300_335, 1), 1_300_335 + move)
    in_dollars = profit_in_its_currency("XAUUSD", 1, Fraction(volume_e8, 10**8), move)
    in_euros = in_dollars / price("EURUSD", ask=move > 0)
    assert told == half_away(in_euros * price("EURJPY", ask=move <= 0), "JPY")


@given(volume_e8=volumes, opened=st.integers(50_000, 200_000), leverage=st.integers(1, 500))
def test_margin(volume_e8: int, opened: int, leverage: int) -> None:
    lots, at = Fraction(volume_e8, 10**8), Fraction(opened, 10**5)

    def margin(symbol: str, currency: str, *through: str, sign: int = 1) -> int:
        valuation = valued(symbol, currency, *through, leverage=leverage)
        rate = valuation.margin_rate(sign)
        return valuation.margin(sign, volume_e8, (opened, 1), rate)

    base = lots * 100_000 / leverage
    assert margin("EURUSD", "USD") == half_away(base * at, "USD")
    assert margin("USDJPY", "USD") == half_away(base, "USD")
    assert margin("EURUSD", "EUR") == half_away(base, "EUR")
    gold = lots * 100 * Fraction(opened, 1000) / leverage
    assert margin("XAUUSD", "USD") == half_away(gold, "USD")
    for sign in (1, -1):
        told = margin("EURJPY", "USD", "EURUSD", "USDJPY", sign=sign)
        assert told == half_away(base * price("EURUSD", ask=sign > 0), "USD")


def test_the_documented_yen_profit() -> None:
    stage = Stage({"USDJPY": [(0, 108_183, 108_197)]})
    stage.advance(1)
    calculate = {"symbol": "USDJPY", "volume": 1.0}
    bought = stage.ask(
        "order_calc_profit", action=0, price_open=107.883, price_close=108.183, **calculate
    )
    sold = stage.ask(
        "order_calc_profit", action=1, price_open=108.483, price_close=108.183, **calculate
    )
    assert (bought, sold) == (277.31, 277.31)
    margin = stage.ask("order_calc_margin", action=0, price=108.183, **calculate)
    assert margin == 1000.0


def test_the_documented_profits_of_300_points() -> None:
    """The sample of order_calc_profit: bought at 108.183, sold at 108.179."""
    stage = Stage({"USDJPY": [(0, 108_179, 108_183)]})
    stage.advance(1)
    calculate = {"symbol": "USDJPY", "volume": 1.0}
    bought = stage.ask(
        "order_calc_profit", action=0, price_open=108.183, price_close=108.483, **calculate
    )
    sold = stage.ask(
        "order_calc_profit", action=1, price_open=108.179, price_close=107.879, **calculate
    )
    assert (bought, sold) == (276.54, 278.09)


def test_the_documented_margins() -> None:
    """The sample of order_calc_margin: a leverage of 100, pounds at the price that is asked for,
    euros against yen at EURUSD's."""
    stage = Stage(
        {
            "GBPUSD": [(0, 131_660, 131_668)],
            "EURUSD": [(0, 110_800, 110_810)],
            "EURJPY": [(0, 119_870, 119_884)],
            "USDJPY": [(0, 108_179, 108_183)],
        }
    )
    stage.advance(1)

    def margin(symbol: str, price: float) -> object:
        return stage.ask("order_calc_margin", action=0, symbol=symbol, volume=1.0, price=price)

    assert margin("GBPUSD", 1.31668) == 1316.68
    assert margin("GBPUSD", 1.25) == 1250.0
    assert margin("USDJPY", 108.183) == 1000.0
    assert margin("EURJPY", 119.884) == 1108.10


def test_tick_values_that_a_real_terminal_showed() -> None:
    """USDJPY on an account in pounds, GBPJPY at 188.039 and 188.191."""
    quotes = {"USDJPY": (147_956, 148_011), "GBPJPY": (188_039, 188_191)}
    made = Market({name: series(name, [(0, *quote)]) for name, quote in quotes.items()})
    made.move(NOON)
    listed = list_symbols(PROFILE, made, "GBP", 2, 30, lazily=True)
    told = tick_values(listed["USDJPY"].valuation)
    assert told == pytest.approx((0.5313750391889092, 0.531804572455714, 0.001), rel=1e-12)


def test_tick_values_are_zeros_before_the_first_quote_and_without_a_way() -> None:
    made = Market({"EURUSD": series("EURUSD", [(0, 138_000, 138_020)])})
    euro = list_symbols(PROFILE, made, "JPY", 0, 30, lazily=True)["EURUSD"].valuation
    assert tick_values(euro) == (0.0, 0.0, 0.00001)
    euro = list_symbols(PROFILE, made, "USD", 2, 30)["EURUSD"].valuation
    assert tick_values(euro) == (0.0, 0.0, 0.00001)
    made.move(NOON)
    assert tick_values(euro) == (1.0, 1.0, 0.00001)


def test_a_currency_is_reached_through_as_many_symbols_as_it_takes() -> None:
    gold = valued("XAUUSD", "GBP", "USDCHF", "CHFJPY", "AUDJPY", "GBPAUD")
    dollars = Fraction(100)  # a lot, and a dollar an ounce
    rate = Fraction(98_000, 10**5) * Fraction(110_000, 10**3)
    rate /= Fraction(75_010, 10**3) * Fraction(180_040, 10**5)
    told = gold.profit(1, 10**8, (1_300_000, 1), 1_301_000)
    assert told == half_away(dollars * rate, "GBP")


def test_a_symbol_that_cannot_be_converted_is_refused_when_it_is_asked_for() -> None:
    quotes = {name: [(0, *QUOTES[name])] for name in ("EURUSD", "AUDNZD")}
    with pytest.raises(OnefillError, match="AUDNZD needs NZD in USD"):
        Stage(quotes)
    stage = Stage(quotes, lazily=True)
    stage.advance(1)
    assert stage.opened(deal(0, 0.1))
    assert stage.ask("account_info").equity == 9_998.0
    with pytest.raises(OnefillError, match="AUDNZD needs NZD in USD") as caught:
        stage.send(deal(0, 0.1, "AUDNZD"))
    assert caught.value.code == "CURRENCY_NOT_CONVERTIBLE"
    assert stage.opened(deal(0, 0.1))


def test_calculations_say_no_to_nonsense() -> None:
    stage = Stage([(0, 138_000, 138_020)])
    assert stage.ask("order_calc_margin", action=0, symbol="EURUSD", volume=1.0, price=1.38) is None
    stage.advance(1)
    assert stage.ask("order_calc_margin", action=0, symbol="EURUSD", volume=1.0, price=1.38) == 1380
    assert stage.ask("order_calc_margin", action=0, symbol="NONE", volume=1.0, price=1.38) is None
    assert stage.ask(
        "order_calc_profit", action=0, symbol="EURUSD", volume=1.0, price_open=-1.0, price_close=1.0
    ) is None  # fmt: skip


@pytest.mark.parametrize(
    ("symbol", "currency", "missing"), [("EURUSD", "JPY", "USDJPY"), ("XAUUSD", "EUR", "USDEUR")]
)
def test_a_currency_that_cannot_be_converted_is_refused_at_the_start(
    symbol: str, currency: str, missing: str
) -> None:
    with pytest.raises(OnefillError, match=missing) as caught:
        Stage({symbol: [(0, 138_000, 138_020)]}, currency=currency)
    assert caught.value.code == "CURRENCY_NOT_CONVERTIBLE"


positions = st.lists(
    st.tuples(signs, st.integers(1, 50_000), st.integers(-5_000, 5_000)), min_size=1, max_size=40
)


@given(held=positions, close=st.integers(0, 1), dropped=st.sets(st.integers(0, 39)))
def test_floating_profit_is_the_sum_of_rounded_profits(
    held: list[tuple[int, int, int]], close: int, dropped: set[int]
) -> None:
    ways = [
        ("EURUSD", "USD", ()),
        ("XAUUSD", "USD", ()),
        ("USDJPY", "USD", ()),
        ("EURJPY", "USD", ("EURUSD", "USDJPY")),
        ("XAUUSD", "GBP", ("USDCHF", "CHFJPY", "AUDJPY", "GBPAUD")),
    ]
    for symbol, currency, through in ways:
        valuation = valued(symbol, currency, *through)
        holdings = Holdings(valuation, 1_000_000)
        bid, ask = QUOTES[symbol]
        rows = {
            ticket: (sign, steps * 1_000_000, bid + move)
            for ticket, (sign, steps, move) in enumerate(held)
        }
        for ticket, (sign, volume_e8, opened) in rows.items():
            holdings.put(ticket, sign, volume_e8, (opened, 1))
        for ticket in dropped:
            holdings.drop(ticket)
            rows.pop(ticket, None)
        averaged = (1, 3_000_000, (2 * bid + 1, 2))
        holdings.put(1_000, *averaged)
        expected = valuation.profit(averaged[0], averaged[1], averaged[2], bid) + sum(
            valuation.profit(sign, volume_e8, (opened, 1), bid if sign > 0 else ask)
            for sign, volume_e8, opened in rows.values()
        )
        assert holdings.floating() == expected
        assert holdings.floating() == expected


@given(held=positions, later=positions, dropped=st.sets(st.integers(0, 39)))
def test_floating_profit_once_reckoned_follows_every_deal(
    held: list[tuple[int, int, int]],
    later: list[tuple[int, int, int]],
    dropped: set[int],
) -> None:
    for symbol, through in (("USDJPY", ()), ("EURJPY", ("EURUSD", "USDJPY"))):
        valuation = valued(symbol, "USD", *through)
        bid, _ = QUOTES[symbol]
        followed, anew = Holdings(valuation, 1_000_000), Holdings(valuation, 1_000_000)
        for ticket, (sign, steps, move) in enumerate(held):
            followed.put(ticket, sign, steps * 1_000_000, (bid + move, 1))
            anew.put(ticket, sign, steps * 1_000_000, (bid + move, 1))
        followed.floating()
        for ticket in dropped:
            followed.drop(ticket)
            anew.drop(ticket)
        for ticket, (sign, steps, move) in enumerate(later, 20):  # some take others' places
            opened = (2 * (bid + move) + 1, 2) if ticket % 3 else (bid + move, 1)
            followed.put(ticket, sign, steps * 1_000_000, opened)
            anew.put(ticket, sign, steps * 1_000_000, opened)
        assert followed.floating() == anew.floating()


def test_amounts_beyond_64_bits_are_still_exact() -> None:
    valuation = valued("XAUUSD", "USD")
    holdings = Holdings(valuation, 1_000_000)
    for ticket in range(20):
        holdings.put(ticket, 1, 10**20, (1 + ticket, 1))
    bid = QUOTES["XAUUSD"][0]
    expected = sum(valuation.profit(1, 10**20, (1 + ticket, 1), bid) for ticket in range(20))
    assert holdings.floating() == expected
