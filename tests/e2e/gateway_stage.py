"""The parts of a trading desk as processes of their own, as their users start them: a gateway, an
agent, a broker, and peers that share no code with them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from onefill.client.client import Client
from onefill.contracts.rest import Order
from onefill.gateway.identity.opening import open_identity
from onefill.gateway.identity.setup import first_setup
from onefill.model.states import State
from onefill.runtime.clock import SystemClock
from onefill.terminal.simulator.book import read_book
from onefill.terminal.simulator.entries import Held
from tests.e2e.command import onefill
from tests.own_port import own_port

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
BROKER = "Foreign Markets"
SIMULATED = "Onefill Simulated Broker"
"""The company that a served broker says it is."""
FOREIGN_TOKEN = "head.eyJzdWIiOiAiYW5uYSJ9.seal"
"""A JWT by its looks, whose subject is anna."""


LOGIN = 1000001
LOW, HIGH, TURN_MS = 1.1, 1.101, 1_000
"""The market's bid, low and high in turn, and how long each lasts."""


def until(look: Callable[[], T | None], patience_s: float = PATIENCE_S, what: str = "") -> T:
    """What a look at last shows."""
    give_up = time.monotonic() + patience_s
    while time.monotonic() < give_up:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"it never came to be: {what}")


class Part:
    """A process. What it says, on either stream, is read as it comes: JSON objects in `said`, and
    all of it in `text`."""

    def __init__(self, *words: object, home: Path | None = None) -> None:
        home_is = {} if home is None else {"HOME": str(home), "USERPROFILE": str(home)}
        self.process = subprocess.Popen(
            [sys.executable, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            cwd=ROOT,
            env={**os.environ, **home_is, "PYTHONUNBUFFERED": "1"},
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def text(self) -> str:
        return "".join(self.lines)

    @property
    def said(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines[:] if line.startswith("{")]

    def hear(self, wanted: Callable[[dict[str, Any]], object], after: int = 0) -> dict[str, Any]:
        """The first thing of that kind that it says, among those after so many."""

        def look() -> dict[str, Any] | None:
            found = next((one for one in self.said[after:] if wanted(one)), None)
            assert found or self.process.poll() is None, self.text
            return found

        try:
            return until(look)
        except AssertionError:
            raise AssertionError(f"it never said so: {self.text[-3_000:]}") from None

    def tell(self, **what: Any) -> None:
        """A line on its input."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def end(self, how: int = signal.SIGTERM) -> int:
        """End it, and its status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.over()

    def over(self) -> int:
        """Its status, once it has ended."""
        status = self._closed()
        assert "Traceback" not in self.text, self.text
        return status

    def _closed(self) -> int:
        status = self.process.wait(30)
        self._reader.join(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        return status

    def __enter__(self) -> Part:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self._closed()
        if error is not None:
            print(self.text[-4_000:])


class GatewayProcess:
    """`onefill gateway` with a tenant, a user, the accounts named and their keys."""

    def __init__(self, home: Path, *accounts: str, config: str = "", broker: str = "") -> None:
        self.home, self.data = home, home / "gateway"
        self._config = home / "gateway.toml"
        self._config.write_text(config)
        ran = onefill(
            *("admin", "setup", "--json", "--data", self.data),
            *("--account", accounts[0], "--broker", broker),
        )
        made = json.loads(ran.out)
        self.key, self.tokens = made["key"], {accounts[0]: made["client_token"]}
        if accounts[1:]:
            identity = open_identity(self.data, SystemClock())
            for account in accounts[1:]:
                more = first_setup(identity, account=account, broker=broker, by="test")
                self.tokens[account] = more.client_token
            identity.close()
        self.key_file = self.private("trader.key", self.key)
        self.part: Part | None = None
        self.port = own_port()
        self.start()

    def private(self, name: str, text: str) -> Path:
        """A file that only its owner reads."""
        file = self.home / name
        file.touch(mode=0o600)
        file.write_text(text + "\n")
        return file

    def start(self) -> None:
        """Start it, on the same port as before."""
        self.part = Part(
            *("-m", "onefill", "gateway", "--json", "--config", self._config),
            *("--data", self.data, "--port", self.port),
        )
        self.url = str(self.part.hear(lambda one: "url" in one)["url"])

    def end(self, how: int = signal.SIGTERM) -> int:
        assert self.part is not None
        return self.part.end(how)

    @property
    def sockets(self) -> str:
        """Where its clients connect."""
        return self.url.replace("http", "ws", 1)

    def client(self) -> Client:
        return Client(self.url, key=self.key)

    def __enter__(self) -> GatewayProcess:
        return self

    def __exit__(self, *error: Any) -> None:
        if self.part is not None:
            self.part.__exit__(*error)


def becomes(client: Client, account: str, key: str, *states: State) -> Order:
    """An order, once it is in one of the states."""

    def look() -> Order | None:
        order = client.order(key, account=account)
        return order if order.status in states else None

    try:
        return until(look)
    except AssertionError:
        raise AssertionError(f"{client.order(key, account=account)}") from None


class ServedBroker:
    """`onefill broker serve` on a market that goes up and down, so that pending orders fill."""

    between = (LOW + HIGH) / 2

    def __init__(self, home: Path, *, minutes: int = 5) -> None:
        self.home, self.book = home, home / "broker.book"
        ticks = home / "EURUSD.csv"
        begins_ms = time.time_ns() // 1_000_000
        rows = ["time_msc,bid,ask"]
        for at_ms in range(0, minutes * 60_000, 100):
            bid = (HIGH if at_ms // TURN_MS % 2 == 0 else LOW) + at_ms // 100 % 2 / 100_000
            rows.append(f"{begins_ms + at_ms},{bid:.5f},{bid + 0.0001:.5f}")
        ticks.write_text("\n".join(rows) + "\n")
        self._token = home / "token"
        profile = home / "profile.toml"
        profile.write_text(f"[broker]\nlogin = {LOGIN}\n")
        self.part = Part(
            *("-m", "onefill", "broker", "serve", "--profile", profile, "--ticks", ticks),
            *("--listen", "127.0.0.1:0", "--token-file", self._token, "--state", self.book),
            *("--speed", "real", "--json"),
        )
        told = self.part.hear(lambda one: "address" in one)
        self.address, self.server = told["address"], told["server"]
        self.token = self._token.read_text().strip()

    def positions(self) -> list[Held]:
        """Its open positions, read from its own book."""
        held = {row.ticket: row for row in read_book(self.book) if isinstance(row, Held)}
        return [row for row in held.values() if row.volume]

    def __enter__(self) -> ServedBroker:
        return self

    def __exit__(self, *error: Any) -> None:
        self.part.process.terminate()
        self.part.over()


class AgentFiles:
    """What an agent is started with, on a served broker."""

    def __init__(self, home: Path, broker: ServedBroker, token: str = FOREIGN_TOKEN) -> None:
        self.home = home
        for name, text in (("agent.token", token), ("broker.token", broker.token)):
            (home / name).touch(mode=0o600)
            (home / name).write_text(text + "\n")
        (home / "terminals.toml").write_text(
            f"[sessions.main]\nlogin = {LOGIN}\nserver = '{broker.server}'\n"
            f"terminal_path = 'broker://{broker.address}'\ntoken_file = 'broker.token'\n"
            "[files]\nlogs = 'logs'\n[engine]\nlateness_bound_seconds = 0.5\n"
            "poll_interval_seconds = 0.1\ncall_deadline_seconds = 5\n"
        )

    def words(self, gateway: str) -> list[object]:
        """The command line."""
        return [
            "-m", "onefill", "agent", "--gateway", gateway, "--json",
            "--token-file", self.home / "agent.token",
            "--terminals", self.home / "terminals.toml", "--data", self.home / "data",
        ]  # fmt: skip

    def start(self, gateway: str, *more: str) -> Part:
        return Part(*self.words(gateway), *more, home=self.home)


def foreign_client(**wanted: Any) -> Part:
    """A client that shares no code with Onefill."""
    return Part("-m", "tests.foreign.client", json.dumps(wanted))


def foreign_server(*, enveloped: bool) -> Part:
    """A gateway that shares no code with Onefill."""
    return Part("-m", "tests.foreign.server", json.dumps({"enveloped": enveloped}))


class TradingDesk:
    """A broker, a gateway in front of it and the agent between, with one account."""

    def __init__(self, home: Path, *more_accounts: str, config: str = "") -> None:
        with ExitStack() as undo:
            self.broker = undo.enter_context(ServedBroker(home))
            self.gateway = undo.enter_context(
                GatewayProcess(home, str(LOGIN), *more_accounts, config=config, broker=SIMULATED)
            )
            self.files = AgentFiles(home, self.broker, self.gateway.tokens[str(LOGIN)])
            self.agent = self.start_agent()
            self._ending = undo.pop_all()

    def start_agent(self) -> Part:
        """The agent, once it is in contact."""
        agent = self.files.start(self.gateway.sockets)
        agent.hear(lambda one: one.get("event") == "in_contact")
        return agent

    def __enter__(self) -> TradingDesk:
        return self

    def __exit__(self, *error: Any) -> None:
        self.agent.__exit__(*error)
        self._ending.close()
