"""The broker's request: token and comment, kinds, filling, and nothing that was not resolved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.execution.config import ExecutionConfig
from onefill.execution.stages.request import build_request
from onefill.model.intent import Action, OrderType, Side, token_of
from onefill.terminal import port
from onefill.terminal.filling import market_filling
from tests.unit.execution.bench import T0, Bench


@given(comment=st.text(max_size=60), limit=st.integers(16, 31))
def test_the_comment_begins_with_the_whole_token_and_is_cut_where_the_broker_would(
    comment: str, limit: int
) -> None:
    bench = Bench(config=ExecutionConfig(comment_limit=limit))
    order = bench.accepted("k", intent={"comment": comment})

    sent = build_request(bench.desk, order).comment

    assert sent[:16] == token_of(order.intent_id)
    assert len(sent) <= limit
    assert f"{token_of(order.intent_id)} {comment}".startswith(sent)


def test_tokens_of_different_orders_differ() -> None:
    bench = Bench()
    tokens = {build_request(bench.desk, bench.accepted(f"k{n}")).comment for n in range(200)}

    assert len(tokens) == 200
    assert all(len(token) == 16 for token in tokens)


@pytest.mark.parametrize(
    ("kind", "side", "expected"),
    [
        (OrderType.LIMIT, Side.BUY, port.TYPE_BUY_LIMIT),
        (OrderType.LIMIT, Side.SELL, port.TYPE_SELL_LIMIT),
        (OrderType.STOP, Side.BUY, port.TYPE_BUY_STOP),
        (OrderType.STOP, Side.SELL, port.TYPE_SELL_STOP),
        (OrderType.STOP_LIMIT, Side.BUY, port.TYPE_BUY_STOP_LIMIT),
        (OrderType.STOP_LIMIT, Side.SELL, port.TYPE_SELL_STOP_LIMIT),
    ],
)
def test_a_pending_order_is_asked_for_with_its_own_prices(
    kind: OrderType, side: Side, expected: int
) -> None:
    bench = Bench()
    order = bench.accepted(
        "k", order_type=kind, side=side, price=1.08, stop_limit_price=1.079, stop_loss=1.07
    )

    request = build_request(bench.desk, order)

    assert (request.action, request.type) == (port.ACTION_PENDING, expected)
    assert (request.price, request.stoplimit, request.sl) == (1.08, 1.079, 1.07)
    assert (request.type_time, request.type_filling) == (port.TIME_GTC, port.FILLING_RETURN)


def test_an_expiration_makes_the_order_time_specified() -> None:
    bench = Bench()
    order = bench.accepted("k", order_type=OrderType.LIMIT, price=1.08, expiration_ms=T0 + 5)

    request = build_request(bench.desk, order)

    assert (request.type_time, request.expiration_ms) == (port.TIME_SPECIFIED, T0 + 5)


@pytest.mark.parametrize(
    ("flags", "execution_mode", "expected"),
    [
        (3, 2, port.FILLING_IOC),
        (2, 2, port.FILLING_IOC),
        (1, 2, port.FILLING_FOK),
        (0, 3, port.FILLING_RETURN),
        (0, 1, port.FILLING_IOC),
        (0, 2, None),
    ],
)
def test_what_can_be_had_is_had_where_the_symbol_allows_it(
    flags: int, execution_mode: int, expected: int | None
) -> None:
    assert market_filling(flags, execution_mode) == expected


def test_a_close_names_its_position() -> None:
    bench = Bench()
    order = bench.accepted(
        "k", intent={"action": Action.CLOSE, "target": "o"}, side=Side.SELL, position_ticket=77
    )

    request = build_request(bench.desk, order)

    assert (request.action, request.position) == (port.ACTION_DEAL, 77)
    assert request.type == port.TYPE_SELL


def test_a_change_goes_to_the_order_where_it_still_works_else_to_the_position() -> None:
    bench = Bench()
    change = {"action": Action.MODIFY, "target": "o"}
    pending = bench.accepted("a", intent=change, order_ticket=5, price=1.08, stop_loss=1.07)
    held = bench.accepted("b", intent=change, position_ticket=6, stop_loss=1.07)

    of_order, of_position = (build_request(bench.desk, order) for order in (pending, held))

    assert (of_order.action, of_order.order, of_order.price) == (port.ACTION_MODIFY, 5, 1.08)
    assert (of_position.action, of_position.position) == (port.ACTION_SLTP, 6)


def test_a_cancel_names_the_order_and_bears_its_own_token() -> None:
    bench = Bench()
    order = bench.accepted("k", intent={"action": Action.CANCEL, "target": "o"}, order_ticket=5)

    request = build_request(bench.desk, order)

    assert (request.action, request.order) == (port.ACTION_REMOVE, 5)
    assert request.comment == token_of(order.intent_id)
