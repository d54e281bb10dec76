"""A gateway's identity, opened: who is who, what proves it, and the operations that change it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from pathlib import Path

from onefill.gateway.identity.credentials import Credentials
from onefill.gateway.identity.directory import StoredDirectory
from onefill.gateway.identity.errors import IdentityFailed
from onefill.gateway.identity.halts import Halts
from onefill.gateway.identity.limit_setting import LimitSetting
from onefill.gateway.identity.people import People
from onefill.gateway.identity.records import Setting
from onefill.gateway.identity.secret_files import SecretFiles
from onefill.gateway.identity.store import Store
from onefill.gateway.identity.tickets import Tickets
from onefill.gateway.identity.tokens import AUDIENCE, ISSUER, Tokens
from onefill.runtime.clock import Clock
from onefill.runtime.secret import new_secret

ITSELF = "onefill"
"""Who did it, where no person asked for it."""

_PEPPER = "pepper"
_PEPPER_BYTES = 32


@dataclass(frozen=True)
class Admin:
    """Every operation that changes who is who; each takes `by`, and is audited."""

    people: People
    credentials: Credentials
    limits: LimitSetting
    halts: Halts


@dataclass(frozen=True)
class Identity:
    """All of it, over one store."""

    store: Store
    directory: StoredDirectory
    tokens: Tokens
    tickets: Tickets
    admin: Admin

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def open_identity(
    directory: Path, clock: Clock, *, issuer: str = ISSUER, audience: str = AUDIENCE
) -> Identity:
    """Open `identity.sqlite` and `secrets/` in a gateway's directory, made where they are missing.
    Several processes may have it open and change it. Raises `OnefillError`."""
    secrets = SecretFiles(directory / "secrets")
    store = Store(directory / "identity.sqlite", secrets, clock)
    try:
        pepper = _pepper(store, secrets)
        store.use_seal(_derived(pepper, "audit"))
        people = People(store, clock)
        tokens = Tokens(store, clock, _derived(pepper, "api-key"), issuer=issuer, audience=audience)
        credentials = Credentials(store, people, tokens, clock)
        halts = Halts(store)
        _note_pepper(store, pepper)
        credentials.ensure_signing_key(by=ITSELF)
    except BaseException:
        store.close()
        raise
    return Identity(
        store=store,
        directory=StoredDirectory(store, people, halts, clock),
        tokens=tokens,
        tickets=Tickets(tokens, clock),
        admin=Admin(people, credentials, LimitSetting(store, people, clock), halts),
    )


def _pepper(store: Store, secrets: SecretFiles) -> bytes:
    """The secret that keys are hashed with and the trail is sealed with; made once."""
    with store.alone():  # of two processes that begin at once, one makes it
        store.refresh()
        noted = store.get(Setting, _PEPPER)
        pepper = secrets.read(_PEPPER)
        if pepper is None and noted is None:
            pepper = new_secret(_PEPPER_BYTES)
            secrets.write(_PEPPER, pepper)
    if pepper is None or (noted is not None and noted.value != _derived(pepper, "note").hex()):
        raise IdentityFailed(
            secrets.directory / _PEPPER,
            f"is missing, or is not the one that {store.path} was made with: bring it back from "
            "the same backup as the store",
            "SECRETS_MISSING",
        )
    return pepper


def _note_pepper(store: Store, pepper: bytes) -> None:
    if store.get(Setting, _PEPPER) is not None:
        return
    with store.change(ITSELF, "store.create") as change:
        if store.get(Setting, _PEPPER) is None:
            change.put(Setting(name=_PEPPER, value=_derived(pepper, "note").hex()))


def _derived(pepper: bytes, purpose: str) -> bytes:
    return hmac.digest(pepper, f"onefill/{purpose}".encode(), "sha256")
