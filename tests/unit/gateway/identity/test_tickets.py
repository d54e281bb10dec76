"""Tickets for browsers: once, for half a minute (check 7)."""

from __future__ import annotations

import pytest

from onefill.gateway.identity.errors import Unauthenticated
from onefill.gateway.identity.model import Caller, Right
from onefill.gateway.identity.opening import Identity
from onefill.model.errors import OnefillError
from onefill.runtime.clock import VirtualClock
from tests.unit.gateway.identity.conftest import NOW_MS


@pytest.fixture
def caller(identity: Identity) -> Caller:
    """Anna, by a key."""
    _, key = identity.admin.credentials.create_key(
        "acme", "anna", frozenset({Right.READ}), by="test"
    )
    return identity.tokens.authenticate(key)


def test_a_ticket_lets_in_once(identity: Identity, caller: Caller) -> None:
    ticket = identity.tickets.issue(caller)
    assert identity.tickets.redeem(ticket) == caller
    for again in (ticket, "", "oft_0", f"{ticket}0"):
        with pytest.raises(Unauthenticated):
            identity.tickets.redeem(again)


def test_a_ticket_is_good_for_thirty_seconds(
    identity: Identity, caller: Caller, clock: VirtualClock
) -> None:
    first, second = identity.tickets.issue(caller), identity.tickets.issue(caller)
    clock.advance(NOW_MS + 29_999)
    assert identity.tickets.redeem(first) == caller
    clock.advance(NOW_MS + 30_000)
    with pytest.raises(Unauthenticated):
        identity.tickets.redeem(second)


def test_a_ticket_of_who_was_revoked_meanwhile_lets_nobody_in(
    identity: Identity, caller: Caller
) -> None:
    ticket = identity.tickets.issue(caller)
    identity.admin.credentials.revoke_key(caller.key, by="test")
    with pytest.raises(Unauthenticated):
        identity.tickets.redeem(ticket)


def test_a_user_has_so_many_tickets_waiting_and_no_more(
    identity: Identity, caller: Caller, clock: VirtualClock
) -> None:
    tickets = [identity.tickets.issue(caller) for _ in range(20)]
    assert len(set(tickets)) == 20
    with pytest.raises(OnefillError) as told:
        identity.tickets.issue(caller)
    assert told.value.code == "TICKETS_TOO_MANY"
    identity.tickets.redeem(tickets[0])
    identity.tickets.issue(caller)
    clock.advance(NOW_MS + 30_000)
    assert identity.tickets.issue(caller)


def test_a_ticket_is_no_credential_elsewhere(identity: Identity, caller: Caller) -> None:
    with pytest.raises(Unauthenticated):
        identity.tokens.authenticate(f"Bearer {identity.tickets.issue(caller)}")
