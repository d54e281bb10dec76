"""Columns of draws belong to their names, and look like what they are to be."""

import numpy as np

from onefill.runtime.noise import Noise


def test_a_column_is_a_function_of_seed_and_name_alone() -> None:
    first, other = Noise(1), Noise(1)
    other.uniform(5, "something", "else")
    assert np.array_equal(first.normal(100, "path", 7), other.normal(100, "path", 7))
    assert not np.array_equal(first.normal(100, "path", 7), first.normal(100, "path", 8))
    assert not np.array_equal(first.normal(100, "path", 7), Noise(2).normal(100, "path", 7))


def test_words_are_the_same_on_every_machine_and_numpy() -> None:
    assert Noise(1).words(3, "fixed").tolist() == WORDS


def test_uniform_and_quarters_fill_zero_to_one() -> None:
    columns = (Noise(3).uniform(20_000, "u"), *Noise(3).quarters(20_000, "q"))
    assert len(columns) == 5
    for column in columns:
        assert 0 <= column.min() < 0.01
        assert 0.99 < column.max() < 1
        assert abs(column.mean() - 0.5) < 0.01


def test_normal_has_mean_0_and_deviation_1() -> None:
    draws = Noise(4).normal(50_000, "n")
    assert abs(draws.mean()) < 0.02
    assert abs(draws.std() - 1) < 0.01
    assert np.abs(draws).max() < 3.5


#: Recorded: a change of them changes everybody's generated market.
WORDS = [15988648824941278378, 14095571076686128039, 1300661783822738618]
