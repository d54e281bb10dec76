"""A pool whose terminals are simulated in this process, and told to misbehave by the test."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from onefill.channels.local.broker import BrokerInterface
from onefill.channels.local.config import ExecutionEngineConfig
from onefill.channels.local.database import ExecutionDatabase
from onefill.channels.local.engine import ExecutionEngine, create_execution_engine
from onefill.channels.local.pool import MT5ConnectionPool
from onefill.channels.local.session import PooledSession
from onefill.model.errors import OnefillError
from onefill.replay.ticks import load_ticks, parse_source
from onefill.risk.limits import Limits
from onefill.runtime.clock import SystemClock
from onefill.terminal import port
from onefill.terminal.port import Reply, Request, SendResult
from onefill.terminal.session import Session
from onefill.terminal.simulator.live import LiveSimulator
from onefill.terminal.simulator.profile import load_profile
from onefill.terminal.simulator.terminal import SimulatedTerminal
from onefill.terminal.worker.process import WorkerProcess
from onefill.terminal.worker.terminal import WorkerTerminal

SERVER = "Onefill-Demo"
#: Bids now; asks are a pip above. They hold still for a minute.
QUOTES = {"EURUSD": "1.10000", "USDJPY": "150.000", "XAUUSD": "2000.00"}
_PIP = {"EURUSD": 0.0001, "USDJPY": 0.01, "XAUUSD": 0.1}
_DECIMALS = {"EURUSD": 5, "USDJPY": 3, "XAUUSD": 2}

QUICK: dict[str, Any] = {
    "call_deadline_seconds": 0.2,
    "lateness_bound_seconds": 0.05,
    "poll_interval_seconds": 0.02,
    "order_timeout_seconds": 0.2,
    "connection_patience_seconds": 0.3,
    "retry_backoff_seconds": 0.01,
}

Rule = Callable[[Request, Callable[[], Reply]], Reply]


class Doctored(WorkerTerminal):
    """A simulated terminal behind rules: a rule for a call sees it, and answers in its place."""

    def __init__(self, home: Path, login: int) -> None:
        super().__init__(_no_worker, SystemClock())
        profile_file = home / f"{login}.toml"
        profile_file.write_text(f'[broker]\nlogin = {login}\nserver = "{SERVER}"\n')
        self.profile = profile = load_profile(profile_file)
        now_ms = time.time_ns() // 1_000_000
        sources = []
        for symbol, bid in QUOTES.items():
            ask = float(bid) + _PIP[symbol]
            file = home / f"{symbol}.csv"
            rows = [f"{now_ms + 250 * n},{bid},{ask:.{_DECIMALS[symbol]}f}" for n in range(-4, 240)]
            file.write_text("\n".join(["time_msc,bid,ask", *rows]) + "\n")
            sources.append(parse_source(str(file)))
        loaded = load_ticks(sources, lambda name: profile.symbol(name).digits, None, False)
        self.simulated = SimulatedTerminal(profile, loaded.series, book=home / f"{login}.book")
        self._live = LiveSimulator(self.simulated, SystemClock())
        self.rules: dict[str, Rule] = {}
        self.asked: list[Request] = []
        self.down = ""

    async def start(self) -> None:
        if self.down:
            raise OnefillError("WORKER_NOT_STARTED", self.down)

    async def call(self, request: Request) -> Reply:
        self.asked.append(request)
        if self.down:
            return Reply(None, (port.NO_WORKER, self.down))
        rule = self.rules.get(request.name)
        if request.name == "symbols" and rule is None:
            return Reply(tuple(self.profile.specifications))  # as a worker tells it
        if rule is None:
            return await self._live.call(request)
        made: list[Reply] = []

        def really() -> Reply:
            reply = self.simulated.call(request, self.simulated.now_ms)
            assert isinstance(reply, Reply)
            made.append(reply)
            return reply

        self._live._catch_up()
        return rule(request, really)

    async def close(self) -> None:
        self._live.close()
        self.simulated.close()

    # Words for tests.

    @property
    def sent(self) -> list[Request]:
        """The orders that reached the broker."""
        return [one for one in self.asked if one.name == "order_send"]

    def change(self, call: str, **fields: Any) -> None:
        """The call's answer, with other fields."""

        def rule(request: Request, really: Callable[[], Reply]) -> Reply:
            reply = really()
            if reply.value is None:
                return reply
            return Reply(msgspec.structs.replace(reply.value, **fields), reply.error)

        self.rules[call] = rule

    def answer(self, call: str, *replies: Reply) -> None:
        """These answers in turn, and then the true ones; nothing is carried out for them."""
        left = list(replies)

        def rule(request: Request, really: Callable[[], Reply]) -> Reply:
            return left.pop(0) if left else really()

        self.rules[call] = rule

    def retcodes(self, *codes: int) -> None:
        """Refusals in turn, then the true answers."""
        self.answer("order_send", *[Reply(SendResult(retcode=code)) for code in codes])


async def _no_worker() -> WorkerProcess:
    raise AssertionError("no process is started here")


class InProcess(PooledSession):
    """A session over a terminal of this process."""

    home: Path
    #: Why its terminal does not start; empty: it does.
    down = ""

    def _make_terminal(self) -> WorkerTerminal:
        terminal = Doctored(self.home, self.config.login)
        terminal.down = self.down
        return terminal


class Desk:
    """A pool of such sessions and an engine over it."""

    def __init__(
        self, home: Path, *names: str, limits: Limits | str | Path | None = None, **config: Any
    ) -> None:
        self.home = home
        kind = type("InThisProcess", (InProcess,), {"home": home})
        pool_kind = type("Pool", (MT5ConnectionPool,), {"session_class": kind})
        self.pool: MT5ConnectionPool = pool_kind(
            {
                name: Session(name=name, login=1_000_001 + number, server=SERVER)
                for number, name in enumerate(names or ("main",))
            },
            tuple(QUOTES),
            home / "logs",
            fences=home / "fences",
        )
        self.broker = BrokerInterface(connection_pool=self.pool)
        self.limits = limits
        self.config = ExecutionEngineConfig(**{**QUICK, **config})
        self.engine = self.make_engine()

    def make_engine(self) -> ExecutionEngine:
        """An engine over the desk's journal."""
        return create_execution_engine(
            self.broker, ExecutionDatabase(self.home / "journal"), self.config, self.limits
        )

    def restart(self) -> ExecutionEngine:
        """End the engine and make the next one."""
        self.engine.close()
        self.engine = self.make_engine()
        return self.engine

    def terminal(self, name: str = "main") -> Doctored:
        """A session's terminal, connected."""
        self.pool.connect()
        terminal = self.pool.sessions[name].terminal
        assert isinstance(terminal, Doctored)
        return terminal

    def session(self, name: str = "main") -> InProcess:
        """A session, connected or not."""
        session = self.pool.sessions[name]
        assert isinstance(session, InProcess)
        return session

    def log(self, name: str = "main") -> str:
        """What a session's log holds."""
        return (self.home / "logs" / f"{name}.log").read_text()

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.close()


def decision(
    order_id: str | None = "k-1",
    units: Any = 10_000,
    direction: Any = 1,
    symbol: Any = "EURUSD",
    status: Any = "APPROVED",
    halted: bool = False,
    **more: Any,
) -> SimpleNamespace:
    """What the risk and portfolio manager hands over."""
    trade = SimpleNamespace(
        symbol=symbol,
        direction=direction,
        position_units=units,
        confidence_score=0.8,
        regime="trend",
        risk_per_trade=0.01,
        **more,
    )
    return SimpleNamespace(
        decision=SimpleNamespace(
            status=status, approved_trade=trade, rejected_trade=None, order_id=order_id
        ),
        portfolio_state=SimpleNamespace(trading_halted=halted),
        rpm_version="1.0",
    )
