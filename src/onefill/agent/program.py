"""The agent's one composition function: terminals, engines, gates and links wired by hand."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from onefill.agent.account import AgentAccount, Halts
from onefill.agent.equity import EquityMarks
from onefill.agent.kept_halts import KeptHalts
from onefill.agent.lines import Lines
from onefill.channels.local.driven import DrivenAccount
from onefill.channels.local.session import PooledSession
from onefill.channels.local.terminals_file import Terminals, load_terminals
from onefill.channels.websocket.address import Gateway
from onefill.channels.websocket.connection import Peer
from onefill.channels.websocket.course import Course, Patience
from onefill.channels.websocket.link import Link, Terms
from onefill.channels.websocket.token import read_token_file
from onefill.contracts.messages import Dialect
from onefill.journal.errors import JournalFailed
from onefill.journal.group_writer import GroupWriter
from onefill.journal.journal import Journal
from onefill.model.errors import OnefillError
from onefill.risk.limits import load_limits
from onefill.runtime.clock import Clock, SystemClock
from onefill.runtime.draws import Draws
from onefill.runtime.secret import new_secret
from onefill.terminal.session import Session
from onefill.terminal.worker.config import default_fences
from onefill.terminal.zone import ServerTime, parse_zone

STOPPED, FAILED = 0, 1
STOP_PATIENCE_S = 10.0
"""How long a stop waits for orders that are under way."""


def default_data() -> Path:
    """Where an agent keeps its journal unless it is told otherwise."""
    return Path.home() / ".onefill" / "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """What an agent is started with."""

    #: The primary first.
    gateways: tuple[Gateway, ...]
    token_file: Path
    terminals: Path
    data: Path = field(default_factory=default_data)
    dialect: Dialect = Dialect.EXECUTION
    bare: bool = False
    #: Gateways that are gone for good: what they halted is lifted.
    lift_halts_of: tuple[Gateway, ...] = ()
    patience: Patience = field(default_factory=Patience)
    stop_patience_s: float = STOP_PATIENCE_S
    #: Where the workers of this machine keep their locks.
    fences: Path = field(default_factory=default_fences)
    session_class: type[PooledSession] = PooledSession


class Stop:
    """Somebody asks the agent to stop; asked again, it does not wait for anything any more."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()

    def ask(self) -> None:
        """Once: stop. Twice: now."""
        (self.hurried if self.asked.is_set() else self.asked).set()

    def heed_signals(self) -> None:
        """Ctrl-C and a service manager's word, on every system."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            if sys.platform == "win32":
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.ask))
            else:
                loop.add_signal_handler(number, self.ask)


async def run_agent(settings: AgentSettings, out: TextIO, *, as_json: bool = False) -> int:
    """Until it is asked to stop by a signal; its exit status. Raises as `serve`."""
    stop = Stop()
    stop.heed_signals()
    return await serve(settings, Lines(out, SystemClock(), as_json=as_json), stop)


async def serve(settings: AgentSettings, lines: Lines, stop: Stop) -> int:
    """Until it is asked to stop, or until no account can go on; its exit status. Raises
    `OnefillError` for what an operator must mend first: files, limits, a journal in use."""
    clock = SystemClock()
    terminals = load_terminals(settings.terminals)
    _one_session_a_login(terminals)
    _lifted_are_gone(settings)
    limits = load_limits(terminals.limits) if terminals.limits is not None else None
    read_token_file(settings.token_file)
    place = terminals.journal or settings.data / "journal"
    journal = Journal.open(place)
    async with AsyncExitStack() as ending:
        ending.callback(_closing_journal(journal))
        writer = GroupWriter(journal)
        ending.push_async_callback(_close_writer, writer)
        accounts = []
        for session in terminals.sessions.values():
            pooled = settings.session_class(session, None, terminals.logs, settings.fences, clock)
            ending.push_async_callback(_stop_session, pooled)
            driven = DrivenAccount(pooled, journal, writer, limits, terminals.engine, clock)
            account = _account(settings, terminals, session, driven, journal, clock, lines)
            writer.followers.append(account.records_came)
            accounts.append(account)
        where = {"journal": place.absolute(), "data": settings.data.absolute()}
        lines.say("started", accounts=len(accounts), gateway=settings.gateways[0], **where)
        running = {asyncio.create_task(account.run()): account for account in accounts}
        try:
            status = await _until_over(running, lines, stop)
            lines.say("stopping")
            await _stop_all(accounts, settings.stop_patience_s, lines, stop)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
    lines.say("stopped")
    return status


def _account(
    settings: AgentSettings,
    terminals: Terminals,
    session: Session,
    driven: DrivenAccount,
    journal: Journal,
    clock: Clock,
    lines: Lines,
) -> AgentAccount:
    zone = ServerTime(parse_zone(session.time_zone or "UTC"))
    marks = EquityMarks(settings.data / "equity", driven.name, zone)
    halts = Halts(
        KeptHalts(settings.data / "halts", driven.name),
        frozenset() if settings.bare else frozenset(map(str, settings.gateways)),
        tuple(dict.fromkeys(map(str, settings.lift_halts_of))),
    )
    say = lines.of(str(session.login))
    draws = Draws(int.from_bytes(new_secret(8), "big"))

    def make_link(peer: Peer) -> Link:
        terms = Terms(
            login=session.login,
            token_file=settings.token_file,
            dialect=settings.dialect,
            bare=settings.bare,
        )
        course = Course(settings.gateways, settings.patience, draws, driven.name)
        return Link(terms, course, peer, clock, say)

    return AgentAccount(driven, journal, marks, halts, terminals, make_link, clock, say)


async def _until_over(
    running: dict[asyncio.Task[None], AgentAccount], lines: Lines, stop: Stop
) -> int:
    """Every account until it fails, all of them until somebody asks."""
    asked: asyncio.Task[Any] = asyncio.create_task(stop.asked.wait())
    left = dict(running)
    status = STOPPED
    try:
        while left and not asked.done():
            await asyncio.wait([asked, *left], return_when=asyncio.FIRST_COMPLETED)
            for task in [one for one in left if one.done()]:
                account = left.pop(task)
                error = task.exception()
                if error is None:
                    continue
                status = FAILED
                code = error.code if isinstance(error, OnefillError) else type(error).__name__
                lines.say("account_failed", account=account.login, code=code, why=error)
                if isinstance(error, JournalFailed):
                    return status  # it is every account's
    finally:
        asked.cancel()
    return status


async def _stop_all(
    accounts: list[AgentAccount], patience_s: float, lines: Lines, stop: Stop
) -> None:
    async def stop_one(account: AgentAccount) -> None:
        try:
            await account.stop(patience_s)
        except OnefillError as wrong:
            lines.say("stop_failed", account=account.login, code=wrong.code, why=wrong.message)

    stopping = asyncio.gather(*(stop_one(account) for account in accounts))
    hurried = asyncio.create_task(stop.hurried.wait())
    both: list[asyncio.Future[Any]] = [stopping, hurried]
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    if not stopping.done():
        stopping.cancel()
        with suppress(asyncio.CancelledError):
            await stopping
    else:
        stopping.result()


def _closing_journal(journal: Journal) -> Callable[[], None]:
    def close() -> None:
        with suppress(JournalFailed):
            journal.close()

    return close


async def _close_writer(writer: GroupWriter) -> None:
    with suppress(OnefillError):
        await writer.close()


async def _stop_session(session: PooledSession) -> None:
    with suppress(OSError):
        await session.stop()


def _lifted_are_gone(settings: AgentSettings) -> None:
    """What a gateway halts that the agent is still with is not to be lifted at every start."""
    for gateway in settings.lift_halts_of:
        if gateway in settings.gateways and not settings.bare:
            raise OnefillError(
                "GATEWAY_IN_USE",
                f"{gateway} is one of this agent's gateways, so --lift-halts-of does not lift what "
                "it halted: resume there, and start the agent with it as --gateway",
            )


def _one_session_a_login(terminals: Terminals) -> None:
    """A gateway knows an account by its login: two would take each other's session for ever."""
    names: dict[int, str] = {}
    for one in terminals.sessions.values():
        first = names.setdefault(one.login, one.name)
        if first != one.name:
            raise OnefillError(
                "SESSION_INVALID",
                f"sessions {first!r} and {one.name!r} are both login {one.login}; an agent serves "
                "a login once: run another agent for the second",
            )
