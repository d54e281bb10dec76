"""Runs of many steps from a seed, and the shortest run that still shows a difference."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from tests.model.brokers import BROKERS
from tests.model.market import Tick, step_times, ticks_between
from tests.model.pair import Difference, Pair
from tests.model.reference.rows import Deal
from tests.model.reference.terms import Broker

STEPS = 250
FAULTS = "partial=0.25,early_cancel=0.03,activation_reject=0.05"
"""What the market does to the orders of every other run."""


@dataclass(frozen=True, slots=True)
class Run:
    """A broker, its market, and the times and seeds of the steps."""

    seed: int
    broker: Broker
    ticks: list[Tick]
    steps: list[tuple[int, int]]
    faults: str


@dataclass(slots=True)
class Outcome:
    """What a run came to."""

    seed: int
    broker: str
    steps: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    retcodes: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    told: str = ""


def run_of(seed: int, count: int = STEPS) -> Run:
    """The brokers take turns."""
    rng, broker = Random(seed), BROKERS[seed % len(BROKERS)]
    times = step_times(rng, count)
    ticks = ticks_between(rng, broker, times)
    steps = [(at_ms, rng.getrandbits(48)) for at_ms in times]
    return Run(seed, broker, ticks, steps, FAULTS if seed // len(BROKERS) % 2 else "")


def take(
    run: Run, steps: list[tuple[int, int]], outcome: Outcome | None = None
) -> Difference | None:
    """Take the steps until the two differ."""
    pair = Pair(run.broker, run.ticks, run.faults)
    try:
        for place, (at_ms, seed) in enumerate(steps):
            step, answer, difference = pair.take(place, at_ms, seed)
            if difference is not None:
                return difference
            if outcome is not None:
                outcome.steps += 1
                outcome.labels[step.label] += 1
                if step.what in ("send", "check"):
                    told = answer["answer"]
                    outcome.retcodes[
                        str(told["retcode"]) if told else "refused by the terminal"
                    ] += 1
        if outcome is not None:
            outcome.events += events_of(pair)
    finally:
        pair.close()
    return None


def events_of(pair: Pair) -> Counter[str]:
    """What the market and the server did of their own."""
    names = {
        0: "client",
        3: "deal asked for",
        4: "stop loss",
        5: "take profit",
        6: "stop-out",
        7: "rollover",
    }
    entries = {0: "in", 1: "out", 2: "in/out", 3: "out by"}
    states = {2: "cancelled", 4: "filled", 5: "rejected", 6: "expired"}
    found: Counter[str] = Counter()
    for row in pair.server.account.history:
        if isinstance(row, Deal):
            found[f"deal {entries[row.entry]}: {names[row.reason]}"] += 1
        else:
            kind = "market order" if row.type < 2 else "close-by" if row.type == 8 else "pending"
            found[f"{kind} {states[row.state]}"] += 1
    return found


def shrunk(run: Run, most: int = 400) -> tuple[list[tuple[int, int]], Difference]:
    """Steps left out, halves first, as long as what remains still shows a difference."""
    steps = run.steps
    found = take(run, steps)
    assert found is not None
    steps = steps[: found.place + 1]
    size = max(1, len(steps) // 2)
    while size and most:
        place = 0
        while place < len(steps) - 1 and most:
            fewer = steps[:place] + steps[place + size :]
            most -= 1
            again = take(run, fewer) if fewer else None
            if again is None:
                place += size
            else:
                steps, found = fewer[: again.place + 1], again
        size //= 2
    return steps, found


def told(run: Run) -> str:
    """A difference with the shortest way there, as the test prints it."""
    steps, difference = shrunk(run)
    lines = [f"seed {run.seed}, {run.broker.name}: {len(steps)} steps lead to a difference:"]
    pair = Pair(run.broker, run.ticks, run.faults)
    try:
        for place, (at_ms, seed) in enumerate(steps[:-1]):
            step, answer, _ = pair.take(place, at_ms, seed)
            lines.append(
                f"  {at_ms} {Difference(place, step, {}, {}).told()} -> {answer['answer']}"
            )
    finally:
        pair.close()
    return "\n".join([*lines, f"  {steps[-1][0]} {difference.told()}"])


def run_seed(seed: int) -> Outcome:
    """One seed, compared step by step."""
    run = run_of(seed)
    outcome = Outcome(seed, run.broker.name)
    if take(run, run.steps, outcome) is not None:
        outcome.told = told(run)
    return outcome
