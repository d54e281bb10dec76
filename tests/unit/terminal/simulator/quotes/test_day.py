"""The day so far is what a look at all of its ticks finds."""

from hypothesis import given
from hypothesis import strategies as st

from onefill.terminal.simulator.market import Market
from onefill.terminal.simulator.quotes.day import DayStatistics, DayWatch
from onefill.terminal.zone import ServerTime, parse_zone
from tests.unit.terminal.simulator.stage import NOON, series

HOUR_MS = 3_600_000
Quotes = list[tuple[int, int, int]]


def plain(ticks: Quotes, now_ms: int, ahead_ms: int) -> DayStatistics:
    day = (now_ms + ahead_ms) // 86_400_000
    past = [tick for tick in ticks if tick[0] <= now_ms]
    today = [tick for tick in past if (tick[0] + ahead_ms) // 86_400_000 == day]
    before = [tick for tick in past if (tick[0] + ahead_ms) // 86_400_000 < day]
    close = before[-1][1] if before else 0
    if not today:
        return DayStatistics(close=close)
    bids, asks = [tick[1] for tick in today], [tick[2] for tick in today]
    return DayStatistics(max(bids), min(bids), max(asks), min(asks), bids[0], close, len(today))


@given(
    gaps=st.lists(st.tuples(st.integers(1, 5 * HOUR_MS), st.integers(1, 99)), max_size=40),
    looks=st.lists(st.integers(0, 120 * HOUR_MS), min_size=1).map(sorted),
)
def test_the_day_is_that_of_a_plain_loop(gaps: list[tuple[int, int]], looks: list[int]) -> None:
    at, quotes = 0, []
    for gap, price in gaps:
        at += gap
        quotes.append((at, price, price + 3))
    market = Market({"EURUSD": series("EURUSD", quotes)})
    watch = DayWatch(market.feeds["EURUSD"], ServerTime(parse_zone("+05:45")))
    ticks = [(NOON + at, bid, ask) for at, bid, ask in quotes]
    for look in looks:
        wanted = plain(ticks, NOON + look, 345 * 60_000)
        assert watch.at(NOON + look) == wanted


def test_the_change_is_in_per_cent_of_yesterdays_close() -> None:
    assert DayStatistics(close=200).change(203) == 1.5
    assert DayStatistics().change(203) == 0.0
