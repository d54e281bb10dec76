"""Points, pips, volumes and money."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.model.errors import OnefillError
from onefill.model.money import currency_digits, round_money, to_minor
from onefill.model.symbol import Symbol
from onefill.model.volume import LOT_E8, is_multiple, to_e8, to_lots, units_to_e8


def symbol(digits: int, pip_points: int = 0) -> Symbol:
    return Symbol(
        name="EURUSD",
        digits=digits,
        contract_size=100_000.0,
        volume_min_e8=LOT_E8 // 100,
        volume_max_e8=500 * LOT_E8,
        volume_step_e8=LOT_E8 // 100,
        base="EUR",
        profit="USD",
        margin="EUR",
        pip_points_set=pip_points,
    )


@pytest.mark.parametrize(("digits", "points"), [(5, 10), (3, 10), (4, 1), (2, 1), (0, 1)])
def test_a_pip_is_ten_points_at_three_or_five_digits_else_one(digits: int, points: int) -> None:
    assert symbol(digits).pip_points == points


def test_a_symbol_may_say_what_its_pip_is() -> None:
    assert symbol(3, pip_points=100).pip_points == 100


@given(st.integers(1, 2_000_000), st.integers(0, 5))
def test_a_price_on_the_step_stays_the_float_nearest_to_its_decimal(
    points: int, digits: int
) -> None:
    price = float(Decimal(points).scaleb(-digits))
    assert symbol(digits).normalise(price, "price") == price
    assert symbol(digits).points(price) == points
    assert symbol(digits).price(points) == price


@given(st.integers(100_000, 200_000))
def test_float_noise_is_forgiven(points: int) -> None:
    price = points / 1e5
    assert symbol(5).normalise(price + 1e-10, "price") == price


@given(st.integers(100_000, 200_000), st.integers(1, 9))
def test_a_price_between_two_steps_is_refused_by_name(points: int, tenth: int) -> None:
    price = float(Decimal(points * 10 + tenth).scaleb(-6))
    with pytest.raises(OnefillError, match="stop_loss") as refused:
        symbol(5).normalise(price, "stop_loss")
    assert refused.value.code == "INVALID_PRICE"


@pytest.mark.parametrize("price", [0.0, -1.0])
def test_a_price_must_be_above_zero(price: float) -> None:
    with pytest.raises(OnefillError, match="above 0"):
        symbol(5).normalise(price, "price")


@given(st.integers(-500, 500), st.integers(100_000, 200_000))
def test_pips_between_prices_are_exact(difference: int, points: int) -> None:
    one = symbol(5)
    pips = one.pips_between(one.price(points + difference), one.price(points))
    assert pips == difference / 10


@given(st.integers(1, 50_000))
def test_lots_survive_the_way_into_whole_numbers_and_back(hundredths: int) -> None:
    lots = hundredths / 100
    assert to_lots(to_e8(lots)) == lots
    assert is_multiple(to_e8(lots), LOT_E8 // 100)


@given(st.integers(0, 5_000_000))
def test_units_are_rounded_down_to_the_step_and_never_up(units: int) -> None:
    volume = units_to_e8(float(units), 100_000.0, LOT_E8 // 100)
    assert volume == units // 1000 * (LOT_E8 // 100)


def test_ninety_five_thousand_units_of_eurusd_are_0_95_lot() -> None:
    assert to_lots(units_to_e8(95_000.0, 100_000.0, LOT_E8 // 100)) == 0.95


@given(st.decimals(-10_000, 10_000, places=5))
def test_money_is_rounded_half_away_from_zero(amount: Decimal) -> None:
    rounded = round_money(amount, 2)
    assert rounded == -round_money(-amount, 2)
    assert abs(rounded - amount) <= Decimal("0.005")
    if abs(amount) * 1000 % 10 == 5:
        assert abs(rounded) > abs(amount)


def test_half_a_cent_goes_away_from_zero() -> None:
    assert round_money(Decimal("0.005"), 2) == Decimal("0.01")
    assert round_money(Decimal("-0.005"), 2) == Decimal("-0.01")
    assert to_minor(-12.345, 2) == -1235


@pytest.mark.parametrize(("currency", "digits"), [("USD", 2), ("EUR", 2), ("JPY", 0), ("BTC", 8)])
def test_a_currency_has_its_own_digits(currency: str, digits: int) -> None:
    assert currency_digits(currency) == digits
