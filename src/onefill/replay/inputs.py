"""What a replay is made from, read and checked before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from onefill.model.errors import OnefillError
from onefill.model.money import currency_digits
from onefill.replay.orders import Arrival, LoadedOrders, load_orders
from onefill.replay.ticks import LoadedTicks, load_ticks, parse_source
from onefill.risk.limits import Limits, load_limits
from onefill.terminal.simulator.faults import FaultPlan, parse_faults
from onefill.terminal.simulator.profile import Profile, load_profile
from onefill.terminal.zone import parse_zone


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """What the command line says. `balance` is in `currency`."""

    ticks: list[str]
    orders: Path
    journal: Path
    balance: float = 10_000.0
    currency: str = "USD"
    #: None: as the broker has it.
    leverage: int | None = None
    limits: Path | None = None
    broker: Path | None = None
    ticks_tz: str | None = None
    faults: str = ""
    seed: int = 0
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything read: ticks, orders, limits, broker, faults."""

    settings: RunSettings
    ticks: LoadedTicks
    orders: LoadedOrders
    limits: Limits
    profile: Profile
    faults: FaultPlan | None
    made_from: dict[str, str]
    #: The decisions in order of arrival.
    arrivals: list[Arrival]

    @property
    def first_tick_ms(self) -> int:
        """When the market begins (Unix ms, UTC)."""
        return min(int(ticks.time_ms[0]) for ticks in self.ticks.series.values())

    @property
    def last_tick_ms(self) -> int:
        """When the last tick comes."""
        return max(int(ticks.time_ms[-1]) for ticks in self.ticks.series.values())


def read_inputs(settings: RunSettings) -> Inputs:
    """Read everything a run needs. Raises `OnefillError` with a sentence on the first that is
    wrong."""
    check_money(settings.balance, settings.currency, settings.leverage)
    limits = load_limits(settings.limits)
    profile = load_profile(settings.broker)
    if settings.leverage is None:
        settings = replace(settings, leverage=profile.broker.leverage)
    faults = parse_faults(settings.faults, settings.seed) if settings.faults else None
    orders = load_orders(settings.orders)
    zone = parse_zone(settings.ticks_tz) if settings.ticks_tz else None

    def digits_of(symbol: str) -> int:
        return profile.symbol(symbol).digits

    sources = [parse_source(word) for word in settings.ticks]
    ticks = load_ticks(sources, digits_of, zone, settings.strict)
    made_from = _made_from(settings, ticks, limits, profile, faults)
    first_ms = min(int(series.time_ms[0]) for series in ticks.series.values())
    arrivals = orders.arriving(first_ms)
    return Inputs(settings, ticks, orders, limits, profile, faults, made_from, arrivals)


def check_money(balance: float, currency: str, leverage: int | None) -> None:
    """Raises `OnefillError` where no account can have these."""
    if not 0 < balance < 1e15:
        raise OnefillError("BALANCE_INVALID", f"--balance {balance:g} must be above 0")
    if not (currency.isascii() and currency.isalpha()):
        raise OnefillError(
            "CURRENCY_INVALID", f"--currency {currency!r} must be letters, such as USD"
        )
    digits = currency_digits(currency)
    if round(balance, digits) != balance:
        raise OnefillError(
            "BALANCE_INVALID",
            f"--balance {balance:.15g} is finer than {currency} has digits, which are {digits}",
        )
    if leverage is not None and not 1 <= leverage <= 10_000:
        raise OnefillError("LEVERAGE_INVALID", f"--leverage {leverage} must be from 1 to 10000")


def _made_from(
    settings: RunSettings,
    ticks: LoadedTicks,
    limits: Limits,
    profile: Profile,
    faults: FaultPlan | None,
) -> dict[str, str]:
    """Name to value of all that decides how a run goes, but for the orders themselves."""
    made = {
        f"ticks {symbol}": f"{series.read} ticks, {series.fingerprint()[:16]}"
        for symbol, series in ticks.series.items()
    }
    made["symbols"] = " ".join(ticks.series)
    made["balance"] = f"{settings.balance:.15g}"
    made["currency"] = settings.currency
    made["leverage"] = str(settings.leverage)
    made["seed"] = str(settings.seed)
    made["faults"] = faults.text() if faults else "none"
    made["limits"] = limits.fingerprint()[:16]
    made["broker"] = profile.fingerprint()[:16]
    return made


def check_made_from(recorded: dict[str, str], now: dict[str, str], directory: Path) -> None:
    """Refuse to go on with a journal that was made from something else, and say what differs."""
    differing = [
        f"{name} is {now.get(name, 'absent')} here, {recorded.get(name, 'absent')} in the journal"
        for name in sorted(recorded.keys() | now.keys())
        if recorded.get(name) != now.get(name)
    ]
    if differing:
        raise OnefillError(
            "JOURNAL_OF_ANOTHER_RUN",
            f"the journal in {directory} was made from other inputs: {'; '.join(differing)}; "
            "give the same inputs, or another --journal",
        )
