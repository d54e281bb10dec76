"""Volumes as whole numbers: hundred-millionths of a lot, so that sums and comparisons are exact."""

from __future__ import annotations

LOT_E8 = 100_000_000
"""One lot."""

_TOLERANCE = 1e-7


def to_e8(lots: float) -> int:
    """Lots as told by a caller or a broker, as a whole number of 1e-8 lots."""
    return round(lots * LOT_E8)


def to_lots(volume_e8: int) -> float:
    """A whole number of 1e-8 lots, as lots."""
    return volume_e8 / LOT_E8


def is_multiple(volume_e8: int, step_e8: int) -> bool:
    """Whether a volume lies on the symbol's step."""
    return volume_e8 % step_e8 == 0


def units_to_e8(units: float, contract_size: float, step_e8: int) -> int:
    """Base-currency units as a volume, rounded down to the symbol's step (never up)."""
    exact = units / contract_size * LOT_E8
    steps = int(exact / step_e8 + _TOLERANCE)
    return steps * step_e8
