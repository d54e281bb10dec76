"""The power goes at every point a run reaches; the run goes on from what the disk still has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.evidence import keep
from tests.simulation.machine import Machine, cuts
from tests.simulation.scenario import FAULTY, HOPELESS, QUIET, STRANGE, STRANGE_FAULTS, Scenario


def swept(scenario: Scenario, folder: Path, count: int) -> tuple[Counter[str], list[str]]:
    """So many runs, each cut once or twice and then finished; cuts per point, and breaches."""
    folder.mkdir()
    dry = Machine(folder / "dry", scenario)
    result = dry.run()
    breaches = dry.judged(result)
    made: Counter[str] = Counter()
    for number, (point, nth) in enumerate(cuts(dry.trace, count, scenario.seed)):
        run = Machine(folder / str(number), scenario)
        again = [(point, nth), *([(point, 1)] if number % 3 == 0 else [])]
        for seed, cut_at in enumerate(again):
            result = run.run(cut_at, seed=1_000 * number + seed)
            if result is None:
                made[point] += 1
                assert run.trace[-1] == point
                breaches += told(run.judged(None), scenario, number, point, nth)
            else:
                assert seed, "the first life reaches every point of the dry run"
        result = run.run()
        assert result is not None
        breaches += told(run.judged(result), scenario, number, point, nth)
    return made, breaches


def told(said: list[str], scenario: Scenario, number: int, point: str, nth: int) -> list[str]:
    return [f"{scenario.name}/{number}, cut at {point} #{nth}: {one}" for one in said]


@pytest.mark.parametrize("scenario", [QUIET, FAULTY, STRANGE], ids=lambda scenario: scenario.name)
def test_a_run_goes_on_after_a_power_cut_with_nothing_sent_twice_and_nothing_lost(
    scenario: Scenario, tmp_path: Path
) -> None:
    made, breaches = swept(scenario, tmp_path / "runs", 60)
    assert not breaches, "\n".join(breaches[:30])
    assert sum(made.values()) >= 60


def test_a_journal_that_does_not_wait_for_the_disk_is_caught(tmp_path: Path) -> None:
    """The safeguard `synchronous=FULL`, taken away: somebody was told what the disk forgot."""
    dry = Machine(tmp_path / "dry", QUIET)
    dry.run()
    points = [at for at in cuts(dry.trace, 60, 1) if at[0].startswith(("tell:", "call:"))]
    for number, cut_at in enumerate(points):
        run = Machine(tmp_path / str(number), QUIET, synchronous="NORMAL")
        run.run(cut_at, seed=number)
        if run.judged(None):
            return
    pytest.fail(f"{len(points)} cuts, and nobody noticed")


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_thousands_of_power_cuts(tmp_path: Path) -> None:
    made: Counter[str] = Counter()
    breaches: list[str] = []
    scenarios = [QUIET, FAULTY, HOPELESS]
    scenarios += [Scenario(f"strange {seed}", seed, STRANGE_FAULTS) for seed in range(20, 40)]
    for scenario in scenarios:
        more, said = swept(scenario, tmp_path / scenario.name, 120)
        made.update(more)
        breaches += said
    keep(
        "power-cuts",
        "Power cuts",
        "The journal lies on a file layer that forgets, sector by sector, what was\n"
        "not synced; the broker's book is another machine's and survives. After each cut the run\n"
        "goes on from what the disk still has, at times is cut again, and finishes.",
        "cuts",
        made,
        len(breaches),
    )
    assert not breaches, "\n".join(breaches[:30])
    assert sum(made.values()) >= 2_000
