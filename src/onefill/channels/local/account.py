"""One account under the engine: its desk, its driver, and its answers."""

from __future__ import annotations

from onefill.channels.local.confirmation import (
    REJECTIONS,
    ExecutionConfirmation,
    moment,
    published,
    told,
)
from onefill.channels.local.driven import TENANT, DrivenAccount, account_name
from onefill.channels.local.session import PooledSession
from onefill.execution.report import answer
from onefill.model.errors import OnefillError
from onefill.model.intent import OrderIntent, Side, intent_id
from onefill.model.order import OrderState
from onefill.model.volume import to_lots


class TradedAccount(DrivenAccount):
    """Belongs to the pool's loop; answers in the published words."""

    def confirmation(
        self, order: OrderState, *, units: float, symbol: str
    ) -> ExecutionConfirmation:
        """How an order stands, in the published words."""
        stands = answer(order)
        status, reason, details = told(stands)
        slipped = stands.slippage_pips
        too_far = slipped is not None and slipped > self._config.max_slippage_pips
        if status in ("filled", "partially_filled") and reason is None and too_far:
            reason = "slippage_exceeded"
            details = (
                f"it filled {slipped:g} pips worse than intended, beyond max_slippage_pips "
                f"{self._config.max_slippage_pips:g}; the position is open and was kept"
            )
        return ExecutionConfirmation(
            execution_id=order.intent_id,
            order_id=order.key,
            status=status,
            symbol=symbol,
            direction=_direction(order.intent),
            intended_units=units,
            executed_units=self._units(order, stands.filled_volume),
            fill_price=stands.fill_price,
            slippage_pips=slipped,
            rejection_reason=reason,
            rejection_details=details,
            timestamp=moment(order.filled_ms or order.submitted_ms or order.received_ms),
            ticket=stands.order_ticket or 0,
            position_ticket=stands.position_ticket or 0,
            volume_lots=to_lots(order.asked_e8),
            units_left=order.order.units_left if order.order else 0.0,
            session=self.session.name,
        )

    def _units(self, order: OrderState, lots: float) -> float:
        """Units that so many lots are, from what the order asked for: a restart knows no symbols
        yet."""
        resolved, asked = order.order, to_lots(order.asked_e8)
        if resolved is None or not lots:
            return 0.0
        if order.intent.units is not None and asked:
            return round((order.intent.units - resolved.units_left) * lots / asked, 8)
        terms = self.driver.desk.symbols.get(resolved.symbol) if self.driver else None
        return round(lots * terms.contract_size, 8) if terms else 0.0

    def refused(
        self, key: str, symbol: str, direction: int, units: float, why: OnefillError
    ) -> ExecutionConfirmation:
        """An answer to what was never taken."""
        return refusal(self.session, key, symbol, direction, units, why, self._clock.now_ms())


def refusal(
    session: PooledSession,
    key: str,
    symbol: str,
    direction: int,
    units: float,
    why: OnefillError,
    now_ms: int,
) -> ExecutionConfirmation:
    """An answer to what was never taken; it needs no journal."""
    return ExecutionConfirmation(
        execution_id=intent_id(TENANT, account_name(session), key),
        order_id=key,
        status="rejected",
        symbol=symbol,
        direction=direction,
        intended_units=units,
        rejection_reason=_reason(why),
        rejection_details=f"{why.code}: {why.message}",
        timestamp=moment(now_ms),
        session=session.name,
    )


def _direction(intent: OrderIntent) -> int:
    return -1 if intent.side is Side.SELL else 1


def _reason(why: OnefillError) -> str:
    return published(why.code) or (why.code if why.code in REJECTIONS else "unknown")
