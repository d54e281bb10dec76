"""The broker's clock: what names it, and what its times are in UTC around the clock's changes."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.terminal.zone import BrokerZone, ZoneError, parse_zone

HOUR_MS = 3_600_000


@cache
def zone_of(text: str) -> BrokerZone:
    """A zone, looked at once: every example asks again."""
    return parse_zone(text)


def local(text: str) -> int:
    """The text of a clock as ms since 1970, as though it were UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def utc(zone: str, *times: str) -> list[str | None]:
    """The broker's times, in file order, in UTC; None where there is no such time."""
    column = np.array([local(time) for time in times], np.int64)
    utc_ms, exists = zone_of(zone).clock().utc_ms(column)
    return [
        f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M}" if known else None
        for ms, known in zip(utc_ms.tolist(), exists.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("UTC", 0),
        ("Z", 0),
        ("+03:00", 3),
        ("-0530", -5.5),
        ("UTC+2", 2),
        ("utc +2", 2),
        ("GMT-1", -1),
        ("+3", 3),
        (" Europe/Athens ", 3),
        ("America/New_York", -4),
        ("America/New_York+7", 3),
        ("New York+7", 3),
        ("New York + 7 h", 3),
        ("new_york+07:00", 3),
        ("Etc/GMT+3", -3),
        ("Etc/GMT+3+7", 4),
        ("Asia/Kolkata-1:30", 4),
        ("America/Port-au-Prince", -4),
    ],
)
def test_a_zone_is_a_name_a_number_of_hours_or_both(zone: str, hours: float) -> None:
    clock = zone_of(zone).clock()
    utc_ms, exists = clock.utc_ms(np.array([local("2014-07-01 12:00")], np.int64))
    assert exists.all()
    assert local("2014-07-01 12:00") - int(utc_ms[0]) == hours * HOUR_MS


@pytest.mark.parametrize(
    "zone",
    ["", "Atlantis", "America", "../etc/passwd", "\0", "+25", "+03:75", "UTC+", "Europe/Athens+15",
     "Atlantis+3", "7", "New+7"],
)  # fmt: skip
def test_what_is_no_zone_is_refused_with_what_would_be_one(zone: str) -> None:
    with pytest.raises(ZoneError, match=r"is not a time zone: give an IANA name") as refusal:
        zone_of(zone)
    assert refusal.value.code == "TICKS_ZONE"
    assert "America/New_York+7" in refusal.value.message


def test_new_york_and_seven_hours_changes_on_american_dates_not_on_european_ones() -> None:
    # American summer time began on 9 March 2014, Europe's on 30 March.
    times = ("2014-03-07 23:00", "2014-03-10 00:00", "2014-03-31 00:00", "2014-10-27 00:00")
    assert utc("New York + 7 h", *times) == [
        "2014-03-07 21:00",
        "2014-03-09 21:00",
        "2014-03-30 21:00",
        "2014-10-26 21:00",
    ]
    assert utc("Europe/Athens", *times) == [
        "2014-03-07 21:00",
        "2014-03-09 22:00",
        "2014-03-30 21:00",
        "2014-10-26 22:00",
    ]


def test_the_hour_that_the_clock_skips_does_not_exist() -> None:
    times = ("2014-03-30 02:59", "2014-03-30 03:00", "2014-03-30 03:59", "2014-03-30 04:00")
    assert utc("Europe/Athens", *times) == ["2014-03-30 00:59", None, None, "2014-03-30 01:00"]


def test_the_hour_that_comes_twice_is_the_first_until_the_time_goes_back() -> None:
    times = (
        "2014-10-26 02:59", "2014-10-26 03:00", "2014-10-26 03:40", "2014-10-26 03:40",
        "2014-10-26 03:20", "2014-10-26 03:50", "2014-10-26 04:00",
    )  # fmt: skip
    expected = [
        "2014-10-25 23:59", "2014-10-26 00:00", "2014-10-26 00:40", "2014-10-26 00:40",
        "2014-10-26 01:20", "2014-10-26 01:50", "2014-10-26 02:00",
    ]  # fmt: skip
    assert utc("Europe/Athens", *times) == expected


@given(st.lists(st.integers(0, 20), max_size=6))
def test_a_column_in_pieces_is_converted_like_the_whole(cuts: list[int]) -> None:
    zone = zone_of("Europe/Athens")
    start = local("2014-10-26 02:50")
    minutes = [0, 5, 9, 12, 40, 69, 11, 10, 55, 69, 70, 75, 60, 90, 91, 92, 93, 94, 95, 96]
    column = np.array([start + minute * 60_000 for minute in minutes], np.int64)
    whole, _ = zone.clock().utc_ms(column)
    clock = zone.clock()
    edges = [0, *sorted(cuts), len(column)]
    pieces = [clock.utc_ms(column[a:b])[0] for a, b in pairwise(edges)]
    assert np.concatenate(pieces).tolist() == whole.tolist()


@given(
    st.sampled_from(["America/New_York", "Europe/Athens", "Australia/Lord_Howe", "Pacific/Apia"]),
    st.integers(0, 12),
    st.lists(st.integers(0, 4_070_000_000), min_size=1, max_size=50),
)
def test_every_instant_survives_the_way_to_the_brokers_clock_and_back(
    name: str, hours: int, instants: list[int]
) -> None:
    shift = timedelta(hours=hours)
    there = []
    for instant in sorted(instants):
        moment = datetime.fromtimestamp(instant, ZoneInfo(name))
        if not moment.fold:  # of an hour that comes twice the text says only the first
            there.append((instant, moment.replace(tzinfo=UTC) + shift))
    column = np.array([int(moment.timestamp()) * 1000 for _, moment in there], np.int64)
    utc_ms, exists = zone_of(f"{name}+{hours}").clock().utc_ms(column)
    assert exists.all()
    assert (utc_ms // 1000).tolist() == [instant for instant, _ in there]
