"""Several terminals at once, each in a process of its own, lent to one caller at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

import msgspec

from onefill.channels.local.names import broker_name
from onefill.channels.local.session import PooledSession, together
from onefill.execution.drivers.loop_thread import LoopThread
from onefill.model.errors import OnefillError
from onefill.runtime.clock import Clock, SystemClock, monotonic_ns
from onefill.terminal.session import Session
from onefill.terminal.worker.config import default_fences

Lent = tuple[str, PooledSession]


class MT5ConnectionPool:
    """Accounts and their terminals. Nothing is started before `connect`, or an engine's first
    order."""

    #: What it lends.
    session_class: ClassVar[type[PooledSession]] = PooledSession

    def __init__(
        self,
        sessions: Mapping[str, Mapping[str, Any] | Session],
        symbols: Iterable[str] = (),
        session_logs_dir: str | Path = "logs/mt5",
        *,
        symbol_map: Mapping[str, str] | None = None,
        fences: str | Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`sessions` maps a name to `terminal_path, login, password, server` (and what else
        `terminal.session.Session` has). `symbols` are checked when a session connects;
        `symbol_map` says the broker's names where rules cannot.

        Raises `OnefillError` (`SESSION_INVALID`, `SESSION_LOGS_UNUSABLE`).
        """
        if not sessions:
            raise OnefillError("SESSION_INVALID", "a pool needs one session at least")
        self.symbols = tuple(symbols)
        self.symbol_map = dict(symbol_map or {})
        self.clock = clock or SystemClock()
        self.loop = LoopThread("onefill-pool")
        folder = Path(fences) if fences is not None else default_fences()
        logs = Path(session_logs_dir)
        try:
            named = {name: _session(name, given) for name, given in sessions.items()}
            _one_session_an_account(named.values())
            self.sessions = {
                name: self.session_class(one, self.loop, logs, folder, self.clock)
                for name, one in named.items()
            }
        except OSError as wrong:
            self.loop.close()
            raise OnefillError(
                "SESSION_LOGS_UNUSABLE", f"session_logs_dir {str(logs)!r}: {wrong}"
            ) from None
        except BaseException:
            self.loop.close()
            raise
        self._free = list(self.sessions)
        self._changed = threading.Condition()
        self._engines: list[Callable[[], None]] = []
        self._closed = False

    def connect(self) -> bool:
        """Start every terminal that is not running and log in; whether all of them can be used.

        `troubles` says what keeps the others from it. Again: looks again. Raises `OnefillError`
        (`POOL_CLOSED`).
        """
        if self._closed:
            raise _closed()
        fresh = [one for one in self.sessions.values() if not one.usable]
        self.loop.ask(together(*[one.start() for one in fresh]))
        for one in fresh:
            if one.usable:
                self._look_for_symbols(one)
        with self._changed:
            self._changed.notify_all()
        return not self.troubles

    def _look_for_symbols(self, session: PooledSession) -> None:
        """Note in its log which of the pool's symbols its broker does not offer."""
        offered = session.call("symbols").value
        for symbol in self.symbols if offered is not None else ():
            try:
                broker_name(symbol, offered, self.symbol_map)
            except OnefillError as wrong:
                session.log.warning(wrong.code, wrong.message)

    @property
    def troubles(self) -> dict[str, str]:
        """Why sessions cannot be used, by name."""
        return {name: one.trouble for name, one in self.sessions.items() if one.trouble}

    def get_connection(self, timeout: float = 10) -> Lent:
        """A free session that can be used, with its name; blocks up to `timeout` seconds.

        Raises `OnefillError`: `POOL_EXHAUSTED` says of each session why it was not to be had,
        `POOL_NOT_CONNECTED`, `POOL_CLOSED`.
        """
        until_ns = monotonic_ns() + int(timeout * 1e9)
        with self._changed:
            while True:
                if self._closed:
                    raise _closed()
                if all(one.terminal is None for one in self.sessions.values()):
                    raise OnefillError("POOL_NOT_CONNECTED", "call the pool's connect() first")
                for name in self._free:
                    if self.sessions[name].usable:
                        self._free.remove(name)
                        return name, self.sessions[name]
                left_s = (until_ns - monotonic_ns()) / 1e9
                if left_s <= 0:
                    raise self._exhausted(timeout)
                self._changed.wait(min(left_s, 0.25))  # a session may have come back meanwhile

    def release_connection(self, connection: Lent) -> None:
        """Give a session back; one that is not lent is left alone."""
        name = connection[0]
        with self._changed:
            if name in self.sessions and name not in self._free:
                self._free.append(name)
                self._changed.notify()

    def close(self) -> None:
        """End the engines over it, then every terminal; the pool is of no more use."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        try:
            for close_engine in self._engines:
                close_engine()
        finally:
            with suppress(OSError):
                self.loop.ask(together(*[one.stop() for one in self.sessions.values()]))
            self.loop.close()

    def close_first(self, engine: Callable[[], None]) -> None:
        """What is to be closed before the pool's terminals end."""
        self._engines.append(engine)

    def any_usable(self) -> PooledSession:
        """A session for a quick question, without lending it: one that is free, else one that
        works. Raises `OnefillError` (`POOL_CLOSED`, `NOT_CONNECTED`)."""
        if self._closed:
            raise _closed()
        with self._changed:
            free = list(self._free)
        for name in (*free, *self.sessions):
            if self.sessions[name].usable:
                return self.sessions[name]
        why = [f"{name} ({one.trouble})" for name, one in self.sessions.items()]
        raise OnefillError("NOT_CONNECTED", f"no terminal can be asked: {', '.join(why)}")

    def __enter__(self) -> MT5ConnectionPool:
        self.connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _exhausted(self, timeout: float) -> OnefillError:
        why = [f"{name} ({one.trouble or 'in use'})" for name, one in self.sessions.items()]
        return OnefillError(
            "POOL_EXHAUSTED",
            f"no terminal was free within {timeout:g} s: {', '.join(why)}; release connections "
            "after use, or add sessions",
        )


def _closed() -> OnefillError:
    return OnefillError("POOL_CLOSED", "the pool was closed; make another")


def _one_session_an_account(sessions: Iterable[Session]) -> None:
    """Two would send at the same time what one journal must see in turn."""
    names: dict[tuple[int, str], str] = {}
    for one in sessions:
        first = names.setdefault((one.login, one.server), one.name)
        if first != one.name:
            raise OnefillError(
                "SESSION_INVALID",
                f"sessions {first!r} and {one.name!r} are both account {one.login} at "
                f"{one.server!r}; an account has one session",
            )


def _session(name: str, given: Mapping[str, Any] | Session) -> Session:
    if isinstance(given, Session):
        return given
    fields = {key: value for key, value in given.items() if value is not None}
    if isinstance(fields.get("login"), str) and fields["login"].isdecimal():
        fields["login"] = int(fields["login"])  # as environment variables have it
    unknown = sorted(set(fields) - set(Session.__struct_fields__))
    if unknown:
        raise OnefillError(
            "SESSION_INVALID",
            f"session {name!r} has no setting {unknown[0]!r}; there are "
            f"{', '.join(Session.__struct_fields__[1:])}",
        )
    try:
        return msgspec.convert({"server": "", **fields, "name": name}, Session)
    except msgspec.ValidationError as wrong:
        # The message names the field, never its value.
        raise OnefillError("SESSION_INVALID", f"session {name!r}: {wrong}") from None
