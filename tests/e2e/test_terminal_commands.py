"""`onefill terminal check` as a user runs it: what keeps from trading, in plain words."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from onefill.channels.local.terminals_file import load_terminals
from onefill.model.errors import OnefillError
from onefill.model.resolved import BrokerRequest
from onefill.replay.ticks import load_ticks, parse_source
from onefill.terminal import port
from onefill.terminal.port import Request
from onefill.terminal.simulator.profile import load_profile
from onefill.terminal.simulator.terminal import SimulatedTerminal
from tests.contract.ports import LOGIN, SERVER, market
from tests.e2e.terminal_command import SECRET, onefill


def struck_by(home: Path, fault: str) -> Path:
    """The book of a broker that a lasting fault has struck, just now."""
    profile = home / f"{fault}.toml"
    profile.write_text(f"[faults]\n{fault} = 1\ntrouble_max_ms = 86400000\n")
    loaded = load_profile(profile)
    ticks = load_ticks(
        [parse_source(str(market(home)))], lambda name: loaded.symbol(name).digits, None, False
    )
    terminal = SimulatedTerminal(loaded, ticks.series, book=home / f"{fault}.book")
    buy = BrokerRequest(action=port.ACTION_DEAL, symbol="EURUSD", volume=0.1, type_filling=1)
    terminal.call(Request("order_send", {"request": buy}), time.time_ns() // 1_000_000)
    terminal.close()
    profile.write_text("")
    return home / f"{fault}.book"


def quiet_market(home: Path) -> Path:
    """EURUSD with its last quote an hour ago, and the next one in an hour."""
    now_ms = time.time_ns() // 1_000_000
    file = home / "quiet" / "EURUSD.csv"
    file.parent.mkdir()
    rows = [f"{now_ms + hours * 3_600_000},1.10000,1.10010" for hours in (-1, 1)]
    file.write_text("\n".join(["time_msc,bid,ask", *rows]) + "\n")
    return file


def session_table(name: str, **fields: Any) -> str:
    given = {"terminal_path": "simulated:default", "login": LOGIN, "server": SERVER, **fields}
    lines = [f"{field} = {json.dumps(value)}" for field, value in given.items()]
    return "\n".join([f"[sessions.{name}]", *lines, ""])


def terminals_file(home: Path, *tables: str, symbols: str = '["EURUSD"]') -> Path:
    file = home / "terminals.toml"
    rest = f'[symbols]\nnames = {symbols}\n[files]\njournal = "journal"\nlogs = "logs"\n'
    file.write_text("\n".join([*tables, rest]))
    return file


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Any]:
    """One checklist over sessions with one thing wrong each: what was found, by session and by
    what was looked at."""
    home = tmp_path_factory.mktemp("check")
    ticks = [str(market(home))]
    locked_login = LOGIN + 5
    (home / "locked.toml").write_text(f'[broker]\npassword = "{SECRET}"\nlogin = {locked_login}\n')
    (home / "shut.toml").write_text('[symbols.EURUSD]\nstart = "2090-01-01"\n')
    autotrading, account = struck_by(home, "autotrading_off"), struck_by(home, "wrong_account")
    locked = {"terminal_path": "simulated:locked.toml", "ticks": ticks, "login": locked_login}
    file = terminals_file(
        home,
        session_table("good", ticks=ticks, state="good.book"),
        session_table("password", **locked, password_env="WRONG_PASSWORD"),
        session_table("server", **locked, server="Onefill-Live", password_env="RIGHT_PASSWORD"),
        session_table("autotrading", ticks=ticks, state=str(autotrading), login=LOGIN + 1),
        session_table("account", ticks=ticks, state=str(account), login=LOGIN + 2),
        session_table("missing", terminal_path="C:/MT5/terminal64.exe", login=LOGIN + 3),
        session_table(
            "closed", terminal_path="simulated:shut.toml", ticks=[str(quiet_market(home))],
            login=LOGIN + 4, time_zone="UTC",
        ),
        symbols='["EURUSD", "NOSUCH"]',
    )  # fmt: skip
    ran = onefill(home, "terminal", "check", "--config", file, "--json")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    logs = "".join(log.read_text() for log in (home / "logs").iterdir())
    assert SECRET not in logs
    by_subject: dict[Any, Any] = {(line["subject"], line["what"]): line for line in lines}
    return by_subject | {"status": ran.status, "lines": lines}


def test_something_wrong_anywhere_is_told_by_the_exit_status(found: dict[Any, Any]) -> None:
    assert found["status"] == 3
    assert all(set(line) == {"subject", "what", "verdict", "found"} for line in found["lines"])


@pytest.mark.parametrize(
    "what",
    ["pool", "limits", "time-outs", "margin cushion", "retries", "cancelling", "audit store"],
)
def test_every_setting_has_its_line(found: dict[Any, Any], what: str) -> None:
    line = found["engine", what]
    assert len(line["found"]) > 20
    assert line["verdict"] in ("ok", "look")


@pytest.mark.parametrize("what", ["credentials", "connection", "account", "margin", "trading"])
def test_a_good_session_has_its_lines_and_all_are_well(found: dict[Any, Any], what: str) -> None:
    assert found["good", what]["verdict"] == "ok"


def test_the_account_is_told_with_its_kind_and_balance(found: dict[Any, Any]) -> None:
    text = found["good", "account"]["found"]
    assert text == f"{LOGIN} on {SERVER}, a demo account in USD, balance 10000.00, leverage 1:100"
    assert found["good", "EURUSD"]["found"].startswith("EURUSD: spread 1 pips")


@pytest.mark.parametrize(
    ("session", "what", "words"),
    [
        ("password", "connection", "the password is wrong"),
        ("server", "connection", "the terminal knows the server 'Onefill-Demo'; is the server's"),
        ("autotrading", "trading", "AutoTrading is off"),
        ("account", "connection", "is for account"),
        ("missing", "connection", "it exists for Windows (or Wine) only"),
        ("good", "NOSUCH", "the broker offers no NOSUCH"),
    ],
)
def test_what_keeps_a_session_from_trading_is_told_in_plain_words(
    found: dict[Any, Any], session: str, what: str, words: str
) -> None:
    line = found[session, what]
    assert line["verdict"] == "bad"
    assert words in line["found"]
    assert "the worker" not in line["found"]


def test_a_closed_market_is_something_to_look_at(found: dict[Any, Any]) -> None:
    line = found["closed", "EURUSD"]
    assert (line["verdict"], line["found"][:36]) == ("look", "the market of EURUSD is closed: orde")


@pytest.mark.parametrize("columns", [80, 140])
def test_a_table_for_people_fits_and_says_at_the_end_how_it_stands(
    tmp_path: Path, columns: int
) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text(onefill(tmp_path, "run", "--show-limits").out)
    file = terminals_file(tmp_path, session_table("main", ticks=[str(market(tmp_path))]))
    file.write_text(file.read_text() + 'limits = "limits.toml"\n')
    ran = onefill(tmp_path, "terminal", "check", "--config", file, columns=columns)

    assert ran.status == 0, ran.out
    assert ran.out.splitlines()[-1] == "fit to trade"
    assert max(map(len, ran.out.splitlines())) <= 140
    assert "main    trading" in ran.out


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "missing required field `sessions`"),
        ("[sessions]\n", "names no [sessions.NAME]"),
        ("[sessions.a]\nlogin = 1\nserver = 's'\npassword = 'x'\n", "holds a password: name where"),
        ("[sessions.a]\nlogin = 1\nserver = 's'\ntoken = 'x'\n", "holds a token: name where"),
        ("[sessions.a]\nlogin = 1\nserver = 's'\npassword_env = 'NOT_SET'\n", "is not set"),
        ("[sessions.a]\nlogin = 1\npassword_file = 'none'\n", "the file that password_file names"),
        ("[sessions.a]\nlogin = 'one'\n", "Expected `int`"),
        ("[sessions.a]\nlogin = 1\ncolour = 'red'\n", "has no setting 'colour'"),
        ("[sessions.a]\nlogin = 1\n[engine]\nspeed = 1\n", "[engine] has no setting 'speed'"),
        ("[sessions.a]\nlogin = 1\n[engine]\nmax_retries = 'x'\n", "'x' is not a number"),
        ("[sessions.a]\nlogin = 1\n[engine]\nmax_retries = 0\n", "must be above 0"),
        ("[sessions.a", "Expected"),
    ],
)
def test_a_terminals_file_that_is_wrong_is_one_sentence(
    tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "t.toml"
    file.write_text(text)

    with pytest.raises(OnefillError) as caught:
        load_terminals(file)
    assert complaint in caught.value.message


def test_a_file_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    ran = onefill(tmp_path, "terminal", "check", "--config", "none.toml")

    assert ran.status == 2
    assert "cannot read the terminals file" in ran.complaint
