"""One simulated run: a broker that outlives engines, engines that die and are started again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from onefill.execution.desk import Desk
from onefill.execution.drivers.stepwise import StepwiseDriver
from onefill.execution.stages.submit import Fenced
from onefill.journal.errors import JournalFailed
from onefill.journal.journal import Journal
from onefill.model.events import Began
from onefill.model.intent import OrderIntent
from onefill.runtime.clock import VirtualClock
from onefill.terminal.port import Reply, Request
from onefill.terminal.simulator.profile import load_profile
from onefill.terminal.simulator.terminal import SimulatedTerminal
from tests.simulation.deaths import Deaths
from tests.simulation.gate import SeededGate
from tests.simulation.people import decide_quarantined, trade_as_stranger, trade_as_twin
from tests.simulation.plan import START_MS, Aim, Plan
from tests.simulation.watch import ACCOUNT, TENANT, Watch, WatchedLog, WatchedTerminal

_MOST_LIVES = 40


class Died(BaseException):
    """The engine's process is gone: nothing after this instant happened in it."""


@dataclass(slots=True)
class Engine:
    """One engine's life: everything that dies with its process."""

    journal: Journal
    log: WatchedLog
    driver: StepwiseDriver
    booted: bool = False


@dataclass(slots=True)
class World:
    """A run from its plan to its end. `directory` holds the journal and the broker's book."""

    plan: Plan
    directory: Path
    journal_options: dict[str, Any] = field(default_factory=dict)
    #: Called at the instant of a death, and before the next start: what befalls the machine.
    at_death: Callable[[], None] = lambda: None
    between_lives: Callable[[], None] = lambda: None
    watch: Watch = field(default_factory=Watch)
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START_MS))
    terminal: SimulatedTerminal = field(init=False)
    gate: SeededGate = field(init=False)
    _replies: dict[int, Reply] = field(default_factory=dict)
    _deaths: Deaths = field(init=False)
    #: What made the last engine die.
    _last_aim: Aim | None = None
    _died_at: str = ""
    _quarantined_seen: int = 0
    _twinned: set[str] = field(default_factory=set)
    _journals: list[Journal] = field(default_factory=list)
    #: Another engine writes the same journal, or did until just now.
    _contested: bool = False
    _successor: Engine | None = None

    def __post_init__(self) -> None:
        self._deaths = Deaths(self.plan)
        self.gate = SeededGate(self.plan.seed, self.clock, self.plan.gate)
        self.terminal = self._open_terminal()

    def run(self) -> None:
        """Lives one after the other, until nothing is due and nobody decides anything more."""
        while True:
            assert self.watch.lives < _MOST_LIVES, "the engine is started again and again"
            successor, self._successor = self._successor, None
            try:
                engine = successor or self._start()
                self._live(engine)
                engine.journal.close()
            except Died as point:
                self._died_at = str(point)
                self.watch.died[self._died_at] += 1
            except (JournalFailed, Fenced) as failure:
                if not self._contested:
                    raise
                self.watch.died[failure.code] += 1
            else:
                if not self._contested and not self._decided():
                    return
            self._end_of_life()

    def close(self) -> None:
        """Let go of everything, however the run ended."""
        for journal in self._journals:
            journal.abandon()
        self._journals.clear()
        self.terminal.close()

    def __enter__(self) -> World:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _live(self, engine: Engine) -> None:
        if not engine.booted:
            engine.driver.boot()
        end_ms = max(int(market.time_ms[-1]) for market in self.plan.markets)
        engine.driver.run(self._arrivals(), end_ms)

    def _end_of_life(self) -> None:
        """What happens to the machine until an engine runs again."""
        self._deaths.suspended = False
        if self._successor is not None:  # it runs already; a zombie has ended
            self._journals.pop(0).abandon()
            return
        for journal in self._journals:
            journal.abandon()
        self._journals.clear()
        self._contested = False
        aim, self._last_aim = self._last_aim, None
        self.between_lives()
        if self._died_at.startswith("broker:") or (aim is not None and aim.with_terminal):
            self.terminal.close()
            self._replies.clear()
            self.terminal = self._open_terminal()
        if aim is not None:
            self._pass(self.clock.now_ms() + aim.down_ms)
        self._decided()

    def _decided(self) -> bool:
        return bool(self.plan.operator) and decide_quarantined(
            self.plan, self.directory, self.clock, self.journal_options
        )

    def _pass(self, to_ms: int) -> None:
        """Time goes by at the broker while no engine looks."""
        while self.clock.now_ms() < to_ms:
            self.clock.advance(self.terminal.advance(to_ms))

    def _arrivals(self) -> Iterator[tuple[int, OrderIntent]]:
        """Decisions in order of arrival; a door delivers again what was not answered."""
        first: dict[str, OrderIntent] = {}
        strangers = [at_ms for at_ms in self.plan.strangers if at_ms >= self.clock.now_ms()]
        for decision in self.plan.decisions:
            while strangers and strangers[0] <= decision.at_ms:
                trade_as_stranger(self.terminal, strangers.pop(0), self.clock.now_ms(), self.plan)
            known = first.setdefault(decision.intent.client_key, decision.intent)
            in_the_past = decision.at_ms < self.clock.now_ms()
            if in_the_past and self.watch.is_answered(decision.intent, known):
                continue
            yield decision.at_ms, decision.intent

    def _start(self) -> Engine:
        """A new process: the journal as it is found, an epoch of its own, the broker fenced."""
        watch = self.watch
        self._deaths.new_life()
        watch.lives += 1
        journal = Journal.open(
            self.directory, hook=self._hook, snapshot_every=97, **self.journal_options
        )
        self._journals.append(journal)
        watch.survived(journal)
        log = WatchedLog(journal, watch, self.clock, self.plan.disk_ms)
        if not journal.state(ACCOUNT).records:
            log.append(ACCOUNT, Began(made_from={"seed": str(self.plan.seed)}), START_MS)
            log.flush()
        epoch = journal.take_epoch(ACCOUNT)
        watch.epoch = epoch
        self.terminal.fence(epoch)
        desk = self._desk(journal, epoch)
        terminal = WatchedTerminal(
            self.terminal, self._replies, watch, lambda request: self._before_call(desk, request)
        )
        driver = StepwiseDriver(
            desk, log, terminal, self.clock, lambda what: watch.told(journal, what), self._hook
        )
        return Engine(journal, log, driver)

    def _desk(self, journal: Journal, epoch: int) -> Desk:
        return Desk(
            tenant=TENANT,
            account=ACCOUNT,
            login=self.terminal.login,
            server=self.terminal.server,
            state=journal.state(ACCOUNT),
            find=lambda key: journal.find(ACCOUNT, key),
            limits=self.plan.limits,
            clock=self.clock,
            epoch=epoch,
            config=self.plan.config,
            gate=self.gate,
        )

    def _before_call(self, desk: Desk, request: Request) -> None:
        """Nothing that raises risk passes a closed gate. Where the plan has twins, one of them
        trades right before an order is sent first."""
        if request.name == "order_send" and self.gate.closed:
            order = desk.state.orders.get(request.key)
            if order is not None and order.intent.raises_risk:
                self.watch.breach(f"{request.key!r} was sent through a closed gate")
        if not self.plan.twins or request.name != "ready" or request.key in self._twinned:
            return
        self._twinned.add(request.key)
        for decision in self.plan.decisions:
            if decision.intent.client_key == request.key:
                trade_as_twin(self.terminal, decision.intent, self.clock.now_ms())
                return

    def _open_terminal(self) -> SimulatedTerminal:
        return SimulatedTerminal(
            load_profile(None),
            {market.symbol: market for market in self.plan.markets},
            currency="USD",
            balance=10_000.0,
            leverage=100,
            book=self.directory / "broker.log",
            faults=self.plan.faults,
            hook=self._hook,
        )

    def _hook(self, point: str) -> None:
        self.watch.reached[point] += 1
        self.gate.at(point)
        if point == "tell:confirm:after" and self._operator_stops_it():
            self._die("operator")
        aim = self._deaths.due(point)
        if aim is None:
            return
        if not aim.stalls:
            self._last_aim = aim
            self._die(point)
        if point.startswith("broker:"):
            return  # past the last look at the epoch: the window that is documented
        self.watch.died[f"stalled at {point}"] += 1
        self._take_over()

    def _die(self, point: str) -> NoReturn:
        self.at_death()
        raise Died(point)

    def _operator_stops_it(self) -> bool:
        """Somebody who errs does so at once, before evidence can come."""
        quarantined = self.watch.alarms["QUARANTINED"]
        seen, self._quarantined_seen = self._quarantined_seen, quarantined
        return self.plan.operator == "wrong" and quarantined > seen and self._successor is None

    def _take_over(self) -> None:
        """Another engine starts while this one stalls, which goes on afterwards: a zombie.

        It has lost its lock (a lock on a network share can be), so that only epochs are between.
        """
        self._journals[-1]._lock.release()
        self._contested = self._deaths.suspended = True
        successor = self._start()
        successor.driver.boot()
        successor.booted = True
        self._successor = successor
