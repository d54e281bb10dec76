"""Reading a limits file (TOML): every mistake is told with file, key and what was expected."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from onefill.model.errors import OnefillError
from onefill.risk.caps import LIMITS, Kind, Trading, Value

_TABLES = ("firm", "tenant", "account", "strategy", "symbol")
_MAX_MAGIC = 2**63 - 1


class LimitsError(OnefillError):
    """A limits file that cannot be used: `LIMITS_UNREADABLE` or `LIMITS_INVALID`."""


def read_levels(text: str, file: str) -> dict[str, dict[str, Value]]:
    """Level ("account", "strategy.7", "symbol.EURUSD") to its limits. Raises `LimitsError`."""
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as wrong:
        raise LimitsError("LIMITS_INVALID", f"{file}: not TOML: {wrong}") from None
    levels: dict[str, dict[str, Value]] = {}
    for name, table in tables.items():
        if name not in _TABLES:
            raise _invalid(file, name, f"no such level{_suggestion(name, _TABLES)}")
        if not isinstance(table, dict):
            raise _invalid(file, name, f"expected a table: [{name}], then a limit a line")
        if name in ("strategy", "symbol"):
            levels |= _named_levels(name, table, file)
        else:
            levels[name] = _limits(name, table, file)
    return levels


def _named_levels(table: str, named: dict[str, Any], file: str) -> dict[str, dict[str, Value]]:
    """The tables under [strategy.MAGIC] or [symbol.NAME]."""
    levels = {}
    for name, limits in named.items():
        level = f"{table}.{name}"
        if not isinstance(limits, dict):
            example = "[strategy.123]" if table == "strategy" else "[symbol.EURUSD]"
            raise _invalid(file, level, f"expected a table of its own, as in {example}")
        if table == "strategy" and not _is_magic(name):
            raise _invalid(file, level, f"expected a magic number, 0 to {_MAX_MAGIC}")
        levels[level] = _limits(level, limits, file)
    return levels


def _is_magic(name: str) -> bool:
    """A magic number as it is written: no sign, no leading zero."""
    return (
        name.isascii()
        and name.isdigit()
        and str(int(name[:20])) == name
        and int(name) <= _MAX_MAGIC
    )


def _limits(level: str, table: dict[str, Any], file: str) -> dict[str, Value]:
    limits: dict[str, Value] = {}
    for name, value in table.items():
        key = f"{level}.{name}"
        if name not in LIMITS:
            hint = _suggestion(name, LIMITS)
            if isinstance(value, dict):
                hint = f'; a name with a dot needs quotes: [{level.split(".")[0]}."EURUSD.m"]'
            raise _invalid(file, key, f"no such limit{hint}")
        limits[name] = _value(file, key, name, value)
    return limits


def _value(file: str, key: str, name: str, value: Any) -> Value:
    limit = LIMITS[name]
    if limit.kind is Kind.STATE and value in tuple(Trading):
        return str(value)
    if limit.kind is Kind.SWITCH and isinstance(value, bool):
        return value
    if limit.kind is Kind.SYMBOLS and isinstance(value, list):
        if all(isinstance(one, str) and one for one in value):
            return tuple(sorted(set(value)))
    elif limit.kind in (Kind.NUMBER, Kind.COUNT):
        if limit.word and value == limit.word:
            return limit.without
        if _is_number(value, limit.most) and (
            limit.kind is Kind.NUMBER or float(value).is_integer()
        ):
            return float(value)
    most = f" and at most {limit.most:,.0f}" if limit.most < 1e300 else ""
    word = f' or "{limit.word}"' if limit.word else ""
    raise _invalid(file, key, f"expected {limit.kind}{most}{word}, not {_shown(value)}")


def _is_number(value: Any, most: float) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 <= value <= most
        and math.isfinite(value)
    )


def _shown(value: Any) -> str:
    text = repr(value)
    if isinstance(value, bool):
        text = text.lower()
    return text if len(text) <= 60 else f"{text[:57]}..."


def _suggestion(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"


def _invalid(file: str, key: str, what: str) -> LimitsError:
    return LimitsError("LIMITS_INVALID", f"{file}: {key}: {what}")
