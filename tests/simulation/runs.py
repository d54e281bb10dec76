"""Runs a seed and judges it: `python -m tests.simulation.runs SEED …` runs seeds alone."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from onefill.terminal import port
from onefill.terminal.simulator.entries import Scheduled, Troubled, WentOffline
from tests.simulation.finished import Finished, finish
from tests.simulation.invariants import breaches
from tests.simulation.outage import Outage
from tests.simulation.plan import Plan, plan_of
from tests.simulation.watch import Send
from tests.simulation.world import World

_LOST, _IPC_TIMEOUT = -10002, -10005
_REFUSALS = {10004: "requote", 10006: "reject"}


@dataclass(slots=True)
class Report:
    """What a run came to: how often each step, point and fault occurred, and what was wrong."""

    seed: int
    breaches: list[str]
    #: The hash of the journal's last record: equal heads, equal records.
    head: str = ""
    orders: int = 0
    sends: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    died: Counter[str] = field(default_factory=Counter)

    def told(self) -> str:
        """The breaches, and how to see them again."""
        lines = "\n  ".join(self.breaches[:8])
        return f"seed {self.seed}: python -m tests.simulation.runs {self.seed}\n  {lines}"


def run(plan: Plan, synchronous: str = "") -> Report:
    """Run a plan to its end and judge it. With `synchronous`, deaths are power cuts.

    An engine that fails by itself, rather than being killed, is a breach too.
    """
    if synchronous:  # nothing keeps two engines apart on such a disk: it has no locks
        plan = replace(plan, aims=tuple(replace(aim, stalls=False) for aim in plan.aims))
    with tempfile.TemporaryDirectory(dir=_fast_folder()) as folder:
        world = World(plan, Path(folder))
        with Outage(world, synchronous) if synchronous else world:
            try:
                world.run()
                finished = finish(world)
            except Exception as failure:  # noqa: BLE001 - whatever it is, it is told
                return Report(plan.seed, [*world.watch.breaches, _failure(failure)])
            return _report(finished)


def run_seed(seed: int) -> Report:
    """The same of a seed's plan."""
    return run(plan_of(seed))


def _fast_folder() -> str | None:
    """A folder in memory, where the machine has one: a run syncs hundreds of times."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() else None


def _failure(failure: Exception) -> str:
    last = traceback.extract_tb(failure.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    return f"the engine failed: {type(failure).__name__} at {where}: {failure}"


def _report(finished: Finished) -> Report:
    world = finished.world
    return Report(
        seed=world.plan.seed,
        breaches=breaches(finished),
        head=finished.records[-1].hash.hex(),
        orders=len(world.plan.decisions),
        sends=len(world.watch.sends),
        steps=Counter(f"{before} → {after}" for before, after in finished.steps),
        faults=Counter(_faults(finished)),
        reached=world.watch.reached,
        died=world.watch.died,
    )


def _faults(finished: Finished) -> Iterable[str]:
    """Each fault that really struck."""
    truth = finished.truth
    for entry in truth.entries:
        if isinstance(entry, Scheduled):
            yield "late_execution"
        elif isinstance(entry, WentOffline):
            yield "disconnect"
        elif isinstance(entry, Troubled):
            yield entry.kind
    for request in truth.requests:
        if request.retcode in _REFUSALS:
            yield _REFUSALS[request.retcode]
    for ticket, order in truth.orders.items():
        filled = order.volume_initial - order.volume_current
        if ticket in truth.sent_as and not truth.token_shows(ticket):
            yield "rewritten_comment"
        if order.hidden_ms:
            yield "stale_history"
        if order.state == port.STATE_REJECTED:
            yield "activation_reject"
        if order.type <= port.TYPE_SELL and order.state == port.STATE_CANCELED:
            yield "partial" if filled else "early_cancel"
    for send in finished.world.watch.sends:
        if (kind := _silence(finished, send)) is not None:
            yield kind


def _silence(finished: Finished, send: Send) -> str | None:
    """The fault that kept a reply away."""
    error = _LOST if send.answered is None else send.answered.error[0]
    if error not in (_LOST, _IPC_TIMEOUT):
        return None
    request = send.request
    trade = request.arguments["request"]
    kind = finished.world.plan.faults.mishap(trade, request.key, request.attempt).kind
    if error == _IPC_TIMEOUT:
        return None if kind == "late_execution" else "ipc_timeout"
    return kind if kind in ("hang", "lost_reply") else None


def main() -> int:
    """Run the seeds named on the command line, each alone."""
    failed = 0
    for seed in map(int, sys.argv[1:]):
        report = run_seed(seed)
        failed += bool(report.breaches)
        print(report.told() if report.breaches else f"seed {seed}: all is well")
        print(f"  {report.orders} orders, {report.sends} sends, {sum(report.died.values())} deaths")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
