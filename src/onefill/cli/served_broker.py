"""A broker that is to be served, put together from the words of a command line: profile, market,
account, faults, where its state is, and when its time begins or goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from onefill.model.errors import OnefillError
from onefill.replay.offered import asked_faults, asked_profile, offered_ticks
from onefill.replay.ticks import LoadedTicks
from onefill.runtime.clock import SystemClock
from onefill.script.settings import USUAL_START, parse_start
from onefill.terminal.simulator.market import Quotes
from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.quotes.generated import FIRST_MS, generated_market
from onefill.terminal.simulator.remote.pace import parse_speed
from onefill.terminal.simulator.remote.state import begun_ms, keeping, opening_ms
from onefill.terminal.simulator.remote.time_kept import TimeKept
from onefill.terminal.simulator.terminal import SimulatedTerminal


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOptions:
    """What the command line says; None: as the profile has it, or as usual."""

    profile: str = "ecn"
    ticks: tuple[str, ...] = ()
    ticks_tz: str | None = None
    speed: str = "real"
    state: Path | None = None
    start: str | None = None
    balance: float | None = None
    currency: str | None = None
    leverage: int | None = None
    seed: int | None = None
    faults: str | None = None


@dataclass(frozen=True, slots=True)
class ServedBroker:
    """A broker whose market stands at the time at which it begins or goes on."""

    profile: Profile
    terminal: SimulatedTerminal
    kept: TimeKept
    #: Market ms per ms of the machine's clock; 0: lockstep.
    speed: float
    #: The market's time is the machine's.
    present: bool


@contextmanager
def open_broker(options: BrokerOptions) -> Iterator[ServedBroker]:
    """Raises `OnefillError` with a sentence on the first option that is wrong."""
    speed = parse_speed(options.speed)
    profile = asked_profile(
        options.profile,
        balance=options.balance,
        currency=options.currency,
        leverage=options.leverage,
        seed=options.seed,
    )
    faults = asked_faults(profile, options.faults)
    loaded = offered_ticks(profile, options.ticks, options.ticks_tz)
    present = speed == 1.0 and loaded is None and options.start is None
    wanted_ms = _wanted_ms(options, loaded, present=present)
    with keeping(options.state) as kept:
        begun = begun_ms(options.state)
        quotes: Quotes = generated_market(profile, begun or opening_ms(wanted_ms))
        if loaded is not None:
            quotes = loaded.series
        terminal = SimulatedTerminal(
            profile,
            quotes,
            currency=profile.broker.currency,
            balance=profile.broker.balance,
            book=options.state,
            faults=faults,
            lazily=loaded is None,
        )
        with closing(terminal):
            start_ms = max(kept.kept_ms, terminal.now_ms)
            if begun is None or present:
                start_ms = max(start_ms, wanted_ms)
            while terminal.now_ms < start_ms:
                terminal.advance(start_ms)
            kept.keep(start_ms)
            yield ServedBroker(profile, terminal, kept, speed, present)


def _wanted_ms(options: BrokerOptions, loaded: LoadedTicks | None, *, present: bool) -> int:
    """When a new market begins."""
    if options.start is not None:
        start_ms = int(parse_start(options.start).timestamp() * 1_000)
        if loaded is None and start_ms < FIRST_MS:
            raise OnefillError(
                "START_INVALID", "the generated market begins in 2019: give a later --start"
            )
        return start_ms
    if loaded is not None:
        return min(int(one.time_ms[0]) for one in loaded.series.values())
    return SystemClock().now_ms() if present else int(USUAL_START.timestamp() * 1_000)
