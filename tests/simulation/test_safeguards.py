"""Each safeguard of the protocol, taken away, is missed: the same runs that pass with it do not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.runs import Report, run
from tests.simulation.safeguards import SAFEGUARDS, Safeguard

MOST_SEEDS = 40


def without(safeguard: Safeguard, seed: int) -> Report:
    """The seed's run, with the safeguard taken away."""
    with pytest.MonkeyPatch.context() as patch:
        safeguard.remove(patch)
        return run(safeguard.weaken(safeguard.plan(seed)), synchronous=safeguard.synchronous[1])


@pytest.mark.parametrize("safeguard", SAFEGUARDS, ids=lambda safeguard: safeguard.name)
def test_taking_it_away_is_caught_by_a_run_that_passes_with_it(safeguard: Safeguard) -> None:
    for seed in range(MOST_SEEDS):
        caught = without(safeguard, seed)
        if not any(safeguard.missed_by in breach for breach in caught.breaches):
            continue
        print(f"{safeguard.name}, taken away: {caught.told()}")
        intact = run(safeguard.plan(seed), synchronous=safeguard.synchronous[0])
        assert not intact.breaches, intact.told()
        return
    pytest.fail(f"{MOST_SEEDS} runs without {safeguard.name!r}, and nobody noticed")


def test_all_fifteen_are_taken_away() -> None:
    assert len({safeguard.name for safeguard in SAFEGUARDS}) == 15


def test_a_weaker_setting_is_really_weaker() -> None:
    for safeguard in SAFEGUARDS:
        plan = safeguard.plan(0)
        weakened = safeguard.weaken(plan)
        taken_away = weakened.config != plan.config or safeguard.synchronous[1] == "NORMAL"
        assert taken_away or safeguard.remove.__name__ != "<lambda>", safeguard.name
        assert replace(weakened, config=plan.config) == plan
