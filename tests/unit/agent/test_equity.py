"""Equity marks: kept over restarts, by the broker's day."""

from __future__ import annotations

from pathlib import Path

import pytest

from onefill.agent.equity import EquityMarks
from onefill.model.errors import OnefillError
from onefill.terminal.zone import ServerTime, parse_zone

NOON_MS = 1_700_049_600_000  # 2023-11-15T12:00:00Z
HOUR_MS = 3_600_000


def marks(home: Path, zone: str = "UTC") -> EquityMarks:
    return EquityMarks(home / "equity", "7@Broker Demo", ServerTime(parse_zone(zone)))


def test_the_peak_only_rises_and_the_days_start_stays_for_the_day(tmp_path: Path) -> None:
    one = marks(tmp_path)
    for equity in (100.0, 120.0, 90.0):
        one.see(equity, NOON_MS)
    assert (one.peak, one.day_start) == (120.0, 100.0)


def test_a_restart_begins_neither_anew(tmp_path: Path) -> None:
    marks(tmp_path).see(100.0, NOON_MS)
    again = marks(tmp_path)
    again.see(80.0, NOON_MS + HOUR_MS)
    assert (again.peak, again.day_start) == (100.0, 100.0)


@pytest.mark.parametrize(("zone", "start"), [("UTC", 100.0), ("+03:00", 80.0)])
def test_the_day_is_the_brokers(tmp_path: Path, zone: str, start: float) -> None:
    one = marks(tmp_path, zone)
    one.see(100.0, NOON_MS)
    one.see(80.0, NOON_MS + 10 * HOUR_MS)  # 22:00 in UTC, the next day at the broker
    assert (one.day_start, one.peak) == (start, 100.0)


def test_a_file_that_cannot_be_read_is_no_reason_to_begin_anew(tmp_path: Path) -> None:
    marks(tmp_path).see(100.0, NOON_MS)
    (file,) = (tmp_path / "equity").iterdir()
    file.write_text("{")
    with pytest.raises(OnefillError, match="highest equity") as refused:
        marks(tmp_path)
    assert refused.value.code == "EQUITY_UNREADABLE"
