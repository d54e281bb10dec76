"""Check 27 for the REST door: schemathesis reads the document and finds no 5xx, nor an answer that
the document does not describe."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .served import Served

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("key", ["operator", "reader"])
def test_schemathesis_finds_no_5xx(served: Served, tmp_path: Path, key: str) -> None:
    examples = os.environ.get("ONEFILL_FUZZ_EXAMPLES", "15")
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "run"),
            f"{served.url}/openapi.json",
            *("--header", f"Authorization: Bearer {key}"),
            *("--checks", f"{CHECKS},response_schema_conformance"),
            *("--max-examples", examples, "--seed", "1", "--workers", "1"),
            *("--exclude-path", "/v1/events"),  # never ends by itself
            *("--phases", "examples,coverage,fuzzing", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, re.sub(r"\n{2,}", "\n", done.stdout)[-6_000:] + done.stderr[-500:]
    cases = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert cases is not None, done.stdout[-2_000:]
    assert int(cases[1]) == int(cases[2]) > 100
