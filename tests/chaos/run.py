"""A run of the fleet through chaos, from its start to the judge's word."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.fleet import DAY_MS, Fleet
from tests.chaos.strategy import Strategy
from tests.chaos.verdict import Verdict, judge
from tests.chaos.weather import Weather

HOUR_MS = 3_600_000


@dataclass
class Outcome:
    """What a run came to."""

    verdict: Verdict
    struck: Counter[str]
    #: What the wire did to frames and connections.
    on_wire: Counter[str]
    seconds: float

    @property
    def commands(self) -> int:
        """Orders that the gateway took."""
        return self.verdict.states.total()


@contextmanager
def trading(fleet: Fleet, seed: int, least: int, pause_s: float) -> Iterator[list[Strategy]]:
    """Every account trades while the block lasts, and until it has made so many decisions."""
    strategies = [Strategy(fleet.client, account, seed) for account in fleet.accounts]
    over = threading.Event()
    with ThreadPoolExecutor(len(strategies)) as threads:
        share = least // len(strategies)
        work = [threads.submit(one.trade, share, pause_s, over) for one in strategies]
        try:
            yield strategies
        finally:
            over.set()
        for one in work:
            one.result()


def chaos(
    home: Path,
    seed: int,
    commands: int,
    faults: int,
    pause_s: float,
    at_brokers: str,
    misuse: float = 0.0,
) -> Outcome:
    """Two accounts trade until all faults struck and all commands were given; then all settles.
    `misuse`: how likely the wire repeats a frame, and swaps it, all the time."""
    began = time.monotonic()
    with Fleet(home, seed, at_brokers) as fleet:
        weather = Weather(fleet, seed, misuse)
        with trading(fleet, seed, commands, pause_s) as strategies:
            weather.go_on(faults)
        fleet.in_contact()
        fleet.settled()
    verdict = judge(fleet, strategies)
    return Outcome(verdict, weather.struck, fleet.wire.done, time.monotonic() - began)


def a_day_away(home: Path, seed: int, commands: int, accounts: int = 2) -> Outcome:
    """The agent dies, a day passes by the gateway's clock while commands are given, and then the
    agent is there again."""
    began = time.monotonic()
    with Fleet(home, seed, accounts=accounts) as fleet:
        strategies = [Strategy(fleet.client, account, seed) for account in fleet.accounts]
        fleet.agent.kill()
        for one in strategies:
            one.now_ms = fleet.gateway_clock.now_ms
            one.lives_ms = range(HOUR_MS, 2 * DAY_MS, HOUR_MS)
        for hour in range(24):
            for one in strategies:
                one.decide_up_to(commands * (hour + 1) // (24 * len(strategies)))
            fleet.gateway_clock.set((hour + 1) * HOUR_MS)
            if (
                hour == 12
            ):  # what it keeps for a client that is away, it keeps through its own death
                fleet.gateway.kill()
                fleet.gateway.start()
                fleet.gateway.first_line()
        fleet.a_day_passes()
        fleet.settled()
    struck = Counter({"agent away for a day": 1, "gateway killed": 1})
    verdict = judge(fleet, strategies)
    return Outcome(verdict, struck, fleet.wire.done, time.monotonic() - began)
