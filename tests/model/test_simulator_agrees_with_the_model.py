"""The simulator against the reference model, step by step; and the model against itself with
mistakes in it, so that one knows what the comparison would find."""

from __future__ import annotations

import ast
import multiprocessing
import platform
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.model import reference
from tests.model.brokers import BROKERS
from tests.model.draw import LABELS
from tests.model.mutations import MUTATIONS, Mutation
from tests.model.reference.server import COMMENTS
from tests.model.runs import STEPS, Outcome, run_of, run_seed, take, told

CI_SEEDS, LONG_SEEDS = 80, 840
_PROCESSES = 2
_EVIDENCE = Path(__file__).parents[2] / "docs" / "evidence" / "model-based.md"


@dataclass(slots=True)
class Sum:
    """What many runs came to together."""

    seeds: int = 0
    steps: int = 0
    brokers: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    retcodes: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def take(self, outcome: Outcome) -> None:
        """Add a run."""
        self.seeds += 1
        self.steps += outcome.steps
        self.brokers[outcome.broker] += outcome.steps
        self.labels += outcome.labels
        self.retcodes += outcome.retcodes
        self.events += outcome.events
        if outcome.told:
            self.differences.append(outcome.told)

    def missing(self) -> list[str]:
        """What never occurred, of all that the model and the draws know."""
        return [
            *(f"action {label}" for label in LABELS if not self.labels[label]),
            *(
                f"retcode {code} {COMMENTS[code]}"
                for code in COMMENTS
                if not self.retcodes[str(code)]
            ),
            *(f"broker {one.name}" for one in BROKERS if not self.brokers[one.name]),
        ]


def run_all(seeds: range, progress: Callable[[str], None] = lambda _: None) -> Sum:
    """Every seed, in processes of their own."""
    total = Sum()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_PROCESSES, mp_context=spawn) as processes:
        for outcome in processes.map(run_seed, seeds, chunksize=4):
            total.take(outcome)
            if total.seeds % 40 == 0:
                progress(
                    f"{total.seeds}/{len(seeds)} seeds, {total.steps} steps, "
                    f"{len(total.differences)} differences"
                )
    return total


def judge(total: Sum, least: int) -> None:
    """No difference, and nothing left out."""
    assert not total.differences, "\n\n".join(total.differences[:3])
    assert total.steps >= least
    missing = total.missing()
    assert not missing, f"in {total.steps} steps these never occurred: " + ", ".join(missing)


@pytest.mark.timeout(600)
def test_simulator_and_model_show_the_same_after_every_step() -> None:
    judge(run_all(range(CI_SEEDS)), 20_000)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_simulator_and_model_show_the_same_after_200_000_steps(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def progress(text: str) -> None:
        with capsys.disabled():
            print(text, file=sys.stderr, flush=True)

    total = run_all(range(LONG_SEEDS), progress)
    judge(total, 200_000)
    _EVIDENCE.write_text(report(total), encoding="utf-8")


def report(total: Sum) -> str:
    """What was done, for whoever reads and does not run."""
    lines = [
        "# Model-based runs",
        "",
        "Written by `make test-long`. Each seed is a broker, its market and random requests of",
        "every kind, right and wrong; the simulated terminal and a reference model of MetaTrader's",
        "rules (`tests/model/reference`, the standard library only) get the same ticks and the",
        "same requests. After every step they are compared: the answer, all orders and positions",
        "field by field, new deals and finished orders, balance, equity, margin, free margin, the",
        "next ticket.",
        "",
        f"**{total.seeds} seeds, {total.steps} steps, {len(total.differences)} differences.** "
        f"{platform.python_implementation()} {platform.python_version()}, {platform.system()}.",
    ]
    tables = {
        "broker": total.brokers,
        "action": total.labels,
        "retcode": Counter({_retcode(code): times for code, times in total.retcodes.items()}),
        "in the books": total.events,
    }
    for kind, counted in tables.items():
        lines += ["", f"| {kind} | times |", "|---|---|"]
        rows = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        lines += [f"| {one} | {times} |" for one, times in rows]
    return "\n".join(lines) + "\n"


def _retcode(code: str) -> str:
    return f"{code} {COMMENTS[int(code)]}" if code.isdecimal() else code


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.says.replace(" ", "_"))
def test_a_mistake_in_the_model_is_found(mutation: Mutation) -> None:
    seeds = sorted(range(CI_SEEDS), key=lambda seed: seed % len(BROKERS) != mutation.broker)
    with mutation.planted():
        found = any(take(run := run_of(seed), run.steps) for seed in seeds)
    assert found, f"nothing noticed that {mutation.says}"


def test_a_difference_is_told_with_the_shortest_way_there() -> None:
    mutation = next(one for one in MUTATIONS if one.says == "a removed order expires")
    with mutation.planted():
        text = next(told(run) for seed in range(CI_SEEDS) if take(run := run_of(seed), run.steps))
    lines = text.splitlines()
    assert lines[0].startswith("seed ")
    assert sum(" -> " in line for line in lines) <= 2
    assert any("'state': 2" in line and "simulator" in line for line in lines)
    assert any("'state': 6" in line and "model" in line for line in lines)


def test_the_same_seed_is_the_same_run() -> None:
    assert run_of(5).steps == run_of(5).steps
    assert len(run_of(5).steps) == STEPS
    assert run_seed(5).labels == run_seed(5).labels


def test_the_model_knows_nothing_but_the_standard_library_and_itself() -> None:
    folder = Path(str(reference.__file__)).parent
    files = sorted(folder.glob("*.py"))
    assert len(files) > 5
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                if node.level == 1:
                    continue
                assert not node.level, f"{file.name} reaches out of its folder"
                names = [node.module or ""]
            else:
                continue
            strange = [name for name in names if name.split(".")[0] not in sys.stdlib_module_names]
            assert not strange, f"{file.name} imports {strange}"
