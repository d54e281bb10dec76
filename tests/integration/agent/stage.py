"""An agent in this process, on terminals that are simulated here and told to misbehave."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

from onefill.agent.lines import Lines
from onefill.agent.program import AgentSettings, Stop, serve
from onefill.channels.local.session import PooledSession
from onefill.channels.websocket.address import parse_gateway
from onefill.channels.websocket.course import Patience
from onefill.runtime.clock import SystemClock
from tests.integration.agent.gateway import TOKEN, FaultyGateway
from tests.unit.channels.local.desk import SERVER, Doctored, InProcess

FIRST = "1000001"
SECOND = "1000002"
#: Soon enough for a test, and otherwise as ever.
QUICK = Patience(first_s=0.02, most_s=0.2, good_s=0.3, replaced_s=30.0, probe_s=0.1, looks=2)
_ENGINE = """
[engine]
call_deadline_seconds = 2.0
lateness_bound_seconds = 0.2
poll_interval_seconds = 0.05
order_timeout_seconds = 2.0
connection_patience_seconds = 5.0
retry_backoff_seconds = 0.01
"""


class Agent:
    """An agent that can be started again on the same files."""

    def __init__(
        self,
        home: Path,
        *gateways: FaultyGateway,
        logins: tuple[str, ...] = (FIRST,),
        terminals: str = "",
        limits: str = "",
        **settings: Any,
    ) -> None:
        self.home = home
        sessions = "".join(
            f'[sessions.s{login}]\nlogin = {login}\nserver = "{SERVER}"\n'
            f'terminal_path = "simulated:default"\n'
            for login in logins
        )
        files = "[files]\nlogs = 'logs'\n"
        if limits:
            (home / "limits.toml").write_text(limits)
            files += "limits = 'limits.toml'\n"
        (home / "terminals.toml").write_text(f"{sessions}{files}{_ENGINE}{terminals}")
        (home / "token").touch(mode=0o600)
        (home / "token").write_text(TOKEN)
        self.sessions: dict[str, InProcess] = {}
        made = self.sessions

        class Session(InProcess):
            def __init__(self, *arguments: Any) -> None:
                super().__init__(*arguments)
                made[str(self.config.login)] = self

        Session.home = home
        kind: type[PooledSession] = Session
        self.settings = AgentSettings(
            **{
                "gateways": tuple(parse_gateway(one.url) for one in gateways),
                "token_file": home / "token",
                "terminals": home / "terminals.toml",
                "data": home / "agent",
                "patience": QUICK,
                "stop_patience_s": 3.0,
                "fences": home / "fences",
                "session_class": kind,
                **settings,
            }
        )
        self._out = io.StringIO()
        self._stop: Stop | None = None
        self._task: asyncio.Task[int] | None = None

    async def start(self) -> Agent:
        self._stop = Stop()
        lines = Lines(self._out, SystemClock(), as_json=True)
        self._task = asyncio.create_task(serve(self.settings, lines, self._stop))
        return self

    async def stop(self, *, twice: bool = False) -> int:
        assert self._stop is not None
        assert self._task is not None
        self._stop.ask()
        if twice:
            await asyncio.sleep(0.1)
            self._stop.ask()
        status, self._task = await self._task, None
        return status

    async def __aenter__(self) -> Agent:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await self.stop()

    async def over(self) -> int:
        """Its exit status, once it ends by itself."""
        assert self._task is not None
        status, self._task = await self._task, None
        return status

    def terminal(self, login: str = FIRST) -> Doctored:
        terminal = self.sessions[login].terminal
        assert isinstance(terminal, Doctored)
        return terminal

    def said(self, event: str) -> list[dict[str, Any]]:
        """Its lines of a kind."""
        lines = [json.loads(line) for line in self._out.getvalue().splitlines()]
        return [line for line in lines if line["event"] == event]

    @property
    def words(self) -> str:
        return self._out.getvalue()
