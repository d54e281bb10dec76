"""Commands through chaos on real processes and sockets, judged by the broker's own book."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.fleet import Fleet
from tests.chaos.strategy import Strategy
from tests.chaos.verdict import Verdict, judge
from tests.chaos.weather import FAULTS, Weather


@dataclass
class Outcome:
    """What a run came to."""

    verdict: Verdict
    struck: Counter[str]
    commands: int
    seconds: float


def chaos(
    home: Path, seed: int, commands: int, faults: int, pause_s: float, at_brokers: str
) -> Outcome:
    """Two accounts trade until all faults struck and all commands were given; then all settles."""
    began = time.monotonic()
    with Fleet(home, seed, at_brokers) as fleet:
        strategies = [Strategy(fleet.client, account, seed) for account in fleet.accounts]
        weather = Weather(fleet, seed)
        over = threading.Event()
        share = commands // len(strategies)
        with ThreadPoolExecutor(3) as threads:
            trading = [threads.submit(one.trade, share, pause_s, over) for one in strategies]
            try:
                weather.go_on(faults)
            finally:
                over.set()
            for one in trading:
                one.result()
        fleet.in_contact()
        fleet.settled()
    verdict = judge(fleet, strategies)
    return Outcome(verdict, weather.struck, sum(verdict.states.values()), time.monotonic() - began)


def test_commands_through_every_fault_are_each_carried_out_at_most_once_and_none_is_lost(
    tmp_path: Path,
) -> None:
    outcome = chaos(tmp_path, 1, 220, len(FAULTS), 0.1, "requote=0.05,lost_reply=0.05,partial=0.05")
    assert outcome.verdict.breaches == []
    assert set(outcome.struck) >= set(FAULTS)
    assert outcome.commands >= 200
