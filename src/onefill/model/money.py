"""Account money: decimal, rounded half away from zero to the currency's digits."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_NO_CENTS = frozenset({"JPY", "KRW", "VND", "CLP"})
_STEPS = {digits: Decimal(1).scaleb(-digits) for digits in range(9)}


def currency_digits(currency: str) -> int:
    """Decimals of a deposit currency (2; none for JPY, KRW, VND, CLP; 8 for BTC and ETH)."""
    if currency in _NO_CENTS:
        return 0
    return 8 if currency in ("BTC", "ETH") else 2


def round_money(amount: Decimal, digits: int) -> Decimal:
    """Half away from zero, as MT5 rounds each deal (`ROUND_HALF_UP` is that for both signs)."""
    return amount.quantize(_STEPS[digits], rounding=ROUND_HALF_UP)


def to_minor(amount: float, digits: int) -> int:
    """An amount as a whole number of the currency's smallest unit (cents)."""
    return int(round_money(Decimal(repr(amount)), digits).scaleb(digits))
