"""What the module remembers between calls: the terminal it is connected to, and the last error."""

from __future__ import annotations

from typing import Any

from onefill.mt5._arguments import Refused
from onefill.terminal.simulator.surface.backend import Backend

SUCCESS = (1, "Success")
_NOT_CONNECTED = (-10004, "No IPC connection")


class State:
    """One process is connected to one terminal at most."""

    def __init__(self) -> None:
        #: The terminal that calls go to; None before `initialize` and after `shutdown`.
        self.backend: Backend | None = None
        #: The terminal that a runner has chosen for this process.
        self.attached: Backend | None = None
        self.error: tuple[int, str] = SUCCESS

    def ask(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """The connected terminal's answer; None where it has none, or there is no terminal."""
        backend = self.backend
        if backend is None:
            self.error = _NOT_CONNECTED
            return None
        answer = backend.call(name, arguments)
        self.error = answer.error
        return answer.value

    def refuse(self, refused: Refused) -> None:
        """Arguments are wrong."""
        self.error = (-2, refused.text)


state = State()


def attach(backend: Backend | None) -> None:
    """Let `initialize` connect to this terminal (None: to the one that the environment names)."""
    state.attached = backend
