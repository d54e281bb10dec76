"""A simulated terminal in this process, put together from what the environment says."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from onefill.model.errors import OnefillError
from onefill.mt5._kept_pace import KeptPace
from onefill.replay.offered import offered_ticks
from onefill.replay.ticks import LoadedTicks
from onefill.runtime.clock import SystemClock
from onefill.terminal.simulator.market import Quotes
from onefill.terminal.simulator.profile import find_profile
from onefill.terminal.simulator.quotes.generated import generated_market
from onefill.terminal.simulator.remote.state import begun_ms, keeping, opening_ms
from onefill.terminal.simulator.surface.backend import Backend
from onefill.terminal.simulator.surface.functions import Functions
from onefill.terminal.simulator.surface.local import LocalBackend
from onefill.terminal.simulator.surface.pace import MS_NS, ClockPace, Pace, VirtualPace
from onefill.terminal.simulator.terminal import SimulatedTerminal


class Local(NamedTuple):
    """What makes one terminal; the same of it is the same terminal."""

    profile: str
    ticks: tuple[str, ...] = ()
    state: str = ""
    speed: str = "real"


class LocalTerminal(NamedTuple):
    """A terminal, and how it is called. Closing `held` lets go of its book and of its state."""

    terminal: SimulatedTerminal
    backend: Backend
    held: ExitStack


def local_terminal(wanted: Local) -> LocalTerminal:
    """A terminal whose time begins with its ticks, or now where these reach into the present; a
    generated market's, now; one with a state goes on from there. Raises `OnefillError`."""
    profile = find_profile(wanted.profile)
    loaded = offered_ticks(profile, wanted.ticks)
    state = Path(wanted.state) if wanted.state else None
    start_ms, present = _start(loaded, wanted.speed)
    with ExitStack() as held:
        kept = held.enter_context(keeping(state))
        begun = begun_ms(state)
        if loaded:
            quotes: Quotes = loaded.series
        else:
            # A book must find the market as it was when its account was opened.
            quotes = generated_market(
                profile, begun or (opening_ms(start_ms) if state else start_ms)
            )
        terminal = SimulatedTerminal(
            profile,
            quotes,
            currency=profile.broker.currency,
            balance=profile.broker.balance,
            book=state,
            lazily=not loaded,
        )
        held.callback(terminal.close)
        from_ms = max(kept.kept_ms, terminal.now_ms)
        if begun is None or present:
            from_ms = max(from_ms, start_ms)
        pace = pace_of(wanted.speed, from_ms)
        if state is not None:
            pace = KeptPace(pace, kept)
        backend = LocalBackend(terminal, Functions(terminal), pace)
        return LocalTerminal(terminal, backend, held.pop_all())


def _start(loaded: LoadedTicks | None, speed: str) -> tuple[int, bool]:
    """When a new market begins, and whether that is the present."""
    now_ms = SystemClock().now_ms()
    if not loaded:
        return now_ms, speed == "real"
    times = [one.time_ms for one in loaded.series.values()]
    first_ms, last_ms = min(int(one[0]) for one in times), max(int(one[-1]) for one in times)
    if speed == "real" and first_ms <= now_ms <= last_ms:
        return now_ms, True
    return first_ms, False


def pace_of(speed: str, start_ms: int) -> Pace:
    """Time from `start_ms` on: `real`, `max` (as fast as the processor) or `10x`. Raises
    `OnefillError` (`SPEED_INVALID`)."""
    start_ns = start_ms * MS_NS
    if speed == "max":
        return VirtualPace(start_ns)
    try:
        factor = 1.0 if speed == "real" else float(speed.removesuffix("x"))
    except ValueError:
        factor = 0.0
    if not 0 < factor < 1e6:
        raise OnefillError(
            "SPEED_INVALID", f"{speed!r} is not a speed: write real, max, or a factor such as 10x"
        )
    return ClockPace(start_ns, factor=factor)
