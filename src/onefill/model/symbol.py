"""A symbol's specification and the arithmetic of its steps: points, pips and prices."""

from __future__ import annotations

import msgspec

from onefill.model.errors import OnefillError

_SCALE = tuple(float(10**digits) for digits in range(12))
_NOISE = 1e-8


class Symbol(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker says of a symbol, as far as placing orders needs it.

    `stops_level` and `freeze_level` are in points; volumes in 1e-8 lots; `filling_flags`,
    `expiration_flags` and `order_flags` are MT5's bits; `execution_mode` 0 request, 1 instant,
    2 market, 3 exchange; `trade_mode` 0 disabled, 1 long only, 2 short only, 3 close only, 4 full.
    """

    name: str
    digits: int
    contract_size: float
    volume_min_e8: int
    volume_max_e8: int
    volume_step_e8: int
    base: str
    profit: str
    margin: str
    stops_level: int = 0
    freeze_level: int = 0
    filling_flags: int = 3
    expiration_flags: int = 15
    order_flags: int = 127
    execution_mode: int = 2
    trade_mode: int = 4
    #: Points in a pip; 0: by the digits (10 points at 3 or 5 digits, else 1).
    pip_points_set: int = 0

    @property
    def point(self) -> float:
        """The price's smallest digit."""
        return 1.0 / _SCALE[self.digits]

    @property
    def pip_points(self) -> int:
        """Points in a pip."""
        return self.pip_points_set or (10 if self.digits in (3, 5) else 1)

    def points(self, price: float) -> int:
        """A price as whole points, the nearest."""
        return round(price * _SCALE[self.digits])

    def price(self, points: int) -> float:
        """Whole points as a price, the float nearest to the decimal."""
        return points / _SCALE[self.digits]

    def normalise(self, price: float, field: str) -> float:
        """The price on the symbol's step.

        Float noise of 1e-8 is forgiven; a price off the step raises `INVALID_PRICE`.
        """
        points = self.points(price)
        on_step = points / _SCALE[self.digits]
        if points <= 0 or abs(on_step - price) > _NOISE * max(1.0, price):
            raise OnefillError(
                "INVALID_PRICE",
                f"{field} {price!r} is not a price of {self.name}: it must be above 0 "
                f"with at most {self.digits} decimals",
            )
        return on_step

    def pips_between(self, worse: float, better: float) -> float:
        """How many pips the first price is above the second."""
        return (self.points(worse) - self.points(better)) / self.pip_points
