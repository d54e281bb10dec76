"""Operations on limits (firm, tenant, account), on the agents' limits that were approved (control
22) and on overrides, which need two persons (control 21); each is audited."""

from __future__ import annotations

import json
import re

import msgspec

from onefill.gateway.identity.errors import unknown
from onefill.gateway.identity.limits import read_value, scope_level, scope_name, table_line
from onefill.gateway.identity.model import Account
from onefill.gateway.identity.people import People
from onefill.gateway.identity.records import LimitSet, Override
from onefill.gateway.identity.store import Store
from onefill.gateway.identity.words import check_reason, check_text, same_person
from onefill.model.errors import OnefillError
from onefill.risk.caps import LIMITS, Value, written
from onefill.risk.limits_file import LimitsError, read_levels
from onefill.runtime.clock import Clock
from onefill.runtime.secret import new_secret

MAX_LIMITS = 2_000
"""Limits that one scope may set, over all levels."""

MAX_OVERRIDE_MS = 7 * 86_400_000
WAIT_FOR_APPROVAL_MS = 86_400_000
"""An override that nobody approved for so long is asked for again."""

MAX_OVERRIDES = 10_000

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class LimitSetting:
    """What the gateway holds orders to, as people set it. No tenant: the firm; no account: all of
    the tenant's."""

    def __init__(self, store: Store, people: People, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._clock = clock

    def rows(self, tenant: str = "", account: str = "") -> list[LimitSet]:
        """What is set for just this scope, by level and name."""
        found = self._store.all(LimitSet).values()
        mine = [row for row in found if (row.tenant, row.account) == (tenant, account)]
        return sorted(mine, key=lambda row: (row.level, row.name))

    def replace(
        self,
        text: str,
        file: str,
        *,
        by: str,
        reason: str = "",
        tenant: str = "",
        account: str = "",
    ) -> int:
        """Set a scope's limits to what a limits file says, and no others; how many. Raises
        `LimitsError`."""
        levels = read_levels(text, file)
        new = [
            LimitSet(
                tenant=tenant, account=account, level=level, name=name, value=written(name, value)
            )
            for level, limits in levels.items()
            for name, value in limits.items()
        ]
        if len(new) > MAX_LIMITS:
            raise OnefillError("LIMITS_TOO_MANY", f"{file}: more than {MAX_LIMITS:,} limits")
        for level in levels:
            _check_level(level, tenant, account, file)
        with self._store.change(by, "limits.replace", check_reason(reason)) as change:
            self._check_scope(tenant, account)
            for row in self.rows(tenant, account):
                change.remove(row)
            for row in new:
                change.put(row)
            change.notes["scope"] = scope_name(tenant, account)
        return len(new)

    def set(
        self,
        values: dict[str, str],
        *,
        by: str,
        reason: str = "",
        tenant: str = "",
        account: str = "",
        level: str = "",
    ) -> list[LimitSet]:
        """Set limits by name, each value as a limits file writes it (quotes may be left out).
        Raises `LimitsError`."""
        level = level or scope_level(tenant, account)
        _check_level(level, tenant, account, "limits")
        new = [
            LimitSet(
                tenant=tenant,
                account=account,
                level=level,
                name=name,
                value=written(name, _value(level, name, value)),
            )
            for name, value in values.items()
        ]
        with self._store.change(by, "limits.set", check_reason(reason)) as change:
            self._check_scope(tenant, account)
            if len(self.rows(tenant, account)) + len(new) > MAX_LIMITS:
                raise OnefillError("LIMITS_TOO_MANY", f"a scope sets at most {MAX_LIMITS:,} limits")
            for row in new:
                change.put(row)
        return new

    def unset(
        self,
        names: list[str],
        *,
        by: str,
        reason: str = "",
        tenant: str = "",
        account: str = "",
        level: str = "",
    ) -> None:
        """Take limits away from a scope; what is set nowhere denies on a live account."""
        level = level or scope_level(tenant, account)
        with self._store.change(by, "limits.unset", check_reason(reason)) as change:
            self._check_scope(tenant, account)
            for name in names:
                row = self._store.get(LimitSet, tenant, account, level, name)
                if row is None:
                    where = f"{name} at [{level}] of {scope_name(tenant, account)}"
                    raise unknown("limit", where, "limits show")
                change.remove(row)

    def approve(
        self, tenant: str, account: str, fingerprint: str, *, by: str, reason: str = ""
    ) -> Account:
        """Let an account trade only while its agent's own limits have this fingerprint (SHA-256,
        hex); empty: any. Raises `OnefillError` (`FINGERPRINT_INVALID`)."""
        if fingerprint and not _FINGERPRINT.fullmatch(fingerprint):
            raise OnefillError(
                "FINGERPRINT_INVALID",
                "a fingerprint of limits is 64 hex digits, as the agent prints it when it starts",
            )
        with self._store.change(by, "limits.approve", check_reason(reason)) as change:
            old = self._people.account(tenant, account)
            new = msgspec.structs.replace(old, approved_limits=fingerprint)
            change.put(new)
        return new

    def ask_override(
        self,
        tenant: str,
        account: str,
        name: str,
        value: str,
        *,
        reason: str,
        lasts_ms: int,
        by: str,
    ) -> Override:
        """Ask for a limit of an account to be loosened for a while; nothing changes yet."""
        if not 1000 <= lasts_ms <= MAX_OVERRIDE_MS:
            days = MAX_OVERRIDE_MS // 86_400_000
            raise OnefillError("OVERRIDE_TOO_LONG", f"an override lasts 1 second to {days} days")
        row = Override(
            id=new_secret(6).hex(),
            tenant=tenant,
            account=account,
            name=name,
            value=written(name, _value("account", name, value)),
            reason=check_reason(reason, needed=True),
            asked_by=check_text("who asks", by, needed=True),
            asked_login=self._store.login,
            asked_ms=self._clock.now_ms(),
            lasts_ms=lasts_ms,
        )
        with self._store.change(row.asked_by, "override.ask", row.reason) as change:
            self._people.account(tenant, account)
            for old in self._store.all(Override).values():
                if self._over(old):
                    change.remove(old)  # the audit trail keeps it
            if len(self._store.all(Override)) >= MAX_OVERRIDES:
                raise OnefillError("OVERRIDES_TOO_MANY", f"{MAX_OVERRIDES:,} overrides wait")
            change.put(row)
        return row

    def approve_override(self, override: str, *, by: str, reason: str = "") -> Override:
        """Put it in force, by another person than who asked, as far as names tell persons apart.
        Raises `OnefillError` (`OVERRIDE_SAME_PERSON`, `OVERRIDE_OVER`)."""
        who = check_text("who approves", by, needed=True)
        with self._store.change(who, "override.approve", check_reason(reason)) as change:
            row = self._override(override)
            now = self._clock.now_ms()
            if same_person(row.asked_by, who):
                raise OnefillError(
                    "OVERRIDE_SAME_PERSON",
                    f"{row.asked_by} asked for override {row.id}: somebody else must approve it",
                )
            late = now >= row.asked_ms + WAIT_FOR_APPROVAL_MS
            if row.approved_ms is not None or row.ended_ms is not None or late:
                what = "was approved already" if row.approved_ms is not None else "is over"
                raise OnefillError("OVERRIDE_OVER", f"override {row.id} {what}: ask for a new one")
            row = msgspec.structs.replace(
                row,
                approved_by=who,
                approved_login=self._store.login,
                approved_ms=now,
                expires_ms=now + row.lasts_ms,
            )
            change.put(row)
        return row

    def end_override(self, override: str, *, by: str, reason: str = "") -> Override:
        """End one before its time, or refuse one that was asked for."""
        with self._store.change(by, "override.end", check_reason(reason)) as change:
            row = self._override(override)
            if row.ended_ms is None:
                row = msgspec.structs.replace(row, ended_ms=self._clock.now_ms(), ended_by=by)
                change.put(row)
        return row

    def _override(self, override: str) -> Override:
        row = self._store.get(Override, override)
        if row is None:
            raise unknown("override", override, "override list")
        return row

    def _over(self, row: Override) -> bool:
        """Whether it is long past: expired, ended, or never approved."""
        end = row.ended_ms or row.expires_ms or row.asked_ms + WAIT_FOR_APPROVAL_MS
        return self._clock.now_ms() >= end + MAX_OVERRIDE_MS

    def _check_scope(self, tenant: str, account: str) -> None:
        if account:
            self._people.account(tenant, account)
        elif tenant:
            self._people.tenant(tenant)


def _value(level: str, name: str, value: str) -> Value:
    """A value that a person typed: quotes around words may be left out. Raises `LimitsError`."""
    if name not in LIMITS:
        read_levels(f"[firm]\n{json.dumps(name)} = 0\n", "limits")  # tells which there are
    if not value.isprintable():
        raise LimitsError("LIMITS_INVALID", f"limits: {name}: expected a value on one line")
    if name == "symbols" and not value.startswith("["):
        value = json.dumps([one.strip() for one in value.split(",")], ensure_ascii=False)
    elif value.isidentifier() and value not in ("true", "false", "inf", "nan"):
        value = json.dumps(value)
    return read_value(level, name, value, "limits")


def _check_level(level: str, tenant: str, account: str, file: str) -> None:
    own = scope_level(tenant, account)
    if level != own and not level.startswith(("strategy.", "symbol.")):
        raise LimitsError(
            "LIMITS_INVALID",
            f"{file}: {level}: the limits of {scope_name(tenant, account)} are set under [{own}], "
            "[strategy.MAGIC] and [symbol.NAME]",
        )
    read_levels(f"{table_line(level)}\n", file)
