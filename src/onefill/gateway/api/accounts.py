"""The caller's accounts and their open positions; access tokens and tickets for him."""

from __future__ import annotations

import msgspec

from onefill.contracts.messages import Profile
from onefill.contracts.rest import (
    AccessToken,
    AccountsTold,
    AccountTold,
    Position,
    Positions,
    Ticket,
)
from onefill.gateway.api.body import decode
from onefill.gateway.api.door import Answered, Call, Query, Way
from onefill.gateway.api.refusal import Refusal
from onefill.gateway.api.told import account_told, position_told
from onefill.gateway.identity.model import Right


async def accounts(call: Call) -> Answered:
    """Accounts."""
    standing = call.door.standing
    found = call.door.accounts(call.caller)
    return Answered(
        AccountsTold(accounts=[account_told(one, standing.connected(one.id)) for one in found])
    )


class Registration(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An account that its user registers; what is left out, its first profile fills in."""

    #: Its login, as text.
    mt5_account: str
    server: str = ""
    broker: str = ""
    live: bool = False


_registration = msgspec.json.Decoder(Registration)


async def register(call: Call) -> Answered:
    """An account of the caller's own; one that is registered just so is what comes back."""
    wanted = decode(call.body, _registration)
    account = call.door.directory.seen(
        call.caller,
        Profile(
            user_id=call.caller.user,
            account=wanted.mt5_account,
            server=wanted.server,
            broker=wanted.broker,
            live=wanted.live,
        ),
    )
    return Answered(account_told(account, call.door.standing.connected(account.id)))


async def positions(call: Call) -> Answered:
    """Open positions, as the clients last told."""
    door, name = call.door, call.query.get("account")
    found = door.accounts(call.caller) if name is None else [door.account(call.caller, name)]
    told: list[Position] = []
    not_told: list[str] = []
    for account in found:
        held = door.desk.positions(account.id)
        if held is None:
            not_told.append(account.name)
        else:
            told.extend(position_told(account.name, one) for one in held)
    return Answered(Positions(positions=told, not_told=not_told))


async def token(call: Call) -> Answered:
    """An access token for who shows an API key."""
    if call.caller.kid:
        raise Refusal(
            403, "FORBIDDEN", "an access token makes no other: show the API key that it came from"
        )
    issued = call.door.issues.access_token(call.caller)
    return Answered(AccessToken(access_token=issued.text, expires_at_ms=issued.expires_ms))


async def ticket(call: Call) -> Answered:
    """A ticket."""
    issued = call.door.issues.ticket(call.caller)
    return Answered(Ticket(ticket=issued.text, expires_at_ms=issued.expires_ms))


WAYS = (
    Way(
        method="GET",
        path="/v1/accounts",
        handler=accounts,
        summary="Accounts, and whether their clients are connected",
        right=Right.READ,
        tag="accounts",
        gives={200: (AccountsTold,)},
    ),
    Way(
        method="POST",
        path="/v1/accounts",
        handler=register,
        summary="Register an account of one's own; it waits until its broker is approved",
        right=Right.TRADE,
        tag="accounts",
        takes=Registration,
        gives={200: (AccountTold,)},
        refuses=(404, 409),
        examples={
            "demo": {
                "summary": "A demo account",
                "value": {"mt5_account": "5012345", "server": "Broker-Demo", "broker": "Broker"},
            }
        },
    ),
    Way(
        method="GET",
        path="/v1/positions",
        handler=positions,
        summary="Open positions, as the accounts' clients last told",
        right=Right.READ,
        tag="accounts",
        gives={200: (Positions,)},
        query=(Query("account", {"type": "string"}, "of this `mt5_account` only"),),
        refuses=(404,),
    ),
    Way(
        method="POST",
        path="/v1/tokens",
        handler=token,
        summary="A short-lived access token for an API key",
        right=None,
        tag="access",
        gives={200: (AccessToken,)},
    ),
    Way(
        method="POST",
        path="/v1/ws-tickets",
        handler=ticket,
        summary="A one-use ticket for a WebSocket, for programs that cannot send headers there",
        right=None,
        tag="access",
        gives={200: (Ticket,)},
    ),
)
