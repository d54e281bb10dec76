"""The open volume of one symbol, and what it binds: as running sums, so that neither a deal nor a
look at the margin costs more where there are many positions."""

from __future__ import annotations

from onefill.terminal.simulator.margin import NOTHING, MarginFormula, added
from onefill.terminal.simulator.rates import PRICE_E8, RATE_E12, Rate, in_units, rounded


class Exposure:
    """The open volume of one symbol, and what it binds: running sums, whatever the number of
    positions."""

    def __init__(self, formula: MarginFormula) -> None:
        self._formula = formula
        self._parts: dict[int, tuple[int, int, int, int]] = {}
        self._legs = {1: NOTHING, -1: NOTHING}
        self._margin = 0

    def put(self, ticket: int, sign: int, volume_e8: int, opened: Rate, rate: Rate) -> None:
        """Take a position in, or its new volume, price and rate."""
        price, converted = in_units(opened, PRICE_E8), in_units(rate, RATE_E12)
        part = (sign, volume_e8, price, converted)
        if self._parts.get(ticket) == part:
            return
        self._take_out(ticket)
        self._parts[ticket] = part
        self._legs[sign] = self._legs[sign].with_more(volume_e8, price, converted)
        self._reckon()

    def drop(self, ticket: int) -> None:
        """Take a position out; one that is not here changes nothing."""
        self._take_out(ticket)
        self._reckon()

    def _take_out(self, ticket: int) -> None:
        before = self._parts.pop(ticket, None)
        if before is not None:
            side, volume_e8, price, converted = before
            self._legs[side] = self._legs[side].with_more(-volume_e8, price, converted)

    def _reckon(self) -> None:
        self._margin = rounded(*self._formula.held(self._legs[1], self._legs[-1]))

    def margin(self) -> int:
        """What it binds, in minor units."""
        return self._margin

    def needed(self, sign: int, volume_e8: int, price: int, *, nets: bool) -> int:
        """What opening so much more at a price (points) binds on top; 0 or less where it hedges,
        or (`nets`) where it reduces the one position."""
        formula, legs = self._formula, self._legs
        rate = in_units(formula.rate(sign), RATE_E12)
        own, other = legs[sign], legs[-sign]
        more = own.with_more(volume_e8, price * PRICE_E8, rate)
        sides = (more, other) if sign > 0 else (other, more)
        bound = formula.net(*sides) if nets else formula.held(*sides)
        if formula.differs:
            covers = other.volume_e8
            grown = max(0, more.volume_e8 - covers) - max(0, own.volume_e8 - covers)
            fresh = NOTHING.with_more(volume_e8, price * PRICE_E8, rate)
            bound = added(bound, formula.opening_on_top(sign, grown, fresh))
        return rounded(*bound) - self._margin
