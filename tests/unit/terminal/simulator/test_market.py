"""Quotes in force and touches are those that a look at every tick would find."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from onefill.terminal.simulator.market import Levels, LoadedFeed, Market
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
        for none, distance, sign in zip(Levels(), distances, signs, strict=True)
    ]
    levels = Levels(*wanted)
    assert LoadedFeed(ticks).first_touch(begin, end, levels) == naive_touch(
        ticks, begin, end, levels
    )


@given(
    times=st.lists(st.integers(0, 300), unique=True).map(sorted),
    looks=st.lists(st.integers(-5, 305)).map(sorted),
)
def test_the_quote_in_force_is_the_last_at_or_before(times: list[int], looks: list[int]) -> None:
    market = Market({SYMBOL: series(SYMBOL, [(time, 100, 101) for time in times])})
    feed = market.feeds[SYMBOL]
    for look in looks:
        place = feed.place_at(NOON + look)
        market.move(NOON + look)
        assert feed.place == place == sum(time <= look for time in times) - 1
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


@given(
    times=st.lists(st.lists(st.integers(1, 12), unique=True).map(sorted), min_size=2, max_size=4),
    steps=st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["move", "ticks"]))),
    looked=st.lists(st.booleans(), min_size=100, max_size=100),
)
def test_a_feed_that_is_looked_at_late_has_the_quote_of_one_that_followed(
    times: list[list[int]], steps: list[tuple[int, str]], looked: list[bool]
) -> None:
    quotes = {
        f"S{number}": series(f"S{number}", [(at, at, at + 1) for at in row])
        for number, row in enumerate(times)
    }
    followed, lazy = Market(quotes), Market(quotes)
    looks = iter(looked * 10)
    for now, kind in steps:
        for name, feed in followed.feeds.items():
            place = feed.place_at(NOON + now)
            if kind == "ticks" and place > feed.place and feed.time_at(place) == NOON + now:
                followed.move_to_tick(feed, place)
                lazy.move_to_tick(lazy.feeds[name], place)
                assert feed.place == place
            for other, same in zip(followed.feeds.values(), lazy.feeds.values(), strict=True):
                place = other.place
                if next(looks, False):
                    assert same.place == place
        followed.move(NOON + now)
        lazy.move(NOON + now)
        for feed in followed.feeds.values():
            assert feed.place == feed.place_at(NOON + now)
    for other, same in zip(followed.feeds.values(), lazy.feeds.values(), strict=True):
        assert same.place == other.place
