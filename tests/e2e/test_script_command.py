"""`onefill script` as a command: what a program finds, what becomes of it, when it ends; and
`onefill broker profiles`."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command import onefill

PROGRAMS = Path(__file__).parents[2] / "examples" / "scripts"
START_MS = 1_736_154_000_000
Written = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "bot.py"
        path.write_text(text)
        return path

    return write


def test_a_program_finds_what_python_would_give_it(written: Written, tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("NAME = 'a module beside it'\n")
    program = written(
        "import sys, neighbour, __main__, MetaTrader5\n"
        "print(sys.argv[1:], __name__, __file__ == sys.argv[0], neighbour.NAME)\n"
        "print(__main__.__dict__ is globals(), sys.path[0], MetaTrader5.__version__)\n"
    )
    ran = onefill("script", program, "EURUSD", "--lots", "0.1", "--quiet", "--", "--json", "x")
    assert ran.status == 0
    assert ran.err == ""
    first, second = ran.out.splitlines()
    assert first == "['EURUSD', '--lots', '0.1', '--json', 'x'] __main__ True a module beside it"
    assert second == f"True {tmp_path.resolve()} 5.0.6231"


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("raise SystemExit", 0, ""),
        ("quit(7)", 7, ""),
        ("import sys; sys.exit('no money left')", 1, "no money left"),
        ("import sys; sys.exit(130)", 130, ""),
        ("import sys; sys.exit(2)", 2, ""),
    ],
)
def test_the_exit_status_is_the_program_s(
    written: Written, text: str, status: int, said: str
) -> None:
    ran = onefill("script", written(text), "--quiet")
    assert (ran.status, ran.err.strip(), ran.out) == (status, said, "")


def run_raw(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "onefill", "script", *map(str, words)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_what_a_program_does_not_catch_is_told_without_our_frames(written: Written) -> None:
    program = written("def step():\n    return 1 / 0\n\nstep()\n")
    ran = run_raw(program, "--json")
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["exit_status"] == 1
    assert ran.stderr.startswith("Traceback (most recent call last):\n")
    assert re.findall(r'File "(.*?)", line (\d+)', ran.stderr) == [
        (str(program), "4"),
        (str(program), "2"),
    ]
    assert ran.stderr.rstrip().endswith("ZeroDivisionError: division by zero")


def test_a_program_that_is_no_python_is_told_as_python_does(written: Written) -> None:
    ran = run_raw(written("def broken(:\n"), "--quiet")
    assert ran.returncode == 1
    assert "SyntaxError" in ran.stderr
    assert "onefill/script" not in ran.stderr


@pytest.mark.parametrize(
    "body",
    [
        "while True:\n    time.sleep(60)",
        "while True:\n    mt5.symbol_info_tick('EURUSD')",
        "while True:\n    try:\n        time.sleep(60)\n    except Exception:\n        pass",
        "while True:\n    try:\n        time.sleep(60)\n    except:\n        pass",
        "end = time.time() + 1e7\nwhile time.time() < end:\n    pass",
        "import threading\nthreading.Event().wait()",
        "import asyncio\nasyncio.run(asyncio.sleep(1e7))",
        "import threading\n"
        "t = threading.Thread(target=lambda: [time.sleep(1) for _ in range(10**6)])\n"
        "t.start()\nt.join()",
    ],
)
def test_a_program_without_an_end_ends_with_its_market(written: Written, body: str) -> None:
    program = written(f"import time\nimport MetaTrader5 as mt5\nmt5.initialize()\n{body}\n")
    ran = onefill("script", program, "--for", "90s", "--json", timeout=60)
    assert (ran.status, ran.err) == (0, "")
    told = json.loads(ran.out)
    assert told["ended"] == "time limit"
    assert told["to_ms"] - told["from_ms"] == 90_000


def test_ctrl_c_ends_a_program_with_its_summary(written: Written) -> None:
    program = written(
        "import time\nprint('ready', flush=True)\nwhile True:\n    time.sleep(3600)\n"
    )
    command = [sys.executable, "-m", "onefill", "script", str(program), "--json", "--speed", "real"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert json.loads(out)["ended"] == "interrupted"
    assert err == ""


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    outs = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        ran = onefill(
            "script", PROGRAMS / "threaded_guard.py", "--faults", "requote=0.3,reject=0.1",
            "--seed", "5", "--json", cwd=folder,
        )  # fmt: skip
        outs.append(re.sub(r'"elapsed_seconds":[0-9.]+', "", ran.out) + ran.err)
    assert outs[0] == outs[1]


def test_another_seed_is_another_market(written: Written) -> None:
    program = written(
        "import MetaTrader5 as mt5\nmt5.initialize()\nprint(mt5.symbol_info_tick('EURUSD'))\n"
    )
    told = {onefill("script", program, "--quiet", "--seed", seed).out for seed in (1, 2, 2)}
    assert len(told) == 2


def test_the_next_run_goes_on_from_the_broker_s_book(written: Written, tmp_path: Path) -> None:
    program = written(
        "import time\nimport MetaTrader5 as mt5\nmt5.initialize()\n"
        "print(mt5.positions_total())\n"
        "mt5.order_send({'action': 1, 'symbol': 'EURUSD', 'volume': 0.1, 'type': 0,\n"
        "    'price': mt5.symbol_info_tick('EURUSD').ask, 'type_filling': 1})\n"
        "time.sleep(3600)\n"
    )
    state = tmp_path / "broker.log"
    first, second = (onefill("script", program, "--state", state, "--json") for _ in range(2))
    assert [ran.out.splitlines()[0] for ran in (first, second)] == ["0", "1"]
    ended, began = (json.loads(ran.out.splitlines()[1]) for ran in (first, second))
    assert began["from_ms"] == ended["to_ms"]
    assert began["positions"] == 2


@pytest.fixture
def ticks(tmp_path: Path) -> Path:
    """Ten minutes of a price that climbs a point a second."""
    path = tmp_path / "EURUSD.csv"
    rows = [
        f"{START_MS + 1_000 * n},{1.1 + n / 1e5:.5f},{1.1001 + n / 1e5:.5f}" for n in range(600)
    ]
    path.write_text("time_msc,bid,ask\n" + "\n".join(rows) + "\n")
    return path


def test_a_program_runs_on_ticks_from_files_to_their_end(written: Written, ticks: Path) -> None:
    program = written(
        "import time\nimport MetaTrader5 as mt5\nmt5.initialize()\n"
        "tick = mt5.symbol_info_tick('EURUSD')\n"
        "print(tick.bid, tick.time_msc)\n"
        "r = mt5.order_send({'action': 1, 'symbol': 'EURUSD', 'volume': 1.0, 'type': 0,\n"
        "    'price': tick.ask, 'tp': 1.102, 'type_filling': 1})\n"
        "while True:\n    time.sleep(1)\n"
    )
    ran = onefill("script", program, "--ticks", ticks, "--profile", "default", "--json")
    first, summary = ran.out.splitlines()
    assert first == f"1.1 {START_MS}"
    told = json.loads(summary)
    assert told["ended"] == "end of data"
    assert told["to_ms"] == START_MS + 599_001
    assert (told["wins"], told["profit"]) == (1, 190.0)


def test_a_faster_clock_is_the_program_s_clock(written: Written, ticks: Path) -> None:
    program = written(
        "import time\nfrom datetime import datetime, timezone\n"
        "began = time.monotonic()\ntime.sleep(120)\n"
        "print(datetime.now(timezone.utc).date(), time.monotonic() - began >= 120)\n"
    )
    ran = onefill("script", program, "--ticks", ticks, "--speed", "600x", "--quiet")
    assert (ran.status, ran.out) == (0, "2025-01-06 True\n")


def test_a_person_sees_a_table(written: Written) -> None:
    ran = onefill("script", written("print('done')"), "--balance", "5000", "--currency", "eur")
    assert ran.out == "done\n"
    for text in ("5,000.00 EUR", "market time", "0 (0 won, 0 lost)"):
        assert text in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "PROGRAM"),
        (("nowhere.py",), "nowhere.py: No such file"),
        (("BOT", "--profile", "nobody"), "'nobody': there is no shipped profile"),
        (("BOT", "--profile", "missing.toml"), "missing.toml"),
        (("BOT", "--speed", "warp"), "--speed 'warp'"),
        (("BOT", "--for", "ever"), "--for 'ever'"),
        (("BOT", "--start", "soon"), "--start 'soon'"),
        (("BOT", "--start", "2015-01-01"), "begins in 2019"),
        (("BOT", "--faults", "luck=1"), "luck=1"),
        (("BOT", "--balance", "-5"), "--balance -5"),
        (("BOT", "--currency", "E1"), "--currency"),
        (("BOT", "--leverage", "0"), "--leverage 0"),
        (("BOT", "--ticks", "nowhere.csv"), "nowhere"),
        (("--tick", "x", "BOT"), "--tick"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_wrong_call_is_one_line(written: Written, words: tuple[str, ...], said: str) -> None:
    program = written("print('never')")
    ran = onefill("script", *(str(program) if word == "BOT" else word for word in words))
    assert ran.status == 2
    assert said in ran.complaint
    assert ran.out == ""


def test_a_currency_that_nothing_converts_to_is_one_line(written: Written) -> None:
    program = written(
        "import MetaTrader5 as mt5\nmt5.initialize()\n"
        "mt5.order_calc_profit(mt5.ORDER_TYPE_BUY, 'EURUSD', 1.0, 1.1, 1.2)\n"
        "mt5.Buy('EURUSD', 0.1)\n"
    )
    ran = onefill("script", program, "--currency", "XYZ")
    assert ran.status == 2
    assert "XYZ, the account's currency" in ran.complaint
    assert ran.out == ""


def test_ticks_of_a_symbol_without_a_specification_name_an_option_that_exists(
    written: Written, tmp_path: Path
) -> None:
    ticks = tmp_path / "NOSUCH-2024-01-02.csv"
    ticks.write_text("time_msc,bid,ask\n1704153600000,1.1,1.2\n")
    ran = onefill("script", written("print('never')"), "--ticks", ticks)
    assert ran.status == 2
    assert "does not offer 'NOSUCH'" in ran.complaint
    assert "--profile" in ran.complaint


# The profiles.


def test_the_profiles_are_told_side_by_side() -> None:
    ran = onefill("broker", "profiles")
    assert ran.status == 0
    for text in ("default", "ecn", "hostile", "margin mode", "netting", "latency", "faults"):
        assert text in ran.out


def test_profiles_as_json_are_one_object_each() -> None:
    ran = onefill("broker", "profiles", "--json")
    profiles = {one["name"]: one for one in map(json.loads, ran.out.splitlines())}
    assert profiles.keys() >= {"default", "ecn", "exchange", "hostile", "instant", "netting"}
    assert profiles["exchange"]["broker"]["margin_mode"] == "exchange"
    assert profiles["hostile"]["faults"]["requote"] > 0
    assert all(one["symbols"] >= 28 for one in profiles.values())


def test_one_profile_is_told_in_detail() -> None:
    assert "EURUSD.m" in onefill("broker", "profiles", "hostile").out
    told = json.loads(onefill("broker", "profiles", "ecn", "--json").out)
    assert told["symbols"]["EURUSD"]["execution"] == "market"
    wrong = onefill("broker", "profiles", "nobody")
    assert wrong.status == 2
    assert "nobody" in wrong.complaint
