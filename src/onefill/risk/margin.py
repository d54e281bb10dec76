"""Margin: what an order needs, times the cushion, must be free beside all that came before it; and
the margin level (control 13) that remains must not be below its floor."""

from __future__ import annotations

from onefill.model.account import AccountState
from onefill.model.order import OrderState
from onefill.risk.case import Case
from onefill.risk.reasons import Denial, DenialCode, deny

#: A part of the equity that is float noise.
_NOISE = 1e-12


def margin_at_once(case: Case) -> Denial | None:
    """Control 8 for margin: live orders count from their acceptance, so that an order that cannot
    be paid for is denied here and never holds margin that others could use."""
    return _free(case, case.sums().margin_minor)


def level_at_once(case: Case) -> Denial | None:
    """Control 13, with all live orders counted from their acceptance."""
    return _level(case, case.sums().margin_minor)


def margin_when_sending(case: Case, order: OrderState) -> Denial | None:
    """Both right before the send. What was accepted after this order does not count: it has
    been judged with this one counted in."""
    own = order.reservation.margin_minor if order.reservation is not None else 0
    if _judge(case, case.sums().margin_minor - own) is None:
        return None  # enough beside all others, which costs no look at each of them
    return _judge(case, _held_before(case.state, order.key))


def _held_before(state: AccountState, key: str) -> int:
    """Margin reserved by live orders that were accepted before one; they are kept in order."""
    held = 0
    for other in state.orders.values():
        if other.key == key:
            break
        if other.reservation is not None:
            held += other.reservation.margin_minor
    return held


def _judge(case: Case, others: int) -> Denial | None:
    return _free(case, others) or _level(case, others)


def _level(case: Case, others: int) -> Denial | None:
    """Equity against the margin of now, of all that is on its way, and of this one."""
    if not case.caps.margin_level_percent:
        return None
    equity = case.view.equity * case.scale
    needed = case.view.margin * case.scale + others + case.margin()
    # Written so that NaN, for which every comparison is false, does not pass.
    if needed * case.caps.margin_level_percent <= equity * 100 * (1 + _NOISE):
        return None
    return deny(
        DenialCode.MARGIN_LEVEL_TOO_LOW,
        level=f"{equity / needed * 100:.6g}" if needed else "unknown",
        would_be="would, with this order, be",
        limit=case.told("min_margin_level_percent"),
    )


def _free(case: Case, others: int) -> Denial | None:
    required = case.margin()
    free = case.view.margin_free * case.scale - others
    if free > required * case.caps.margin_cushion:
        return None
    return deny(
        DenialCode.MARGIN_INSUFFICIENT,
        required=case.money(required),
        free=case.money(free),
        held=case.money(others),
        limit=case.told("margin_cushion"),
    )
