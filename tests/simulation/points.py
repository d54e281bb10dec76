"""Every place where a process may die, read from the sources: a new effect is demanded at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import onefill

_SOURCES = Path(onefill.__file__).parent
_EFFECTS = {"Commit": "commit", "Call": "call", "Tell": "tell"}
_EXECUTION = _SOURCES / "execution"
#: Who calls a hook by its full name.
_HOOKED = (
    _SOURCES / "journal" / "sqlite_store.py",
    *sorted((_SOURCES / "terminal" / "simulator").glob("*.py")),
)


@cache
def crash_points() -> tuple[str, ...]:
    """The names that hooks are called with, in alphabetical order."""
    found: set[str] = set()
    for path in sorted(_EXECUTION.rglob("*.py")):
        for effect in _effects(ast.parse(path.read_text(encoding="utf-8"))):
            found |= {f"{effect}:before", f"{effect}:after"}
    for path in _HOOKED:
        found.update(_hooks(ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(sorted(found))


def _effects(tree: ast.Module) -> Iterator[str]:
    """`Commit(…, "accept")` is `commit:accept`; `desk.call("look", …)` is `call:look`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in _EFFECTS:
            point = node.args[-1]
            if isinstance(point, ast.Constant) and isinstance(point.value, str):
                yield f"{_EFFECTS[node.func.id]}:{point.value}"
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "call":
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield f"call:{name.value}"


def _hooks(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute | ast.Name)
            and (node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id)
            in ("_hook", "hook")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)
