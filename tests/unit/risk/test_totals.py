"""Controls 8, 11, 12 and 17: what is approved counts at once, whatever becomes of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.model.intent import Action, OrderType, Side
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.risk.reasons import Denial
from tests.unit.risk.world import (
    accept,
    accepted,
    account,
    code,
    fill,
    limits,
    move,
    opening,
    other,
    send,
    work,
)


def pending(volume: float = 1.0, **fields: Any) -> Any:
    return opening(Side.BUY, volume, OrderType.LIMIT, price=1.37, **fields)


@pytest.mark.parametrize(
    ("caps", "fits"),
    [
        ({"max_exposure_value": 138_010 * 7}, 7),
        ({"max_exposure_value": 138_010 * 7 - 1}, 6),
        ({"max_positions": 12}, 12),
        ({"levels": {"symbol.EURUSD": {"max_positions": 5}}}, 5),
        ({"levels": {"strategy.0": {"max_exposure_value": 138_010 * 3}}}, 3),
    ],
)
def test_200_orders_at_once_never_overshoot_a_cap(caps: dict[str, Any], fits: int) -> None:
    held, books = limits(**caps), account()
    taken = [accept(books, opening(), held) for _ in range(200)]
    assert sum(isinstance(order, OrderState) for order in taken) == fits


def test_200_pending_orders_at_once_never_overshoot_their_count() -> None:
    held, books = limits(max_orders=10), account()
    taken = [accept(books, pending(), held) for _ in range(200)]
    assert sum(isinstance(order, OrderState) for order in taken) == 10
    assert {order.code for order in taken if isinstance(order, Denial)} == {"TOO_MANY_ORDERS"}
    assert code(opening(), held, books) == ""  # a market order is no pending order


@given(
    volumes=st.lists(st.integers(1, 500), min_size=1, max_size=40),
    fates=st.lists(st.sampled_from(["wait", "fill", "reject", "unknown"]), max_size=40),
)
def test_exposure_never_passes_its_cap_whatever_becomes_of_the_orders(
    volumes: list[int], fates: list[str]
) -> None:
    cap = 1_000_000
    held, books = limits(max_exposure_value=cap), account()
    for ticket, volume in enumerate(volumes, start=1):
        order = accept(books, opening(volume=volume / 100), held)
        value = 138_010 * volume
        if isinstance(order, Denial):
            assert books.symbol_exposure("EURUSD").value_minor + value > cap * 100
            continue
        fate = fates[ticket % len(fates)] if fates else "wait"
        if fate == "fill":
            fill(books, order, ticket)
        elif fate == "reject":
            send(books, order)
            move(books, order, State.REJECTED)
        elif fate == "unknown":
            send(books, order)
            move(books, order, State.UNKNOWN)
        assert books.symbol_exposure("EURUSD").value_minor <= cap * 100


def test_positions_working_and_unknown_orders_count_together() -> None:
    held, books = limits(max_positions=4), account()
    fill(books, accepted(books, opening(), held), ticket=1)
    work(books, accepted(books, pending(), held), ticket=2)
    lost = accepted(books, opening(), held)
    send(books, lost)
    move(books, lost, State.UNKNOWN)
    seen = {"open_positions": 1, "open_orders": 1}
    accepted(books, opening(), held)
    assert code(opening(), held, books, **seen) == "TOO_MANY_POSITIONS"
    move(books, lost, State.NOT_EXECUTED)
    assert code(opening(), held, books, **seen) == ""


def test_a_close_frees_what_its_position_held() -> None:
    held, books = limits(max_exposure_value=138_010), account()
    order = accepted(books, opening(), held)
    assert code(opening(volume=0.01), held, books) == "EXPOSURE_TOO_BIG"
    send(books, order)
    move(books, order, State.REJECTED)
    assert code(opening(), held, books) == ""


def test_what_others_hold_at_the_broker_counts_and_what_is_ours_counts_once() -> None:
    held, books = limits(max_positions=3, max_orders=2), account()
    fill(books, accepted(books, opening(), held), ticket=1)
    work(books, accepted(books, pending(), held), ticket=2)
    ours = {"open_positions": 1, "open_orders": 1}
    assert code(opening(), held, books, **ours) == ""
    assert code(pending(), held, books, **ours) == ""
    assert code(opening(), held, books, open_positions=2, open_orders=1) == "TOO_MANY_POSITIONS"
    assert code(pending(), limits(max_orders=2), books, open_positions=1, open_orders=2) == (
        "TOO_MANY_ORDERS"
    )


def test_positions_of_others_do_not_hide_orders_of_ours_that_are_on_their_way() -> None:
    held, books = limits(max_positions=10), account()
    others = {"open_positions": 7, "open_orders": 0}
    taken = [accept(books, opening(), held, **others) for _ in range(9)]
    assert sum(isinstance(order, OrderState) for order in taken) == 3


def test_a_strategys_and_a_symbols_caps_count_only_their_own() -> None:
    levels = {"strategy.7": {"max_positions": 1}, "symbol.GBPUSD": {"max_positions": 1}}
    held, books = limits(levels=levels), account()
    accepted(books, opening(magic=7), held)
    assert code(opening(magic=7), held, books) == "TOO_MANY_POSITIONS"
    assert code(opening(magic=8), held, books) == ""
    accepted(books, opening(symbol="GBPUSD"), held)
    assert code(opening(symbol="GBPUSD"), held, books) == "TOO_MANY_POSITIONS"
    assert code(opening(), held, books) == ""


def test_positions_of_others_count_for_the_account_and_for_no_strategy() -> None:
    held, books = limits(levels={"strategy.7": {"max_positions": 1}}, max_positions=3), account()
    assert code(opening(magic=7), held, books, open_positions=2) == ""
    assert code(opening(magic=7), held, books, open_positions=3) == "TOO_MANY_POSITIONS"


def test_the_shipped_limits_hold_more_than_a_hundred_positions() -> None:
    held, books = limits(), account()
    for ticket in range(1, 201):
        order = accept(books, opening(volume=0.1), held, open_positions=ticket - 1)
        assert isinstance(order, OrderState), order
        fill(books, order, ticket)
    assert len(books.positions) == 200


def test_a_close_is_never_counted_against_a_cap() -> None:
    held, books = limits(max_positions=1, max_exposure_value=138_010), account()
    fill(books, accepted(books, opening(), held), ticket=1)
    close = other(Action.CLOSE, side=Side.SELL, volume_e8=10**8, position_ticket=1)
    assert code(close, held, books, open_positions=1) == ""


@pytest.mark.parametrize(
    ("caps", "fits"),
    [
        ({"max_positions_per_symbol": 7}, 7),
        ({"max_volume_per_symbol": 3.5}, 7),
        ({"max_volume_per_symbol": 3.49}, 6),
        ({"max_volume": 2.5}, 5),
        ({"levels": {"symbol.EURUSD": {"max_volume_per_symbol": 1.5}}}, 3),
    ],
)
def test_200_orders_at_once_never_overshoot_a_position_limit(
    caps: dict[str, Any], fits: int
) -> None:
    held, books = limits(**caps), account()
    taken = [accept(books, opening(volume=0.5), held) for _ in range(200)]
    assert sum(isinstance(order, OrderState) for order in taken) == fits


def test_a_position_limit_passes_at_the_limit_and_denies_a_step_more() -> None:
    held, books = limits(max_volume_per_symbol=2, max_volume=3), account()
    fill(books, accepted(books, opening(volume=1.5), held), ticket=1)
    assert code(opening(volume=0.5), held, books) == ""
    assert code(opening(volume=0.51), held, books) == "VOLUME_IN_SYMBOL_TOO_BIG"
    assert code(opening(Side.SELL, volume=1.5), held, books) == ""  # the other side is its own
    assert code(opening(Side.SELL, volume=1.51), held, books) == "VOLUME_IN_ALL_TOO_BIG"
    assert code(opening(volume=1.5, symbol="GBPUSD"), held, books) == ""
    assert code(opening(volume=1.51, symbol="GBPUSD"), held, books) == "VOLUME_IN_ALL_TOO_BIG"


def test_the_positions_of_a_symbol_are_its_own_with_all_that_may_become_one() -> None:
    held, books = limits(max_positions_per_symbol=3), account()
    fill(books, accepted(books, opening(), held), ticket=1)
    work(books, accepted(books, pending(), held), ticket=2)
    lost = accepted(books, opening(), held)
    send(books, lost)
    move(books, lost, State.UNKNOWN)
    assert code(opening(), held, books) == "TOO_MANY_IN_SYMBOL"
    assert code(opening(symbol="GBPUSD"), held, books) == ""
    move(books, lost, State.QUARANTINED)
    assert code(opening(), held, books) == "TOO_MANY_IN_SYMBOL"


@given(
    volumes=st.lists(st.integers(1, 300), min_size=1, max_size=40),
    fates=st.lists(st.sampled_from(["wait", "fill", "reject", "unknown"]), min_size=1, max_size=9),
    sides=st.lists(st.sampled_from(Side), min_size=1, max_size=5),
)
def test_lots_never_pass_their_caps_whatever_becomes_of_the_orders(
    volumes: list[int], fates: list[str], sides: list[Side]
) -> None:
    held, books = limits(max_volume_per_symbol=5, max_volume=8), account()
    for ticket, volume in enumerate(volumes, start=1):
        order = accept(books, opening(sides[ticket % len(sides)], volume / 100), held)
        if isinstance(order, OrderState) and (fate := fates[ticket % len(fates)]) != "wait":
            if fate == "fill":
                fill(books, order, ticket)
            else:
                send(books, order)
                move(books, order, State.REJECTED if fate == "reject" else State.UNKNOWN)
        sums = books.symbol_exposure("EURUSD")
        assert max(sums.buy_e8, sums.sell_e8) <= 5 * 10**8
        assert sums.buy_e8 + sums.sell_e8 <= 8 * 10**8
