"""`make bench`: every figure beside its floor, measured in the same run.

`benchmarks/run.py [quick] [bars|gateway|idle|mt5|ticks|replay|orders|journal|peers|wire|worker]`:
which to run, all by default.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.report import Row, print_rows

#: Each in a module of its own, imported when it is its turn: none needs what another needs.
_BENCHES = {
    "bars": "bench_bars",
    "gateway": "bench_gateway",
    "idle": "bench_idle_clients",
    "mt5": "bench_mt5",
    "orders": "bench_orders",
    "peers": "bench_peers",
    "replay": "bench_ticks_replay",
    "ticks": "bench_ticks",
    "wire": "bench_wire",
    "worker": "bench_worker",
    "journal": "bench_journal",
}


def main() -> None:
    """Run the chosen benches and print their rows as they come."""
    words = set(sys.argv[1:])
    quick = "quick" in words
    unknown = words - {"quick"} - _BENCHES.keys()
    if unknown:
        sys.exit(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(_BENCHES)}")
    chosen = [name for name in _BENCHES if name in words] or list(_BENCHES)
    for name in chosen:
        rows: list[Row] = import_module(f"benchmarks.{_BENCHES[name]}").run(quick)
        if rows:
            print_rows(rows)


if __name__ == "__main__":
    main()
