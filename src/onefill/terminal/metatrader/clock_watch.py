"""Watching quotes so that the broker's clock is found, at the start and all the while."""

from __future__ import annotations

from typing import Any

from onefill.runtime.clock import Clock, monotonic_ns, pause
from onefill.terminal.metatrader.broker_time import BrokerTime

_PATIENCE_NS = 5_000_000_000
_LOOK_S = 0.05
#: Symbols looked at until the clock is known, and from then on.
_SYMBOLS, _FEW = 500, 8
#: So often at most while calls come in.
_EVERY_MS = 4_000


class ClockWatch:
    """One terminal's quotes, as a clock."""

    def __init__(self, module: Any, broker_time: BrokerTime, clock: Clock) -> None:
        self._module = module
        self._broker_time = broker_time
        self._clock = clock
        self._names: list[str] = []
        self._looked_ms = 0

    def find(self) -> None:
        """Watch for a while, until ticks come that show the server's clock; blocks."""
        until_ns = monotonic_ns() + _PATIENCE_NS
        while self._broker_time.found_ms is None and monotonic_ns() < until_ns:
            self._look()
            pause(_LOOK_S)

    def glance(self) -> None:
        """Look again, where the last look was a while ago: a market that was closed at the start
        has opened, or the server's clock has changed."""
        if self._clock.now_ms() - self._looked_ms >= _EVERY_MS:
            self._look()

    def saw(self, name: str) -> None:
        """Somebody looks at this symbol: its quotes are wanted, and tell the time."""
        if name in self._names[:_FEW]:
            return
        if name in self._names:
            self._names.remove(name)
        self._names.insert(0, name)

    def _look(self) -> None:
        self._looked_ms = self._clock.now_ms()
        if not self._names:
            rows = self._module.symbols_get() or ()
            self._names = [row.name for row in rows if row.visible]
        most = _SYMBOLS if self._broker_time.found_ms is None else _FEW
        for name in self._names[:most]:
            tick = self._module.symbol_info_tick(name)
            if tick is not None:
                self._broker_time.observe(name, tick.time_msc, self._clock.now_ms())
