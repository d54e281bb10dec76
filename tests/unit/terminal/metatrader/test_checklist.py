"""The checklist over a terminal that answers as MetaTrader5 does, where no simulator can."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from onefill.channels.local.checklist import Line, Verdict, check_session, check_settings
from onefill.channels.local.config import ExecutionEngineConfig
from onefill.channels.local.terminals_file import Terminals
from onefill.terminal.port import Reply
from onefill.terminal.session import Session
from tests.unit.terminal.metatrader.fake import (
    LOGIN,
    SERVER,
    SESSION,
    T0,
    FakeModule,
    Hall,
    position_row,
    with_clock,
)


def terminals(*sessions: Session, **more: Any) -> Terminals:
    """What a terminals file says."""
    fields: dict[str, Any] = {
        "sessions": {one.name: one for one in sessions or (SESSION,)},
        "symbols": ("EURUSD",),
        "symbol_map": {},
        "engine": ExecutionEngineConfig(),
        "limits": None,
        "journal": None,
        "logs": Path("logs"),
    }
    return Terminals(**fields | more)


class Lent:
    """A pool's session whose terminal is the fake one."""

    def __init__(self, hall: Hall) -> None:
        self.name, self.hall = "main", hall
        self.trouble = self.why_not_trading = ""
        self.terminal = SimpleNamespace(welcome=SimpleNamespace(pid=1))

    async def call_soon(self, name: str, **arguments: Any) -> Reply:
        return self.hall.call(name, **arguments)


def lines_of(hall: Hall, **more: Any) -> dict[str, list[Line]]:
    """The session's lines by what was looked at."""
    lent: Any = Lent(hall)
    found: dict[str, list[Line]] = {}
    for line in asyncio.run(check_session(lent, terminals(**more))):
        found.setdefault(line.what, []).append(line)
    return found


def test_a_terminal_that_is_fit_to_trade_has_nothing_bad() -> None:
    found = lines_of(with_clock())

    assert {line.verdict for lines in found.values() for line in lines} == {Verdict.GOOD}
    assert found["account"][0].found.startswith(f"{LOGIN} on {SERVER}, a demo account in USD")


def test_history_that_is_not_synchronised_is_told() -> None:
    hall = Hall(FakeModule())
    hall.module.positions = (position_row(9, T0 + 7_200_000 - 60_000),)
    hall.quotes(ahead_ms=7_200_000)
    (line,) = lines_of(hall)["trading"]

    assert line.verdict is Verdict.BAD
    assert "history is not synchronised" in line.found


def test_everything_that_keeps_it_from_trading_has_a_line_of_its_own() -> None:
    hall = with_clock()
    hall.module.terminal.trade_allowed = False
    hall.module.account.trade_expert = False
    words = [line.found for line in lines_of(hall)["trading"]]

    assert len(words) == 2
    assert "AutoTrading is off" in words[0]


def test_a_clock_that_is_not_known_is_told_with_what_to_write() -> None:
    (line,) = lines_of(Hall(FakeModule()))["trading"]

    assert line.verdict is Verdict.BAD
    assert "time_zone = 'Europe/Athens'" in line.found


def test_a_real_account_without_limits_is_told_that_every_order_is_denied() -> None:
    hall = with_clock()
    hall.module.account.trade_mode = 2

    found = lines_of(hall)
    assert found["limits"][0].verdict is Verdict.BAD
    assert found["account"][0].verdict is Verdict.LOOK
    assert "limits" not in lines_of(hall, limits=Path("limits.toml"))


@pytest.mark.parametrize(
    ("field", "value", "verdict", "words"),
    [
        ("trade_mode", 0, Verdict.BAD, "no position"),
        ("trade_mode", 3, Verdict.BAD, "no position"),
        ("trade_tick_value_loss", 0.0, Verdict.BAD, "no quote that can be used"),
    ],
)
def test_a_symbol_that_cannot_be_traded_is_told(
    field: str, value: float, verdict: Verdict, words: str
) -> None:
    hall = with_clock()
    setattr(hall.module.symbol, field, value)
    (line,) = lines_of(hall)["EURUSD"]

    assert line.verdict is verdict
    assert words in line.found


def test_a_wide_spread_and_a_closed_market_are_things_to_look_at() -> None:
    hall = with_clock()
    hall.module.tick.ask = 1.11
    (wide,) = lines_of(hall)["EURUSD"]
    hall.clock.advance(hall.clock.now_ms() + 120_000)
    hall.module.check.retcode = 10018
    (closed,) = lines_of(hall)["EURUSD"]

    assert (wide.verdict, closed.verdict) == (Verdict.LOOK, Verdict.LOOK)
    assert "wider than max_slippage_pips" in wide.found
    assert "closed" in closed.found


def test_a_suffix_is_found_and_the_brokers_name_told() -> None:
    hall = with_clock()
    hall.module.symbol.name = "EURUSD.m"

    assert lines_of(hall)["EURUSD"][0].found.startswith("EURUSD.m: spread")


def settings(tmp_path: Path, **more: Any) -> dict[tuple[str, str], Line]:
    return {(line.subject, line.what): line for line in check_settings(terminals(**more), tmp_path)}


def test_credentials_are_told_by_kind_and_never_shown(tmp_path: Path) -> None:
    bare = Session(name="bare", login=1, server="s")
    sessions = (
        SESSION,
        bare,
        msgspec.structs.replace(bare, name="toy", terminal_path="simulated:ecn"),
        msgspec.structs.replace(bare, name="far", terminal_path="broker://h:1", token="hush-hush"),
    )
    found = {
        line.subject: line
        for line in check_settings(terminals(*sessions), tmp_path)
        if line.what == "credentials"
    }

    assert "over its pipe only" in found["main"].found
    assert found["bare"].verdict is Verdict.LOOK
    assert (found["toy"].verdict, found["far"].verdict) == (Verdict.GOOD, Verdict.GOOD)
    assert "hush-hush" not in repr(found)


def test_an_account_that_is_named_twice_is_told(tmp_path: Path) -> None:
    twice = {"a": SESSION, "b": msgspec.structs.replace(SESSION, name="b")}
    line = settings(tmp_path, sessions=twice)["engine", "pool"]

    assert line.verdict is Verdict.BAD
    assert f"account {LOGIN} on {SERVER!r} is named twice" in line.found


def test_a_limits_file_a_journal_and_settings_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = {
        line.what: line.verdict
        for line in check_settings(
            terminals(
                limits=tmp_path / "none.toml",
                engine=ExecutionEngineConfig(min_margin_cushion=0.5, order_timeout_seconds=0.5),
            ),
            tmp_path / "file" / "journal",
        )
    }

    assert {what for what, verdict in found.items() if verdict is Verdict.BAD} == {
        "limits", "audit store", "margin cushion", "time-outs",
    }  # fmt: skip
