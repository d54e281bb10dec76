"""Commands through chaos on real processes and sockets, judged by the brokers' own books."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.run import Outcome, a_day_away, chaos
from tests.chaos.spoilt import silent_at
from tests.chaos.weather import FAULTS
from tests.simulation.evidence import keep_tables

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stops by signals, reads /proc")

#: How the brokers misbehave beside; a silent reply costs a worker, and five of them a minute.
AT_BROKERS = "requote=0.1,lost_reply=0.01,partial=0.1"
RUNS = (
    (11, "none", 0.0),
    (12, AT_BROKERS, 0.1),
    (13, "requote=0.05,late_execution=0.03,late_max_ms=600,partial=0.05", 0.05),
)
"""Seeds, how the brokers misbehave, and how likely the wire misuses a frame all the time."""
COMMANDS, FAULTS_OF_RUN = 660, 36


@pytest.mark.timeout(300)
def test_commands_through_every_fault_are_carried_out_at_most_once_and_none_is_lost(
    tmp_path: Path,
) -> None:
    outcome = chaos(tmp_path, 5, 200, len(FAULTS), 0.2, AT_BROKERS)
    assert outcome.verdict.breaches == []
    assert set(outcome.struck) >= set(FAULTS)
    assert outcome.commands >= 200
    assert outcome.verdict.straight > 0, "nothing was there to see the order of"
    for left in outcome.verdict.evidence:
        assert silent_at(left) == [], "evidence was spoilt, and the judge said nothing"


def test_what_waited_for_a_day_goes_out_in_order_but_for_what_expired(tmp_path: Path) -> None:
    _assert_a_day(a_day_away(tmp_path, 1, 200, accounts=1))


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_thousands_of_commands_through_a_hundred_faults(tmp_path: Path) -> None:
    outcomes = []
    for seed, at_brokers, misuse in RUNS:
        home = tmp_path / str(seed)
        home.mkdir()
        outcomes.append(chaos(home, seed, COMMANDS, FAULTS_OF_RUN, 0.25, at_brokers, misuse))
    home = tmp_path / "day"
    home.mkdir()
    outcomes.append(a_day_away(home, 14, 400))
    _keep(outcomes)
    assert [breach for one in outcomes for breach in one.verdict.breaches] == []
    _assert_a_day(outcomes[-1])
    struck = sum((one.struck for one in outcomes), Counter())
    assert set(struck) >= set(FAULTS)
    assert sum(struck[name] for name in FAULTS) >= 100
    assert sum(one.commands for one in outcomes) >= 2_000


def _assert_a_day(outcome: Outcome) -> None:
    assert outcome.verdict.breaches == []
    assert outcome.verdict.states["expired"] > 0
    assert outcome.verdict.states["filled"] > 0


def _keep(outcomes: list[Outcome]) -> None:
    struck = sum((one.struck for one in outcomes), Counter())
    states = sum((one.verdict.states for one in outcomes), Counter())
    on_wire = sum((one.on_wire for one in outcomes), Counter())
    breaches = sum(len(one.verdict.breaches) for one in outcomes)
    seconds = sum(one.seconds for one in outcomes)
    sent = sum(one.verdict.sent for one in outcomes)
    straight = sum(one.verdict.straight for one in outcomes)
    faults = sum(count for name, count in struck.items() if name in FAULTS) + 1
    keep_tables(
        "chaos",
        "Commands through chaos",
        "Gateway, agent and two brokers are processes, with a proxy between gateway and agent. A "
        "seeded trading engine decides over REST while faults strike; then all settles, and the "
        "brokers' own books are held against the agent's journal, that against the gateway's, and "
        "that against what callers were told: nothing twice, nothing lost, nothing after its "
        "expiry, in order, results without a gap.",
        f"**{states.total()} commands, {sent} requests at the brokers, {faults} faults, "
        f"{breaches} breaches, {seconds:.0f} s.** The order at the broker was looked at for "
        f"{straight} market orders that nothing held back.",
        "times",
        {"fault": struck, "what the wire did": on_wire, "state in which a command ended": states},
    )
