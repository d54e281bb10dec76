"""What a full-size run counted, kept under `docs/evidence/` for whoever reads and does not run."""

from __future__ import annotations

import platform
from collections import Counter

import apsw

from tests.simulation.processes import ROOT


def keep(name: str, title: str, how: str, what: str, made: Counter[str], breaches: int) -> None:
    """Write `docs/evidence/NAME.md`: how many of what were made where, and what the judge said."""
    summary = f"**{sum(made.values())} {what} at {len(made)} points, {breaches} breaches.**"
    keep_tables(name, title, how, summary, what, {"point": made})


def keep_tables(
    name: str, title: str, how: str, summary: str, what: str, tables: dict[str, Counter[str]]
) -> None:
    """The same with a table for each kind of thing that was counted."""
    versions = (
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"SQLite {apsw.sqlite_lib_version()}, {platform.system()}"
    )
    lines = [f"# {title}", "", f"Written by `make test-long`. {how}", "", f"{summary} {versions}."]
    for kind, made in tables.items():
        lines += ["", f"| {kind} | {what} |", "|---|---|"]
        lines += [
            f"| `{one}` | {times} |"
            for one, times in sorted(made.items(), key=lambda item: (-item[1], item[0]))
        ]
    path = ROOT / "docs" / "evidence" / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
