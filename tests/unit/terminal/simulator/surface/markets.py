"""Terminals on loaded and on generated markets, and their answers as plain rows."""

from functools import cache

import msgspec
import numpy as np

from onefill.terminal.simulator.profile import Profile, load_profile
from onefill.terminal.simulator.quotes.generated import generated_market
from onefill.terminal.simulator.surface.backend import Answer
from onefill.terminal.simulator.terminal import SimulatedTerminal
from onefill.terminal.simulator.ticks import TickSeries

SYMBOL, POINTS = "EURUSD", 100_000
#: A Monday, 12:00 UTC.
MONDAY_MS = 1_700_481_600_000


def with_sessions(profile: Profile) -> Profile:
    """A profile whose symbols without sessions have them at all hours: a market that is made up
    for them rests at weekends as others do."""
    always = ("Mon-Sun 00:00-24:00",)
    return msgspec.structs.replace(
        profile,
        specifications={
            name: one
            if one.terms.sessions
            else msgspec.structs.replace(
                one, terms=msgspec.structs.replace(one.terms, sessions=always)
            )
            for name, one in profile.specifications.items()
        },
    )


@cache
def profile_at(zone: str) -> Profile:
    """The default profile on a server with a clock, with sessions."""
    profile = with_sessions(load_profile())
    broker = msgspec.structs.replace(profile.broker, time_zone=zone)
    return msgspec.structs.replace(profile, broker=broker)


def loaded(ticks: list[tuple[int, int, int]], zone: str = "UTC") -> SimulatedTerminal:
    """A terminal on ticks: time (Unix ms), bid, ask in points."""
    table = np.array(ticks, np.int64).reshape(-1, 3)
    prices = table[:, 1:].astype(np.int32)
    series = TickSeries(SYMBOL, table[:, 0].copy(), prices[:, 0], prices[:, 1], len(table))
    return SimulatedTerminal(profile_at(zone), {SYMBOL: series})


def generated(zone: str = "UTC", begins_ms: int = MONDAY_MS, seed: int = 5) -> SimulatedTerminal:
    """A terminal on a generated market."""
    profile = profile_at(zone)
    return SimulatedTerminal(profile, generated_market(profile, begins_ms, seed=seed))


def points(price: float) -> int:
    """A price of EURUSD."""
    return round(price * POINTS)


def bars_of(answer: Answer) -> list[tuple[int, ...]]:
    """Rates as the plain reader gives them."""
    assert answer.error == (1, "Success"), answer.error
    return [
        (time, *[points(price) for price in prices], volume, spread)
        for time, *prices, volume, spread, _ in answer.value.tolist()
    ]


def ticks_of(answer: Answer) -> list[tuple[int, int, int]]:
    """Ticks: server ms, bid, ask in points."""
    assert answer.error == (1, "Success"), answer.error
    return [
        (row["time_msc"].item(), points(row["bid"]), points(row["ask"])) for row in answer.value
    ]
