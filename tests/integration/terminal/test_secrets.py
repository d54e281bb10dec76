"""One password and one token, and every place where somebody could come upon them: processes,
words, logs, the checklist, complaints, and tracebacks that are written with their variables."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onefill.channels.local.broker import BrokerInterface
from onefill.channels.local.checklist import check_session
from onefill.channels.local.database import ExecutionDatabase
from onefill.channels.local.engine import create_execution_engine
from onefill.channels.local.pool import MT5ConnectionPool
from onefill.channels.local.session import together
from onefill.channels.local.terminals_file import load_terminals
from onefill.model.errors import OnefillError
from onefill.terminal.metatrader.hosted import host
from onefill.terminal.session import Session
from onefill.terminal.worker.config import CONFIG_MOST, WorkerConfig
from onefill.terminal.worker.process import start_worker
from onefill.terminal.worker.wire import Hello
from tests.contract.ports import LOGIN, SERVER, market
from tests.e2e.terminal_command import onefill
from tests.integration.terminal.served import QUICK, decision

PASSWORD, TOKEN = "Kq7-nobody-may-see-Vb3", "Tn9-nor-this-one-Wz4"
SECRETS = (PASSWORD, TOKEN)


def hidden(*places: object) -> bool:
    """Whether neither is in any of these."""
    shown = [one if isinstance(one, bytes) else str(one).encode() for one in places]
    return not any(secret.encode() in one for one in shown for secret in SECRETS)


def words_of(thing: object) -> str:
    return f"{thing!r} {thing!s} {thing}"


def told_with_variables(error: BaseException) -> str:
    """A traceback as a logger writes it that shows every frame's variables, causes and all."""
    told = [*traceback.TracebackException.from_exception(error, capture_locals=True).format()]
    assert any("session" in line for line in told), told  # the variables are there
    return "".join(told)


def locked(home: Path, **given: Any) -> Session:
    """An account of a simulated broker that asks for a password."""
    profile = home / "locked.toml"
    profile.write_text(f'[broker]\npassword = "the right one"\nlogin = {LOGIN}\n')
    fields = {"password": PASSWORD, "token": TOKEN, **given}
    return Session(
        name="main", login=LOGIN, server=SERVER, terminal_path=f"simulated:{profile}",
        ticks=(str(market(home)),), **fields,
    )  # fmt: skip


def open_to_all(home: Path) -> dict[str, Any]:
    """The same of one that asks for none, as callers of the pool write it."""
    return {
        "terminal_path": "simulated:default", "login": LOGIN, "server": SERVER,
        "ticks": [str(market(home))], "password": PASSWORD, "token": TOKEN,
    }  # fmt: skip


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[MT5ConnectionPool]:
    with MT5ConnectionPool(
        {"main": open_to_all(tmp_path)}, ["EURUSD"], tmp_path / "logs", fences=tmp_path / "fences"
    ) as made:
        yield made


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_process_shows_them_to_others(
    tmp_path: Path, pool: MT5ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = pool.sessions["main"].terminal
    assert terminal is not None
    assert terminal.welcome is not None
    listed = [
        Path(f"/proc/{process}/{what}").read_bytes()
        for process in (os.getpid(), terminal.welcome.pid)
        for what in ("environ", "cmdline")
    ]
    assert len(listed[2]) > 50
    assert hidden(*listed)


def test_nothing_that_a_caller_holds_says_them(tmp_path: Path, pool: MT5ConnectionPool) -> None:
    broker = BrokerInterface(connection_pool=pool)
    with create_execution_engine(broker, ExecutionDatabase(tmp_path / "journal"), QUICK) as engine:
        filled = engine.execute(decision("one"))
        assert filled.status == "filled", filled
        name, session = lent = pool.get_connection()
        held = [
            pool, broker, engine, engine.database, engine.config, filled, filled.to_dict(), lent,
            name, session, session.config, msgspec.structs.replace(session.config, name="b"),
            session.terminal, session.ready, session.log,
            pool.sessions, pool.troubles, engine._accounts, engine._accounts.account_for("one", ""),
            session.call("account_info"), session.call("troubles"),
            broker.get_market_snapshot("EURUSD"),
        ]  # fmt: skip
        pool.release_connection(lent)
    config = WorkerConfig(session=session.config, address="unix:x", token=TOKEN, fences="")
    held += [config, Hello(1, TOKEN), [session.config], {"a": config}]

    assert hidden(*map(words_of, held))
    assert hidden(*[file.read_bytes() for file in (tmp_path / "logs").iterdir()])
    assert hidden(*[file.read_bytes() for file in (tmp_path / "journal").rglob("*")])
    assert hidden(*[file.read_bytes() for file in (tmp_path / "fences").rglob("*")])


async def test_a_login_that_is_refused_says_why_and_never_with_what(tmp_path: Path) -> None:
    """In the worker's own process, and in the engine's."""
    with pytest.raises(OnefillError) as inside:
        host(locked(tmp_path))
    with (tmp_path / "worker.log").open("ab") as log, pytest.raises(OnefillError) as outside:
        await start_worker(locked(tmp_path), tmp_path / "fences", log)

    for refused in (inside.value, outside.value):
        assert refused.code == "LOGIN_REFUSED"
        assert "the password is wrong" in refused.message
        assert hidden(words_of(refused), told_with_variables(refused))
    assert hidden((tmp_path / "worker.log").read_bytes())


async def test_a_worker_that_cannot_even_be_started_says_them_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    long = locked(tmp_path, state="x" * CONFIG_MOST)
    for session, program in ((locked(tmp_path), str(tmp_path / "nowhere")), (long, sys.executable)):
        monkeypatch.setattr(sys, "executable", program)
        with (tmp_path / "worker.log").open("ab") as log, pytest.raises(OnefillError) as failed:
            await start_worker(session, tmp_path / "fences", log)
        told.append(failed.value)

    assert [one.code for one in told] == ["WORKER_NOT_STARTED"] * 2
    assert hidden(*map(words_of, told), *map(told_with_variables, told))


def test_an_engine_whose_login_is_refused_logs_and_answers_without_them(tmp_path: Path) -> None:
    with MT5ConnectionPool(
        {"main": locked(tmp_path)}, ["EURUSD"], tmp_path / "logs", fences=tmp_path / "fences"
    ) as pool:
        broker = BrokerInterface(connection_pool=pool)
        with create_execution_engine(broker, ExecutionDatabase(tmp_path / "j"), QUICK) as engine:
            answer = engine.execute(decision("never"))
        with pytest.raises(OnefillError) as exhausted:
            pool.get_connection(timeout=0)
        with pytest.raises(OnefillError) as unusable:
            pool.any_usable()
        troubles = pool.troubles["main"]

    assert "the password is wrong" in troubles
    assert "the password is wrong" in (answer.rejection_details or "")
    assert hidden(troubles, words_of(answer), words_of(exhausted.value), words_of(unusable.value))
    assert hidden(*[file.read_bytes() for file in (tmp_path / "logs").iterdir()])


@pytest.mark.parametrize(
    "wrong",
    [
        {"login": "one"},
        {"password": 7, "token": PASSWORD},
        {"login": -1},
        {"pasword": PASSWORD},
        {"terminal_path": "tls://nowhere", "token": TOKEN},
        {"terminal_path": "tls://host:1", "token": "", "fingerprint": "x"},
        {"ticks": 5},
    ],
)
def test_a_session_that_is_wrong_is_told_without_them(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(OnefillError) as refused:
        MT5ConnectionPool({"main": {**open_to_all(tmp_path), **wrong}}, (), tmp_path / "logs")

    assert refused.value.code == "SESSION_INVALID"
    assert hidden(words_of(refused.value))


@pytest.mark.parametrize(
    "lines",
    [
        f'password = "{PASSWORD}"',
        f'password_env = "{PASSWORD}"',
        f'password_file = "{PASSWORD}"',
        f'password_env = ["{PASSWORD}"]',
        f'password_file = {{ at = "{PASSWORD}" }}',
        f'token = "{TOKEN}"',
        f'token_env = "{TOKEN}"',
        f'token_file = "{TOKEN}"',
        f"password = {PASSWORD}",
        f'password = "{PASSWORD}',
        f'password_env = "GIVEN"\nlogin = "{PASSWORD}"',
        'password_env = "GIVEN"\ncolour = "red"',
        'password_env = "GIVEN"\nportable = "yes"',
        'password_env = "GIVEN"\nlogin = -1',
        'password_file = "binary"',
        'password_file = "folder"',
    ],
)
def test_a_terminals_file_that_is_wrong_is_told_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str
) -> None:
    monkeypatch.setenv("GIVEN", PASSWORD)
    (tmp_path / "binary").write_bytes(PASSWORD.encode() + b"\xff")
    (tmp_path / "folder").mkdir()
    file = tmp_path / "terminals.toml"
    login = "" if "login" in lines else f"login = {LOGIN}\n"
    file.write_text(f'[sessions.main]\n{login}server = "{SERVER}"\n{lines}\n')

    with pytest.raises(OnefillError) as refused:
        load_terminals(file)
    assert hidden(words_of(refused.value))


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "json"])
def test_the_checklist_says_where_a_password_comes_from_and_not_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: tuple[str, ...]
) -> None:
    (tmp_path / "locked.toml").write_text(f'[broker]\npassword = "right"\nlogin = {LOGIN + 1}\n')
    (tmp_path / "secret").write_text(PASSWORD)
    monkeypatch.setenv("GIVEN", PASSWORD)
    ticks = json.dumps([str(market(tmp_path))])
    where = {"env": 'password_env = "GIVEN"', "file": 'password_file = "secret"'}
    tables = [
        f'[sessions.{name}]\nterminal_path = "simulated:{profile}"\nlogin = {login}\n'
        f'server = "{SERVER}"\nticks = {ticks}\n{where[name]}\n'
        for name, profile, login in (("env", "default", LOGIN), ("file", "locked.toml", LOGIN + 1))
    ]
    (tmp_path / "t.toml").write_text(
        "\n".join([*tables, '[files]\njournal = "j"\nlogs = "logs"\n'])
    )
    ran = onefill(tmp_path, "terminal", "check", "--config", "t.toml", *form)

    assert ran.status == 3
    assert "a password is given, which reaches the terminal's worker over its pipe" in ran.out
    assert "the password is wrong" in ran.out
    assert hidden(ran.out, ran.err)
    assert hidden(*[log.read_bytes() for log in (tmp_path / "logs").iterdir()])
    terminals = load_terminals(tmp_path / "t.toml")
    assert hidden(words_of(terminals), words_of(terminals.sessions))


def test_lines_of_the_checklist_say_them_neither(tmp_path: Path, pool: MT5ConnectionPool) -> None:
    (tmp_path / "secret").write_text(PASSWORD)
    (tmp_path / "t.toml").write_text(
        f'[sessions.main]\nlogin = {LOGIN}\nserver = "{SERVER}"\npassword_file = "secret"\n'
    )
    terminals = load_terminals(tmp_path / "t.toml")
    work = check_session(pool.sessions["main"], terminals)
    (lines,) = pool.loop.ask(together(work))

    assert len(lines) >= 4
    assert hidden(words_of(lines))
