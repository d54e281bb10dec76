"""The lease: counted from what was sent, and only once the gateway has said what holds; and what
holds of each gateway, until that gateway says otherwise."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.agent.kept_halts import KeptHalts
from onefill.agent.lease import LEASE_MOST_MS, Lease
from onefill.contracts.client_config import ClientConfig, encode_client_config
from onefill.contracts.messages import ConfigUpdate
from onefill.execution.gate import Halted
from onefill.model.errors import OnefillError
from onefill.model.halt import Halt, Scope
from onefill.risk.caps import Trading

MS = 1_000_000
ONE, TWO = "wss://one", "wss://two"
FIRM = Halt(id="f", scope=Scope.FIRM)
ORDER = list(Trading)


class Now:
    """A monotonic clock that the test moves."""

    ns = 1_000 * MS

    def __call__(self) -> int:
        return self.ns


def update(version: int = 1, lease_ms: int = 100, **more: object) -> ConfigUpdate:
    config = ClientConfig(lease_ms=lease_ms, **more)  # type: ignore[arg-type]
    return ConfigUpdate(version, encode_client_config(config))


def lease_of(now: Now, home: Path | None = None) -> Lease:
    """Over what the last one kept in the directory; of its own where none is given."""
    with tempfile.TemporaryDirectory() as own:
        return Lease(KeptHalts(home or Path(own), "a"), now)


def granted(now: Now, lease_ms: int = 100, home: Path | None = None) -> Lease:
    lease = lease_of(now, home)
    lease.connected(ONE, bare=False)
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
    lease = lease_of(now)
    lease.connected(ONE, bare=False)
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
    lease.connected(ONE, bare=False)
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
    lease = lease_of(now)
    lease.connected(ONE, bare=True)
    assert lease.out_of_contact()
    lease.contact(now.ns)
    assert not lease.out_of_contact()


def test_halts_cover_their_strategy_or_all(tmp_path: Path) -> None:
    now = Now()
    lease = granted(now, home=tmp_path)
    halt = Halt(id="h", scope=Scope.STRATEGY, strategy=7, tenant="t", account="theirs")
    lease.configure(update(2, halts=(halt,)))
    assert lease.halted(7) == Halted(halt, ONE)
    assert lease.halted(8) is None
    lease.configure(update(3, halts=(FIRM,)))
    assert lease.halted(8) is not None
    lease.configure(update(4))
    assert lease.halted(7) is None


def test_an_older_version_on_one_connection_changes_nothing(tmp_path: Path) -> None:
    lease = granted(Now(), home=tmp_path)
    lease.configure(update(5, trading="reduce_only"))
    assert not lease.configure(update(4))
    assert state(lease) == Trading.REDUCE_ONLY
    lease.connected(ONE, bare=False)
    assert lease.configure(update(1))
    assert state(lease) == Trading.NORMAL


@pytest.mark.parametrize(
    "document", [b"", b"{", b"[]", b'{"lease_ms": 5, "trading": "wild"}', b'{"lease_ms": -5}']
)
def test_what_cannot_be_read_halts_until_the_same_gateway_tells_something_that_can(
    tmp_path: Path, document: bytes
) -> None:
    lease = granted(Now(), home=tmp_path)
    with pytest.raises(OnefillError) as refused:
        lease.configure(ConfigUpdate(2, document))
    assert refused.value.code == "CONFIG_UPDATE_INVALID"
    lease = lease_of(Now(), tmp_path)
    assert state(lease) == Trading.HALTED
    lease.connected(TWO, bare=False)
    lease.configure(update())
    assert state(lease) == Trading.HALTED
    assert f"gateway {ONE}, whose last configuration could not be read" in lease.trading_set_by
    lease.connected(ONE, bare=False)
    lease.configure(update(3))
    assert state(lease) == Trading.NORMAL


def test_what_one_gateway_halted_holds_with_another_and_until_the_first_lifts_it(
    tmp_path: Path,
) -> None:
    lease = granted(Now(), home=tmp_path)
    lease.configure(update(2, halts=(FIRM,), trading="reduce_only"))
    lease.connected(TWO, bare=False)
    lease.configure(update(trading="normal"))
    assert lease.halted(8) == Halted(FIRM, ONE)
    assert (state(lease), lease.trading_set_by) == (Trading.REDUCE_ONLY, f"gateway {ONE}")
    lease.configure(update(2, trading="halted"))
    assert (state(lease), lease.trading_set_by) == (Trading.HALTED, f"gateway {TWO}")
    lease.connected(ONE, bare=False)
    lease.configure(update(1))
    assert lease.halted(8) is None
    assert state(lease) == Trading.HALTED


def test_a_halt_that_could_not_be_written_down_is_lifted_by_no_other_gateway(
    tmp_path: Path,
) -> None:
    lease = granted(Now(), home=tmp_path)
    in_the_way = tmp_path / "a.new"
    in_the_way.mkdir()
    with pytest.raises(OnefillError):
        lease.configure(update(2, halts=(FIRM,)))
    in_the_way.rmdir()
    lease.connected(TWO, bare=False)
    lease.configure(update())
    assert state(lease) == Trading.HALTED
    assert state(lease_of(Now(), tmp_path)) == Trading.HALTED
    lease.connected(ONE, bare=False)
    lease.configure(update(2, halts=(FIRM,)))
    assert (state(lease), lease.halted(8)) == (Trading.NORMAL, Halted(FIRM, ONE))
    assert lease_of(Now(), tmp_path).halted(8) == Halted(FIRM, ONE)


def test_a_bare_connection_lifts_nothing(tmp_path: Path) -> None:
    granted(Now(), home=tmp_path).configure(update(2, halts=(FIRM,)))
    lease = lease_of(Now(), tmp_path)
    lease.connected(ONE, bare=True)
    assert lease.halted(8) == Halted(FIRM, ONE)


def test_what_cannot_be_written_down_halts_everything_and_is_not_taken(tmp_path: Path) -> None:
    lease = granted(Now(), home=tmp_path)
    (tmp_path / "a.new").mkdir()  # where the file is written before it takes its place
    with pytest.raises(OnefillError) as refused:
        lease.configure(update(2, halts=(FIRM,)))
    assert refused.value.code == "HALTS_NOT_KEPT"
    assert (state(lease), lease.version) == (Trading.HALTED, 1)
    (tmp_path / "a.new").rmdir()
    lease.configure(update(3))
    assert state(lease) == Trading.NORMAL


TOLD = st.tuples(
    st.sampled_from([ONE, TWO]),
    st.sets(st.integers(1, 3), max_size=2),
    st.sampled_from(list(Trading)),
    st.booleans(),
)


@given(st.lists(TOLD, min_size=1, max_size=6))
def test_after_any_story_with_restarts_what_holds_is_all_that_each_gateway_said_last(
    story: list[tuple[str, set[int], Trading, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as home:
        lease = lease_of(Now(), Path(home))
        last: dict[str, tuple[set[int], Trading]] = {}
        for gateway, strategies, trading, restarts in story:
            halts = tuple(
                Halt(id=f"{one}", scope=Scope.STRATEGY, strategy=one) for one in strategies
            )
            lease.connected(gateway, bare=False)
            lease.configure(update(halts=halts, trading=trading.value))
            last[gateway] = (strategies, trading)
            if restarts:
                lease = lease_of(Now(), Path(home))
            halted = {one for one in range(1, 4) if lease.halted(one) is not None}
            assert halted == set().union(*(one for one, _ in last.values()))
            assert state(lease) == max((one for _, one in last.values()), key=ORDER.index)
