"""The broker's clock: from fresh ticks only, to the quarter of an hour, checked against a zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.terminal.metatrader.broker_time import BrokerTime
from onefill.terminal.zone import ZoneError

HOUR = 3_600_000
QUARTER = 900_000
T0 = 1_772_409_600_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


def watch(clock: BrokerTime, begin_ms: int, offset_ms: int, ticks: int = 3) -> int:
    """So many fresh ticks, a second apart; the time after them."""
    for number in range(ticks):
        now_ms = begin_ms + number * 1_000
        clock.observe("EURUSD", now_ms + offset_ms - 100, now_ms)
    return begin_ms + ticks * 1_000


@given(
    quarters=st.integers(-48, 56),
    looks=st.lists(
        st.tuples(st.integers(10, 20_000), st.integers(0, 30_000)), min_size=3, max_size=12
    ),
    error_ms=st.integers(-80_000, 80_000),
)
def test_fresh_ticks_tell_any_zones_offset_though_clocks_differ_and_ticks_take_their_time(
    quarters: int, looks: list[tuple[int, int]], error_ms: int
) -> None:
    clock, now_ms, last_ms = BrokerTime(), T0, 0
    for passed_ms, late_ms in looks:
        now_ms += passed_ms
        last_ms = max(last_ms + 1, now_ms + error_ms + quarters * QUARTER - late_ms)
        clock.observe("EURUSD", last_ms, now_ms)

    assert clock.found_ms == quarters * QUARTER
    assert clock.utc_ms(clock.server_ms(T0)) == T0


@given(
    ages=st.lists(st.integers(0, 96 * HOUR), max_size=20),
    passed_ms=st.integers(10, 25_000),
)
def test_a_market_whose_ticks_do_not_move_tells_nothing(ages: list[int], passed_ms: int) -> None:
    clock, now_ms = BrokerTime(), T0
    for number, age_ms in enumerate(ages):
        for _ in range(3):  # each symbol's last tick, however old, again and again
            now_ms += passed_ms
            clock.observe(f"S{number}", T0 - age_ms, now_ms)

    assert clock.found_ms is None


@given(ages=st.lists(st.integers(0, 14 * HOUR), min_size=1, max_size=30))
def test_the_last_tick_of_a_closed_market_that_comes_late_is_not_taken_for_a_fresh_one(
    ages: list[int],
) -> None:
    clock = BrokerTime()
    for number, age_ms in enumerate(ages):  # the terminal has connected, and is sent them
        clock.observe(f"S{number}", T0 - 96 * HOUR, T0)
        clock.observe(f"S{number}", T0 - age_ms, T0 + 50)
        clock.observe(f"S{number}", T0 - age_ms, T0 + 100)

    assert clock.found_ms is None


def test_looks_that_are_far_apart_tell_nothing() -> None:
    clock = BrokerTime()
    for number in range(5):
        now_ms = T0 + number * 60_000
        clock.observe("EURUSD", now_ms + 2 * HOUR - 55_000, now_ms)

    assert not clock.known


def test_a_time_that_is_near_no_quarter_of_an_hour_tells_nothing() -> None:
    clock = BrokerTime()
    watch(clock, T0, 2 * HOUR + 400_000, ticks=10)

    assert not clock.known


def test_one_strange_tick_does_not_move_a_clock_that_is_known() -> None:
    clock = BrokerTime()
    now_ms = watch(clock, T0, 2 * HOUR)
    clock.observe("EURUSD", now_ms + 5 * HOUR, now_ms)
    clock.observe("EURUSD", now_ms + 5 * HOUR + 2 * HOUR, now_ms + 1_000)

    assert clock.found_ms == 2 * HOUR


def test_a_clock_that_changes_in_a_session_is_followed_and_earlier_times_stay_right() -> None:
    clock = BrokerTime()
    watch(clock, T0, 2 * HOUR)
    changed_ms = T0 + 48 * HOUR
    watch(clock, changed_ms, 3 * HOUR)

    assert clock.found_ms == 3 * HOUR
    assert clock.utc_ms(T0 + 2 * HOUR) == T0
    assert clock.server_ms(T0) == T0 + 2 * HOUR
    later_ms = changed_ms + HOUR
    assert clock.utc_ms(later_ms + 3 * HOUR) == later_ms
    assert clock.server_ms(later_ms) == later_ms + 3 * HOUR


def test_no_time_stays_no_time() -> None:
    for clock in (BrokerTime(), BrokerTime("Europe/Athens")):
        watch(clock, T0, 2 * HOUR)
        assert (clock.utc_ms(0), clock.server_ms(0)) == (0, 0)


def test_a_configured_zone_is_known_at_once_and_follows_summer_time() -> None:
    clock = BrokerTime("Europe/Athens")

    assert clock.known
    assert clock.server_ms(ms("2026-01-15T12:00")) == ms("2026-01-15T14:00")
    assert clock.server_ms(ms("2026-07-15T12:00")) == ms("2026-07-15T15:00")
    assert clock.utc_ms(ms("2026-07-15T15:00")) == ms("2026-07-15T12:00")


def test_ticks_that_disagree_with_the_zone_are_told_with_both_offsets() -> None:
    clock = BrokerTime("Europe/Athens")
    watch(clock, ms("2026-01-15T12:00"), 3 * HOUR)

    assert "UTC+3" in clock.mismatch()
    assert "Europe/Athens says UTC+2" in clock.mismatch()


def test_ticks_from_before_a_change_of_the_clock_do_not_disagree_with_the_zone_after_it() -> None:
    clock = BrokerTime("Europe/Athens")
    watch(clock, ms("2026-03-27T20:00"), 2 * HOUR)

    assert clock.mismatch() == ""
    watch(clock, ms("2026-03-29T21:05"), 3 * HOUR)
    assert clock.mismatch() == ""


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ZoneError):
        BrokerTime("Middle-earth")
