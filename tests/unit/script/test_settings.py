"""The words that say how fast, from when and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from onefill.model.errors import OnefillError
from onefill.script.settings import parse_span, parse_speed, parse_start


@pytest.mark.parametrize(
    ("text", "factor"), [("max", None), ("real", 1.0), ("10x", 10.0), ("0.5x", 0.5)]
)
def test_a_speed_is_max_real_or_a_factor(text: str, factor: float | None) -> None:
    assert parse_speed(text) == factor


@pytest.mark.parametrize("text", ["", "fast", "10", "x", "-1x", "0x", "1e9x", "nanx", "infx"])
def test_a_wrong_speed_is_told(text: str) -> None:
    with pytest.raises(OnefillError, match="10x") as refused:
        parse_speed(text)
    assert refused.value.code == "SPEED_INVALID"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("2w", timedelta(weeks=2)),
        ("90m", timedelta(minutes=90)),
        ("45s", timedelta(seconds=45)),
    ],
)
def test_a_span_adds_up(text: str, span: timedelta) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "0d", "d", "30", "-1d", "12h1d", "9" * 30 + "d", "1y"])
def test_a_wrong_span_is_told(text: str) -> None:
    with pytest.raises(OnefillError, match="1d12h") as refused:
        parse_span(text)
    assert refused.value.code == "SPAN_INVALID"


def test_a_start_is_utc_unless_it_says_otherwise() -> None:
    assert parse_start("2025-03-01") == datetime(2025, 3, 1, tzinfo=UTC)
    assert parse_start("2025-03-01T09:30") == datetime(2025, 3, 1, 9, 30, tzinfo=UTC)
    assert parse_start("2025-03-01T09:30+02:00") == datetime(2025, 3, 1, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "tomorrow", "2025-13-01", "0001-01-01", "9999-01-01"])
def test_a_wrong_start_is_told(text: str) -> None:
    with pytest.raises(OnefillError, match="2025-01-06T09:00") as refused:
        parse_start(text)
    assert refused.value.code == "START_INVALID"
