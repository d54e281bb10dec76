"""The broker's clock, found from ticks that have just come, and checked against the zone given.

MT5 tells the server's wall clock as if it were UTC, and nowhere says which zone that is. A tick
that was not there at the last look, a moment ago, has just come: how far its time is from ours, to
the quarter of an hour, is the server's offset. One such tick proves nothing (a terminal that has
just connected is sent the last tick of a market that closed days ago); a second one of the same
symbol that says the same does.
"""

from __future__ import annotations

from onefill.terminal.zone import ServerTime, parse_zone

_QUARTER_MS = 900_000
_HOUR_MS = 3_600_000
#: Looks further apart than this say nothing of when a tick came.
_MOMENT_MS = 30_000
#: How far from a quarter of an hour a fresh tick's time may be: both clocks' errors, and its way.
_SLACK_MS = 120_000
#: No clock on earth is further from UTC.
_LEAST_MS, _MOST_MS = -12 * _HOUR_MS, 14 * _HOUR_MS
#: So many fresh ticks of one symbol in a row must say the same.
_AGREEING = 2


class BrokerTime:
    """One terminal's clock. `known` is False until fresh ticks or a zone say what it is."""

    def __init__(self, zone: str = "") -> None:
        """Raises `ZoneError` where `zone` (may be empty) is none."""
        self._zone = ServerTime(parse_zone(zone)) if zone else None
        #: When (UTC ms) ticks began to say which offset (server time - UTC, ms), oldest first.
        self._found: list[tuple[int, int]] = []
        self._seen: dict[str, tuple[int, int]] = {}
        #: What a symbol's last fresh ticks said, and how many of them in a row.
        self._said: dict[str, tuple[int, int]] = {}

    @property
    def found_ms(self) -> int | None:
        """The offset that ticks say now; None where none has come."""
        return self._found[-1][1] if self._found else None

    @property
    def known(self) -> bool:
        """Whether times can be converted."""
        return self._zone is not None or bool(self._found)

    def observe(self, symbol: str, tick_ms: int, now_ms: int) -> None:
        """Look at a symbol's last tick (server time) at a moment (UTC)."""
        before = self._seen.get(symbol)
        self._seen[symbol] = (tick_ms, now_ms)
        if before is not None and tick_ms == before[0]:
            return
        just_came = (
            before is not None and tick_ms > before[0] and 0 <= now_ms - before[1] <= _MOMENT_MS
        )
        offset_ms = _offset_of(tick_ms - now_ms) if just_came else None
        if offset_ms is None:
            self._said.pop(symbol, None)
            return
        said, times = self._said.get(symbol, (offset_ms, 0))
        times = times + 1 if said == offset_ms else 1
        self._said[symbol] = (offset_ms, times)
        if times >= _AGREEING and offset_ms != self.found_ms:
            self._found.append((now_ms, offset_ms))

    def mismatch(self) -> str:
        """How ticks and the configured zone disagree, in words; empty where they do not."""
        if self._zone is None or not self._found:
            return ""
        at_ms, found_ms = self._found[-1]
        configured_ms = self._zone.offset_ms(at_ms)
        if configured_ms == found_ms:
            return ""
        return (
            f"fresh ticks say that the server's clock is UTC{_hours(found_ms)}, the "
            f"configured time_zone {self._zone.zone.name} says UTC{_hours(configured_ms)}"
        )

    def utc_ms(self, server_ms: int) -> int:
        """UTC of a server time; 0 stays 0."""
        if self._zone is not None:
            return self._zone.utc_ms(server_ms)
        if not server_ms:
            return 0
        for since_ms, offset_ms in reversed(self._found[1:]):
            if server_ms - offset_ms >= since_ms:
                return server_ms - offset_ms
        return server_ms - self._first_ms

    def server_ms(self, utc_ms: int) -> int:
        """The server's clock at a UTC time; 0 stays 0."""
        if self._zone is not None:
            return self._zone.server_ms(utc_ms)
        if not utc_ms:
            return 0
        for since_ms, offset_ms in reversed(self._found[1:]):
            if utc_ms >= since_ms:
                return utc_ms + offset_ms
        return utc_ms + self._first_ms

    @property
    def _first_ms(self) -> int:
        """What holds for all times before a change of the clock was seen."""
        return self._found[0][1] if self._found else 0


def _offset_of(ahead_ms: int) -> int | None:
    """The quarter of an hour that a fresh tick names; None where it names none."""
    offset_ms = round(ahead_ms / _QUARTER_MS) * _QUARTER_MS
    near = abs(ahead_ms - offset_ms) <= _SLACK_MS
    return offset_ms if near and _LEAST_MS <= offset_ms <= _MOST_MS else None


def _hours(offset_ms: int) -> str:
    minutes = abs(offset_ms) // 60_000
    sign = "-" if offset_ms < 0 else "+"
    return f"{sign}{minutes // 60}" + (f":{minutes % 60:02d}" if minutes % 60 else "")
