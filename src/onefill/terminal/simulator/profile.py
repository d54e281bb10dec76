"""What the simulated broker offers, and on which terms: read from TOML, shipped with a default."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

from onefill.model.errors import OnefillError
from onefill.model.symbol import Symbol
from onefill.model.volume import to_e8
from onefill.terminal.simulator.sessions import Sessions

Calculation = Literal["forex", "cfd_leverage"]
"""How margin is reckoned: lots x contract / leverage, or that times the price."""


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for the whole broker. Commission is account money a lot and deal."""

    name: str
    server: str
    login: int
    hedging: bool
    leverage: int
    comment_limit: int
    commission_per_lot: float
    latency_ms: int
    quote_age_ms: int


class Specification(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol's terms: the model's `Symbol`, and what only the broker needs."""

    symbol: Symbol
    calculation: Calculation
    #: Such as `Mon-Fri 00:05-23:55`, UTC; none: always open.
    sessions: tuple[str, ...] = ()


class _Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A symbol's table in the file, its group's merged in."""

    digits: int
    contract_size: float
    volume_min: float
    volume_max: float
    volume_step: float
    calculation: Calculation = "forex"
    group: str = ""
    base: str = ""
    profit: str = ""
    margin: str = ""
    stops_level: int = 0
    freeze_level: int = 0
    filling_mode: int = 3
    expiration: int = 15
    order_mode: int = 127
    exemode: int = 2
    trade_mode: int = 4
    pip_points: int = 0
    sessions: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tables a file may have."""

    broker: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    symbols: dict[str, dict[str, Any]] = {}


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A broker: its settings, and its symbols' specifications by name."""

    broker: BrokerSettings
    specifications: dict[str, Specification]

    def symbol(self, name: str) -> Symbol:
        """The symbol as the model has it; `UNKNOWN_SYMBOL` where the broker does not offer it."""
        found = self.specifications.get(name)
        if found is None:
            raise OnefillError(
                "UNKNOWN_SYMBOL",
                f"the simulated broker does not offer {name!r}; give its specification in a file "
                f"for --broker, as a table [symbols.{name}]",
            )
        return found.symbol

    def fingerprint(self) -> str:
        """SHA-256 (hex) of everything it says."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


def load_profile(path: Path | None = None) -> Profile:
    """The shipped profile, with a user's file laid over it.

    Raises `OnefillError` (`BROKER_FILE_UNREADABLE`, `BROKER_FILE_INVALID`).
    """
    shipped = resources.files(__package__).joinpath("profiles", "default.toml")
    tables = _tables(shipped.read_text(encoding="utf-8"), "the shipped profile")
    if path is None:
        return _profile(tables, "the shipped profile")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise OnefillError(
            "BROKER_FILE_UNREADABLE", f"cannot read the broker file {path}: {wrong}"
        ) from None
    where = f"the broker file {path}"
    return _profile(_laid_over(tables, _tables(text, where)), where)


def _tables(text: str, where: str) -> _File:
    try:
        return msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise _invalid(where, str(wrong)) from None


def _laid_over(under: _File, over: _File) -> _File:
    """`over`'s settings win, name by name."""

    def merged(
        below: Mapping[str, dict[str, Any]], above: Mapping[str, dict[str, Any]]
    ) -> dict[str, dict[str, Any]]:
        names = [*below, *(name for name in above if name not in below)]
        return {name: {**below.get(name, {}), **above.get(name, {})} for name in names}

    return _File(
        broker={**under.broker, **over.broker},
        groups=merged(under.groups, over.groups),
        symbols=merged(under.symbols, over.symbols),
    )


def _profile(tables: _File, where: str) -> Profile:
    try:
        broker = msgspec.convert(tables.broker, BrokerSettings)
    except msgspec.ValidationError as wrong:
        raise _invalid(where, f"[broker]: {wrong}") from None
    _check_broker(broker, where)
    found = {
        name: _specification(name, table, tables, where) for name, table in tables.symbols.items()
    }
    return Profile(broker=broker, specifications=found)


def _check_broker(broker: BrokerSettings, where: str) -> None:
    if not broker.hedging:
        raise _invalid(where, "[broker]: hedging must be true; netting accounts are not simulated")
    if not 1 <= broker.comment_limit <= 31:
        raise _invalid(where, f"[broker]: comment_limit {broker.comment_limit} is not in 1 to 31")
    if not 1 <= broker.leverage <= 10_000:
        raise _invalid(where, f"[broker]: leverage {broker.leverage} is not in 1 to 10000")
    if min(broker.commission_per_lot, broker.latency_ms, broker.quote_age_ms) < 0:
        raise _invalid(
            where, "[broker]: commission_per_lot, latency_ms and quote_age_ms cannot be below 0"
        )


def _specification(name: str, table: dict[str, Any], tables: _File, where: str) -> Specification:
    group = table.get("group", "")
    if group and group not in tables.groups:
        raise _invalid(where, f"[symbols.{name}]: there is no [groups.{group}]")
    try:
        terms = msgspec.convert({**tables.groups.get(group, {}), **table}, _Terms)
        Sessions(terms.sessions)
    except (msgspec.ValidationError, ValueError) as wrong:
        raise _invalid(where, f"[symbols.{name}]: {wrong}") from None
    wrong_terms = _wrong_terms(terms)
    if wrong_terms:
        raise _invalid(where, f"[symbols.{name}]: {wrong_terms}")
    base, profit = terms.base or name[:3], terms.profit or name[3:6]
    if not base or not profit:
        raise _invalid(where, f"[symbols.{name}]: name its base and profit currencies")
    symbol = Symbol(
        name=name,
        digits=terms.digits,
        contract_size=terms.contract_size,
        volume_min_e8=to_e8(terms.volume_min),
        volume_max_e8=to_e8(terms.volume_max),
        volume_step_e8=to_e8(terms.volume_step),
        base=base,
        profit=profit,
        margin=terms.margin or (base if terms.calculation == "forex" else profit),
        stops_level=terms.stops_level,
        freeze_level=terms.freeze_level,
        filling_flags=terms.filling_mode,
        expiration_flags=terms.expiration,
        order_flags=terms.order_mode,
        execution_mode=terms.exemode,
        trade_mode=terms.trade_mode,
        pip_points_set=terms.pip_points,
    )
    return Specification(symbol=symbol, calculation=terms.calculation, sessions=terms.sessions)


def _wrong_terms(terms: _Terms) -> str:
    """What cannot be in a symbol's terms, in words; empty where all can."""
    ranges = {
        "digits": (terms.digits, 0, 8),
        "filling_mode": (terms.filling_mode, 0, 7),
        "expiration": (terms.expiration, 0, 15),
        "order_mode": (terms.order_mode, 0, 127),
        "exemode": (terms.exemode, 0, 3),
        "trade_mode": (terms.trade_mode, 0, 4),
        "stops_level": (terms.stops_level, 0, 1_000_000),
        "freeze_level": (terms.freeze_level, 0, 1_000_000),
        "pip_points": (terms.pip_points, 0, 1_000_000),
    }
    for field, (value, low, high) in ranges.items():
        if not low <= value <= high:
            return f"{field} {value} is not in {low} to {high}"
    if terms.contract_size <= 0:
        return f"contract_size {terms.contract_size:g} must be above 0"
    step, least, most = map(to_e8, (terms.volume_step, terms.volume_min, terms.volume_max))
    if not 0 < step <= least <= most or least % step or most % step:
        return (
            "volume_min and volume_max must be multiples of volume_step, which is above 0, "
            "and volume_min not above volume_max"
        )
    return ""


def _invalid(where: str, what: str) -> OnefillError:
    return OnefillError("BROKER_FILE_INVALID", f"{where}: {what}")
