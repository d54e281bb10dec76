"""The lease: counted from what was sent, and only once the gateway has said what holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.agent.lease import LEASE_MOST_MS, Lease
from onefill.contracts.client_config import ClientConfig, encode_client_config
from onefill.contracts.messages import ConfigUpdate
from onefill.model.errors import OnefillError
from onefill.model.halt import Halt, Scope
from onefill.risk.caps import Trading

MS = 1_000_000


class Now:
    """A monotonic clock that the test moves."""

    ns = 1_000 * MS

    def __call__(self) -> int:
        return self.ns


def update(version: int = 1, lease_ms: int = 100, **more: object) -> ConfigUpdate:
    config = ClientConfig(lease_ms=lease_ms, **more)  # type: ignore[arg-type]
    return ConfigUpdate(version, encode_client_config(config))


def granted(now: Now, lease_ms: int = 100) -> Lease:
    lease = Lease(now)
    lease.connected(bare=False)
    lease.configure(update(lease_ms=lease_ms))
    lease.contact(now.ns)
    return lease


def state(lease: Lease) -> Trading:
    """As it is now (mypy would remember what it was)."""
    return lease.trading


def runs(lease: Lease) -> bool:
    """As it is now."""
    return lease.holds


def test_before_any_configuration_everything_waits() -> None:
    now = Now()
    lease = Lease(now)
    lease.connected(bare=False)
    lease.contact(now.ns)
    assert "has not said yet" in lease.out_of_contact()


def test_it_runs_from_when_the_heartbeat_was_sent() -> None:
    now = Now()
    lease = granted(now)
    sent_ns = now.ns
    now.ns += 60 * MS
    lease.contact(sent_ns + 10 * MS)  # answered 50 ms later
    now.ns = sent_ns + 109 * MS
    assert lease.out_of_contact() == ""
    now.ns = sent_ns + 110 * MS
    assert "longer than its lease" in lease.out_of_contact()


@given(st.lists(st.integers(0, 1_000), min_size=1))
def test_answers_out_of_order_never_lengthen_it_beyond_the_latest_sent(sent: list[int]) -> None:
    now = Now()
    lease = granted(now)
    begun = now.ns
    for at_ms in sent:
        lease.contact(begun + at_ms * MS)
    now.ns = begun + (max(sent) + 100) * MS
    assert not runs(lease)
    now.ns -= 1
    assert runs(lease)


def test_a_new_connection_does_not_renew_it_before_its_configuration() -> None:
    now = Now()
    lease = granted(now)
    lease.connected(bare=False)
    assert runs(lease)  # what is left of it
    now.ns += 90 * MS
    lease.contact(now.ns)
    now.ns += 10 * MS
    assert not runs(lease)
    lease.configure(update(7))
    lease.contact(now.ns)
    assert runs(lease)


def test_a_gateway_cannot_grant_for_ever() -> None:
    now = Now()
    lease = granted(now, lease_ms=10**15)
    now.ns += LEASE_MOST_MS * MS
    assert not runs(lease)


def test_a_plain_connection_grants_a_short_one_of_its_own() -> None:
    now = Now()
    lease = Lease(now)
    lease.connected(bare=True)
    assert lease.out_of_contact()
    lease.contact(now.ns)
    assert not lease.out_of_contact()


def test_halts_cover_their_strategy_or_all() -> None:
    now = Now()
    lease = granted(now)
    halt = Halt(id="h", scope=Scope.STRATEGY, strategy=7, tenant="t", account="theirs")
    lease.configure(update(2, halts=(halt,)))
    assert lease.halted(7) == halt
    assert lease.halted(8) is None
    lease.configure(update(3, halts=(Halt(id="f", scope=Scope.FIRM),)))
    assert lease.halted(8) is not None
    lease.configure(update(4))
    assert lease.halted(7) is None


def test_an_older_version_on_one_connection_changes_nothing() -> None:
    lease = granted(Now())
    lease.configure(update(5, trading="reduce_only"))
    assert not lease.configure(update(4))
    assert state(lease) == Trading.REDUCE_ONLY
    lease.connected(bare=False)
    assert lease.configure(update(1))
    assert state(lease) == Trading.NORMAL


@pytest.mark.parametrize(
    "document", [b"", b"{", b"[]", b'{"lease_ms": 5, "trading": "wild"}', b'{"lease_ms": -5}']
)
def test_what_cannot_be_read_halts_until_something_can(document: bytes) -> None:
    lease = granted(Now())
    with pytest.raises(OnefillError) as refused:
        lease.configure(ConfigUpdate(2, document))
    assert refused.value.code == "CONFIG_UPDATE_INVALID"
    assert state(lease) == Trading.HALTED
    lease.configure(update(3))
    assert state(lease) == Trading.NORMAL
