"""What a program trades on, put together from its settings: the broker, its market, the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from onefill.model.errors import OnefillError
from onefill.replay.offered import asked_faults, asked_profile, offered_ticks
from onefill.replay.ticks import LoadedTicks
from onefill.runtime.clock import SystemClock
from onefill.script.settings import (
    USUAL_SPAN,
    USUAL_START,
    ScriptSettings,
    parse_span,
    parse_speed,
    parse_start,
)
from onefill.terminal.simulator.market import Quotes
from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.quotes.generated import FIRST_MS, generated_market
from onefill.terminal.simulator.remote.state import begun_ms, keeping, opening_ms
from onefill.terminal.simulator.surface.functions import Functions
from onefill.terminal.simulator.surface.local import LocalBackend
from onefill.terminal.simulator.surface.pace import MS_NS, ClockPace, VirtualPace
from onefill.terminal.simulator.terminal import SimulatedTerminal

_USUAL_PROFILE = "ecn"


@dataclass(frozen=True, slots=True)
class Stage:
    """A terminal to connect to, and when its market begins (Unix ms, UTC)."""

    profile: Profile
    terminal: SimulatedTerminal
    backend: LocalBackend
    pace: VirtualPace | ClockPace
    start_ms: int
    #: The market's time is the machine's.
    present: bool
    #: The market ends because a length of time is over, not because the ticks are.
    limited: bool


@dataclass(frozen=True, slots=True)
class _Times:
    """What was asked for; `factor` None: as fast as the processor."""

    factor: float | None
    start_ms: int | None
    span: timedelta | None


@contextmanager
def stage_for(settings: ScriptSettings) -> Iterator[Stage]:
    """Raises `OnefillError` with a sentence on the first thing that is wrong."""
    times = _times(settings)
    profile = asked_profile(
        settings.profile or _USUAL_PROFILE,
        balance=settings.balance,
        currency=settings.currency,
        leverage=settings.leverage,
        seed=settings.seed,
    )
    broker = profile.broker
    faults = asked_faults(profile, settings.faults)
    loaded = offered_ticks(profile, settings.ticks, settings.ticks_tz)
    present = loaded is None and times.start_ms is None and times.factor == 1.0
    wanted_ms = _wanted_ms(times, loaded, present=present)
    with ExitStack() as stack:
        kept = stack.enter_context(keeping(settings.state))
        begun = begun_ms(settings.state)
        quotes: Quotes = generated_market(profile, begun or opening_ms(wanted_ms))
        if loaded is not None:
            quotes = loaded.series
        terminal = SimulatedTerminal(
            profile,
            quotes,
            currency=broker.currency,
            balance=broker.balance,
            book=settings.state,
            faults=faults,
            lazily=loaded is None,
        )
        stack.enter_context(closing(terminal))
        start_ms = max(wanted_ms, kept.kept_ms, terminal.now_ms)
        if begun is not None and times.start_ms is None and not present:
            start_ms = max(kept.kept_ms, terminal.now_ms)
        end_ms, limited = _end(times, loaded, start_ms)
        pace = _pace(start_ms, end_ms, times.factor)
        backend = LocalBackend(terminal, Functions(terminal), pace)
        backend.catch_up()
        try:
            yield Stage(profile, terminal, backend, pace, start_ms, present, limited)
        finally:
            kept.keep(backend.now_ms())


def _times(settings: ScriptSettings) -> _Times:
    start = parse_start(settings.start) if settings.start else None
    return _Times(
        factor=parse_speed(settings.speed),
        start_ms=None if start is None else int(start.timestamp() * 1_000),
        span=parse_span(settings.span) if settings.span else None,
    )


def _wanted_ms(times: _Times, loaded: LoadedTicks | None, *, present: bool) -> int:
    """When a new market begins."""
    if loaded is not None:
        first_ms = min(int(one.time_ms[0]) for one in loaded.series.values())
        return first_ms if times.start_ms is None else times.start_ms
    if times.start_ms is not None:
        if times.start_ms < FIRST_MS:
            raise OnefillError(
                "START_INVALID", "the generated market begins in 2019: give a later --start"
            )
        return times.start_ms
    if present:
        return SystemClock().now_ms()
    return int(USUAL_START.timestamp() * 1_000)


def _end(times: _Times, loaded: LoadedTicks | None, start_ms: int) -> tuple[int | None, bool]:
    """When the market ends (None: never), and whether because a length of time is over."""
    span = times.span
    if loaded is None:
        if span is None and times.factor is None:
            span = USUAL_SPAN
        if span is None:
            return None, False
        return start_ms + int(span.total_seconds()) * 1_000, True
    last_ms = max(int(one.time_ms[-1]) for one in loaded.series.values())
    if start_ms > last_ms:
        raise OnefillError(
            "NO_TIME_LEFT",
            "nothing is left of the ticks at the time at which the market begins or goes on; give "
            "later ticks, or another --start or --state",
        )
    if span is not None and start_ms + int(span.total_seconds()) * 1_000 <= last_ms:
        return start_ms + int(span.total_seconds()) * 1_000, True
    return last_ms + 1, False


def _pace(start_ms: int, end_ms: int | None, factor: float | None) -> VirtualPace | ClockPace:
    start_ns, end_ns = start_ms * MS_NS, None if end_ms is None else end_ms * MS_NS
    if factor is None:
        return VirtualPace(start_ns, end_ns)
    return ClockPace(start_ns, end_ns, factor=factor)
