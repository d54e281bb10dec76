"""A seed's kill switch and lost gateway: times in which nothing that raises risk may be sent."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from onefill.execution.gate import Halted
from onefill.model.halt import Halt, Scope
from onefill.risk.caps import Trading
from onefill.runtime.clock import VirtualClock

_HALT = Halt(id="h", scope=Scope.FIRM, reason="drill", by="the seed")
#: How often the gate closes in the moment between the SENDING record and the call.
_SLAMMED = 0.15


@dataclass(slots=True)
class SeededGate:
    """Closed in windows (from, to, whether by a halt; Unix ms), and slammed shut now and then."""

    seed: int
    clock: VirtualClock
    windows: tuple[tuple[int, int, bool], ...] = ()
    _slams: int = 0
    _shut: list[tuple[int, int, bool]] = field(default_factory=list)

    trading = Trading.NORMAL
    trading_set_by = "nobody"

    def halted(self, magic: int) -> Halted | None:
        return Halted(_HALT) if self._closed(by_halt=True) else None

    def out_of_contact(self) -> str:
        return "the gateway is silent" if self._closed(by_halt=False) else ""

    def closes_in_ms(self) -> int | None:
        return None

    @property
    def closed(self) -> bool:
        """Whether nothing that raises risk may be sent now."""
        return self._closed(by_halt=True) or self._closed(by_halt=False)

    def at(self, point: str) -> None:
        """SENDING is durable: now, if ever, it hurts that the gate closes."""
        if not self.windows or point != "commit:sending:after":
            return
        self._slams += 1
        draw = random.Random(f"slam {self.seed} {self._slams}")
        if draw.random() < _SLAMMED:
            now_ms = self.clock.now_ms()
            length_ms = draw.choice([1, 700, 12_000])
            self._shut.append((now_ms, now_ms + length_ms, draw.random() < 0.5))

    def _closed(self, *, by_halt: bool) -> bool:
        now_ms = self.clock.now_ms()
        return any(
            halt is by_halt and first <= now_ms < last
            for first, last, halt in (*self.windows, *self._shut)
        )
