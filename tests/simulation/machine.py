"""Runs whose machine loses its power: the journal on a disk that forgets, the broker elsewhere."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec

from onefill.cli.journal_text import record_object
from onefill.execution.config import ExecutionConfig
from onefill.execution.told import Acknowledged, Settled
from onefill.journal.files import reading
from onefill.journal.loading import all_rows
from onefill.journal.verify import verify
from onefill.model.states import FINAL
from onefill.replay.inputs import Inputs, RunSettings, read_inputs
from onefill.replay.run import RunResult, replay
from tests.simulation.judge import judge_cut, judge_end
from tests.simulation.powercut import Disk, PowerCutLayer
from tests.simulation.scenario import Scenario
from tests.simulation.witnesses import Json, read_book, read_chronicle


class PowerCut(BaseException):
    """Everything in memory is gone."""


class Machine:
    """One scenario on one machine: run, cut, run on from what its disk still has. Further options
    are the journal's."""

    def __init__(self, folder: Path, scenario: Scenario, **options: Any) -> None:
        folder.mkdir()
        plan = scenario.write(folder)
        self._config = msgspec.convert(scenario.config, ExecutionConfig)
        self._inputs: Inputs = read_inputs(
            RunSettings(
                ticks=plan["ticks"],
                orders=Path(plan["orders"]),
                journal=folder / "journal",
                faults=scenario.faults,
                seed=scenario.seed,
            )
        )
        self._options = options
        self._folder = folder
        self.disk: Disk = {}
        #: What was told, over all lives.
        self.heard: list[Json] = []
        self.trace: list[str] = []

    @property
    def _journal(self) -> Path:
        return self._inputs.settings.journal

    def run(
        self,
        cut_at: tuple[str, int] | None = None,
        seed: int = 0,
        layer: PowerCutLayer | None = None,
    ) -> RunResult | None:
        """A life, up to the nth time a point is reached; None where it was cut. What the disk
        holds then is what the next life finds; on a layer of the caller's, what the layer does."""
        own, layer = layer is None, layer or PowerCutLayer(self.disk)
        seen: Counter[str] = Counter()
        found: list[Disk] = []
        self.trace = []

        def hook(point: str) -> None:
            if found:
                return  # the machine is off; what unwinds here never happened
            self.trace.append(point)
            seen[point] += 1
            if cut_at == (point, seen[point]):
                found.append(layer.cut(seed))
                raise PowerCut(point)

        options = {"vfs": layer.name, "exclusive": True, "snapshot_every": 40, **self._options}
        try:
            return replay(
                self._inputs,
                tell=self._hear,
                hook=hook,
                config=self._config,
                journal_options=options,
            )
        except PowerCut:
            return None
        finally:
            self.disk = found[0] if found else layer.cut(seed)
            if own:
                layer.unregister()

    def _hear(self, what: Any) -> None:
        if isinstance(what, Acknowledged | Settled) and what.order is not None:
            order = what.order
            word = {"key": order.key, "state": str(order.state), "final": order.state in FINAL}
            self.heard.append(word)

    def judged(self, result: RunResult | None) -> list[str]:
        """What the judge says: of the disk as it was found, or of the end."""
        broken, lines = self._found_on_disk()
        book, chronicle = read_book(self._journal / "broker.log"), read_chronicle(lines)
        if result is None:
            return broken + judge_cut(book, chronicle, self.heard)
        answers = [_json(one) for one in result.answers]
        return broken + judge_end(book, chronicle, self.heard, answers, _json(result.summary))

    def _found_on_disk(self) -> tuple[list[str], list[str]]:
        """What is broken in the journal that the disk holds, and its records as `export` writes
        them. A file that has no tables yet holds nothing."""
        copy = self._folder / "copy"
        copy.mkdir(exist_ok=True)
        for file in copy.iterdir():
            file.unlink()
        for name, content in self.disk.items():
            (copy / Path(name).name).write_bytes(content)
        if not _has_tables(copy / "journal.sqlite"):
            return [], []
        broken = [f"record {one.seq}: {one.what}" for one in verify(copy).breaks]
        with reading(copy) as store:
            return broken, [json.dumps(record_object(row)) for row in all_rows(store)]


def _has_tables(path: Path) -> bool:
    """Whether the file, with its WAL, has got as far as being a journal."""

    if not path.exists():
        return False
    connection = apsw.Connection(str(path))
    try:
        return bool(connection.pragma("user_version"))
    finally:
        connection.close()


def _json(value: object) -> Json:
    decoded: Json = json.loads(msgspec.json.encode(value))
    return decoded


def cuts(trace: Sequence[str], count: int, seed: int) -> Iterator[tuple[str, int]]:
    """So many (point, occurrence), every point at least once."""
    draw = random.Random(seed)
    times = Counter(trace)
    every = [(point, draw.randint(1, most)) for point, most in times.items()]
    draw.shuffle(every)
    points = list(times)
    while len(every) < count:
        point = draw.choice(points)
        every.append((point, draw.randint(1, times[point])))
    yield from every[:count]
