"""Writes the generated parts of the documentation: the state diagram, denial codes, classes.

`python tools/docs_tables.py` writes them; `--check` fails where a page does not say what the code
says.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from onefill.model.states import mermaid
from onefill.risk.at_gateway_reasons import GATEWAY_REASONS
from onefill.risk.reasons import reasons_table
from onefill.terminal.classify import outcomes_table

ROOT = Path(__file__).resolve().parent.parent


def _diagram() -> str:
    return f"```mermaid\n{mermaid()}\n```"


def _gateway_reasons() -> str:
    rows = [
        f"| `{code}` | {reason.control} | {reason.sentence} |"
        for code, reason in GATEWAY_REASONS.items()
    ]
    return "\n".join(["| code | control | sentence |", "|---|---|---|", *rows])


PARTS: dict[tuple[str, str], Callable[[], str]] = {
    ("docs/protocol.md", "states"): _diagram,
    ("docs/protocol.md", "classes"): outcomes_table,
    ("docs/replay.md", "reasons"): reasons_table,
    ("docs/controls.md", "gateway reasons"): _gateway_reasons,
}


def main() -> None:
    """Write or check every part."""
    check = "--check" in sys.argv[1:]
    stale = []
    for (page, part), make in PARTS.items():
        path = ROOT / page
        text = path.read_text(encoding="utf-8")
        begin, end = f"<!-- {part}: generated -->", f"<!-- /{part} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            sys.exit(f"{page} has no part {part!r}: it needs the lines {begin} and {end}")
        fresh = f"{before}{begin}\n\n{make().strip()}\n\n{end}{after}"
        if fresh != text:
            stale.append(f"{page}: {part}")
            if not check:
                path.write_text(fresh, encoding="utf-8")
    if check and stale:
        sys.exit(f"generated parts are stale ({', '.join(stale)}): run python {sys.argv[0]}")


if __name__ == "__main__":
    main()
