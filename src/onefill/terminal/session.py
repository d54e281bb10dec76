"""One account on one terminal, as a configuration names it: the real one, or a simulated one."""

from __future__ import annotations

import re

import msgspec

from onefill.model.errors import OnefillError

REMOTE = "tls://"
"""A `terminal_path` that begins so is a terminal on another machine."""
SERVED = "broker://"
"""A `terminal_path` that begins so is a simulated broker that `onefill broker serve` serves."""
SIMULATED = "simulated:"
"""A `terminal_path` that begins so picks the simulator, with the broker profile that follows."""

_PLAIN = re.compile(r"[^A-Za-z0-9_.-]+")


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One account on one terminal. `repr` never shows the password."""

    name: str
    login: int
    server: str
    password: str = ""
    #: The terminal's program; `simulated:PROFILE`; `broker://HOST:PORT` (a served broker);
    #: `tls://HOST:PORT` (a terminal on another machine); empty: the one that is installed.
    terminal_path: str = ""
    #: The broker's clock (`Europe/Athens`, `America/New_York+7`); empty: found from fresh ticks.
    time_zone: str = ""
    #: Whether the terminal keeps its files in its own folder, as several of one broker must.
    portable: bool = False
    #: How long the terminal may take to start and to log in.
    timeout_ms: int = 60_000
    #: End another worker of this machine that holds the account and does not let go of it.
    take_over: bool = False
    #: What a served broker, or a terminal on another machine, asks for; and the SHA-256 of that
    #: machine's certificate, which `onefill terminal serve` prints.
    token: str = ""
    fingerprint: str = ""
    #: Where the token will be that was not there yet when the configuration was read; a worker's
    #: start reads it.
    token_file: str = ""
    #: Of the simulated one: its ticks, and its book.
    ticks: tuple[str, ...] = ()
    state: str = ""

    def __post_init__(self) -> None:
        """Raises `OnefillError` (`SESSION_INVALID`)."""
        if not self.name or _PLAIN.search(self.name):
            raise session_invalid(self.name, "a session's name is letters, digits, _ . and -")
        if self.terminal_path.startswith(REMOTE):
            self._check_remote()
        if self.login <= 0:
            raise session_invalid(self.name, f"login {self.login} is not an account number")

    def _check_remote(self) -> None:
        host, _, port = self.terminal_path.removeprefix(REMOTE).rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise session_invalid(self.name, f"{self.terminal_path!r} is not tls://HOST:PORT")
        if not (self.token or self.token_file) or not self.fingerprint:
            raise session_invalid(
                self.name,
                "a terminal on another machine needs the token and the fingerprint that `onefill "
                "terminal serve` there prints",
            )

    @property
    def remote(self) -> tuple[str, int] | None:
        """Host and port of a terminal on another machine; None where it is here."""
        if not self.terminal_path.startswith(REMOTE):
            return None
        host, _, port = self.terminal_path.removeprefix(REMOTE).rpartition(":")
        return host.removeprefix("[").removesuffix("]"), int(port)

    @property
    def fenced_server(self) -> str:
        """The server under whose name one worker at a time has the account. Served brokers are
        each a world of their own, and many of them have the same logins and server names."""
        if not self.terminal_path.startswith(SERVED):
            return self.server
        return f"{self.server} at {self.terminal_path.removeprefix(SERVED)}"

    @property
    def simulated(self) -> str | None:
        """The profile of a simulated terminal (empty: a served broker's); None where it is a real
        one."""
        if self.terminal_path.startswith(SERVED):
            return ""
        if not self.terminal_path.startswith(SIMULATED):
            return None
        return self.terminal_path.removeprefix(SIMULATED)

    def __repr__(self) -> str:
        return f"Session({self.name!r}, {self.login}@{self.server})"

    __str__ = __repr__


def session_invalid(name: str, why: str) -> OnefillError:
    """A session cannot be what the configuration says."""
    return OnefillError("SESSION_INVALID", f"session {name!r}: {why}")
