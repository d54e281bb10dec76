"""What every test may ask for: the real ticks, and hypothesis as this project runs it."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The default repeats itself in CI and explores elsewhere; `make test-long` asks for `long`.
settings.register_profile("ci", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.register_profile("long", deadline=None, max_examples=5_000, print_blob=True)
settings.load_profile("ci")


@pytest.fixture(scope="session")
def ticks_dir() -> Path:
    """The folder of real tick files (`SYMBOL-DATE.csv.gz`, `SYMBOL-DATE.mt5.csv.gz`)."""
    root = os.environ.get("ONEFILL_TEST_DATA")
    if not root:
        pytest.skip("set ONEFILL_TEST_DATA to a folder that holds ticks/SYMBOL-DATE.csv.gz")
    folder = Path(root) / "ticks"
    assert folder.is_dir(), f"ONEFILL_TEST_DATA names a folder without ticks: {root}"
    return folder
