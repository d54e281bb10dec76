"""The controls over sums: exposure and counts, with all that is on its way, working or unknown."""

from __future__ import annotations

from onefill.model.account import Exposure
from onefill.model.intent import OrderType, Side
from onefill.model.volume import to_lots
from onefill.risk.caps import TotalCaps
from onefill.risk.case import Case
from onefill.risk.limits import ACCOUNT_LEVELS
from onefill.risk.reasons import Denial, DenialCode, deny
from onefill.risk.sums import Sums, foreign, strategy_sums, symbol_sums


def exposure(case: Case) -> Denial | None:
    """Control 11: all that is open, working or unknown counts together, at worst case."""
    for caps, levels, sums in _scopes(case):
        value = sums.value_minor + case.held().value_minor
        if not case.within(value, caps.exposure_value):
            return deny(
                DenialCode.EXPOSURE_TOO_BIG,
                scope=caps.scope,
                value=case.money(value),
                limit=case.told("max_exposure_value", levels),
            )
    return None


def counts(case: Case) -> Denial | None:
    """Control 17: positions, if everything working filled, and pending orders.

    What the broker shows beyond what we know of counts too.
    """
    pending = case.order.order_type is not OrderType.MARKET
    others, other_pending = foreign(case.state, case.view)
    for caps, levels, sums in _scopes(case):
        positions = sums.positions + sums.orders + others + 1
        if positions > caps.positions:
            return _too_many(case, caps, levels, positions, DenialCode.TOO_MANY_POSITIONS)
        orders = sums.pending + other_pending + 1
        if pending and orders > caps.orders:
            return _too_many(case, caps, levels, orders, DenialCode.TOO_MANY_ORDERS)
        others = other_pending = 0  # nobody knows of which strategy they are
    return None


def position_limits(case: Case) -> Denial | None:
    """Control 12: positions and lots of a symbol, lots in all, if everything live filled.

    What the broker shows beyond our books is counted by control 17 only: nobody tells its symbol.
    """
    caps, order = case.caps, case.order
    held = case.state.exposure.get(order.symbol) or Exposure()
    count = held.positions + held.orders + 1
    if count > caps.positions_per_symbol:
        limit = case.told("max_positions_per_symbol")
        return deny(DenialCode.TOO_MANY_IN_SYMBOL, symbol=order.symbol, count=count, limit=limit)
    lots = (held.buy_e8 if order.side is Side.BUY else held.sell_e8) + order.volume_e8
    if lots > caps.volume_per_symbol_e8:
        return deny(
            DenialCode.VOLUME_IN_SYMBOL_TOO_BIG,
            volume=f"{to_lots(lots):.10g}",
            symbol=order.symbol,
            limit=case.told("max_volume_per_symbol"),
        )
    lots = case.sums().volume_e8 + order.volume_e8
    if lots > caps.volume_e8:
        return deny(
            DenialCode.VOLUME_IN_ALL_TOO_BIG,
            volume=f"{to_lots(lots):.10g}",
            limit=case.told("max_volume"),
        )
    return None


def _too_many(
    case: Case, caps: TotalCaps, levels: tuple[str, ...], count: int, code: DenialCode
) -> Denial:
    name = "max_orders" if code is DenialCode.TOO_MANY_ORDERS else "max_positions"
    return deny(code, scope=caps.scope, count=count, limit=case.told(name, levels))


def _scopes(case: Case) -> list[tuple[TotalCaps, tuple[str, ...], Sums]]:
    """Each place where sums are capped, with the levels that cap them there."""
    caps = case.caps
    found: list[tuple[TotalCaps, tuple[str, ...], Sums]] = [
        (caps.account, ACCOUNT_LEVELS, case.sums())
    ]
    if caps.strategy is not None:
        sums = strategy_sums(case.state, caps.magic)
        found.append((caps.strategy, (f"strategy.{caps.magic}",), sums))
    if caps.in_symbol is not None:
        sums = symbol_sums(case.state, caps.symbol)
        found.append((caps.in_symbol, (f"symbol.{caps.symbol}",), sums))
    return found
