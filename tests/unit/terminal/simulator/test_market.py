"""Quotes in force and touches are those that a look at every tick would find."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from onefill.terminal.simulator.market import NO_LEVELS, Feed, Levels, Market
from onefill.terminal.simulator.ticks import TickSeries

from .stage import NOON, series

SYMBOL = "EURUSD"


def walk(seed: int, count: int, start: int = 100_000) -> TickSeries:
    """A random walk with uneven pauses."""
    draw = np.random.default_rng(seed)
    times = NOON + np.cumsum(draw.integers(1, 4, count))
    bid = start + np.cumsum(draw.integers(-3, 4, count))
    ask = bid + draw.integers(0, 5, count)
    return TickSeries(
        SYMBOL, times.astype(np.int64), bid.astype(np.int32), ask.astype(np.int32), count
    )


def naive_touch(ticks: TickSeries, begin: int, end: int, levels: Levels) -> int:
    for place in range(begin, end):
        bid, ask = int(ticks.bid[place]), int(ticks.ask[place])
        if (
            bid <= levels.bid_low
            or bid >= levels.bid_high
            or ask <= levels.ask_low
            or ask >= levels.ask_high
        ):
            return place
    return end


@given(
    seed=st.integers(0, 10**6),
    begin=st.integers(0, 5_999),
    length=st.integers(0, 6_000),
    distances=st.tuples(*[st.one_of(st.none(), st.integers(-3, 300))] * 4),
)
def test_the_first_touch_is_the_first(
    seed: int, begin: int, length: int, distances: tuple[int | None, ...]
) -> None:
    ticks = walk(seed, 6_000)
    end = min(begin + length, 6_000)
    here = int(ticks.bid[begin])
    signs = (-1, 1, -1, 1)
    wanted = [
        none if distance is None else here + sign * distance
        for none, distance, sign in zip(NO_LEVELS, distances, signs, strict=True)
    ]
    levels = Levels(*wanted)
    assert Feed(ticks).first_touch(begin, end, levels) == naive_touch(ticks, begin, end, levels)


@given(
    times=st.lists(st.integers(0, 300), unique=True).map(sorted),
    looks=st.lists(st.integers(-5, 305)).map(sorted),
)
def test_the_quote_in_force_is_the_last_at_or_before(times: list[int], looks: list[int]) -> None:
    feed = Feed(series(SYMBOL, [(time, 100, 101) for time in times]))
    for look in looks:
        feed.place = feed.place_at(NOON + look)
        assert feed.place == sum(time <= look for time in times) - 1
    assert feed.time_ms == (NOON + times[feed.place] if feed.place >= 0 else 0)


def test_on_a_tick_later_symbols_of_the_same_millisecond_still_have_the_quote_before() -> None:
    quotes = {
        name: series(name, [(0, price, price), (5, price + 1, price + 1)])
        for name, price in (("EURUSD", 10), ("GBPUSD", 20), ("AUDUSD", 30))
    }
    market = Market(quotes)
    market.move_to_tick(market.feeds["GBPUSD"], 1)
    assert [feed.bid for feed in market.feeds.values()] == [11, 21, 30]
    market.move(NOON + 5)
    assert [feed.bid for feed in market.feeds.values()] == [11, 21, 31]
