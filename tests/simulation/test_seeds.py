"""Seeded runs: decisions, faults, deaths, all invariants in each; and nothing left out."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import pytest

from onefill.model.states import TRANSITIONS
from onefill.terminal.simulator.faults import KINDS
from tests.simulation.evidence import keep_tables
from tests.simulation.plan import plan_of
from tests.simulation.points import crash_points
from tests.simulation.runs import Report, run, run_seed

CI_SEEDS, LONG_SEEDS = 480, 4_000
_PROCESSES = 2
_LEAST_ORDERS = 50


@dataclass(slots=True)
class Sum:
    """What many runs came to together."""

    seeds: int = 0
    orders: int = 0
    sends: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    died: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def take(self, report: Report) -> None:
        """Add a run."""
        assert report.orders >= _LEAST_ORDERS or report.breaches
        self.seeds += 1
        self.orders += report.orders
        self.sends += report.sends
        self.steps += report.steps
        self.faults += report.faults
        self.reached += report.reached
        self.died += report.died
        if report.breaches:
            self.failed.append(report.told())

    def missing(self) -> list[str]:
        """What never occurred, of all that must."""
        steps = [f"{before} → {after}" for before in TRANSITIONS for after in TRANSITIONS[before]]
        return [
            *(f"transition {step}" for step in steps if not self.steps[step]),
            *(f"fault {kind}" for kind in KINDS if not self.faults[kind]),
            *(f"crash point {point}" for point in crash_points() if not self.reached[point]),
            *(f"a death at {point}" for point in crash_points() if not self.died[point]),
        ]


def run_all(seeds: range) -> Sum:
    """Every seed, in processes of their own, so that nothing is shared and both cores work."""
    total = Sum()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_PROCESSES, mp_context=spawn) as processes:
        for report in processes.map(run_seed, seeds, chunksize=10):
            total.take(report)
    return total


def judge(total: Sum) -> None:
    """No breach, and nothing left out."""
    assert not total.failed, "\n".join(total.failed[:10])
    missing = total.missing()
    assert not missing, f"in {total.seeds} seeds these never occurred:\n" + "\n".join(missing)


@pytest.mark.timeout(600)
def test_every_invariant_holds_in_seeded_runs_that_leave_nothing_out() -> None:
    judge(run_all(range(CI_SEEDS)))


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_every_invariant_holds_in_thousands_of_seeded_runs() -> None:
    total = run_all(range(LONG_SEEDS))
    judge(total)
    keep_tables(
        "seeded-runs",
        "Seeded runs",
        "Each seed is a market, decisions of every kind, a broker's faults, engines'\n"
        "deaths and stalls; after each run every invariant of the placement protocol is judged\n"
        "against the broker's own book.",
        f"**{total.seeds} seeds, {total.orders} orders, {total.sends} sends, "
        f"{sum(total.died.values())} deaths, 0 breaches.**",
        "times",
        {
            "transition": total.steps,
            "fault": total.faults,
            "death or stall at": total.died,
        },
    )


def test_every_invariant_holds_where_every_death_is_a_power_cut() -> None:
    failed = [
        report.told() for seed in range(60) if (report := run(plan_of(seed), "FULL")).breaches
    ]
    assert not failed, "\n".join(failed)


def test_the_same_seed_gives_the_same_run_record_by_record() -> None:
    for seed in (3, 10, 24):
        assert run_seed(seed) == run_seed(seed)
