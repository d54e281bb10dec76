"""Who is who as the gateway asks: accounts as their profiles come, brokers, halts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from onefill.contracts.messages import Profile
from onefill.gateway.identity.model import Caller, Right, Standing
from onefill.gateway.identity.opening import Identity, open_identity
from onefill.gateway.ports import Directory
from onefill.model.errors import OnefillError
from onefill.model.halt import Halt, Scope
from onefill.runtime.clock import VirtualClock

ANNA = Caller(tenant="acme", user="anna", rights=frozenset({Right.CLIENT}))
OSKAR = Caller(tenant="other", user="oskar", rights=frozenset({Right.CLIENT}))


def profile(account: str, user: str = "anna", **fields: object) -> Profile:
    """A profile as a terminal tells it."""
    told = {"broker": "Example Markets", "server": "Example-Demo", **fields}
    return Profile(user_id=user, account=account, **told)  # type: ignore[arg-type]


@pytest.fixture
def elsewhere(tmp_path: Path, identity: Identity, clock: VirtualClock) -> Iterator[Identity]:
    """The same store, as another process has it open."""
    opened = open_identity(tmp_path, clock)
    yield opened
    opened.close()


def code_of(identity: Identity, caller: Caller, seen: Profile) -> str:
    with pytest.raises(OnefillError) as told:
        identity.directory.seen(caller, seen)
    return told.value.code


def test_it_is_what_the_gateways_parts_ask_for(identity: Identity) -> None:
    asked: Directory = identity.directory
    assert asked.tenant("acme") is not None
    assert asked.user("acme", "oskar") is None
    assert [one.name for one in asked.accounts("acme")] == ["1001"]


def test_a_first_profile_registers_its_account_pending_until_the_broker_is_approved(
    identity: Identity,
) -> None:
    account = identity.directory.seen(ANNA, profile("777"))
    assert (account.user, account.server, account.live) == ("anna", "Example-Demo", False)
    assert account.standing is Standing.PENDING
    assert not identity.directory.broker_approved("acme", "Example Markets")
    waited = identity.admin.people.approve_broker("acme", "example  MARKETS", by="test")
    assert [one.name for one in waited] == ["777"]
    seen = identity.directory.seen(ANNA, profile("777"))
    assert seen.standing is Standing.ACTIVE
    assert identity.directory.broker_approved("acme", "Example Markets")
    assert not identity.directory.broker_approved("other", "Example Markets")


def test_at_an_approved_broker_it_is_active_at_once(identity: Identity) -> None:
    identity.admin.people.approve_broker("acme", "Example Markets", by="test")
    assert identity.directory.seen(ANNA, profile("777")).standing is Standing.ACTIVE


def test_a_registered_account_learns_its_server_and_broker_from_the_first_profile(
    identity: Identity, elsewhere: Identity
) -> None:
    account = identity.directory.seen(ANNA, profile("1001"))
    assert (account.server, account.broker) == ("Example-Demo", "Example Markets")
    assert account.standing is Standing.PENDING
    assert elsewhere.directory.refresh()
    assert elsewhere.directory.account("acme", "1001") == account


def test_the_same_profile_again_writes_nothing(identity: Identity) -> None:
    identity.directory.seen(ANNA, profile("1001"))
    entries = identity.store.last_entry()
    for _ in range(3):
        identity.directory.seen(ANNA, profile("1001", balance=5.0))
    assert identity.store.last_entry() == entries


def test_demo_and_live_and_the_server_must_be_what_is_registered(identity: Identity) -> None:
    identity.directory.seen(ANNA, profile("1001"))
    assert code_of(identity, ANNA, profile("1001", live=True)) == "ACCOUNT_KIND_DIFFERS"
    differs = profile("1001", server="Example-Demo2")
    assert code_of(identity, ANNA, differs) == "ACCOUNT_SERVER_DIFFERS"


def test_an_account_is_its_users(identity: Identity) -> None:
    identity.admin.people.create_user("acme", "bob", by="test")
    bob = Caller(tenant="acme", user="bob", rights=frozenset({Right.CLIENT}))
    assert code_of(identity, bob, profile("1001", user="bob")) == "ACCOUNT_NOT_YOURS"
    assert code_of(identity, ANNA, profile("1001", user="bob")) == "ACCOUNT_NOT_YOURS"
    assert code_of(identity, ANNA, profile("888", user="bob")) == "ACCOUNT_NOT_YOURS"
    narrow = Caller(tenant="acme", user="anna", rights=ANNA.rights, accounts=("1001",))
    assert code_of(identity, narrow, profile("888")) == "ACCOUNT_NOT_YOURS"
    assert identity.directory.account("acme", "888") is None


def test_another_tenants_account_of_the_same_login_is_another_account(identity: Identity) -> None:
    mine = identity.directory.seen(OSKAR, profile("1001", user="oskar", live=True))
    assert mine.id == "other/1001"
    first = identity.directory.account("acme", "1001")
    assert first is not None
    assert not first.live
    assert not first.broker


@pytest.mark.parametrize(
    "name", ["", "a/b", "../x", "a b", "x" * 65, "\x1b[2J", "1001'; DROP TABLE accounts; --"]
)
def test_a_name_that_could_be_something_else_is_no_accounts(identity: Identity, name: str) -> None:
    assert code_of(identity, ANNA, profile(name)) == "NAME_INVALID"


def test_text_of_a_terminal_is_kept_as_text_or_refused(identity: Identity) -> None:
    hostile = "x'); DROP TABLE accounts; --"
    assert identity.directory.seen(ANNA, profile("777", broker=hostile)).broker == hostile
    assert code_of(identity, ANNA, profile("778", broker="a\nb")) == "TEXT_INVALID"
    assert code_of(identity, ANNA, profile("778", server="x" * 201)) == "TEXT_INVALID"


def test_a_user_cannot_register_accounts_without_end(identity: Identity) -> None:
    for number in range(99):
        identity.directory.seen(ANNA, profile(f"5{number:03}"))
    assert code_of(identity, ANNA, profile("6000")) == "ACCOUNTS_TOO_MANY"


def test_refresh_tells_whether_anything_changed(identity: Identity, elsewhere: Identity) -> None:
    identity.directory.refresh()
    assert not identity.directory.refresh()
    elsewhere.admin.people.change_user("acme", "anna", auto_trading=False, by="test")
    user = identity.directory.user("acme", "anna")
    assert user is not None
    assert user.auto_trading, "reads come from memory"
    assert identity.directory.refresh()
    user = identity.directory.user("acme", "anna")
    assert user is not None
    assert not user.auto_trading
    assert not identity.directory.refresh()
    identity.admin.people.change_user("acme", "anna", auto_trading=True, by="test")
    assert identity.directory.refresh(), "what this process changed counts too"


def test_halts_outlive_the_process_and_are_ended_by_a_named_person(
    tmp_path: Path, identity: Identity, clock: VirtualClock
) -> None:
    firm = Halt(id="h1", scope=Scope.FIRM, reason="drill", by="anna", at_ms=5, flatten=True)
    stopped = Halt(
        id="repeats-1001-7",
        scope=Scope.STRATEGY,
        tenant="acme",
        account="1001",
        strategy=7,
        reason="the same order 11 times in 60 s",
        by="control 7",
    )
    for halt in (firm, stopped, firm):
        identity.directory.add_halt(halt)
    identity.close()
    opened = open_identity(tmp_path, clock)
    try:
        assert set(opened.directory.halts()) == {firm, stopped}
        with pytest.raises(OnefillError) as told:
            opened.directory.end_halt(firm.id, by=" ", reason="mended")
        assert told.value.code == "TEXT_INVALID"
        opened.directory.end_halt(firm.id, by="bob", reason="mended")
        assert opened.directory.halts() == (stopped,)
        last = opened.store.entries()[-1]
        assert (last.who, last.what, last.reason) == ("bob", "halt.end", "mended")
        with pytest.raises(OnefillError) as told:
            opened.directory.end_halt(firm.id, by="bob", reason="mended")
        assert told.value.code == "HALT_UNKNOWN"
    finally:
        opened.close()


def test_a_halt_is_put_whatever_its_words(identity: Identity) -> None:
    identity.directory.add_halt(Halt(id="h", scope=Scope.FIRM, by="", reason="a\n\x1b" + "x" * 999))
    (halt,) = identity.directory.halts()
    assert halt.by == "nobody named"
    assert halt.reason.startswith("a  xxx")
    assert len(halt.reason) == 200


def test_a_halt_of_another_process_is_seen_after_a_refresh(
    identity: Identity, elsewhere: Identity
) -> None:
    elsewhere.directory.add_halt(Halt(id="h", scope=Scope.TENANT, tenant="acme", by="anna"))
    assert identity.directory.halts() == ()
    assert identity.directory.refresh()
    assert [halt.id for halt in identity.directory.halts()] == ["h"]


def test_a_client_that_numbers_statuses_otherwise_is_configured_as_such(identity: Identity) -> None:
    people = identity.admin.people
    made = people.create_account("acme", "9", user="anna", statuses="1,2,3", by="test")
    assert made.statuses == "1,2,3"
    assert people.change_account("acme", "9", statuses="", by="test").statuses == ""
    with pytest.raises(OnefillError) as told:
        people.change_account("acme", "9", statuses="0,0,1", by="test")
    assert told.value.code == "STATUSES_INVALID"
