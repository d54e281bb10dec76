"""Control 16: what the symbol and its session allow."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.model.intent import OrderType, Side
from onefill.model.volume import to_e8
from tests.unit.risk.world import NOW_MS, accepted, account, code, late_check, opening, symbol

LIMIT = OrderType.LIMIT


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        (0.01, ""),
        (0.0, "VOLUME_TOO_SMALL"),
        (0.009, "VOLUME_TOO_SMALL"),
        (0.015, "VOLUME_OFF_STEP"),
        (500.0, ""),
        (500.01, "VOLUME_TOO_BIG"),
    ],
)
def test_volume_lies_between_least_and_most_on_the_step(volume: float, expected: str) -> None:
    assert code(opening(volume=volume)) == expected


@given(st.integers(0, 60_000))
def test_every_volume_on_the_step_and_within_the_bounds_passes(hundredths: int) -> None:
    volume = hundredths / 100
    assert (code(opening(volume=volume)) == "") is (0.01 <= volume <= 500)


@pytest.mark.parametrize(
    ("mode", "buy", "sell"),
    [
        (0, "SYMBOL_NOT_TRADABLE", "SYMBOL_NOT_TRADABLE"),
        (1, "", "SIDE_NOT_TRADABLE"),
        (2, "SIDE_NOT_TRADABLE", ""),
        (3, "SYMBOL_NOT_TRADABLE", "SYMBOL_NOT_TRADABLE"),
        (4, "", ""),
    ],
)
def test_the_trade_mode_says_what_may_be_opened(mode: int, buy: str, sell: str) -> None:
    spec, books = symbol(trade_mode=mode), account()
    assert code(opening(Side.BUY), spec=spec) == buy
    assert code(opening(Side.SELL), spec=spec) == sell
    assert late_check(accepted(books, opening(Side.SELL)), books, spec=spec) == sell


def test_outside_the_session_nothing_is_opened() -> None:
    assert code(opening(), session_open=False) == "MARKET_CLOSED"


@pytest.mark.parametrize(
    ("bit", "kind", "fields"),
    [
        (1, OrderType.MARKET, {}),
        (2, OrderType.LIMIT, {"price": 1.37}),
        (4, OrderType.STOP, {"price": 1.39}),
        (8, OrderType.STOP_LIMIT, {"price": 1.39, "stop_limit_price": 1.385}),
        (16, OrderType.MARKET, {"stop_loss": 1.37}),
        (32, OrderType.MARKET, {"take_profit": 1.39}),
    ],
)
def test_an_order_type_that_the_symbol_does_not_take_is_denied(
    bit: int, kind: OrderType, fields: dict[str, Any]
) -> None:
    order = opening(kind=kind, **fields)
    assert code(order) == ""
    assert code(order, spec=symbol(order_flags=127 - bit)) == "ORDER_TYPE_NOT_ALLOWED"


def test_an_expiration_lies_in_the_future_and_is_of_a_kind_that_the_symbol_takes() -> None:
    def limit(expiration_ms: int) -> Any:
        return opening(kind=LIMIT, price=1.37, expiration_ms=expiration_ms)

    assert code(limit(NOW_MS + 1)) == ""
    assert code(limit(NOW_MS)) == "EXPIRATION_PAST"
    only_gtc, only_specified = symbol(expiration_flags=1), symbol(expiration_flags=4)
    assert code(limit(NOW_MS + 1), spec=only_gtc) == "EXPIRATION_NOT_ALLOWED"
    assert code(limit(0), spec=only_specified) == "EXPIRATION_NOT_ALLOWED"
    assert code(opening(), spec=only_specified) == ""


def test_a_symbols_own_step_and_bounds_hold() -> None:
    spec = symbol(volume_min_e8=to_e8(0.1), volume_step_e8=to_e8(0.1), volume_max_e8=to_e8(2))
    assert [code(opening(volume=v), spec=spec) for v in (0.05, 0.1, 0.15, 2, 2.1)] == [
        "VOLUME_TOO_SMALL", "", "VOLUME_OFF_STEP", "", "VOLUME_TOO_BIG",
    ]  # fmt: skip
