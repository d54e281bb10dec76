"""What a deal costs: commission a lot and in per cent of the deal's value, and fee."""

from __future__ import annotations

from fractions import Fraction

from onefill.model.volume import LOT_E8
from onefill.terminal import port
from onefill.terminal.simulator.contract import exact
from onefill.terminal.simulator.rates import rounded
from onefill.terminal.simulator.settings import BrokerSettings
from onefill.terminal.simulator.valuation import Valuation


class Costs:
    """The costs of one symbol's deals on one account, in minor units."""

    def __init__(self, settings: BrokerSettings, valuation: Valuation) -> None:
        """A symbol's own commission goes before the broker's."""
        terms = valuation.specification.terms
        own, own_share = terms.commission_per_lot, terms.commission_percent
        per_lot = settings.commission_per_lot if own < 0 else own
        percent = settings.commission_percent if own_share < 0 else own_share
        self._valuation = valuation
        self._of_e8 = exact(per_lot) * valuation.unit / LOT_E8
        self._share = exact(percent) / 100
        self._fee_of_e8 = exact(settings.fee_per_lot) * valuation.unit / LOT_E8
        self._only_in = settings.commission_on == "in"
        self._is_free = not (self._of_e8 or self._share or self._fee_of_e8)

    def of_deal(
        self, volume_e8: int, price: int, entry: int, opened_e8: int | None = None
    ) -> tuple[int, int]:
        """Commission and fee of a deal at a price (points), each rounded, 0 or negative.

        `entry`: MT5's; `opened_e8`: of a reversal, the volume that it opens, which alone is
        charged where only opening deals are.
        """
        if self._is_free:
            return 0, 0
        if self._only_in:
            if entry in (port.ENTRY_OUT, port.ENTRY_OUT_BY):
                return 0, 0
            if opened_e8 is not None:
                volume_e8 = opened_e8
        fee = -rounded(self._fee_of_e8.numerator * volume_e8, self._fee_of_e8.denominator)
        if not self._share:
            of_e8 = self._of_e8
            return -rounded(of_e8.numerator * volume_e8, of_e8.denominator), fee
        value = self._valuation.value(volume_e8, (price, 1), buying=True)
        commission = self._of_e8 * volume_e8 + self._share * Fraction(*value)
        return -rounded(commission.numerator, commission.denominator), fee
