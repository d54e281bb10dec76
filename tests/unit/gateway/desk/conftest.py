"""A desk for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.gateway.desk.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A desk that has begun; no client is there yet."""
    made = await World(tmp_path).start()
    yield made
    await made.crash()
