"""A gateway's identity in a new directory, with two tenants, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from onefill.gateway.identity.opening import Identity, open_identity
from onefill.runtime.clock import VirtualClock

NOW_MS = 1_790_000_000_000


@pytest.fixture
def clock() -> VirtualClock:
    """The gateway's time."""
    return VirtualClock(NOW_MS)


@pytest.fixture
def identity(tmp_path: Path, clock: VirtualClock) -> Iterator[Identity]:
    """Tenants acme (anna, her demo account 1001) and other (oskar, 2002)."""
    opened = open_identity(tmp_path, clock)
    people = opened.admin.people
    for tenant, user, account in (("acme", "anna", "1001"), ("other", "oskar", "2002")):
        people.create_tenant(tenant, by="test")
        people.create_user(tenant, user, auto_trading=True, by="test")
        people.create_account(tenant, account, user=user, by="test")
    yield opened
    opened.close()
