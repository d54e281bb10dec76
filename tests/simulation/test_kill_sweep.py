"""The process dies by SIGKILL at every point it reaches, is started again, and nothing is lost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.evidence import keep
from tests.simulation.processes import Nursery
from tests.simulation.scenario import FAULTY, HOPELESS, QUIET, STRANGE, STRANGE_FAULTS, Scenario
from tests.simulation.sweep import ANY_INSTANT, Kill, Report, Sweep, chosen, instants

assert sys.platform != "win32", "there is no SIGKILL to die of"

SENT = "call:order_send:after"
POINTS = 20
"""At least so many different ones."""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


def swept(
    sweep: Sweep, report: Report, seed: int, *, points: int, reboots: int, random: int
) -> None:
    """Kill at points of a first life, at points of the boot after one that died in the middle of
    sending, and at random instants; every case goes on until it has finished."""
    for number, kill in enumerate(chosen(sweep.trace, points, seed)):
        sweep.lives(f"point-{number}", [kill], report)
    sent = Kill(SENT, min(5, sweep.trace.count(SENT)))
    after_boot = sweep.lives("boot", [sent], report)
    for number, kill in enumerate(chosen(boot_of(after_boot), reboots, seed)):
        sweep.lives(f"reboot-{number}", [sent, kill], report)
    for number, kill in enumerate(instants(random, seed)):
        before = [Kill(SENT, 1 + number % sweep.trace.count(SENT))] if number % 4 == 3 else []
        sweep.lives(f"instant-{number}", [*before, kill], report)


def boot_of(trace: list[str]) -> list[str]:
    """What is reached up to the first new decision, and a little after it."""
    accepted = next(n for n, point in enumerate(trace) if point.startswith("commit:accept"))
    return trace[: accepted + 6]


@pytest.mark.timeout(600)  # a few hundred processes one after the other
@pytest.mark.parametrize(
    ("scenario", "grown", "counts"),
    [
        (QUIET, False, {"points": 30, "reboots": 6, "random": 12}),
        (FAULTY, False, {"points": 45, "reboots": 12, "random": 18}),
        (HOPELESS, False, {"points": 14, "reboots": 4, "random": 6}),
        (STRANGE, False, {"points": 20, "reboots": 4, "random": 8}),
        (FAULTY, True, {"points": 10, "reboots": 2, "random": 4}),
    ],
    ids=["quiet", "faulty", "hopeless", "strange", "grown"],
)
def test_a_killed_run_goes_on_with_nothing_sent_twice_and_nothing_lost(
    scenario: Scenario, grown: bool, counts: dict[str, int], nursery: Nursery, tmp_path: Path
) -> None:
    report = Report()
    sweep = Sweep(nursery, tmp_path / "s", scenario, grown=grown)
    swept(sweep, report, scenario.seed, **counts)
    assert not report.breaches, "\n".join(report.breaches[:30])
    assert len(report.kills) >= min(POINTS, counts["points"])


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_thousand_kills_at_every_point_and_at_random_instants(
    nursery: Nursery, tmp_path: Path
) -> None:
    report = Report()
    scenarios = [QUIET, FAULTY, HOPELESS]
    scenarios += [Scenario(f"strange {seed}", seed, STRANGE_FAULTS) for seed in (11, 12, 13, 14)]
    for number, scenario in enumerate(scenarios):
        for grown in (False, True):
            sweep = Sweep(nursery, tmp_path / f"{number}{grown}", scenario, grown=grown)
            swept(sweep, report, scenario.seed, points=60, reboots=18, random=30)
    keep(
        "kill-sweep",
        "Kill sweep",
        "Every kill is a real SIGKILL. The run is started again, at times killed\n"
        "again, and finishes; after each, another process holds the broker's own book against the\n"
        "journal and the answers.",
        "kills",
        report.kills,
        len(report.breaches),
    )
    assert not report.breaches, "\n".join(report.breaches[:30])
    kills = sum(report.kills.values())
    assert kills >= 1_000
    assert report.kills[ANY_INSTANT] * 5 >= kills
    assert len(report.kills) >= POINTS
