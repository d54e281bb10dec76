"""Bars as a reader of MT5's documentation would build them: tick by tick, with the calendar."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

#: Time (Unix ms), bid, ask in points.
Tick = tuple[int, int, int]
#: Opens (server s), open, high, low, close, ticks, smallest spread; prices in points.
Bar = tuple[int, int, int, int, int, int, int]

#: Broker clocks: the zone and the hours that are added.
CLOCKS = {
    "UTC": ("UTC", 0),
    "Europe/Athens": ("Europe/Athens", 0),
    "America/New_York+7": ("America/New_York", 7),
    "Asia/Kathmandu": ("Asia/Kathmandu", 0),
}
TIMEFRAMES = {
    **{f"M{m}": m for m in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)},
    **{f"H{h}": 16384 + h for h in (1, 2, 3, 4, 6, 8, 12)},
    "D1": 16408,
    "W1": 32769,
    "MN1": 49153,
}


@lru_cache
def wall(clock: str, minute: int) -> datetime:
    """The server's wall clock at a minute from 1970 on."""
    name, hours = CLOCKS[clock]
    at = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(name))
    return at.replace(tzinfo=None) + timedelta(hours=hours)


@lru_cache
def opens(name: str, at: datetime) -> int:
    """When the bar of a wall time opens, in s."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if name == "MN1":
        start = midnight.replace(day=1)
    elif name == "W1":
        start = midnight - timedelta(days=at.isoweekday() % 7)
    elif name == "D1":
        start = midnight
    else:
        span = timedelta(minutes=int(name[1:]) * (60 if name[0] == "H" else 1))
        start = midnight + (at - midnight) // span * span
    return int(start.replace(tzinfo=UTC).timestamp())


def bars(ticks: Iterable[Tick], clock: str, name: str) -> list[Bar]:
    """All bars of a timeframe. Where the clock goes back, time stands still."""
    found: list[Bar] = []
    latest: datetime | None = None
    for time_ms, bid, ask in ticks:
        now = wall(clock, time_ms // 60_000)
        latest = now if latest is None else max(latest, now)
        at = opens(name, latest)
        if found and found[-1][0] == at:
            _, first, high, low, _, count, spread = found[-1]
            found[-1] = (
                at, first, max(high, bid), min(low, bid), bid, count + 1, min(spread, ask - bid),
            )  # fmt: skip
        else:
            found.append((at, bid, bid, bid, bid, 1, ask - bid))
    return found
