"""Numbers in sentences."""

from __future__ import annotations

import pytest

from onefill.model.wording import counted


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, "0 commands"), (1, "1 command"), (2, "2 commands"), (10_000, "10,000 commands")],
)
def test_one_is_told_as_one_and_any_other_number_as_several(count: int, told: str) -> None:
    assert counted(count, "command") == told
