"""The fast way through the ticks gives the fills of a loop that looks at every order each time."""

import pytest

from benchmarks.bench_ticks_replay import Ladder, drifting, naive


@pytest.mark.parametrize("live", [1, 10, 200])
def test_the_benchmarks_ladder_fills_as_a_plain_loop_fills_it(live: int) -> None:
    ticks = drifting(12_000)
    fills = naive(ticks, live)
    assert len(fills) == 12
    assert Ladder(ticks, live).replay() == fills
