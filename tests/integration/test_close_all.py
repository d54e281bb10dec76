"""A close_all that means pending orders too, where one of them has filled in part."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from onefill.execution.drivers.stepwise import StepwiseDriver
from onefill.journal.journal import Journal
from onefill.model.intent import Action, OrderIntent, OrderType
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.runtime.clock import VirtualClock
from onefill.terminal.port import Reply
from tests.integration.driven import (
    ACCOUNT,
    CONFIG,
    START_MS,
    desk_for,
    opening,
    quotes,
    terminal_for,
)

TOUCHED_MS, ALL_MS, END_MS = 2_000, 5_000, 20_000


@pytest.mark.parametrize("pending", [True, False], ids=["pending too", "positions only"])
def test_the_rest_of_an_order_that_filled_in_part_goes_where_pending_ones_are_meant(
    tmp_path: Path, pending: bool
) -> None:
    """One tick touches the limit order and fills a part of it, of the least volume: its close fills
    whole."""
    clock = VirtualClock(START_MS)
    terminal = terminal_for("partial=1", quotes((TOUCHED_MS, 108_300), (TOUCHED_MS + 1, 108_500)))
    config = msgspec.structs.replace(CONFIG, close_all_pending=pending)
    with Journal.open(tmp_path) as journal:
        driver = StepwiseDriver(
            desk_for(journal, terminal, clock, config), journal, terminal, clock
        )
        driver.boot()

        def order(key: str) -> OrderState:
            found = journal.find(ACCOUNT, key)
            assert found is not None
            return found

        limit = opening("limit", order_type=OrderType.LIMIT, price=1.084, volume=0.02)
        driver.run([(START_MS, limit)], START_MS + ALL_MS - 1)
        partly = order("limit")
        assert partly.state is State.PARTIALLY_FILLED
        ticket = partly.order_ticket

        close_all = OrderIntent(client_key="all", action=Action.CLOSE_ALL)
        driver.run([(START_MS + ALL_MS, close_all)], START_MS + END_MS)

        assert (order("all").state, order("all").code) == (State.DONE, "")
        assert order(f"all/{ticket}").state is State.FILLED
        assert not driver.desk.state.positions
        filled_e8 = order("limit").filled_e8
        assert 0 < filled_e8 < order("limit").asked_e8
        if pending:
            assert order(f"all/rest/{ticket}").state is State.DONE
            assert order("limit").state is State.CANCELLED
            look = terminal.call(driver.desk.call("orders_get").request, clock.now_ms())
            assert isinstance(look, Reply)
            assert not look.value
        else:
            assert order("limit").state is State.PARTIALLY_FILLED
