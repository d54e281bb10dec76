"""One look at the market for orders that come close together, and when it will not do."""

from __future__ import annotations

from typing import Any

import pytest

from onefill.execution.config import ExecutionConfig
from onefill.execution.effects import Call
from onefill.execution.looking import look
from onefill.execution.outcome import deal_of
from onefill.model.states import State
from onefill.terminal.port import Reply
from tests.unit.execution.bench import Bench, deal_row

SHARED = ExecutionConfig(look_shared_ms=20)


def looked(bench: Bench, answer: Any, symbol: str = "EURUSD") -> Any:
    """What an order is told that needs a look; `answer` is the terminal's, where it is asked."""
    steps = look(bench.desk, symbol)
    try:
        call = next(steps)
        assert isinstance(call, Call)
        assert (call.request.name, call.request.arguments) == ("look", {"symbol": symbol})
        steps.send(Reply(answer))
    except StopIteration as end:
        return end.value.value
    raise AssertionError("one look and no more")


def test_a_look_serves_those_who_come_right_after_and_no_longer() -> None:
    bench = Bench(config=SHARED)

    assert looked(bench, "first") == "first"
    bench.clock.advance(bench.clock.now_ms() + 19)
    assert looked(bench, "second") == "first"
    bench.clock.advance(bench.clock.now_ms() + 1)
    assert looked(bench, "third") == "third"


def test_another_symbol_is_looked_at_for_itself() -> None:
    bench = Bench(config=SHARED)
    looked(bench, "euro")

    assert looked(bench, "yen", "USDJPY") == "yen"
    assert looked(bench, "again") == "euro"


def test_a_deal_that_became_known_ends_what_was_shown_before_it() -> None:
    bench = Bench(config=SHARED)
    looked(bench, "before")
    bench.sending("o")
    assert looked(bench, "still") == "before"
    deal = deal_of(deal_row(201, 101, position_id=101))
    bench.moved("o", State.FILLED, order_ticket=101, position_ticket=101, deals=(deal,))

    assert looked(bench, "after") == "after"


def test_a_look_that_showed_nothing_is_nobodys() -> None:
    bench = Bench(config=SHARED)
    looked(bench, None)

    assert looked(bench, "there") == "there"


@pytest.mark.parametrize("ms", [0, 5])
def test_where_nothing_is_shared_each_looks_for_itself(ms: int) -> None:
    bench = Bench()
    looked(bench, "first")
    bench.clock.advance(bench.clock.now_ms() + ms)

    assert looked(bench, "second") == "second"
