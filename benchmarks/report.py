"""What a benchmark measured, each beside its floor: the least that the same work could cost."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

_WIDTH = 200


@dataclass(frozen=True)
class Row:
    """One measurement, and its floor measured in the same run."""

    name: str
    value: float
    unit: str
    floor_name: str
    floor: float
    note: str = ""

    @property
    def ratio(self) -> float:
        """The value in floors."""
        return self.value / self.floor


def print_rows(rows: Iterable[Row]) -> None:
    """Print a table of the rows."""
    table = Table(box=None, pad_edge=False)
    for head in ("what", "measured", "unit", "floor", "being", "ratio", "note"):
        number = head in ("measured", "floor", "ratio")
        table.add_column(head, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            f"{row.value:,.4g}" if row.value < 1000 else f"{row.value:,.0f}",
            row.unit,
            f"{row.floor:,.4g}" if row.floor < 1000 else f"{row.floor:,.0f}",
            row.floor_name,
            f"{row.ratio:.2f}",
            row.note,
        )
    # Too narrow a window wraps the lines: a figure is never cut short.
    Console(width=_WIDTH).print(table)
