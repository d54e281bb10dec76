"""The generated market: a function of seed, symbol and time that looks like a market."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onefill.terminal.simulator.market import Levels, Market
from onefill.terminal.simulator.profile import find_profile, shipped_profiles
from onefill.terminal.simulator.quotes.generated import GeneratedFeed, generated_market
from onefill.terminal.simulator.quotes.generator import NO_TICKS
from onefill.terminal.simulator.quotes.rows import MINUTE_MS, Columns, fold_ticks
from tests.unit.terminal.simulator.surface.markets import with_sessions

DAY_MS = 86_400_000
#: Monday, 2023-11-20.
DAY = 19_681
LAST_DAY = DAY + 40 * 365


@cache
def market(profile: str = "default", seed: int = 1) -> dict[str, GeneratedFeed]:
    """Feeds of all of a profile's symbols."""
    found = generated_market(with_sessions(find_profile(profile)), DAY * DAY_MS, seed=seed)
    feeds = {name: quotes.feed() for name, quotes in found.items()}
    return {name: feed for name, feed in feeds.items() if isinstance(feed, GeneratedFeed)}


def day_of(feed: GeneratedFeed, day: int) -> Columns:
    """The ticks of a UTC day."""
    pieces = list(feed.history.between(day * DAY_MS, day * DAY_MS + DAY_MS - 1))
    assert len(pieces) <= 1
    return pieces[0] if pieces else NO_TICKS


@pytest.mark.parametrize("profile", shipped_profiles())
def test_every_symbol_of_every_profile_is_quoted(profile: str) -> None:
    feeds = market(profile)
    specifications = find_profile(profile).specifications
    assert feeds.keys() == specifications.keys()
    for name, feed in feeds.items():
        ticks, tick = day_of(feed, DAY), specifications[name].tick_points
        assert len(ticks.time_ms) > 500, name
        assert (np.diff(ticks.time_ms) > 0).all(), name
        assert (ticks.bid < ticks.ask).all(), name
        assert (ticks.bid > ticks.ask - ticks.bid).all(), name
        assert not (ticks.bid % tick).any(), name
        assert not (ticks.ask % tick).any(), name


@settings(max_examples=max(15, settings().max_examples // 10))
@given(
    seed=st.integers(0, 99),
    name=st.sampled_from(["EURUSD", "USDZAR", "BTCUSD", "JP225", "AAPL", "ESH30", "XAUUSD"]),
    day=st.integers(17_897, LAST_DAY),
)
def test_minutes_are_those_of_the_ticks(seed: int, name: str, day: int) -> None:
    feed = market(seed=seed % 3)[name]
    ticks = day_of(feed, day)
    rows = feed.history.rows(MINUTE_MS, day * DAY_MS, (day + 1) * DAY_MS)
    assert rows.tolist() == fold_ticks(ticks, MINUTE_MS).tolist()
    if len(ticks.time_ms):
        assert (np.diff(ticks.time_ms) > 0).all()
        assert ticks.bid.min() > 0
        assert (ticks.ask > ticks.bid).all()


def test_a_day_is_the_same_however_one_comes_to_it() -> None:
    profile = find_profile("ecn")
    first = {n: q.feed() for n, q in generated_market(profile, DAY * DAY_MS, seed=4).items()}
    other = {n: q.feed() for n, q in generated_market(profile, DAY * DAY_MS, seed=4).items()}
    for back in range(30):
        list(other["GBPJPY"].history.between((DAY - back) * DAY_MS, (DAY - back + 1) * DAY_MS))
    span = DAY * DAY_MS, (DAY + 1) * DAY_MS
    for ours, theirs in zip(
        first["EURJPY"].history.between(*span), other["EURJPY"].history.between(*span), strict=True
    ):
        assert np.array_equal(ours.time_ms, theirs.time_ms)
        assert np.array_equal(ours.bid, theirs.bid)
        assert np.array_equal(ours.ask, theirs.ask)
    assert not np.array_equal(
        day_of(market(seed=1)["EURUSD"], DAY).bid[:99],
        day_of(market(seed=2)["EURUSD"], DAY).bid[:99],
    )


def quote_at(feed: GeneratedFeed, at_ms: int) -> tuple[float, float]:
    """Middle and spread of the quote in force, in points."""
    bid, ask = feed.history.quote_before(at_ms)
    return (bid + ask) / 2, ask - bid


def test_crosses_agree_with_their_pairs() -> None:
    feeds = market()
    apart = []
    for hour in range(7, 20):
        at_ms = DAY * DAY_MS + hour * 3_600_000
        (eurusd, _), (usdjpy, _) = (
            quote_at(feeds["EURUSD"], at_ms),
            quote_at(feeds["USDJPY"], at_ms),
        )
        eurjpy, spread = quote_at(feeds["EURJPY"], at_ms)
        apart.append(abs(eurusd / 1e5 * usdjpy - eurjpy) / spread)
    assert np.median(apart) < 1
    assert max(apart) < 4


def test_london_and_new_york_are_lively_and_asia_is_quiet() -> None:
    rows = market()["EURUSD"].history.rows(MINUTE_MS, DAY * DAY_MS, (DAY + 20) * DAY_MS)
    hours = rows["begin_ms"] // 3_600_000 % 24
    quiet, busy = (hours >= 1) & (hours < 6), (hours >= 12) & (hours < 16)
    height = rows["high"] - rows["low"]
    assert height[busy].mean() > 1.6 * height[quiet].mean()
    assert rows["volume"][busy].mean() > 2 * rows["volume"][quiet].mean()


def test_spreads_widen_at_the_rollover() -> None:
    rows = market()["GBPUSD"].history.rows(MINUTE_MS, DAY * DAY_MS, (DAY + 4) * DAY_MS)
    minute = rows["begin_ms"] // MINUTE_MS % 1_440
    rollover = rows["spread"][(minute >= 1_317) & (minute < 1_335)]
    assert rollover.mean() > 2 * np.median(rows["spread"])


def test_currencies_rest_at_weekends_and_crypto_does_not() -> None:
    feeds, friday = market(), DAY + 4
    week = friday * DAY_MS, (friday + 3) * DAY_MS
    for name in ("EURUSD", "XAUUSD", "US500"):
        times = np.concatenate([piece.time_ms for piece in feeds[name].history.between(*week)])
        gap = int(np.diff(times).argmax())
        assert times[gap] < friday * DAY_MS + 78_900_000 <= times[gap] + 600_000  # Friday 21:55
        assert times[gap + 1] >= (friday + 2) * DAY_MS + 79_500_000  # Sunday 22:05
    crypto = [piece.time_ms for piece in feeds["BTCUSD"].history.between(*week)]
    assert np.diff(np.concatenate(crypto)).max() < 120_000


def test_symbols_without_sessions_are_quoted_at_any_time() -> None:
    found = generated_market(find_profile("default"), DAY * DAY_MS, seed=1)
    saturday = (DAY + 5) * DAY_MS
    for name in ("EURUSD", "XAUUSD", "US500"):
        feed = found[name].feed()
        assert isinstance(feed, GeneratedFeed)
        times = [piece.time_ms for piece in feed.history.between(saturday, saturday + DAY_MS)]
        assert np.diff(np.concatenate(times)).max() < 600_000


def test_sessions_are_on_the_servers_clock() -> None:
    times = day_of(market("ecn")["AAPL"], DAY).time_ms - DAY * DAY_MS
    assert times.min() >= 14.5 * 3_600_000  # 16:30 in New York + 7
    assert times.max() < 21 * 3_600_000


def test_a_future_is_quoted_up_to_its_last_day() -> None:
    feed, last_day = market("exchange")["ESH30"], 21_988  # 2030-03-15, a Friday
    ends_ms = last_day * DAY_MS + 29 * 3_600_000  # midnight in Chicago
    times = [
        piece.time_ms for piece in feed.history.between(ends_ms - 2 * DAY_MS, ends_ms + 9 * DAY_MS)
    ]
    assert 0 < ends_ms - np.concatenate(times)[-1] < DAY_MS


@pytest.mark.parametrize(
    ("name", "volatility"), [("EURUSD", 0.075), ("USDJPY", 0.075), ("US500", 0.17), ("BTCUSD", 0.6)]
)
def test_volatility_is_what_the_broker_file_says(name: str, volatility: float) -> None:
    feed = market()[name]
    closes = [feed.history.quote_before((DAY + 1 + day) * DAY_MS)[0] for day in range(300)]
    moves = np.diff(np.log(closes))
    working = moves[np.abs(moves) > 1e-12]
    days = 365 if name == "BTCUSD" else 261
    yearly = float(np.sqrt((working**2).sum() / 300 * 365))
    assert days
    assert 0.6 * volatility < yearly < 1.6 * volatility


def test_prices_begin_where_the_broker_file_says() -> None:
    bid, ask = market()["EURUSD"].history.quote_before(17_898 * DAY_MS)
    assert abs((bid + ask) / 2 / 1e5 / 1.1445 - 1) < 0.02
    assert market()["EURUSD"].history.quote_before(17_897 * DAY_MS) == (0, 0)


def plain_touch(ticks: Columns, levels: Levels) -> int:
    """When a level is first touched; 0 for never."""
    touched = (
        (ticks.bid <= levels.bid_low)
        | (ticks.bid >= levels.bid_high)
        | (ticks.ask <= levels.ask_low)
        | (ticks.ask >= levels.ask_high)
    )
    return int(ticks.time_ms[touched.argmax()]) if touched.any() else 0


@settings(max_examples=max(20, settings().max_examples // 10))
@given(
    begin=st.integers(0, 3 * DAY_MS),
    length=st.integers(1, 6 * DAY_MS),
    distance=st.integers(1, 1_500),
    side=st.integers(0, 3),
)
def test_the_first_touch_is_the_first(begin: int, length: int, distance: int, side: int) -> None:
    quotes = generated_market(find_profile("default"), DAY * DAY_MS, seed=1)["EURUSD"]
    one = Market({"EURUSD": quotes})
    feed = one.feeds["EURUSD"]
    begin_ms = (DAY + 3) * DAY_MS + begin
    one.move(begin_ms)
    assert (feed.bid, feed.ask) == feed.history.quote_before(begin_ms + 1)
    price = feed.bid if side < 2 else feed.ask
    levels = list(Levels())
    levels[side] = price + (distance if side % 2 else -distance)
    end_ms = begin_ms + length
    end = feed.place_at(end_ms) + 1
    place = feed.first_touch(feed.place + 1, end, Levels(*levels))
    pieces = list(feed.history.between(feed.time_ms + 1, end_ms))
    found = [at for at in (plain_touch(piece, Levels(*levels)) for piece in pieces) if at]
    assert (feed.time_at(place) if place < end else 0) == (found[0] if found else 0)


def test_the_quote_in_force_follows_the_market_over_weekends() -> None:
    one = Market(generated_market(with_sessions(find_profile("default")), DAY * DAY_MS, seed=1))
    feed = one.feeds["EURUSD"]
    places = []
    for hour in range(0, 12 * 24, 5):
        now_ms = DAY * DAY_MS + hour * 3_600_000
        one.move(now_ms)
        assert (feed.bid, feed.ask) == feed.history.quote_before(now_ms + 1)
        assert feed.time_ms <= now_ms
        places.append(feed.place)
    assert places == sorted(places)
    assert len(set(places)) < len(places)


def test_before_2019_there_is_no_quote() -> None:
    one = Market(generated_market(find_profile("default"), 0, seed=1))
    one.move(17_897 * DAY_MS - 1)
    assert one.feeds["EURUSD"].place == -1
    assert one.feeds["EURUSD"].time_ms == 0
