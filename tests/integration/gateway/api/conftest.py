"""A served door for every test here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from onefill.gateway.api.settings import ApiSettings, Rate

from .served import Served

FREELY = Rate(1e6, 1_000_000)
GENEROUS = ApiSettings(
    operating_tenant="house",
    per_ip=FREELY,
    per_key=FREELY,
    per_tenant=FREELY,
    per_ip_refused=FREELY,
    heartbeat_s=0.2,
)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path / "journal", GENEROUS) as one:
        yield one
