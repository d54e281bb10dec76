"""What the simulated broker offers, and on which terms: read from TOML, several are shipped.

A file says what it changes of the profile that it extends (the shipped `default`, unless its first
line says `extends = "ecn"`): its own [broker], [groups.NAME], [symbols.NAME] and [faults] tables.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from onefill.model.errors import OnefillError
from onefill.model.symbol import Symbol
from onefill.terminal.simulator.faults import plan_of
from onefill.terminal.simulator.settings import BrokerSettings
from onefill.terminal.simulator.specification import (
    Specification,
    specification_of,
    unknown_symbol,
)
from onefill.terminal.zone import parse_zone

DEFAULT = "default"


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tables a file may have."""

    extends: str = DEFAULT
    #: What kind of broker it is, in a sentence.
    about: str = ""
    broker: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    symbols: dict[str, dict[str, Any]] = {}
    #: Fault kinds and their rates, or settings, as `--faults` has them.
    faults: dict[str, float] = {}


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A broker: its settings, and its symbols' specifications by the name it offers them under."""

    name: str = DEFAULT
    about: str = ""
    broker: BrokerSettings
    specifications: dict[str, Specification]
    #: Rates and settings of faults, by name.
    faults: dict[str, float] = {}

    def symbol(self, name: str) -> Symbol:
        """The symbol as the model has it; `UNKNOWN_SYMBOL` where the broker does not offer it."""
        found = self.specifications.get(name)
        if found is None:
            raise unknown_symbol(name)
        return found.symbol

    def offered(self, name: str) -> str:
        """The broker's name of a symbol, its prefix and suffix added."""
        return f"{self.broker.prefix}{name}{self.broker.suffix}"

    def fingerprint(self) -> str:
        """SHA-256 (hex) of everything it says."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


def shipped_profiles() -> list[str]:
    """The names of the profiles that come with the package."""
    folder = resources.files(__package__).joinpath("profiles")
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    )


def find_profile(text: str) -> Profile:
    """A shipped profile by its name, or one in a file (`something.toml`).

    Raises `OnefillError` (`PROFILE_UNKNOWN`, `BROKER_FILE_UNREADABLE`, `BROKER_FILE_INVALID`).
    """
    if text in shipped_profiles():
        return _profile(text, _shipped(text), f"the shipped profile {text}")
    if not text.endswith(".toml"):
        raise _unknown(text, "there is no shipped profile of that name")
    return load_profile(Path(text))


def load_profile(path: Path | None = None) -> Profile:
    """The shipped default profile, or a user's file laid over the one that it extends.

    Raises `OnefillError` (`BROKER_FILE_UNREADABLE`, `BROKER_FILE_INVALID`, `PROFILE_UNKNOWN`).
    """
    if path is None:
        return _profile(DEFAULT, _shipped(DEFAULT), "the shipped profile")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise OnefillError(
            "BROKER_FILE_UNREADABLE", f"cannot read the broker file {path}: {wrong}"
        ) from None
    where = f"the broker file {path}"
    over = _tables(text, where)
    if over.extends not in shipped_profiles():
        raise _unknown(over.extends, f"{where} extends a profile that is not shipped")
    return _profile(path.stem, _laid_over(_shipped(over.extends), over), where)


def _shipped(name: str) -> _File:
    file = resources.files(__package__).joinpath("profiles", f"{name}.toml")
    tables = _tables(file.read_text(encoding="utf-8"), f"the shipped profile {name}")
    return tables if name == DEFAULT else _laid_over(_shipped(tables.extends), tables)


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
        extends=under.extends,
        about=over.about or under.about,
        broker={**under.broker, **over.broker},
        groups=merged(under.groups, over.groups),
        symbols=merged(under.symbols, over.symbols),
        faults={**under.faults, **over.faults},
    )


def _profile(name: str, tables: _File, where: str) -> Profile:
    try:
        broker = msgspec.convert(tables.broker, BrokerSettings)
    except msgspec.ValidationError as wrong:
        raise _invalid(where, f"[broker]: {wrong}") from None
    _check_broker(broker, where)
    found = {}
    for symbol, table in tables.symbols.items():
        one = _specification(symbol, table, tables, broker, where)
        found[one.symbol.name] = one
    try:
        plan_of(tables.faults)
    except OnefillError as wrong:
        raise _invalid(where, f"[faults]: {wrong.message}") from None
    return Profile(
        name=name,
        about=tables.about,
        broker=broker,
        specifications=found,
        faults=tables.faults,
    )


def _check_broker(broker: BrokerSettings, where: str) -> None:
    if not 16 <= broker.comment_limit <= 31:
        raise _invalid(where, f"[broker]: comment_limit {broker.comment_limit} is not in 16 to 31")
    if not 16 <= broker.comment_accepted <= 31:
        wrong = broker.comment_accepted
        raise _invalid(where, f"[broker]: comment_accepted {wrong} is not in 16 to 31")
    if not 1 <= broker.leverage <= 10_000:
        raise _invalid(where, f"[broker]: leverage {broker.leverage} is not in 1 to 10000")
    parse_zone(broker.time_zone)
    for name in (
        "balance", "margin_call", "stop_out", "limit_orders", "limit_positions",
        "commission_per_lot", "commission_percent", "fee_per_lot", "latency_ms",
        "history_lag_ms", "slippage_points", "quote_age_ms",
    ):  # fmt: skip
        if getattr(broker, name) < 0:
            raise _invalid(where, f"[broker]: {name} cannot be below 0")


def _specification(
    name: str, table: dict[str, Any], tables: _File, broker: BrokerSettings, where: str
) -> Specification:
    group = table.get("group", "")
    if group and group not in tables.groups:
        raise _invalid(where, f"[symbols.{name}]: there is no [groups.{group}]")
    merged = {**tables.groups.get(group, {}), **table}
    try:
        return specification_of(name, f"{broker.prefix}{name}{broker.suffix}", merged)
    except (msgspec.ValidationError, ValueError) as wrong:
        raise _invalid(where, f"[symbols.{name}]: {wrong}") from None


def _invalid(where: str, what: str) -> OnefillError:
    return OnefillError("BROKER_FILE_INVALID", f"{where}: {what}")


def _unknown(name: str, why: str) -> OnefillError:
    shipped = ", ".join(shipped_profiles())
    return OnefillError(
        "PROFILE_UNKNOWN", f"{name!r}: {why}; shipped are {shipped}; a file ends in .toml"
    )
