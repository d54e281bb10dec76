"""Each control at its limit and one step beyond (design: the "test" column of the controls)."""

import math

import pytest

from onefill.model.account import AccountState
from onefill.model.intent import Action, OrderType, Side
from onefill.risk.reasons import Denial
from onefill.risk.review import CONTROLS
from tests.unit.risk.world import (
    EURUSD,
    NOW_MS,
    accept,
    accepted,
    account,
    code,
    fill,
    judge,
    late_check,
    limits,
    opening,
    other,
    symbol,
    work,
)

LIMIT = OrderType.LIMIT


def test_the_controls_of_this_seam_are_listed_with_their_numbers() -> None:
    assert {control.number for control in CONTROLS} == {
        *(2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 23)
    }


@pytest.mark.parametrize("state", ["reduce_only", "halted"])
def test_outside_normal_trading_an_increase_is_denied_and_closes_and_cancels_pass(
    state: str,
) -> None:
    held = limits(trading=state)
    assert code(opening(), held) == ("REDUCE_ONLY" if state == "reduce_only" else "TRADING_HALTED")
    books = account()
    fill(books, accepted(books, opening()), ticket=7)
    close = other(Action.CLOSE, side=Side.SELL, volume_e8=10**8, position_ticket=7)
    for pair in (close, other(Action.CANCEL, order_ticket=8), other(Action.CLOSE_ALL)):
        assert code(pair, held, books) == ""


def test_reduce_only_lets_levels_be_changed_and_halted_does_not() -> None:
    books = account()
    fill(books, accepted(books, opening()), ticket=7)
    change = other(Action.MODIFY, side=Side.BUY, position_ticket=7, stop_loss=1.37)
    assert code(change, limits(trading="reduce_only"), books) == ""
    assert code(change, limits(trading="halted"), books) == "TRADING_HALTED"


def test_a_price_just_at_the_collar_passes_and_a_point_beyond_is_denied() -> None:
    held = limits(price_collar_percent=1)
    quote = {"bid": 1.0, "ask": 1.0}
    assert code(opening(kind=LIMIT, price=0.99), held, **quote) == ""
    assert code(opening(kind=LIMIT, price=0.98999), held, **quote) == "PRICE_COLLAR"
    stop = opening(kind=OrderType.STOP, price=1.01)
    assert code(stop, held, **quote) == ""
    assert code(opening(kind=OrderType.STOP, price=1.01001), held, **quote) == "PRICE_COLLAR"


def test_the_collar_also_holds_for_a_market_orders_reference_price_and_for_a_stop_limit() -> None:
    held = limits(price_collar_percent=1)
    assert code(opening(price=1.37), held) == ""
    assert code(opening(price=1.36), held) == "PRICE_COLLAR"
    far = opening(kind=OrderType.STOP_LIMIT, price=1.385, stop_limit_price=1.36)
    assert code(far, held) == "PRICE_COLLAR"


def test_an_order_value_of_exactly_the_limit_passes_and_a_unit_of_currency_more_is_denied() -> None:
    # One lot at the ask of 1.38010 is worth 138,010 USD.
    assert code(opening(), limits(max_order_value=138_010)) == ""
    assert code(opening(), limits(max_order_value=138_009)) == "ORDER_VALUE_TOO_BIG"
    assert code(opening(), limits(max_order_value=138_009.99)) == "ORDER_VALUE_TOO_BIG"
    assert code(opening(Side.SELL), limits(max_order_value=138_000)) == ""


def test_a_pending_order_is_worth_what_its_own_price_says() -> None:
    assert code(opening(kind=LIMIT, price=1.2), limits(max_order_value=120_000)) == ""
    stop = opening(kind=OrderType.STOP, price=1.5)
    assert code(stop, limits(max_order_value=149_999)) == "ORDER_VALUE_TOO_BIG"


def test_an_order_volume_of_exactly_the_limit_passes_and_a_step_more_is_denied() -> None:
    held = limits(max_order_volume=0.3)
    assert code(opening(volume=0.3), held) == ""
    assert code(opening(volume=0.31), held) == "ORDER_VOLUME_TOO_BIG"


def test_a_symbol_off_the_list_and_auto_trading_switched_off_are_denied() -> None:
    assert code(opening(), limits(symbols=["GBPUSD"])) == "SYMBOL_NOT_PERMITTED"
    assert code(opening(), limits(symbols=["GBPUSD", "EURUSD"])) == ""
    assert code(opening(), limits(symbols=[])) == "SYMBOL_NOT_PERMITTED"
    assert code(opening(), limits(auto_trading=False)) == "AUTO_TRADING_OFF"


def test_the_same_content_under_a_new_key_is_held_until_its_window_ends() -> None:
    held, books = limits(repeat_window_s=60), account()
    accepted(books, opening(volume=0.5), held)
    assert code(opening(volume=0.5), held, books, NOW_MS + 59_999) == "DUPLICATE_ORDER"
    assert code(opening(volume=0.5), held, books, NOW_MS + 60_000) == ""
    assert code(opening(volume=0.51), held, books) == ""
    assert code(opening(volume=0.5, magic=1), held, books) == ""


def test_without_a_repeat_window_nothing_is_remembered() -> None:
    books = account()
    accepted(books, opening())
    assert code(opening(), limits(), books) == ""
    assert not books.recent


def test_ended_repeat_windows_are_forgotten() -> None:
    held, books = limits(repeat_window_s=1), account()
    for step in range(50):
        order = accept(books, opening(volume=0.5 + step), held, now_ms=NOW_MS + step * 1000)
        assert not isinstance(order, Denial)
    assert len(books.recent) <= 2


def test_risk_of_exactly_the_limit_passes_and_a_point_more_is_denied() -> None:
    # 0.01001 from 1.38010: 1,001 points, 1 USD each; 1,001 USD are 0.1 % of 1,001,000.
    held = limits(risk_per_trade_percent=0.1)
    assert code(opening(stop_loss=1.37009), held, equity=1_001_000.0) == ""
    assert code(opening(stop_loss=1.37008), held, equity=1_001_000.0) == "RISK_TOO_BIG"
    assert code(opening(Side.SELL, stop_loss=1.39001), held, equity=1_001_000.0) == ""
    assert code(opening(Side.SELL, stop_loss=1.39002), held, equity=1_001_000.0) == "RISK_TOO_BIG"


def test_no_stop_loss_is_denied_where_risk_per_trade_is_limited() -> None:
    assert code(opening(), limits(risk_per_trade_percent=2)) == "STOP_LOSS_MISSING"
    assert code(opening(), limits(risk_per_trade_percent="off")) == ""


@pytest.mark.parametrize("equity", [0.0, -5.0, math.nan])
def test_without_equity_no_risk_is_small_enough(equity: float) -> None:
    held = limits(risk_per_trade_percent=2)
    assert code(opening(stop_loss=1.3799), held, equity=equity) == "RISK_TOO_BIG"


def _with_position(stop_loss: float) -> AccountState:
    books = account()
    fill(books, accepted(books, opening(stop_loss=stop_loss)), ticket=7)
    return books


def test_a_change_may_not_raise_the_risk_above_the_limit_but_may_always_lower_it() -> None:
    held = limits(risk_per_trade_percent=0.1)
    books = _with_position(stop_loss=1.36)  # 2,010 USD, 0.2 % of a million

    def change(stop_loss: float) -> str:
        moved = other(Action.MODIFY, side=Side.BUY, position_ticket=7, stop_loss=stop_loss)
        return code(moved, held, books)

    assert change(1.3601) == ""  # less than it was, though still above the limit
    assert change(1.3599) == "RISK_TOO_BIG"
    assert change(0.0) == "STOP_LOSS_MISSING"
    assert change(1.3799) == ""


def test_the_risk_of_a_working_order_goes_by_its_changed_price() -> None:
    held, books = limits(risk_per_trade_percent=0.1), account()
    order = opening(kind=LIMIT, price=1.37, stop_loss=1.365)
    work(books, accepted(books, order), ticket=9)

    def change(price: float, stop_loss: float) -> str:
        fields = {"order_type": LIMIT, "order_ticket": 9, "side": Side.BUY}
        pair = other(Action.MODIFY, **fields, price=price, stop_loss=stop_loss)
        return code(pair, held, books)

    assert change(1.375, 1.366) == ""
    assert change(1.377, 1.366) == "RISK_TOO_BIG"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"quote_ms": 0}, "NO_QUOTE"),
        ({"bid": 0.0}, "QUOTE_INVALID"),
        ({"ask": 0.0}, "QUOTE_INVALID"),
        ({"bid": math.nan}, "QUOTE_INVALID"),
        ({"ask": math.nan}, "QUOTE_INVALID"),
        ({"ask": math.inf}, "QUOTE_INVALID"),
        ({"bid": -1.0}, "QUOTE_INVALID"),
        ({"bid": 1.3802}, "QUOTE_CROSSED"),
        ({"point_value": math.nan}, "VALUE_UNKNOWN"),
        ({"point_value": 0.0}, "VALUE_UNKNOWN"),
        ({"margin_per_lot": math.nan}, "VALUE_UNKNOWN"),
        ({"bid": 1.3801}, ""),
    ],
)
def test_a_quote_that_is_none_zero_nan_or_crossed_is_denied(
    changes: dict[str, float], expected: str
) -> None:
    assert code(opening(), **changes) == expected
    books = account()
    order = accepted(books, opening())
    assert late_check(order, books, **changes) == expected


def test_a_quote_exactly_as_old_as_the_limit_passes_and_a_millisecond_more_is_denied() -> None:
    held = limits(max_quote_age_s=1.5)
    assert code(opening(), held, quote_ms=NOW_MS - 1500) == ""
    assert code(opening(), held, quote_ms=NOW_MS - 1501) == "QUOTE_STALE"
    assert code(opening(), limits(), quote_ms=1) == ""


def test_a_close_of_a_whole_position_passes_whatever_its_volume() -> None:
    books = account()
    order = accepted(books, opening(volume=0.05))
    fill(books, order, ticket=7)
    coarse = symbol(volume_min_e8=10**7, volume_step_e8=10**7)
    whole = other(Action.CLOSE, side=Side.SELL, volume_e8=5 * 10**6, position_ticket=7)
    part = other(Action.CLOSE, side=Side.SELL, volume_e8=4 * 10**6, position_ticket=7)
    assert code(whole, None, books, spec=coarse) == ""
    assert code(part, None, books, spec=coarse) == "VOLUME_TOO_SMALL"
    assert code(part, None, books, spec=EURUSD) == ""


def test_a_denial_says_limit_value_and_how_to_change_it() -> None:
    verdict = judge(opening(volume=3), limits(max_order_value=138_010))
    assert isinstance(verdict, Denial)
    assert verdict.message == (
        "the order is worth 414030.00 USD, more than max_order_value = 138010 ([account] in "
        "limits.toml); make it smaller or raise the limit"
    )
