"""The kill switch in the middle of chaos: what its acknowledgement says of each account holds, as
the brokers' own books show, whatever befalls gateway and agent afterwards."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.fleet import Fleet
from tests.chaos.run import trading
from tests.chaos.verdict import judge
from tests.chaos.weather import Weather
from tests.integration.terminal.processes import until
from tests.simulation.witnesses import read_book

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stops by signals, reads /proc")

PENDING, DEAL = 5, 1


def opening_requests(fleet: Fleet) -> dict[str, int]:
    """How many requests to open something the brokers' books hold."""
    return {
        account: sum(
            one["request"]["action"] == PENDING
            or (one["request"]["action"] == DEAL and not one["request"].get("position"))
            for one in read_book(fleet.book(account)).requests
        )
        for account in fleet.accounts
    }


def nothing(_: Fleet) -> None:
    """Both are there."""


def agent_stands_still(fleet: Fleet) -> None:
    fleet.agent.stand_still()


def agent_is_killed(fleet: Fleet) -> None:
    fleet.agent.kill()


def connections_are_cut_all_the_time(fleet: Fleet) -> None:
    fleet.wire.storm = True


@pytest.mark.parametrize(
    ("before", "outcomes"),
    [
        pytest.param(nothing, {"confirmed"}, marks=pytest.mark.long),
        pytest.param(agent_stands_still, {"lease_ran_out"}, marks=pytest.mark.long),
        pytest.param(agent_is_killed, {"lease_ran_out"}, marks=pytest.mark.long),
        (connections_are_cut_all_the_time, {"confirmed", "lease_ran_out"}),
    ],
)
def test_after_a_kill_was_acknowledged_the_broker_hears_of_no_opening(
    tmp_path: Path, before: Callable[[Fleet], None], outcomes: set[str]
) -> None:
    with Fleet(tmp_path, 3, "requote=0.1") as fleet:
        weather = Weather(fleet, 3)
        with trading(fleet, 3, 20, 0.05) as strategies:
            until(lambda: min(opening_requests(fleet).values()) > 5, "nothing is traded")
            before(fleet)
            killed = fleet.client.kill(reason="enough")
            sent = opening_requests(fleet)
            given = sum(len(one.acknowledged) for one in strategies)
            fleet.wire.storm = False
            if before is agent_stands_still:
                fleet.agent.go_on()
            elif before is agent_is_killed:
                fleet.agent.start()
            fleet.in_contact()
            weather.kill_both()
            time.sleep(1)
            until(
                lambda: sum(len(one.acknowledged) for one in strategies) > given + 20,
                "nobody decides any more",
            )
        fleet.settled()
    assert {one.outcome for one in killed.accounts} <= outcomes, killed
    assert {one.mt5_account for one in killed.accounts} == set(fleet.accounts)
    assert killed.complete
    assert opening_requests(fleet) == sent
    assert judge(fleet, strategies).breaches == []
