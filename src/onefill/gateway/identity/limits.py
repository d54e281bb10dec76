"""Limits as they are set for firm, tenant and account, composed into what one account meets.

Each scope may set its own level and those of strategies and symbols; of what several set for the
same level the tighter holds, and an override in force loosens whatever is tighter than it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import msgspec

from onefill.gateway.identity.model import Account
from onefill.gateway.identity.records import LimitSet, Override
from onefill.gateway.identity.store import Store
from onefill.risk.caps import Value, tightness, written
from onefill.risk.limits import ACCOUNT_LEVELS, Limits, limits_text
from onefill.risk.limits_file import read_levels

Levels = dict[str, dict[str, Value]]
SHIPPED = "shipped"
"""Where a value comes from that nobody set: a demo account's default."""


class LimitHeld(msgspec.Struct, frozen=True):
    """One limit that an account meets, as a limits file writes it."""

    level: str
    limit: str
    value: str
    #: Who set it: "firm", "tenant", "account", "override ID", or nobody: `SHIPPED`. "firm and
    #: tenant": the symbols that are on the lists of both.
    source: str


class _Composed(msgspec.Struct, frozen=True):
    limits: Limits
    #: All of them, sorted by level and name.
    held: tuple[LimitHeld, ...]
    #: When an override that counts runs out, Unix ms.
    until_ms: int | None


def scope_level(tenant: str, account: str) -> str:
    """The level that is a scope's own."""
    if account:
        return "account"
    return "tenant" if tenant else "firm"


def scope_name(tenant: str, account: str) -> str:
    """A scope in words."""
    return f"{tenant}/{account}" if account else tenant or "the firm"


def read_value(level: str, name: str, value: str, where: str) -> Value:
    """A value as a limits file writes it. Raises `LimitsError`."""
    return read_levels(f"{table_line(level)}\n{name} = {value}\n", where)[level][name]


def table_line(level: str) -> str:
    """The line that begins a level in a limits file."""
    table, dot, name = level.partition(".")
    return f"[{table}.{json.dumps(name, ensure_ascii=False)}]" if dot else f"[{level}]"


def levels_of(rows: Iterable[LimitSet]) -> Levels:
    """Rows of one scope as levels. Raises `LimitsError`."""
    levels: Levels = {}
    for row in rows:
        where = f"the limits of {scope_name(row.tenant, row.account)}"
        value = read_value(row.level, row.name, row.value, where)
        levels.setdefault(row.level, {})[row.name] = value
    return levels


class Composer:
    """The limits of each account, made from those set; made again when something changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = -1
        self._scopes: dict[tuple[str, str], Levels] = {}
        self._overrides: dict[tuple[str, str], list[Override]] = {}
        self._made: dict[str, _Composed] = {}
        self._shipped = read_levels(limits_text(), "the shipped limits")["account"]

    def limits(self, account: Account, now_ms: int) -> Limits:
        """What holds for an account now."""
        return self._now(account, now_ms).limits

    def held(self, account: Account, now_ms: int) -> tuple[LimitHeld, ...]:
        """The same, limit by limit, with where each value comes from."""
        return self._now(account, now_ms).held

    def _now(self, account: Account, now_ms: int) -> _Composed:
        self._look()
        made = self._made.get(account.id)
        if made is None or (made.until_ms is not None and now_ms >= made.until_ms):
            made = self._made[account.id] = self._compose(account, now_ms)
        return made

    def _look(self) -> None:
        if self._version == self._store.version:
            return
        self._version = self._store.version
        rows: dict[tuple[str, str], list[LimitSet]] = {}
        for row in self._store.all(LimitSet).values():
            rows.setdefault((row.tenant, row.account), []).append(row)
        self._scopes = {scope: levels_of(found) for scope, found in rows.items()}
        self._overrides = {}
        for one in self._store.all(Override).values():
            self._overrides.setdefault((one.tenant, one.account), []).append(one)
        self._made.clear()

    def _compose(self, account: Account, now_ms: int) -> _Composed:
        levels: Levels = {}
        sources: dict[tuple[str, str], str] = {}
        for scope in (("", ""), (account.tenant, ""), (account.tenant, account.name)):
            own = scope_level(*scope)
            for level, limits in self._scopes.get(scope, {}).items():
                merged = levels.setdefault(level, {})
                for name, value in limits.items():
                    before = merged.get(name)
                    now = value if before is None else tighter(name, before, value)
                    merged[name] = now
                    if before is None:
                        sources[level, name] = own
                    elif now is not before:  # equal values: who is above set it
                        also = "" if now is value else f"{sources[level, name]} and "
                        sources[level, name] = also + own
        if not account.live:
            _fill(levels, self._shipped)
        composed = {level: dict(limits) for level, limits in levels.items()}
        in_force = [
            one
            for one in self._overrides.get((account.tenant, account.name), [])
            if one.in_force(now_ms)
        ]
        for one in in_force:
            where = f"override {one.id}"
            loosen(levels, one.name, read_value("account", one.name, one.value, where))
        for level, limits in levels.items():
            for name, value in limits.items():
                if value is not composed.get(level, {}).get(name):
                    ids = [one.id for one in in_force if one.name == name]
                    sources[level, name] = f"override {', '.join(ids)}"
        ends = [one.expires_ms for one in in_force if one.expires_ms is not None]
        name = f"the gateway's limits of {account.id}; onefill admin limits"
        held = tuple(
            LimitHeld(level, name, written(name, value), sources.get((level, name), SHIPPED))
            for level, limits in sorted(levels.items())
            for name, value in sorted(limits.items())
        )
        return _Composed(Limits(levels, name), held, min(ends, default=None))


def tighter(name: str, one: Value, other: Value) -> Value:
    """The tighter of two values for the same; of two lists of symbols, what is on both."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        if "*" in one or "*" in other:
            return other if "*" in one else one
        return tuple(sorted(set(one) & set(other)))
    return max([one, other], key=lambda value: tightness(name, value, ""))


def looser(name: str, one: Value, other: Value) -> Value:
    """The looser of two values for the same; of two lists of symbols, what is on either."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return ("*",) if "*" in (*one, *other) else tuple(sorted({*one, *other}))
    return min([one, other], key=lambda value: tightness(name, value, ""))


def loosen(levels: Levels, name: str, value: Value) -> None:
    """Let a value hold in place of every tighter one, at any level."""
    for limits in levels.values():
        if name in limits:
            limits[name] = looser(name, limits[name], value)
    if not any(name in levels.get(level, {}) for level in ACCOUNT_LEVELS):
        levels.setdefault("account", {})[name] = value


def _fill(levels: Levels, shipped: dict[str, Value]) -> None:
    """A demo account trades under generous limits where nobody set any; a live one does not."""
    for name, value in shipped.items():
        if not any(name in levels.get(level, {}) for level in ACCOUNT_LEVELS):
            levels.setdefault("account", {})[name] = value
