"""The wheel, installed in an environment of its own: everything that the commands need is in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = "Scripts" if sys.platform == "win32" else "bin"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel in it; what Onefill needs is that of the running one."""
    place = tmp_path_factory.mktemp("wheel")
    quiet = ("-m", "pip", "--disable-pip-version-check", "--quiet")
    build = ("wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(place))
    run(sys.executable, *quiet, *build, str(ROOT))
    (wheel,) = place.glob("onefill-*.whl")
    environment = place / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", str(environment))
    python = environment / BIN / "python"
    run(
        *(sys.executable, *quiet, "--python", str(python)),
        *("install", "--no-deps", "--no-index", str(wheel)),
    )
    words = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(str(python), "-c", words).strip())
    # A line of a .pth file is a directory to look in; the .pth files of that one, by which this
    # checkout is found, are not read.
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment


def run(*words: str, cwd: Path | None = None) -> str:
    """What a program prints that ends well."""
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        words, cwd=cwd, env=outside, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert ran.returncode == 0, f"{words}: {ran.stdout}{ran.stderr}"
    return ran.stdout


def onefill(environment: Path, words: Sequence[str], cwd: Path) -> str:
    """The command that the wheel installed."""
    command = shutil.which("onefill", path=str(environment / BIN))
    assert command is not None
    return run(command, *words, cwd=cwd)


def test_the_demo_of_an_installed_wheel_trades_and_stops(environment: Path, tmp_path: Path) -> None:
    code = "import onefill; print(onefill.__file__)"
    found = run(str(environment / BIN / "python"), "-c", code, cwd=tmp_path)
    assert Path(found.strip()).is_relative_to(environment)
    out = onefill(environment, ["demo", "--seconds", "12", "--faults", "", "--json"], tmp_path)
    summary = json.loads(out.splitlines()[-1])
    assert summary["type"] == "summary"
    for what in ("accepted", "dispatched", "reported", "filled"):
        assert summary["counts"][what] >= 1, out
    for name in ("gateway", "agent"):
        journal = tmp_path / "demo-run" / name / "journal"
        onefill(environment, ["journal", "verify", str(journal)], tmp_path)


def test_the_engine_alone_and_the_simulated_terminal_run_from_the_wheel(
    environment: Path, tmp_path: Path
) -> None:
    assert "demo-001" in onefill(environment, ["demo", "--replay", "--json"], tmp_path)
    assert "max_order_volume" in onefill(environment, ["run", "--show-limits"], tmp_path)
    assert "hostile" in onefill(environment, ["broker", "profiles"], tmp_path)
    bot = tmp_path / "bot.py"
    bot.write_text("import MetaTrader5 as mt5\nmt5.initialize()\nprint(mt5.terminal_info().name)\n")
    assert "MetaTrader 5" in onefill(environment, ["script", str(bot), "--for", "1h"], tmp_path)


@pytest.mark.parametrize("command", ["agent", "gateway", "terminal serve", "admin", "kill"])
def test_every_part_of_the_wheel_can_be_asked_for_help(
    environment: Path, tmp_path: Path, command: str
) -> None:
    assert "--help" in onefill(environment, [*command.split(), "--help"], tmp_path)
