"""Controls 13 and 14: the margin level that remains, the loss of the day, the drawdown."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.model import events as ev
from onefill.model.account import LossMarks
from onefill.model.fold import apply
from onefill.model.intent import Action, Side
from onefill.model.order import OrderState
from onefill.risk.losses import breach_of, marks_at
from tests.unit.risk.world import (
    NOW_MS,
    accept,
    accepted,
    account,
    code,
    fill,
    late_check,
    limits,
    opening,
    other,
    view,
)

DAY = 16_198
MARKS = LossMarks(DAY, 10_000.0, 12_000.0)


def test_a_margin_level_of_exactly_the_floor_passes_and_less_is_denied() -> None:
    # One lot needs 1,380.10; with 619.90 in use already, that is 2,000.
    held, used = limits(min_margin_level_percent=200), {"margin": 619.90}
    assert code(opening(), held, equity=4_000.00, **used) == ""
    assert code(opening(), held, equity=3_999.99, **used) == "MARGIN_LEVEL_TOO_LOW"
    assert code(opening(), limits(), equity=1.0, **used) == ""


@pytest.mark.parametrize("wrong", [math.nan, -math.inf])
def test_a_margin_level_that_cannot_be_told_is_denied(wrong: float) -> None:
    held = limits(min_margin_level_percent=200)
    assert code(opening(), held, equity=wrong) == "MARGIN_LEVEL_TOO_LOW"
    assert code(opening(), held, margin=math.nan) == "MARGIN_LEVEL_TOO_LOW"


def test_margin_of_orders_on_their_way_counts_and_its_own_once() -> None:
    held, books = limits(min_margin_level_percent=100), account()
    equity = {"equity": 2 * 1380.10}
    first = accept(books, opening(), held, **equity)
    second = accept(books, opening(), held, **equity)
    assert isinstance(first, OrderState)
    assert isinstance(second, OrderState)
    assert code(opening(volume=0.01), held, books, **equity) == "MARGIN_LEVEL_TOO_LOW"
    assert late_check(second, books, held, **equity) == ""
    assert late_check(second, books, held, equity=2760.19) == "MARGIN_LEVEL_TOO_LOW"
    assert late_check(first, books, held, equity=1380.10) == ""  # the second came after it


@given(st.lists(st.integers(1, 500), max_size=30), st.integers(1, 10**6), st.integers(1, 1_000))
def test_orders_taken_together_never_bring_the_margin_level_below_its_floor(
    volumes: list[int], equity: int, floor: int
) -> None:
    books, held, needed = account(), limits(min_margin_level_percent=floor), 0
    for volume in volumes:
        order = accept(books, opening(volume=volume / 100), held, equity=float(equity))
        with_it = needed + math.ceil(13801 * volume / 100 * 10 - 1e-6)
        assert isinstance(order, OrderState) == (with_it * floor <= equity * 100 * 100)
        needed = with_it if isinstance(order, OrderState) else needed


def test_a_daily_loss_of_the_limit_stops_openings_and_a_cent_less_does_not() -> None:
    held = limits(max_daily_loss=500)
    assert code(opening(), held, marks=MARKS, equity=9_500.01) == ""
    assert code(opening(), held, marks=MARKS, equity=9_500.00) == "DAILY_LOSS"
    assert code(opening(), limits(), marks=MARKS, equity=1.0) == ""


def test_a_drawdown_of_the_limit_stops_openings_and_a_cent_less_does_not() -> None:
    held = limits(max_drawdown_percent=25)
    assert code(opening(), held, marks=MARKS, equity=9_000.01) == ""
    assert code(opening(), held, marks=MARKS, equity=9_000.00) == "DRAWDOWN"


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6), st.integers(0, 10**6))
def test_a_loss_is_denied_exactly_from_the_limit_on(equity: int, start: int, most: int) -> None:
    held, marks = limits(max_daily_loss=most / 100), LossMarks(DAY, start / 100, start / 100)
    denied = code(opening(volume=0.01), held, marks=marks, equity=equity / 100) == "DAILY_LOSS"
    assert denied == (start - equity >= most)


def test_what_reduces_passes_whatever_was_lost_and_waiting_orders_are_not_sent() -> None:
    held, books = limits(max_daily_loss=500), account()
    fill(books, accepted(books, opening()), ticket=1)
    order = accepted(books, opening())
    close = other(Action.CLOSE, side=Side.SELL, volume_e8=10**8, position_ticket=1)
    change = other(Action.MODIFY, side=Side.BUY, position_ticket=1, stop_loss=1.37)
    for pair in (close, change, other(Action.CANCEL, order_ticket=3), other(Action.CLOSE_ALL)):
        assert code(pair, held, books, marks=MARKS, equity=1.0) == ""
    assert late_check(order, books, held, marks=MARKS, equity=1.0) == "DAILY_LOSS"


def test_a_breach_holds_for_the_rest_of_the_day_or_until_the_limit_is_raised() -> None:
    held, books = limits(max_daily_loss=500), account()
    limit = breach_of("DAILY_LOSS", held.caps(0, "EURUSD"))
    apply(books, ev.Breached(limit=limit, day=DAY), 1, NOW_MS)
    back = {"equity": 10_000.0}
    assert code(opening(), held, books, marks=MARKS, **back) == "DAILY_LOSS"
    assert code(opening(), limits(max_daily_loss=600), books, marks=MARKS, **back) == ""
    tomorrow = LossMarks(DAY + 1, 10_000.0, 12_000.0)
    assert code(opening(), held, books, marks=tomorrow, **back) == ""


@pytest.mark.parametrize("equity", [math.nan, math.inf, -math.inf])
def test_losses_that_cannot_be_told_deny(equity: float) -> None:
    for held in (limits(max_daily_loss=50), limits(max_drawdown_percent=50)):
        assert code(opening(), held, marks=MARKS, equity=equity) == "EQUITY_UNKNOWN"
        assert code(opening(), held, marks=LossMarks()) == "EQUITY_UNKNOWN"
        assert code(opening(), limits(), marks=LossMarks(), equity=equity) == ""


def test_a_day_begins_with_its_first_look_and_its_start_never_moves() -> None:
    books = account()
    first = marks_at(books, view(equity=100.0), DAY)
    assert first == LossMarks(DAY, 100.0, 100.0)
    books.equity = first
    assert marks_at(books, view(equity=80.0), DAY) == first
    assert marks_at(books, view(equity=120.0), DAY) == LossMarks(DAY, 100.0, 120.0)
    assert marks_at(books, view(equity=80.0), DAY, day_start=50.0) == first
    assert marks_at(books, view(equity=80.0), DAY - 1) == first  # the clock went back
    assert marks_at(books, view(equity=80.0), DAY + 1) == LossMarks(DAY + 1, 80.0, 100.0)


def test_who_looks_more_often_knows_better_how_the_day_began_and_what_the_peak_was() -> None:
    marks = marks_at(account(), view(equity=80.0), DAY, day_start=100.0, peak=150.0)
    assert marks == LossMarks(DAY, 100.0, 150.0)


@pytest.mark.parametrize("equity", [math.nan, math.inf, 0.0, -5.0])
def test_an_equity_that_is_none_marks_nothing(equity: float) -> None:
    assert marks_at(account(), view(equity=equity), DAY) == LossMarks(DAY, 0.0, 0.0)
