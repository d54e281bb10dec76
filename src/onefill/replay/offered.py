"""What the words of a command line make of a broker's profile: its account, its faults, and ticks
under the names by which it offers their symbols."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from onefill.replay.inputs import check_money
from onefill.replay.ticks import LoadedTicks, TickSource, load_ticks, parse_source
from onefill.terminal.simulator.faults import FaultPlan, parse_faults
from onefill.terminal.simulator.profile import Profile, find_profile
from onefill.terminal.zone import parse_zone

NO_FAULTS = "none"


def asked_profile(
    name: str,
    *,
    balance: float | None = None,
    currency: str | None = None,
    leverage: int | None = None,
    seed: int | None = None,
) -> Profile:
    """A profile by its name or file, with what was asked for in the place of its own (None: its
    own). Raises `OnefillError`."""
    profile = find_profile(name)
    asked = {
        "balance": balance,
        "currency": currency.upper() if currency else None,
        "leverage": leverage,
        "seed": seed,
    }
    changes = {name: value for name, value in asked.items() if value is not None}
    broker = msgspec.structs.replace(profile.broker, **changes)
    check_money(broker.balance, broker.currency, broker.leverage)
    return msgspec.structs.replace(profile, broker=broker)


def asked_faults(profile: Profile, text: str | None = None) -> FaultPlan | None:
    """Faults as they were asked for; `none`: not even the profile's own. None where nothing was
    asked for: those then. Raises `OnefillError` (`FAULTS_INVALID`)."""
    if text is None:
        return None
    return parse_faults("" if text == NO_FAULTS else text, profile.broker.seed)


def offered_ticks(
    profile: Profile, words: Sequence[str], ticks_tz: str | None = None
) -> LoadedTicks | None:
    """Ticks from files, as `onefill run` takes them; None where none are given. A file that is
    named for `EURUSD` quotes the broker's `EURUSD.m`. Raises `OnefillError`."""
    if not words:
        return None
    zone = parse_zone(ticks_tz) if ticks_tz else None
    sources = [_offered(parse_source(word), profile) for word in words]
    return load_ticks(sources, lambda name: profile.symbol(name).digits, zone)


def _offered(source: TickSource, profile: Profile) -> TickSource:
    offered = profile.offered(source.symbol)
    if source.symbol in profile.specifications or offered not in profile.specifications:
        return source
    return TickSource(offered, source.path)
