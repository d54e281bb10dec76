"""Groups of legs: validated first, sent in order, unwound where one fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onefill.model.errors import OnefillError
from onefill.terminal.port import Reply, Request, SendResult
from tests.unit.channels.local.desk import Desk, Doctored, decision


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Desk(tmp_path, "main", "second") as made:
        yield made


def legs(**second: Any) -> list[Any]:
    return [decision(None), decision(None, **{"units": 20_000, "direction": -1, **second})]


def volumes(terminal: Doctored) -> list[float]:
    return [one.arguments["request"].volume for one in terminal.sent]


def open_volumes(terminal: Doctored) -> list[float]:
    reply = terminal.simulated.call(Request("positions_get", {}), terminal.simulated.now_ms)
    assert isinstance(reply, Reply)
    return [row.volume for row in reply.value]


def refuse_from(terminal: Doctored, number: int) -> None:
    """The broker rejects the order of that number."""

    def rule(request: Request, really: Any) -> Reply:
        last = len(terminal.sent) == number
        return Reply(SendResult(retcode=10006)) if last else really()

    terminal.rules["order_send"] = rule


def test_legs_fill_in_the_order_given(desk: Desk) -> None:
    done = desk.engine.execute_group(legs(), group_id="pair")

    assert (done.status, done.group_id, done.unwound, done.details) == ("filled", "pair", (), "")
    assert [leg.order_id for leg in done.legs] == ["pair-1", "pair-2"]
    assert volumes(desk.terminal()) == [0.1, 0.2]
    assert done.to_dict()["legs"][1]["status"] == "filled"


def test_nothing_is_sent_where_a_leg_would_be_refused(desk: Desk) -> None:
    done = desk.engine.execute_group(legs(symbol="NOSUCH"), group_id="pair")

    assert (done.status, [leg.order_id for leg in done.legs]) == ("rejected", ["pair-2"])
    assert "none was sent" in done.details
    assert desk.terminal().sent == []


def test_nothing_is_sent_where_the_manager_rejected_a_leg(desk: Desk) -> None:
    done = desk.engine.execute_group([decision(), decision("k-2", status="REJECTED")])

    assert done.status == "rejected"
    assert desk.terminal().sent == []


def test_what_filled_is_closed_again_where_a_later_leg_is_rejected(desk: Desk) -> None:
    terminal = desk.terminal()
    refuse_from(terminal, 2)
    done = desk.engine.execute_group(legs(), group_id="pair")

    assert done.status == "unwound", done
    assert [leg.status for leg in done.legs] == ["filled", "rejected"]
    assert [(one.order_id, one.status, one.executed_units) for one in done.unwound] == [
        ("pair-1-unwind", "filled", 10_000)
    ]
    assert open_volumes(terminal) == []


def test_the_same_group_again_gets_the_same_answer(desk: Desk) -> None:
    terminal = desk.terminal()
    refuse_from(terminal, 2)
    first = desk.engine.execute_group(legs(), group_id="pair")
    again = desk.engine.execute_group(legs(), group_id="pair")

    assert again == first
    assert desk.restart().execute_group(legs(), group_id="pair").status == "unwound"
    assert len(terminal.sent) == 3


def test_a_group_that_was_broken_off_goes_on_where_it_was(desk: Desk) -> None:
    first = desk.engine.execute(decision("pair-1"))
    done = desk.restart().execute_group(legs(), group_id="pair")

    assert done.status == "filled"
    assert done.legs[0] == first
    assert volumes(desk.terminal()) == [0.1, 0.2]


def test_a_leg_that_is_refused_when_the_group_goes_on_unwinds_what_was_filled(desk: Desk) -> None:
    desk.engine.execute(decision("pair-1"))
    done = desk.engine.execute_group(legs(symbol="NOSUCH"), group_id="pair")

    assert done.status == "unwound"
    assert open_volumes(desk.terminal()) == []


def test_a_leg_whose_outcome_is_not_proven_breaks_the_group_and_says_so(desk: Desk) -> None:
    terminal, looking = desk.terminal(), threading.Event()

    def fails_to_show(*_: object) -> Reply:
        looking.set()
        return Reply(None, (-1, "fail"))

    def fails(request: Request, really: Any) -> Reply:
        if len(terminal.sent) == 2:
            terminal.rules["history_deals_get"] = fails_to_show
            return Reply(None, (-10_005, "IPC timeout"))
        reply: Reply = really()
        return reply

    terminal.rules["order_send"] = fails
    group = desk.engine._begin_group(legs(), "pair", None)
    assert looking.wait(30)
    assert not group.done()
    desk.engine.close(patience_s=0.1)  # while the outcome is looked for
    done = group.result(30)

    assert done.status == "broken", done
    assert "'pair-2', whose outcome is not proven (error)" in done.details


def test_a_position_that_cannot_be_closed_again_is_told(desk: Desk) -> None:
    terminal = desk.terminal()

    def refuse(request: Request, really: Any) -> Reply:
        return really() if len(terminal.sent) == 1 else Reply(SendResult(retcode=10006))

    terminal.rules["order_send"] = refuse
    done = desk.engine.execute_group(legs(), group_id="pair")

    assert done.status == "broken"
    assert "still open: 'pair-1'" in done.details


def test_a_position_that_is_gone_already_counts_as_closed(desk: Desk) -> None:
    terminal = desk.terminal()
    desk.engine.execute_group([decision("a"), decision("b", symbol="USDJPY")], group_id="one")
    refuse_from(terminal, 4)  # the third closes "a" by an unwinding of another group
    desk.engine.execute(decision("a-unwind-not"))
    done = desk.engine.execute_group([decision("a"), decision("c", units=30_000)], group_id="two")
    again = desk.engine.execute_group([decision("a"), decision("c", units=30_000)], group_id="two")

    assert done.status == "unwound"
    assert again.status == "unwound"


def test_legs_can_be_of_several_accounts(desk: Desk) -> None:
    first, second = legs()
    second.decision.approved_trade.session = "second"
    done = desk.engine.execute_group([first, second])

    assert (done.status, [leg.session for leg in done.legs]) == ("filled", ["main", "second"])
    assert volumes(desk.terminal("second")) == [0.2]


@pytest.mark.parametrize(
    "group", [[], [decision("k"), decision("k", units=2_000)]], ids=["empty", "an id twice"]
)
def test_a_group_that_is_none_is_an_error(desk: Desk, group: list[Any]) -> None:
    with pytest.raises(OnefillError) as told:
        desk.engine.execute_group(group)
    assert told.value.code == "GROUP_INVALID"
