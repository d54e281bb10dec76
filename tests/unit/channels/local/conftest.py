"""A desk of one session, for tests that need no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.channels.local.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Desk(tmp_path) as made:
        yield made
