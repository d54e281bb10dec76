"""Structs as rows of their tables and back, and as the JSON that the audit trail tells of them."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from onefill.gateway.identity.schema import TABLE_OF, Table

Key = tuple[str, ...]
Cell = str | int | float | None


def key_of(row: msgspec.Struct) -> Key:
    """What a row is known by in its table."""
    return tuple(getattr(row, field) for field in TABLE_OF[type(row)].key)


def plain_of(row: msgspec.Struct) -> dict[str, Any]:
    """All fields of a row in plain values, those at their defaults too."""
    values = {field: msgspec.to_builtins(getattr(row, field)) for field in row.__struct_fields__}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


def completed(table: Table, told: dict[str, Any]) -> dict[str, Any]:
    """A row's plain values as an older Onefill told them, with the defaults of fields since."""
    defaults = {
        field.name: msgspec.to_builtins(field.default)
        for field in msgspec.structs.fields(table.kind)
        if field.default is not msgspec.NODEFAULT
    }
    return defaults | told


def cells_of(row: msgspec.Struct) -> list[Cell]:
    """A row's columns, in order."""
    return [
        json.dumps(value) if isinstance(value, list) else value for value in plain_of(row).values()
    ]


def row_of(table: Table, cells: tuple[Cell, ...]) -> msgspec.Struct:
    """A row from its columns. Raises `msgspec.ValidationError`, `ValueError`."""
    values: dict[str, Any] = dict(zip(table.fields, cells, strict=True))
    for field in ("rights", "accounts"):
        if field in values:
            values[field] = json.loads(values[field])
    # strict=False: SQLite has no booleans. It would take "7" for a number too, but no column is
    # of another type than its field.
    return msgspec.convert(values, table.kind, strict=False)


def upsert(table: Table) -> str:
    """The statement that puts a row, whether it is there or not."""
    columns = ", ".join(table.fields)
    marks = ", ".join("?" * len(table.fields))
    changed = ", ".join(f"{f} = excluded.{f}" for f in table.fields if f not in table.key)
    keys = ", ".join(table.key)
    return (
        f"INSERT INTO {table.name} ({columns}) VALUES ({marks})"
        f" ON CONFLICT ({keys}) DO UPDATE SET {changed}"
    )


def delete(table: Table) -> str:
    """The statement that removes a row by its key."""
    where = " AND ".join(f"{field} = ?" for field in table.key)
    return f"DELETE FROM {table.name} WHERE {where}"
