"""What a run of a program is told: the words of its options, made into times and speeds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from onefill.model.errors import OnefillError

#: Where the generated market begins unless another date is asked for: a Monday morning, so that a
#: program sees the same market whenever it is run.
USUAL_START = datetime(2025, 1, 6, 9, tzinfo=UTC)
#: How much of the generated market a program sees that does not end by itself.
USUAL_SPAN = timedelta(days=30)
_SPAN = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_UNITS_S = (604_800, 86_400, 3_600, 60, 1)
_LONGEST = timedelta(days=36_500)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptSettings:
    """What the command line says; None: as the broker's profile has it, or as usual."""

    program: Path
    arguments: tuple[str, ...] = ()
    ticks: tuple[str, ...] = ()
    ticks_tz: str | None = None
    profile: str | None = None
    speed: str = "max"
    state: Path | None = None
    start: str | None = None
    span: str | None = None
    balance: float | None = None
    currency: str | None = None
    leverage: int | None = None
    seed: int | None = None
    faults: str | None = None


def parse_speed(text: str) -> float | None:
    """Market time per time of the machine's clock; None: as fast as the processor. Raises
    `OnefillError` (`SPEED_INVALID`)."""
    if text == "max":
        return None
    if text == "real":
        return 1.0
    number = text.removesuffix("x")
    if number != text and re.fullmatch(r"\d{1,5}(\.\d{1,3})?", number) and float(number) > 0:
        return float(number)
    raise OnefillError(
        "SPEED_INVALID", f"--speed {text!r} is none: write max, real, or a factor such as 10x"
    )


def parse_start(text: str) -> datetime:
    """A date, or a date and time, UTC unless it says otherwise. Raises `OnefillError`
    (`START_INVALID`)."""
    start: datetime | None
    try:
        start = datetime.fromisoformat(text)
        start = start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)
    except (ValueError, OverflowError):
        start = None
    if start is None or not 1970 < start.year < 3000:
        raise OnefillError(
            "START_INVALID",
            f"--start {text!r} is no date from 1971 on: write it as 2025-01-06T09:00",
        )
    return start


def parse_span(text: str) -> timedelta:
    """A length of time, such as `30d`, `1d12h` or `90m`. Raises `OnefillError`
    (`SPAN_INVALID`)."""
    found = _SPAN.fullmatch(text) if len(text) < 40 else None
    seconds = 0
    if found is not None:
        counts = [int(count or 0) for count in found.groups()]
        seconds = sum(count * unit for count, unit in zip(counts, _UNITS_S, strict=True))
    if not 0 < seconds <= _LONGEST.total_seconds():
        raise OnefillError(
            "SPAN_INVALID", f"--for {text!r} is no length of time: write it as 30d, 12h or 1d12h"
        )
    return timedelta(seconds=seconds)
