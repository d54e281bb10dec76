"""The door over a fake desk and a real journal, for every test here."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from .world import World, world


@pytest_asyncio.fixture
async def door(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "journal") as made:
        yield made
