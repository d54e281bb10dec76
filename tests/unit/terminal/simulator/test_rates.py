"""Fractions that are kept: rounded once, and never finer than they may be."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from onefill.terminal.simulator.rates import PRICE_E8, RATE_E12, average, fine, in_units

fills = st.lists(
    st.tuples(st.integers(1, 3_000_000), st.integers(1, 50_000)), min_size=1, max_size=60
)


@given(fills=fills)
def test_an_average_of_many_fills_is_near_the_exact_one_and_does_not_grow(
    fills: list[tuple[int, int]],
) -> None:
    mean, volume, cost = (0, 1), 0, 0
    for price, steps in fills:
        mean = average(mean, volume, (price, 1), steps, PRICE_E8)
        volume, cost = volume + steps, cost + price * steps
        assert PRICE_E8 % mean[1] == 0
    assert abs(Fraction(*mean) - Fraction(cost, volume)) <= Fraction(len(fills), 2 * PRICE_E8)


@given(above=st.integers(1, 10**15), below=st.integers(1, 10**9))
def test_a_rate_has_twelve_decimals(above: int, below: int) -> None:
    kept = fine((above, below), RATE_E12)
    assert abs(Fraction(*kept) - Fraction(above, below)) <= Fraction(1, 2 * RATE_E12)
    assert Fraction(in_units(kept, RATE_E12), RATE_E12) == Fraction(*kept)
    assert fine(kept, RATE_E12) == kept


def test_a_fraction_that_is_fine_enough_stays_as_it_is() -> None:
    assert fine((11_088, 10_000), RATE_E12) == (693, 625)
    assert fine((2, 3), 100) == (67, 100)
