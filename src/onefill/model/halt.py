"""The kill switch (control 1): what is halted, by whom, and why."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Scope(StrEnum):
    """How far a halt reaches, from wide to narrow."""

    FIRM = "firm"
    TENANT = "tenant"
    ACCOUNT = "account"
    STRATEGY = "strategy"


class Halt(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Nothing that raises risk is sent for what it covers, until a person resumes it. Closes and
    cancels pass. `strategy` is a magic number; with `account` it is that account's alone."""

    id: str
    scope: Scope
    tenant: str = ""
    account: str = ""
    strategy: int | None = None
    reason: str = ""
    by: str = ""
    at_ms: int = 0
    #: Positions are closed too, until the broker shows none.
    flatten: bool = False

    def covers(self, tenant: str, account: str, magic: int) -> bool:
        """Whether an order of that tenant's account and magic number is halted."""
        if self.tenant and self.tenant != tenant:
            return False
        if self.account and self.account != account:
            return False
        return self.strategy is None or self.strategy == magic
