"""The identity's tables in SQLite, made and changed by numbered migrations.

A table's columns are the fields of what it keeps; lists are JSON text, switches 0 or 1.
"""

from __future__ import annotations

from typing import NamedTuple

import apsw
import msgspec

from onefill.gateway.identity.model import Account, Tenant, User
from onefill.gateway.identity.records import (
    ApprovedBroker,
    IssuedToken,
    KeptKey,
    LimitSet,
    Override,
    RevokedToken,
    Setting,
    SigningKey,
)
from onefill.model.halt import Halt

APPLICATION = 0x4F4E4549
"""SQLite's application id of an identity store ("ONEI")."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
        "CREATE TABLE tenants (id TEXT PRIMARY KEY, name TEXT NOT NULL,"
        " created_ms INTEGER NOT NULL, active INTEGER NOT NULL) STRICT",
        "CREATE TABLE users (tenant TEXT NOT NULL REFERENCES tenants (id), id TEXT NOT NULL,"
        " name TEXT NOT NULL, auto_trading INTEGER NOT NULL, min_confidence REAL NOT NULL,"
        " active INTEGER NOT NULL, PRIMARY KEY (tenant, id)) STRICT",
        "CREATE TABLE accounts (tenant TEXT NOT NULL, name TEXT NOT NULL, user TEXT NOT NULL,"
        " server TEXT NOT NULL, broker TEXT NOT NULL, live INTEGER NOT NULL,"
        " standing TEXT NOT NULL, approved_limits TEXT NOT NULL, PRIMARY KEY (tenant, name),"
        " FOREIGN KEY (tenant, user) REFERENCES users (tenant, id)) STRICT",
        "CREATE TABLE api_keys (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, user TEXT NOT NULL,"
        " rights TEXT NOT NULL, accounts TEXT NOT NULL, created_ms INTEGER NOT NULL,"
        " expires_ms INTEGER, revoked_ms INTEGER, digest TEXT NOT NULL,"
        " FOREIGN KEY (tenant, user) REFERENCES users (tenant, id)) STRICT",
        "CREATE TABLE signing_keys (kid TEXT PRIMARY KEY, public TEXT NOT NULL,"
        " state TEXT NOT NULL, created_ms INTEGER NOT NULL, ends_ms INTEGER) STRICT",
        "CREATE TABLE tokens (jti TEXT PRIMARY KEY, tenant TEXT NOT NULL, user TEXT NOT NULL,"
        " rights TEXT NOT NULL, accounts TEXT NOT NULL, kid TEXT NOT NULL,"
        " created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, revoked_ms INTEGER) STRICT",
        "CREATE TABLE revoked_tokens (jti TEXT PRIMARY KEY, revoked_ms INTEGER NOT NULL,"
        " until_ms INTEGER NOT NULL) STRICT",
        "CREATE TABLE brokers (tenant TEXT NOT NULL REFERENCES tenants (id),"
        " broker TEXT NOT NULL, name TEXT NOT NULL, by TEXT NOT NULL, at_ms INTEGER NOT NULL,"
        " PRIMARY KEY (tenant, broker)) STRICT",
        "CREATE TABLE limits (tenant TEXT NOT NULL, account TEXT NOT NULL, level TEXT NOT NULL,"
        " name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (tenant, account, level, name))"
        " STRICT",
        "CREATE TABLE overrides (id TEXT PRIMARY KEY, tenant TEXT NOT NULL,"
        " account TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, reason TEXT NOT NULL,"
        " asked_by TEXT NOT NULL, asked_ms INTEGER NOT NULL, lasts_ms INTEGER NOT NULL,"
        " approved_by TEXT NOT NULL, approved_ms INTEGER, expires_ms INTEGER, ended_ms INTEGER,"
        " ended_by TEXT NOT NULL,"
        " CHECK (approved_ms IS NULL OR lower(approved_by) <> lower(asked_by))) STRICT",
        "CREATE TABLE halts (id TEXT PRIMARY KEY, scope TEXT NOT NULL, tenant TEXT NOT NULL,"
        " account TEXT NOT NULL, strategy INTEGER, reason TEXT NOT NULL, by TEXT NOT NULL,"
        " at_ms INTEGER NOT NULL, flatten INTEGER NOT NULL) STRICT",
        "CREATE TABLE audit (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, who TEXT NOT NULL,"
        " what TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL) STRICT",
        "CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit"
        " BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END",
        "CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit"
        " BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END",
    ),
    ("ALTER TABLE accounts ADD COLUMN statuses TEXT NOT NULL DEFAULT ''",),
    (
        "ALTER TABLE audit ADD COLUMN reason TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE audit ADD COLUMN login TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE overrides ADD COLUMN asked_login TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE overrides ADD COLUMN approved_login TEXT NOT NULL DEFAULT ''",
    ),
)
"""What brings a store from version n to n + 1. One that was released is never changed."""

VERSION = len(MIGRATIONS)


class Table(NamedTuple):
    """Where one kind of thing is kept, and by which fields it is known."""

    name: str
    kind: type[msgspec.Struct]
    key: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Its columns, in the order of the fields."""
        return self.kind.__struct_fields__


TABLES = (
    Table("settings", Setting, ("name",)),
    Table("tenants", Tenant, ("id",)),
    Table("users", User, ("tenant", "id")),
    Table("accounts", Account, ("tenant", "name")),
    Table("api_keys", KeptKey, ("id",)),
    Table("signing_keys", SigningKey, ("kid",)),
    Table("tokens", IssuedToken, ("jti",)),
    Table("revoked_tokens", RevokedToken, ("jti",)),
    Table("brokers", ApprovedBroker, ("tenant", "broker")),
    Table("limits", LimitSet, ("tenant", "account", "level", "name")),
    Table("overrides", Override, ("id",)),
    Table("halts", Halt, ("id",)),
)

TABLE_OF = {table.kind: table for table in TABLES}


def migrate(connection: apsw.Connection) -> None:
    """Bring the tables up to date, inside the caller's transaction."""
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    for statements in MIGRATIONS[connection.pragma("user_version") :]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
