"""Lives that end by SIGKILL, one after another on the same journal, until one is left to finish."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.simulation.judge import FINAL, judge_cut, judge_end
from tests.simulation.processes import SIGKILL, Nursery
from tests.simulation.scenario import Scenario
from tests.simulation.witnesses import Json, read_book, read_chronicle

ANY_INSTANT = "any instant"


class Kill(NamedTuple):
    """Where a life ends: at the nth time a point is reached, or, from outside, after a share of
    the time that an undisturbed life takes."""

    point: str
    nth: int = 1
    after: float = 0.0

    def __str__(self) -> str:
        return f"{self.point} {self.after:.0%}" if self.after else f"{self.point} #{self.nth}"


@dataclass
class Report:
    """How often a life ended where, and what the judge said."""

    kills: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Take another report in."""
        self.kills.update(other.kills)
        self.breaches += other.breaches


class Sweep:
    """One scenario, written once and lived through many times.

    With `grown`, a first life has half of the decisions, and comes to its end; then the rest is
    written to the end of the file.
    """

    def __init__(
        self, nursery: Nursery, folder: Path, scenario: Scenario, *, grown: bool = False
    ) -> None:
        self.name = f"{scenario.name}, grown" if grown else scenario.name
        self._nursery = nursery
        self._folder = folder
        folder.mkdir(parents=True)
        self._plan = scenario.write(folder)
        self._half = _half_of(Path(self._plan["orders"])) if grown else None
        first = Report()
        self.trace = self.lives("undisturbed", [], first)
        assert not first.breaches, first.breaches
        self._seconds = self._time_of_a_life()

    def _time_of_a_life(self) -> float:
        """How long an undisturbed life takes here; what random instants are drawn from."""
        home = self._folder / "timed"
        home.mkdir()
        began = time.monotonic()
        self._life(home)
        seconds = time.monotonic() - began
        shutil.rmtree(home)
        return seconds

    def lives(self, name: str, kills: Sequence[Kill], report: Report) -> list[str]:
        """Live, die as told, live again to the end; the judge looks after each. The last trace."""
        home = self._folder / name
        home.mkdir()
        before = len(report.breaches)
        first: list[Json] = []
        if self._half is not None:
            status, out = self._life(home, {"orders": self._half})
            assert status in (0, 3), (home / "err").read_text()
            first = [json.loads(line) for line in out.splitlines()[:-1]]
        for kill in kills:
            self._die(home, kill)
            report.kills[kill.point] += 1
            report.breaches += self._judged(home, f"{name}, killed at {kill}")
        trace = self._finish(home, first, report, f"{name} ({', '.join(map(str, kills))})")
        if len(report.breaches) == before:
            shutil.rmtree(home)
        return trace

    def _die(self, home: Path, kill: Kill) -> None:
        """A life that ends by SIGKILL; the last line of its trace is the point chosen."""
        wanted = None if kill.after else [kill.point, kill.nth, SIGKILL]
        delay = kill.after * self._seconds
        saved = home.with_name(f"{home.name}-saved")
        shutil.copytree(home, saved)
        while True:
            child = self._nursery.start(request(self._plan, home, wanted))
            if wanted is None:
                time.sleep(delay)
                child.send(SIGKILL)
            status = child.wait()
            if status == -SIGKILL:
                break
            assert wanted is None, (status, str(kill), (home / "err").read_text())
            # It was quicker than the kill: what it did is undone, and the next one comes earlier.
            delay *= 0.7
            shutil.rmtree(home)
            shutil.copytree(saved, home)
        shutil.rmtree(saved)
        assert wanted is None or lines_of(home / "trace")[-1] == kill.point

    def _finish(self, home: Path, first: list[Json], report: Report, name: str) -> list[str]:
        """A life to the end, and another one that must change nothing and say the same."""
        before = len(lines_of(home / "trace"))
        status, out = self._life(home)
        if status not in (0, 3):
            report.breaches.append(f"{name}: exit {status}: {(home / 'err').read_text()}")
            return []
        trace = lines_of(home / "trace")[before:]
        answers = [json.loads(line) for line in out.splitlines()]
        summary = answers.pop()["summary"]
        told = self._judged(home, name, answers, summary)
        waiting = any(one["status"] in ("quarantined", "accepted") for one in answers)
        if status != (3 if waiting else 0):
            told.append(f"{name}: exit {status}")
        told += [
            f"{name}: {one['client_key']} was answered otherwise before"
            for one in first
            if one["status"] in FINAL and one not in answers
        ]
        book = (home / "journal" / "broker.log").read_bytes()
        if self._life(home) != (status, out):
            told.append(f"{name}: run again, it said something else")
        if (home / "journal" / "broker.log").read_bytes() != book:
            told.append(f"{name}: run again, the broker heard of it")
        report.breaches += told
        return trace

    def _life(self, home: Path, other: Json | None = None) -> tuple[int, str]:
        """A whole life: exit status, and what it printed."""
        status = self._nursery.start(request(self._plan, home) | (other or {})).wait()
        return status, (home / "out").read_text()

    def _judged(
        self,
        home: Path,
        name: str,
        answers: list[Json] | None = None,
        summary: Json | None = None,
    ) -> list[str]:
        """What the judge says, from the book, the journal's export and `journal verify`."""
        journal = home / "journal"
        told: list[str] = []
        lines: list[str] = []
        if (journal / "journal.sqlite").exists():
            words = ("journal", "export", str(journal), "--format", "jsonl")
            status, text = self._nursery.command(*words, folder=home)
            # Killed before there was a table in it, it is no journal yet: exit 2 says so.
            if status == 0:
                lines = text.splitlines()
                head = ("--head", summary["head_hash"]) if summary else ()
                verify = ("journal", "verify", str(journal), *head)
                status, verdict = self._nursery.command(*verify, folder=home)
                told += [f"journal verify: {verdict}"] if status else []
            elif status != 2:
                told.append(f"journal export: exit {status}: {text}")
        heard = [json.loads(line) for line in lines_of(home / "told")]
        book, chronicle = read_book(journal / "broker.log"), read_chronicle(lines)
        if answers is None or summary is None:
            told += judge_cut(book, chronicle, heard)
        else:
            told += judge_end(book, chronicle, heard, answers, summary)
        return [f"{self.name}: {name}: {one}" for one in told]


def request(plan: Json, home: Path, end: list[Any] | None = None) -> Json:
    """What a victim is asked: its plan, and where its journal and its words go."""
    names = ("journal", "trace", "told", "out", "err")
    return {**plan, **{name: str(home / name) for name in names}, "end": end}


def _half_of(orders: Path) -> str:
    """A file with the first half of the decisions."""
    lines = orders.read_text().splitlines(keepends=True)
    half = orders.with_name("half.jsonl")
    half.write_text("".join(lines[: len(lines) // 2]))
    return str(half)


def lines_of(path: Path) -> list[str]:
    """A file's lines; none where it is missing."""
    return path.read_text().splitlines() if path.exists() else []


CRITICAL = (
    *("commit:accept", "commit:sending", "commit:outcome", "commit:unknown", "commit:again"),
    *("commit:boot_unknown", "commit:followed", "commit:cancel_unsent", "commit:quarantine"),
    *("call:order_send", "broker:", "tell:acknowledge", "tell:confirm", "flush:", "snapshot:"),
    *("epoch:", "commit:deny", "commit:expire"),
)


def chosen(trace: Sequence[str], count: int, seed: int) -> list[Kill]:
    """So many places to die: the critical points first, every point once, then any again; which
    time it is reached is drawn."""
    draw = random.Random(seed)
    occurrences = Counter(trace)
    once = [Kill(point, draw.randint(1, times)) for point, times in occurrences.items()]
    draw.shuffle(once)
    once.sort(key=lambda kill: not kill.point.startswith(CRITICAL))
    more = [Kill(point, n) for point, times in occurrences.items() for n in range(1, times + 1)]
    draw.shuffle(more)
    kills = list(dict.fromkeys([*once, *more]))
    assert len(kills) >= count, (len(kills), count)
    return kills[:count]


def instants(count: int, seed: int) -> list[Kill]:
    """So many random instants."""
    draw = random.Random(seed)
    return [Kill(ANY_INSTANT, after=draw.uniform(0.02, 0.95)) for _ in range(count)]
