"""What a client's profile decides: which account it holds from now on, or that it may not."""

from __future__ import annotations

from typing import Protocol

from onefill.contracts.messages import Profile, WireError
from onefill.gateway.delivery.closing import CloseCode
from onefill.gateway.delivery.seats import Seats
from onefill.gateway.delivery.session import REPLACED, Session
from onefill.gateway.delivery.settings import DeliverySettings
from onefill.gateway.identity.model import Account, account_id
from onefill.gateway.ports import Directory, Hears
from onefill.model.errors import OnefillError

_UNKNOWN = "you have no account of that name"


class Registry(Protocol):
    """What a profile is held against."""

    hears: Hears
    directory: Directory
    seats: Seats
    settings: DeliverySettings
    #: Why the last profile of an account was refused, by its journal name.
    refused: dict[str, str]


async def take_profile(registry: Registry, session: Session, profile: Profile) -> None:
    """The profile's account is the session's from now on, if it may be; the desk hears of both."""
    key = account_id(session.caller.tenant, profile.account)
    if session.has_lost(key):
        session.refuse(REPLACED.code, REPLACED.message)
        return
    try:
        account = _registered(registry, session, profile)
    except OnefillError as refused:
        await _refuse(registry, session, profile.account, refused)
        return
    registry.refused.pop(account.id, None)
    if account.id in session.accounts:
        session.hold(account)
    else:
        await registry.seats.take(session, account)
    if account.id in session.accounts:
        await registry.hears.profiled(account, profile)


def _registered(registry: Registry, session: Session, profile: Profile) -> Account:
    caller = session.caller
    if caller.accounts and profile.account not in caller.accounts:
        raise OnefillError("ACCOUNT_UNKNOWN", _UNKNOWN)
    limit = registry.settings.accounts_of_connection
    key = account_id(caller.tenant, profile.account)
    if key not in session.accounts and len(session.accounts) >= limit:
        raise OnefillError(
            "CONNECTION_FULL", f"a connection holds {limit} accounts at most; open another"
        )
    return registry.directory.seen(caller, profile)


async def _refuse(registry: Registry, session: Session, name: str, refused: OnefillError) -> None:
    """No session for an account that is not the caller's, or is not what was registered; of one
    that is his, a person hears."""
    key = account_id(session.caller.tenant, name)
    # Whose it is instead is nobody's business.
    hidden = refused.code in ("ACCOUNT_NOT_YOURS", "ACCOUNT_UNKNOWN")
    held = session.accounts.get(key)
    if held is not None:
        # The terminal behind the connection is another than it was: nothing more goes there.
        session.out.drop(key)
        await registry.seats.give_up(session, held)
    registered = registry.directory.account(session.caller.tenant, name)
    account = held or (None if hidden else registered)
    if account is not None and registry.refused.get(key) != refused.code:
        registry.refused[key] = refused.code  # a client that comes again and again is told once
        await registry.hears.warned(account, WireError(refused.code, refused.message))
    code, sentence = ("ACCOUNT_UNKNOWN", _UNKNOWN) if hidden else (refused.code, refused.message)
    session.refuse(code, sentence)
    if not session.framing.enveloped:
        session.out.close(CloseCode.NO_ACCOUNT, f"{code}: {sentence}")
