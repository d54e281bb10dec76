"""What may be imported from `onefill` itself: found on first use, and known to type checkers."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import onefill


def _said_to_type_checkers() -> dict[str, str]:
    """Name to module, as the stub imports them."""
    assert onefill.__file__ is not None
    stub = ast.parse(Path(onefill.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    return {
        one.asname or one.name: statement.module or ""
        for statement in stub.body
        if isinstance(statement, ast.ImportFrom)
        for one in statement.names
    }


def test_a_type_checker_knows_the_same_public_names() -> None:
    said = _said_to_type_checkers()
    assert said == vars(onefill)["_PUBLIC"]
    for name, module in said.items():
        assert getattr(onefill, name) is getattr(import_module(module), name)
