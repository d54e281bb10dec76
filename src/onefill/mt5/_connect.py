"""Which terminal `initialize` connects to.

One that a runner has attached goes first (`onefill script`). Then what the environment says:

- `ONEFILL_BROKER` HOST:PORT: a served broker; `ONEFILL_BROKER_TOKEN_FILE` holds its token
  (not set: `~/.onefill/broker.token`, where `onefill broker serve` makes one).
- else a terminal in this process: `ONEFILL_PROFILE` (a shipped profile or a file),
  `ONEFILL_TICKS` (tick files, as PATH or SYMBOL=PATH, separated as the system separates paths;
  none: a generated market at the present moment), `ONEFILL_STATE` (the broker's book: what was
  traded is there again in the next process), `ONEFILL_SPEED` (`real`, `max` or `10x`).

`initialize("simulated:PROFILE")` names the profile; any other path is a terminal's program on
Windows and is ignored.
"""

from __future__ import annotations

import os
from pathlib import Path

from onefill.model.errors import OnefillError
from onefill.mt5._local import Local, LocalTerminal, local_terminal
from onefill.terminal.simulator.profile import shipped_profiles
from onefill.terminal.simulator.surface.backend import Backend

_SIMULATED = "simulated:"


class ConnectFailed(Exception):
    """There is no terminal to connect to; `error` is what `last_error` says."""

    def __init__(self, text: str, *, timed_out: bool = False) -> None:
        super().__init__(text)
        self.error = (-10003, f"IPC initialize failed, {text}")
        if timed_out:
            self.error = (-10005, "IPC timeout")


#: The terminals of this process: they go on while no one is connected.
_terminals: dict[Local, LocalTerminal] = {}


def connect(path: str, timeout_ms: int) -> Backend:
    """The terminal that the path or the environment names. Raises `ConnectFailed`."""
    try:
        address = os.environ.get("ONEFILL_BROKER", "")
        if address and not path.startswith(_SIMULATED):
            return _served(address, timeout_ms)
        return _local(path.removeprefix(_SIMULATED) if path.startswith(_SIMULATED) else "")
    except OnefillError as wrong:
        raise ConnectFailed(str(wrong)) from None
    except TimeoutError:
        raise ConnectFailed("", timed_out=True) from None
    except OSError as wrong:
        raise ConnectFailed(str(wrong)) from None


def forget() -> None:
    """Let go of this process's terminals and of their books."""
    for one in _terminals.values():
        one.held.close()
    _terminals.clear()


def _local(profile: str) -> Backend:
    environment = os.environ
    wanted = Local(
        profile=profile or environment.get("ONEFILL_PROFILE", "") or _usual_profile(),
        ticks=tuple(filter(None, environment.get("ONEFILL_TICKS", "").split(os.pathsep))),
        state=environment.get("ONEFILL_STATE", ""),
        speed=environment.get("ONEFILL_SPEED", "") or "real",
    )
    if wanted not in _terminals:
        _terminals[wanted] = local_terminal(wanted)
    return _terminals[wanted].backend


def _served(address: str, timeout_ms: int) -> Backend:
    """A broker in another process."""
    from onefill.terminal.simulator.remote.client import connect as connect_to
    from onefill.terminal.simulator.remote.token import default_token_file, read_token

    file = os.environ.get("ONEFILL_BROKER_TOKEN_FILE", "")
    token = read_token(Path(file) if file else default_token_file())
    return connect_to(address, token, max(1.0, timeout_ms / 1_000))


def _usual_profile() -> str:
    return "ecn" if "ecn" in shipped_profiles() else "default"
