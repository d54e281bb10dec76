"""The way of a decision through real processes: HTTP to the gateway, WebSocket to the agent, a
simulated terminal in a worker, and back; beside a bare prototype of the same processes, wires and
fsynced commits (`bench_gateway_bare`), in turns with it.

A delivery is counted from when the decision was due to be sent until its command was decoded at the
agent: the request's way to the gateway, and the commit that accepts it, are in it. A result is
counted until the answer, which waits for the fill, was read.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import TypeVar

import msgspec

from benchmarks.bench_gateway_bare import AGENT_COMMITS, GATEWAY_COMMITS
from benchmarks.bench_gateway_driver import Asked, Driver, Notes
from benchmarks.report import Row, print_rows
from onefill.cli.demo_processes import Child, python
from onefill.client.client import Client
from onefill.gateway.identity.opening import open_identity
from onefill.gateway.identity.secret_files import SecretFiles
from onefill.gateway.identity.setup import first_setup
from onefill.runtime.clock import SystemClock
from onefill.runtime.collector import calm_collector

T = TypeVar("T")
#: So that the processes find these modules, wherever this is started.
_HERE = {
    "PYTHONPATH": os.pathsep.join(
        filter(None, (str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH")))
    )
}
_ACCOUNT, _SERVER, _BROKER = "7310042", "Onefill-Demo", "Onefill Simulated Broker"
_PATIENCE_S = 30.0
_QUOTE_MS, _MARKET_MIN = 100, 30
_BALANCE = 1_000_000_000
#: In flight at once, for the throughput.
_SLOTS = 100
#: A close comes so many decisions after its open at 200/s: by then it is filled.
_BEHIND = 101
_FLOOR = "bare prototype"
_CALM, _BUSY = 1.0, 200.0


def run(quick: bool) -> list[Row]:
    """At 1/s (both at a time, half a second apart), at 200/s and with 100 in flight, in turns."""
    calm_collector()
    calm, turns, busy, flood = (8, 3, 600, 1_000) if quick else (60, 6, 2_000, 5_000)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        with _onefill(home / "onefill") as ours, _prototype(home / "bare") as bare:
            for one in (ours, bare):  # what is done once is done
                one.at_once(_SLOTS)
            _together(ours, bare, lambda one: one.timed(_CALM, calm))
            for _ in range(turns):
                for one in (ours, bare):
                    one.timed(_BUSY, busy)
                    one.close_all()
            for _ in range(turns):
                for one in (ours, bare):
                    one.at_once(flood // turns)
                    one.close_all()
        return _rows(ours, bare)


@dataclass(slots=True)
class _System:
    """What is driven: its decisions so far, and what its processes noted when they ended."""

    driver: Driver
    notes: list[Path]
    asked: dict[float, list[Asked]] = field(default_factory=dict)
    rates: list[float] = field(default_factory=list)
    made: int = 0

    def timed(self, rate: float, count: int) -> None:
        """So many decisions a second: opens, and closes of what they opened."""
        first, self.made = self.made, self.made + count
        behind = _BEHIND if rate > _CALM else 1
        bodies = [_decision(first, place, behind) for place in range(count)]
        self.asked.setdefault(rate, []).extend(self.driver.timed(rate, bodies))

    def at_once(self, count: int) -> None:
        """Every slot opens, and closes what it opened, again and again."""
        first, self.made = self.made, self.made + 1

        def body_of(slot: int, turn: int) -> tuple[str, bytes]:
            key = f"f{first}-{slot}-{turn}"
            return key, _body(key, f"f{first}-{slot}-{turn - 1}" if turn % 2 else "")

        rate, asked = self.driver.at_once(_SLOTS, count, body_of)
        self.rates.append(rate)
        self.asked.setdefault(0.0, []).extend(asked)

    def close_all(self) -> None:
        """Begin the next turn with an account that holds nothing; not counted."""
        first, self.made = self.made, self.made + 1
        body = {"client_key": f"all{first}", "mt5_account": _ACCOUNT, "action": "close_all"}
        self.driver.timed(
            _CALM, [(f"all{first}", msgspec.json.encode({**body, "auto_execute": True}))]
        )

    @property
    def rate(self) -> float:
        """A second, of all but the first turn."""
        return sum(self.rates[1:]) / len(self.rates[1:])

    def delivered_ms(self, rate: float) -> list[float]:
        """From due to at the agent."""
        came = self._noted(1).came_ns
        return [(came[one.key] - one.due_ns) / 1e6 for one in self.asked[rate] if one.key in came]

    def answered_ms(self, rate: float) -> list[float]:
        """From due to answered."""
        return [(one.answered_ns - one.due_ns) / 1e6 for one in self.asked[rate]]

    def commits(self, place: int) -> float:
        """Of a decision that is alone, as one process (0: gateway, 1: agent) noted them."""
        alone = self.asked[_CALM]
        begin, end = alone[0].due_ns, alone[-1].due_ns + int(0.5e9)
        flushed = self._noted(place).flushed_ns
        return sum(begin <= at < end for at in flushed) / len(alone)

    def unfilled(self) -> list[bytes]:
        """Answers that tell of no fill: there should be none."""
        every = [one.answer for each in self.asked.values() for one in each]
        return [answer for answer in every if b'"status":"filled"' not in answer]

    def _noted(self, place: int) -> Notes:
        return msgspec.json.decode(self.notes[place].read_bytes(), type=Notes)


def _decision(first: int, place: int, behind: int) -> tuple[str, bytes]:
    """Even places open; odd ones close what was opened `behind` places before, if it was."""
    key = f"t{first}-{place}"
    opened = place - behind
    return key, _body(key, f"t{first}-{opened}" if place % 2 and opened >= 0 else "")


def _body(key: str, target: str) -> bytes:
    what = (
        {"action": "close", "target": target}
        if target
        else {"symbol": "EURUSD", "side": "buy", "volume": 0.01, "stop_loss": 1.05, "deviation": 20}
    )
    more = {"confidence_score": 0.8, "reason": "a benchmark", "auto_execute": True}
    return msgspec.json.encode({"client_key": key, "mt5_account": _ACCOUNT, **what, **more})


def _together(one: _System, other: _System, work: Callable[[_System], None]) -> None:
    beside = threading.Thread(target=work, args=(other,))
    threading.Timer(0.5, beside.start).start()
    work(one)
    time.sleep(1.0)
    beside.join()


# Results.


def _rows(ours: _System, bare: _System) -> list[Row]:
    lost = ours.unfilled()
    if lost:
        print(f"NOT FILLED: {len(lost)} decisions; the first: {lost[0].decode()}")
    print(
        f"fsynced commits of a decision: {ours.commits(0):.1f} at the gateway and "
        f"{ours.commits(1):.1f} at the agent; the prototype's {sum(GATEWAY_COMMITS)} and "
        f"{sum(AGENT_COMMITS)}"
    )
    rows = []
    for rate in (_CALM, _BUSY):
        ways = {
            "decision -> command at the agent": _System.delivered_ms,
            "decision -> result back": _System.answered_ms,
        }
        for what, times_of in ways.items():
            mine, least = times_of(ours, rate), times_of(bare, rate)
            for word, share in (("p50", 500), ("p99", 990), ("p99.9", 999)):
                if share == 500 or len(mine) * (1_000 - share) >= 1_000:
                    rows.append(
                        Row(f"{what}, {rate:g}/s, {word}", _at(mine, share), "ms",
                            _FLOOR, _at(least, share))
                    )  # fmt: skip
            if len(mine) < 100:
                rows.append(
                    Row(f"{what}, {rate:g}/s, worst of {len(mine)}", max(mine), "ms",
                        _FLOOR, max(least))
                )  # fmt: skip
    rows.append(
        Row(f"decisions to results, {_SLOTS} in flight", ours.rate, "orders/s", _FLOOR, bare.rate)
    )
    return rows


def _at(times: list[float], share: int) -> float:
    """A quantile, in thousandths."""
    return quantiles(times, n=1_000, method="inclusive")[share - 1]


# The processes.


@contextmanager
def _onefill(home: Path) -> Iterator[_System]:
    home.mkdir()
    identity = open_identity(home / "gateway", SystemClock())
    made = first_setup(identity, account=_ACCOUNT, server=_SERVER, broker=_BROKER, by="a bench")
    identity.close()
    SecretFiles(home / "keys").write("agent", made.client_token.encode())
    _write_files(home)
    with ExitStack() as ending:

        def child(name: str, *words: str) -> Child:
            noted = python("-m", "benchmarks.bench_gateway_noted", str(home / f"{name}.json"))
            return ending.enter_context(
                Child(name, [*noted, name, *words], home, environment=_HERE)
            )

        gateway = child(
            "gateway",
            *("--config", str(home / "gateway.toml"), "--data", str(home / "gateway")),
            *("--port", "0", "--json"),
        )
        url: str = _awaited(gateway, gateway.first_line)["url"]
        agent = child(
            "agent",
            *("--gateway", url.replace("http", "ws", 1), "--data", str(home / "agent")),
            *("--token-file", str(home / "keys/agent"), "--json"),
            *("--terminals", str(home / "terminals.toml")),
        )
        with Client(url, key=made.key) as client:
            _awaited(agent, lambda: any(one.connected for one in client.accounts()) or None)
            _awaited(agent, lambda: client.positions().positions == [] or None)
        system = _System(Driver(url, made.key), [home / "gateway.json", home / "agent.json"])
        yield system
        system.driver.close()


def _write_files(home: Path) -> None:
    """The gateway without limits on calls, for one address and key makes all of them here; the
    agent's terminal in a worker, its broker without latency, its market a quote each 100 ms."""
    (home / "gateway.toml").write_text(
        "[api]\n"
        + "".join(
            f"{name} = {{ per_s = 1e6, burst = 1_000_000 }}\n"
            for name in ("per_ip", "per_key", "per_tenant")
        )
    )
    now_ms = time.time_ns() // 1_000_000
    quotes = ["time_msc,bid,ask"]
    for number in range(_MARKET_MIN * 60_000 // _QUOTE_MS):
        bid = 1.1 + number % 2 / 100_000
        quotes.append(f"{now_ms + number * _QUOTE_MS},{bid:.5f},{bid + 0.0001:.5f}")
    (home / "EURUSD.csv").write_text("\n".join([*quotes, ""]))
    (home / "broker.toml").write_text(f"[broker]\nbalance = {_BALANCE}\n")
    (home / "terminals.toml").write_text(
        f"""[sessions.main]
terminal_path = "simulated:{home / "broker.toml"}"
login = {_ACCOUNT}
server = "{_SERVER}"
time_zone = "UTC"
ticks = ["{home / "EURUSD.csv"}"]
state = "{home / "broker.book"}"

[files]
logs = "logs"
"""
    )


@contextmanager
def _prototype(home: Path) -> Iterator[_System]:
    home.mkdir()
    with ExitStack() as ending:

        def child(name: str, *words: str) -> Child:
            bare = python("-m", "benchmarks.bench_gateway_bare", name, *words)
            return ending.enter_context(Child(name, bare, home, environment=_HERE))

        gateway = child("gateway", str(home))
        url: str = _awaited(gateway, gateway.first_line)["url"]
        agent = child("agent", str(home), url, str(home / "agent.json"))
        _awaited(agent, agent.first_line)
        system = _System(Driver(url, "k" * 40), [home / "none.json", home / "agent.json"])
        yield system
        system.driver.close()


def _awaited(child: Child, look: Callable[[], T | None]) -> T:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        found = look()
        if found is not None:
            return found
        child.check()
        time.sleep(0.05)
    raise TimeoutError(f"the {child.name} is not ready; {child.log.read_text()}")


if __name__ == "__main__":
    print_rows(run(quick="quick" in sys.argv))
