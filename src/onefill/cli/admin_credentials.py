"""`onefill admin key | token | signing-key`."""

from __future__ import annotations

from typing import Annotated

import typer

from onefill.cli.admin_options import (
    DEFAULT_DATA,
    By,
    Data,
    Json,
    Out,
    moment,
    opened,
    place,
    secret_file,
    show_one,
    show_rows,
    span_ms,
    tell,
    tell_secret,
    who,
)
from onefill.gateway.identity.errors import unknown
from onefill.gateway.identity.model import Right
from onefill.gateway.identity.records import IssuedToken, KeptKey, SigningKey
from onefill.gateway.identity.rows import plain_of

key_app = typer.Typer(
    name="key",
    help="API keys, for programs that decide.\n\n"
    "Example: onefill admin key create acme/anna --right read --right trade --out anna.key",
    no_args_is_help=True,
)
token_app = typer.Typer(
    name="token",
    help="Access tokens (JWT), for agents: up to 90 days.\n\n"
    "Example: onefill admin token create acme/anna --right client --expires 90d --out agent.token",
    no_args_is_help=True,
)
signing_app = typer.Typer(
    name="signing-key",
    help="The Ed25519 keys that tokens are signed with.\n\n"
    "Example: onefill admin signing-key rotate --grace 24h",
    no_args_is_help=True,
)
groups = (key_app, token_app, signing_app)

UserPlace = Annotated[str, typer.Argument(metavar="TENANT/USER", help="Whose it is.")]
Rights = Annotated[
    list[Right], typer.Option("--right", help="What it allows; may be given several times.")
]
Accounts = Annotated[
    list[str] | None,
    typer.Option("--account", help="Only this account (several times: these); else all."),
]
Reason = Annotated[str, typer.Option(help="Why, for the audit trail.")]


@key_app.command("create")
def create_key(
    user: UserPlace,
    right: Rights,
    account: Accounts = None,
    expires: Annotated[
        str | None, typer.Option(metavar="SPAN", help="As 90d; else until it is revoked.")
    ] = None,
    out: Out = None,
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make an API key. Its text is told once: only a keyed hash of it is kept.

    Example: onefill admin key create acme/anna --right read --right trade --out anna.key
    """
    tenant, name = place(user, "user")
    lifetime_ms = None if expires is None else span_ms(expires)
    with opened(data) as identity, secret_file(out) as lines:
        row, text = identity.admin.credentials.create_key(
            tenant,
            name,
            frozenset(right),
            accounts=tuple(account or ()),
            lifetime_ms=lifetime_ms,
            by=who(by),
        )
        lines.append(text)
    told = {"key": row.id, "user": user, "rights": _words(row.rights)}
    tell_secret(as_json, {**told, "expires": moment(row.expires_ms)}, text, out)


@key_app.command("list")
def list_keys(
    tenant: Annotated[str | None, typer.Argument(help="Only this tenant's.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """All API keys, or a tenant's; never their text."""
    with opened(data) as identity:
        found = identity.store.all(KeptKey).values()
        rows = [one for one in found if tenant in (None, one.tenant)]
    show_rows(
        rows,
        as_json,
        "API keys",
        ("key", "user", "rights", "accounts", "made (UTC)", "expires", "revoked"),
        lambda one: (
            one.id,
            f"{one.tenant}/{one.user}",
            _words(one.rights),
            ", ".join(one.accounts) or "all",
            moment(one.created_ms),
            moment(one.expires_ms),
            moment(one.revoked_ms),
        ),
        hidden=("digest",),
    )


@key_app.command("show")
def show_key(
    key: Annotated[str, typer.Argument(metavar="ID", help="The key's id.")],
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """One API key; never its text."""
    with opened(data) as identity:
        row = identity.store.get(KeptKey, key)
    if row is None:
        raise unknown("key", key, "key list")
    told = {name: one for name, one in plain_of(row).items() if name != "digest"}
    show_one(as_json, told, f"key {key}")


@key_app.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(metavar="ID", help="The key's id, not its text.")],
    reason: Reason = "",
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make an API key worthless, for good; a connection that it opened is cut within a minute."""
    with opened(data) as identity:
        row = identity.admin.credentials.revoke_key(key, reason=reason, by=who(by))
    tell(as_json, {"key": key, "revoked_ms": row.revoked_ms}, f"key {key} is revoked")


@token_app.command("create")
def create_token(
    user: UserPlace,
    right: Rights,
    account: Accounts = None,
    expires: Annotated[str, typer.Option(metavar="SPAN", help="As 15m or 90d, the most.")] = "15m",
    out: Out = None,
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make an access token. Nothing of its text is kept.

    Example: onefill admin token create acme/anna --right client --expires 90d --out agent.token
    """
    tenant, name = place(user, "user")
    lifetime_ms = span_ms(expires)
    with opened(data) as identity, secret_file(out) as lines:
        row, text = identity.admin.credentials.issue_token(
            tenant,
            name,
            frozenset(right),
            accounts=tuple(account or ()),
            lifetime_ms=lifetime_ms,
            by=who(by),
        )
        lines.append(text)
    told = {"token": row.jti, "user": user, "rights": _words(row.rights)}
    tell_secret(as_json, {**told, "expires": moment(row.expires_ms)}, text, out)


@token_app.command("list")
def list_tokens(
    tenant: Annotated[str | None, typer.Argument(help="Only this tenant's.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Tokens made here, of all tenants or of one; never their text."""
    with opened(data) as identity:
        found = identity.store.all(IssuedToken).values()
        rows = [one for one in found if tenant in (None, one.tenant)]
    show_rows(
        rows,
        as_json,
        "tokens",
        ("token", "user", "rights", "accounts", "signed by", "expires (UTC)", "revoked"),
        lambda one: (
            one.jti,
            f"{one.tenant}/{one.user}",
            _words(one.rights),
            ", ".join(one.accounts) or "all",
            one.kid,
            moment(one.expires_ms),
            moment(one.revoked_ms),
        ),
    )


@token_app.command("revoke")
def revoke_token(
    token: Annotated[str, typer.Argument(metavar="ID", help="The token's id (its jti).")],
    reason: Reason = "",
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a token worthless, for good; a connection that it opened is cut within a minute."""
    with opened(data) as identity:
        identity.admin.credentials.revoke_token(token, reason=reason, by=who(by))
    tell(as_json, {"token": token}, f"token {token} is revoked")


@signing_app.command("list")
def list_signing_keys(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """All signing keys: public halves, and how long what they signed is good."""
    with opened(data) as identity:
        rows = list(identity.store.all(SigningKey).values())
        good = {one.kid: identity.admin.credentials.signed_by(one.kid) for one in rows}
    show_rows(
        rows,
        as_json,
        "signing keys",
        ("key", "state", "made (UTC)", "ends (UTC)", "good tokens"),
        lambda one: (
            one.kid,
            str(one.state),
            moment(one.created_ms),
            moment(one.ends_ms),
            str(good[one.kid]),
        ),
    )


@signing_app.command("rotate")
def rotate(
    grace: Annotated[
        str, typer.Option(metavar="SPAN", help="How long what the old key signed is still good.")
    ] = "24h",
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """A new signing key. Agents whose token the old one signed need new tokens within the grace.

    Example: onefill admin signing-key rotate --grace 7d
    """
    grace_ms = span_ms(grace)
    with opened(data) as identity:
        credentials = identity.admin.credentials
        before = set(identity.store.all(SigningKey))
        new = credentials.rotate(grace_ms=grace_ms, by=who(by))
        ending = sum(credentials.signed_by(kid) for (kid,) in before)
    told = {"key": new.kid, "grace_ms": grace_ms, "tokens_ending": ending}
    sentence = f"signing key {new.kid} is in force; what the old one signed ends in {grace}"
    tell(as_json, told, f"{sentence}: good tokens that end with it: {ending}")


@signing_app.command("retire")
def retire(
    key: Annotated[str, typer.Argument(metavar="ID", help="A key that is retiring.")],
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """End a signing key's grace now: nothing that it signed is believed any more."""
    with opened(data) as identity:
        row = identity.admin.credentials.retire(key, by=who(by))
    tell(as_json, plain_of(row), f"signing key {key} is retired")


def _words(rights: tuple[Right, ...]) -> str:
    return " ".join(rights)
