"""A terminal behind `onefill.mt5`, on a small market in virtual time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import onefill.mt5 as mt5
from onefill.mt5 import _state
from onefill.terminal.simulator.profile import Profile, load_profile
from onefill.terminal.simulator.surface.functions import Functions
from onefill.terminal.simulator.surface.local import LocalBackend
from onefill.terminal.simulator.surface.pace import MS_NS, VirtualPace
from onefill.terminal.simulator.terminal import SimulatedTerminal
from tests.unit.terminal.simulator.stage import NOON, Quote, profile_with, series

#: EURUSD falls by a pip a second from 1.39000 / 1.39010 on, for ten minutes.
FALLING = [(place * 1_000, 139_000 - 10 * place, 139_010 - 10 * place) for place in range(600)]
STILL: list[Quote] = [(0, 139_000, 139_010)]


@contextmanager
def connected(
    quotes: Sequence[Quote] | Mapping[str, Sequence[Quote]] = STILL,
    profile: Profile | None = None,
) -> Iterator[LocalBackend]:
    """`onefill.mt5` is connected to a terminal at NOON, and nothing is left of it afterwards."""
    markets = quotes if isinstance(quotes, Mapping) else {"EURUSD": quotes}
    profile = profile or load_profile()
    terminal = SimulatedTerminal(
        profile,
        {name: series(name, part) for name, part in markets.items()},
        currency=profile.broker.currency,
        balance=profile.broker.balance,
    )
    backend = LocalBackend(terminal, Functions(terminal), VirtualPace(NOON * MS_NS))
    mt5.shutdown()
    _state.attach(backend)
    try:
        assert mt5.initialize(), mt5.last_error()
        yield backend
    finally:
        mt5.shutdown()
        _state.attach(None)
        terminal.close()


def broker(tmp_path: Path, settings: str) -> Profile:
    """The shipped profile with other [broker] settings."""
    return profile_with(tmp_path, f"[broker]\n{settings}\n")
