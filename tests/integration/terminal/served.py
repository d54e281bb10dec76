"""Served brokers for the tests of workers: real processes that outlive whoever is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from onefill.channels.local.broker import BrokerInterface
from onefill.channels.local.config import ExecutionEngineConfig
from onefill.channels.local.database import ExecutionDatabase
from onefill.channels.local.engine import ExecutionEngine, create_execution_engine
from onefill.channels.local.pool import MT5ConnectionPool
from onefill.terminal.session import Session
from onefill.terminal.simulator.book import read_book
from onefill.terminal.simulator.entries import Dealt, Held
from tests.contract.ports import market

#: Where there are none, the tests that send them are skipped.
KILL, STOP, CONTINUE = (
    getattr(signal, name, signal.SIGTERM) for name in ("SIGKILL", "SIGSTOP", "SIGCONT")
)

#: So quick that a lost order is proven within seconds.
QUICK = ExecutionEngineConfig(
    call_deadline_seconds=2.0,
    lateness_bound_seconds=1.0,
    poll_interval_seconds=0.1,
    connection_patience_seconds=30.0,
    retry_backoff_seconds=0.1,
)


class ServedBroker:
    """`onefill broker serve` on a market that holds still, with a latency each way."""

    def __init__(self, home: Path, login: int, latency_ms: int = 0, terms: str = "") -> None:
        """`terms`: what else its profile says, in lines of [broker] and in tables after it."""
        self.login, self.home = login, home / str(login)
        self.home.mkdir()
        profile = self.home / "profile.toml"
        profile.write_text(f"[broker]\nlogin = {login}\nlatency_ms = {latency_ms}\n{terms}")
        self.book, self._token = self.home / "broker.book", self.home / "token"
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "onefill", "broker", "serve", "--profile", str(profile),
                "--ticks", str(market(home)), "--listen", "127.0.0.1:0", "--token-file",
                str(self._token), "--state", str(self.book), "--speed", "real", "--json",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def session(self, name: str) -> Session:
        """A session of its account, once it listens."""
        assert self.process.stdout is not None
        told = json.loads(self.process.stdout.readline())
        return Session(
            name=name,
            login=self.login,
            server=told["server"],
            terminal_path=f"broker://{told['address']}",
            token=self._token.read_text().strip(),
        )

    def stop(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.send_signal(CONTINUE)
            self.process.terminate()
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def positions(self) -> list[Held]:
        """Its open positions, read from its own book."""
        held = {row.ticket: row for row in read_book(self.book) if isinstance(row, Held)}
        return [row for row in held.values() if row.volume]

    def deals(self) -> list[Dealt]:
        """Its deals but for the deposit."""
        return [row for row in read_book(self.book) if isinstance(row, Dealt) and row.order]


def pool_of(home: Path, *sessions: Session) -> MT5ConnectionPool:
    """A pool whose locks and logs lie in the test's folder."""
    return MT5ConnectionPool(
        {one.name: one for one in sessions}, ["EURUSD"], home / "logs", fences=home / "fences"
    )


def engine_on(pool: MT5ConnectionPool, journal: Path) -> ExecutionEngine:
    """An engine that gives up quickly."""
    return create_execution_engine(
        BrokerInterface(connection_pool=pool), ExecutionDatabase(journal), QUICK
    )


def decision(
    order_id: str | None = None, units: float = 10_000, direction: int = 1, **more: Any
) -> SimpleNamespace:
    """What the risk and portfolio manager hands over."""
    trade = SimpleNamespace(
        symbol=more.pop("symbol", "EURUSD"),
        direction=direction,
        position_units=units,
        confidence_score=0.8,
        regime="trend",
        risk_per_trade=0.01,
        **more,
    )
    return SimpleNamespace(
        decision=SimpleNamespace(
            status="APPROVED", approved_trade=trade, rejected_trade=None, order_id=order_id
        ),
        portfolio_state=SimpleNamespace(trading_halted=False),
        rpm_version="1.0",
    )
