"""A fleet: brokers, one gateway, one agent with an account at each broker, and the wire between
gateway and agent. Each machine has a clock of its own: the gateway's, the agent's with its workers,
and the brokers'.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

from onefill.client.client import Client
from onefill.client.errors import CallFailed
from onefill.gateway.identity.opening import open_identity
from onefill.gateway.identity.setup import first_setup
from onefill.runtime.clock import VirtualClock
from tests.chaos.machine import MachineClock, Part, real_ms
from tests.chaos.wire import Wire
from tests.integration.terminal.processes import until
from tests.own_port import own_port

SERVER, BROKER = "Onefill-Demo", "Onefill Simulated Broker"
DAY_MS = 86_400_000
LEASE_S = 2.0
_BALANCE = 10_000_000

_GATEWAY = f"""
[desk]
lease_ms = {int(LEASE_S * 1_000)}
lease_margin_ms = 500
profile_away_ms = {7 * DAY_MS}
trade_without_profile = true
look_ms = 200

[delivery]
liveness_s = 6
look_s = 1
"""
_ENGINE = """
[engine]
call_deadline_seconds = 1.0
lateness_bound_seconds = 1.0
poll_interval_seconds = 0.1
retry_backoff_seconds = 0.1
connection_patience_seconds = 30
order_timeout_seconds = 5

[files]
logs = "logs"
"""


class Fleet:
    """Started when it is made; `close` ends all of it in order."""

    def __init__(self, home: Path, seed: int, faults: str = "none", accounts: int = 2) -> None:
        """`faults`: how the brokers misbehave, as `onefill broker serve` takes it."""
        self.home = home
        self.accounts = [str(7_000_001 + number) for number in range(accounts)]
        self.gateway_clock = MachineClock(home / "gateway.clock")
        self.agent_clock = MachineClock(home / "agent.clock")
        self.broker_clock = MachineClock(home / "broker.clock")
        self.brokers = {name: self._broker(name, seed, faults) for name in self.accounts}
        self._ending = ExitStack()
        with ExitStack() as ending:
            self._start(seed, ending)
            self._ending = ending.pop_all()

    def _start(self, seed: int, ending: ExitStack) -> None:
        self._set_up()
        for broker in self.brokers.values():
            ending.callback(broker.end)
            broker.start()
        (self.home / "gateway.toml").write_text(_GATEWAY)
        port = own_port()
        self.gateway = self._gateway(port)
        ending.callback(self.gateway.end)
        self.gateway.start()
        self.url: str = self.gateway.first_line()["url"]
        self.wire = Wire(port, seed)
        ending.callback(self.wire.close)
        self._terminals()
        self.agent = self._agent()
        ending.callback(self.agent.end)
        self.agent.start()
        self.client = ending.enter_context(Client(self.url, key=self._key))
        self.in_contact()

    def book(self, account: str) -> Path:
        """The book of the account's broker."""
        return self.home / f"{account}.book"

    def in_contact(self) -> None:
        """Wait until the gateway serves and every account's agent is there."""

        def all_there() -> bool:
            try:
                told = self.client.accounts()
            except CallFailed:
                return False
            return sum(bool(one.connected) for one in told) == len(self.accounts)

        until(all_there, "the agent does not come back")

    def a_day_passes(self) -> None:
        """For brokers and agent, while the agent is away; they are started again."""
        for broker in self.brokers.values():
            assert broker.end() == 0
        self.broker_clock.set(DAY_MS)
        self.agent_clock.set(DAY_MS)
        for broker in self.brokers.values():
            broker.start()
        self._terminals()
        self.agent.start()
        self.in_contact()

    def last_said_ms(self) -> int:
        """The time that the agent's clock showed when it said something last."""
        last = self.agent.log.read_text().strip().rpartition("\n")[2]
        with suppress(ValueError, KeyError):
            return round(datetime.fromisoformat(json.loads(last)["at"]).timestamp() * 1_000)
        return 0

    def settled(self) -> None:
        """Wait until every order of the gateway is at rest, or visibly in doubt."""
        restless = ("accepted", "sending", "unknown")

        def at_rest() -> bool:
            try:
                return not any(
                    self.client.orders_page(state=state, limit=1).orders for state in restless
                )
            except CallFailed:
                return False

        until(at_rest, "orders are left in between")

    def close(self) -> None:
        """The agent first, then gateway and brokers; nothing is killed."""
        self._ending.close()

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _broker(self, name: str, seed: int, faults: str) -> Part:
        profile = self.home / f"{name}.toml"
        profile.write_text(f"[broker]\nlogin = {name}\nbalance = {_BALANCE}\n")
        return Part(
            f"broker-{name}",
            [
                *("-m", "onefill", "broker", "serve", "--profile", str(profile), "--json"),
                *("--token-file", str(self.home / f"{name}.token"), "--state"),
                *(str(self.book(name)), "--seed", str(seed), "--faults", faults),
            ],
            self.home,
            self.broker_clock,
        )

    def _gateway(self, port: int) -> Part:
        return Part(
            "gateway",
            [
                *("-m", "onefill", "gateway", "--config", str(self.home / "gateway.toml")),
                *("--port", str(port), "--data", str(self.home / "gateway"), "--json"),
            ],
            self.home,
            self.gateway_clock,
        )

    def _agent(self) -> Part:
        home = self.home
        return Part(
            "agent",
            [
                *("-m", "tests.chaos.agent", f"ws://127.0.0.1:{self.wire.port}"),
                *(str(home / "agent.token"), str(home / "terminals.toml"), str(home / "agent")),
            ],
            home,
            self.agent_clock,
        )

    def _set_up(self) -> None:
        # As of yesterday, so that a clock that goes back finds nothing from its future.
        identity = open_identity(self.home / "gateway", VirtualClock(real_ms() - DAY_MS))
        try:
            made = [
                first_setup(identity, account=name, server=SERVER, broker=BROKER, by="chaos")
                for name in self.accounts
            ][-1]
        finally:
            identity.close()
        self._key = made.key
        token = self.home / "agent.token"
        token.touch(0o600)
        token.write_text(made.client_token)

    def _terminals(self) -> None:
        text = ""
        for name, broker in self.brokers.items():
            address = broker.first_line()["address"]
            text += (
                f'[sessions.s{name}]\nterminal_path = "broker://{address}"\nlogin = {name}\n'
                f'server = "{SERVER}"\ntime_zone = "UTC"\ntake_over = true\n'
                f"token_file = {json.dumps(str(self.home / f'{name}.token'))}\n"
            )
        (self.home / "terminals.toml").write_text(text + _ENGINE)
