"""Moments in a window, as controls 6 and 7 count them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from onefill.model.intent import Action, OrderIntent, Side
from onefill.model.throttle import (
    KINDS_KEPT,
    MOMENTS_KEPT,
    add_alike,
    add_moment,
    count_within,
    forget_strategy,
    kind_of_order,
)

NOW = 1_772_409_600_000


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(1, 1_000), st.integers(0, 1_500))
def test_what_is_let_go_of_was_in_no_window_any_more(
    steps: list[int], window_ms: int, later_ms: int
) -> None:
    kept: list[int] = []
    all_of_them, now = [], NOW
    for step in steps:
        now += step
        add_moment(kept, now, window_ms)
        all_of_them.append(now)
        assert count_within(kept, now, window_ms) == sum(at > now - window_ms for at in all_of_them)
    now += later_ms
    assert count_within(kept, now, window_ms) == sum(at > now - window_ms for at in all_of_them)


def test_a_moment_that_is_a_whole_window_old_is_out_of_it() -> None:
    moments: list[int] = []
    add_moment(moments, NOW, 1_000)
    assert count_within(moments, NOW + 999, 1_000) == 1
    assert count_within(moments, NOW + 1_000, 1_000) == 0


def test_a_clock_that_went_back_counts_nothing_of_the_time_that_is_yet_to_come() -> None:
    moments: list[int] = []
    for n in range(10):
        add_moment(moments, NOW + n, 1_000)
    assert count_within(moments, NOW - 3_600_000, 1_000) == 0
    add_moment(moments, NOW - 3_600_000, 1_000)
    assert moments == [NOW - 3_600_000]


def test_of_very_many_moments_in_one_window_the_latest_are_kept() -> None:
    moments = [NOW] * (2 * MOMENTS_KEPT - 1)
    add_moment(moments, NOW + 1, 3_600_000)
    assert len(moments) == MOMENTS_KEPT
    assert moments[-1] == NOW + 1


def test_kinds_that_left_their_window_are_let_go_of_and_never_too_many_are_kept() -> None:
    alike: dict[str, list[int]] = {}
    for n in range(1_100):
        add_alike(alike, f"old{n}", NOW, 1_000)
    for n in range(948):
        add_alike(alike, f"new{n}", NOW + 1_000, 1_000)
    assert not any(kind.startswith("old") for kind in alike)
    for n in range(2 * KINDS_KEPT):
        add_alike(alike, f"many{n}", NOW + 1_000, 1_000)
        assert len(alike) <= KINDS_KEPT + 1_024
    assert f"many{2 * KINDS_KEPT - 1}" in alike


def test_orders_are_alike_by_strategy_symbol_side_kind_size_and_price_and_nothing_else() -> None:
    def order(**fields: object) -> OrderIntent:
        given = {"client_key": "k", "symbol": "EURUSD", "side": Side.BUY, "volume": 0.1, **fields}
        return OrderIntent(action=Action.OPEN, **given)  # type: ignore[arg-type]

    first = kind_of_order(order())
    assert kind_of_order(order(client_key="other", comment="c", stop_loss=1.0)) == first
    differing: list[dict[str, Any]] = [
        {"magic": 7},
        {"symbol": "GBPUSD"},
        {"side": Side.SELL},
        {"volume": 0.2},
        {"price": 1.1},
        {"volume": None, "units": 0.1},
    ]
    assert len({kind_of_order(order(**fields)) for fields in differing} - {first}) == len(differing)


def test_forgetting_a_strategy_leaves_the_others_alone() -> None:
    alike = {"1|EURUSD": [NOW], "11|EURUSD": [NOW], "1|GBPUSD": [NOW]}
    forget_strategy(alike, 1)
    assert list(alike) == ["11|EURUSD"]
