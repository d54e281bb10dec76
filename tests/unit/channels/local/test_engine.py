"""Every row of the contract's tables: what happens, and what the caller is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from onefill.model.errors import OnefillError
from onefill.terminal.port import Reply, Request
from tests.unit.channels.local.desk import Desk, decision


def test_an_approved_decision_is_filled_and_told_in_the_published_words(desk: Desk) -> None:
    done = desk.engine.execute(decision(units=95_000))

    assert (done.status, done.symbol, done.direction) == ("filled", "EURUSD", 1), done
    assert (done.order_id, done.intended_units, done.executed_units) == ("k-1", 95_000, 95_000)
    assert (done.fill_price, done.slippage_pips, done.volume_lots) == (1.1001, 0.0, 0.95)
    assert (done.rejection_reason, done.rejection_details) == (None, None)
    assert done.ticket
    assert done.position_ticket
    told = done.to_dict()
    assert told["timestamp"].endswith("+00:00")
    assert set(told) >= {
        "execution_id", "order_id", "status", "symbol", "direction", "intended_units",
        "executed_units", "fill_price", "slippage_pips", "rejection_reason", "rejection_details",
        "timestamp",
    }  # fmt: skip


def test_a_short_decision_sells_and_an_adjusted_one_is_carried_out_too(desk: Desk) -> None:
    done = desk.engine.execute(decision(direction=-1, status="ADJUSTED"))

    assert (done.status, done.direction, done.fill_price) == ("filled", -1, 1.1)


def test_units_become_lots_rounded_down_and_what_was_left_is_told(desk: Desk) -> None:
    done = desk.engine.execute(decision(units=95_999))

    assert (done.volume_lots, done.executed_units, done.units_left) == (0.95, 95_000, 999)
    assert done.intended_units == 95_999


def test_units_below_the_smallest_volume_are_refused_not_resized(desk: Desk) -> None:
    done = desk.engine.execute(decision(units=999))

    assert (done.status, done.rejection_reason) == ("rejected", "validation_failed")
    assert done.executed_units == 0
    assert "0.01" in (done.rejection_details or "")
    assert desk.terminal().sent == []


# Stage 1.


@pytest.mark.parametrize(
    ("call", "fields", "reason"),
    [
        ("look", {"session_open": False}, "market_closed"),
        ("symbol_info", {"trade_mode": 0}, "symbol_not_tradable"),
        ("symbol_info", {"trade_mode": 3}, "symbol_not_tradable"),
        ("symbol_info", {"trade_mode": 2}, "symbol_not_tradable"),
        ("look", {"quote_ms": 1_000}, "stale_tick"),
        ("look", {"quote_ms": 0, "bid": 0.0, "ask": 0.0}, "stale_tick"),
        ("look", {"ask": 1.1101}, "spread_too_wide"),
        ("look", {"margin_free": 150.0, "margin_per_lot": 1_000.0}, "margin_insufficient"),
    ],
    ids=[
        "market closed", "disabled", "close only", "other side only", "stale tick", "no tick",
        "spread too wide", "margin cushion",
    ],
)  # fmt: skip
def test_stage_one_refuses(desk: Desk, call: str, fields: dict[str, Any], reason: str) -> None:
    terminal = desk.terminal()
    terminal.change(call, **fields)
    done = desk.engine.execute(decision())

    assert (done.status, done.rejection_reason) == ("rejected", reason), done
    assert terminal.sent == []


def test_the_margin_cushion_is_one_and_a_half(desk: Desk) -> None:
    # 0.1 lot at 1,000 a lot needs 100.
    desk.terminal().change("look", margin_free=151.0, margin_per_lot=1_000.0)

    assert desk.engine.execute(decision()).status == "filled"


def test_the_spread_and_the_slippage_have_one_setting(tmp_path: Path) -> None:
    with Desk(tmp_path, max_slippage_pips=0.5) as desk:
        done = desk.engine.execute(decision())

    assert done.rejection_reason == "spread_too_wide"
    assert "max_spread_pips = 0.5" in (done.rejection_details or "")


# What happens, and the answer.


def test_a_terminal_that_cannot_be_had_rejects_and_logs(desk: Desk) -> None:
    desk.session().down = "no terminal here"
    done = desk.engine.execute(decision())

    assert (done.status, done.rejection_reason) == ("rejected", "network_error")
    assert "no terminal here" in (done.rejection_details or "")
    assert "NOT_CONNECTED" in desk.log()


def test_a_connection_that_is_lost_rejects_after_the_engines_patience(desk: Desk) -> None:
    assert desk.engine.execute(decision("warm")).status == "filled"
    terminal = desk.terminal()
    terminal.change("ready", connected=False)
    done = desk.engine.execute(decision())

    assert (done.status, done.rejection_reason) == ("rejected", "network_error")
    assert len(terminal.sent) == 1


def test_an_account_other_than_the_configured_one_refuses_to_trade(desk: Desk) -> None:
    terminal = desk.terminal()
    terminal.change("account_info", login=4_711)
    done = desk.engine.execute(decision())

    assert (done.status, done.rejection_reason) == ("rejected", "network_error")
    assert "logged in as 4711" in (done.rejection_details or "")
    del terminal.rules["account_info"]
    assert desk.engine.execute(decision("again")).status == "filled"


def test_an_account_that_changes_later_refuses_to_trade(desk: Desk) -> None:
    assert desk.engine.execute(decision("warm")).status == "filled"
    terminal = desk.terminal()
    terminal.change("ready", login=4_711)
    done = desk.engine.execute(decision())

    assert (done.status, done.rejection_reason) == ("rejected", "network_error")
    assert "logged in as 4711" in (done.rejection_details or "")
    assert len(terminal.sent) == 1


def test_a_lost_answer_is_looked_up_and_nothing_is_sent_again(desk: Desk) -> None:
    terminal = desk.terminal()

    def lost(request: Request, really: Any) -> Reply:
        really()
        return Reply(None, (-10_005, "IPC timeout"))

    terminal.rules["order_send"] = lost
    done = desk.engine.execute(decision())

    assert (done.status, done.executed_units) == ("filled", 10_000)
    assert len(terminal.sent) == 1


def test_an_answer_that_never_came_of_nothing_executed_is_proven_and_told(desk: Desk) -> None:
    terminal = desk.terminal()
    terminal.answer("order_send", Reply(None, (-10_005, "IPC timeout")))
    done = desk.engine.execute(decision())

    assert (done.status, done.rejection_reason) == ("rejected", "network_error")
    assert "proven not executed" in (done.rejection_details or "")
    assert len(terminal.sent) == 1


def test_an_api_error_is_told_with_its_code_and_text(desk: Desk) -> None:
    terminal = desk.terminal()
    terminal.answer("order_send", *[Reply(None, (-2, "Invalid argument"))] * 3)
    done = desk.engine.execute(decision())

    assert done.status == "rejected"
    assert "Invalid argument" in (done.rejection_details or "")
    assert "-2" in (done.rejection_details or "")
    assert len(terminal.sent) == 3  # it provably reached nobody, each time


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (10006, "broker_rejection"),
        (10018, "market_closed"),
        (10019, "margin_insufficient"),
        (10017, "symbol_not_tradable"),
        (10015, "broker_rejection"),
    ],
)
def test_a_brokers_rejection_is_final(desk: Desk, code: int, reason: str) -> None:
    terminal = desk.terminal()
    terminal.retcodes(code)
    done = desk.engine.execute(decision())

    assert (done.status, done.rejection_reason) == ("rejected", reason)
    assert str(code) in (done.rejection_details or "")
    assert len(terminal.sent) == 1


@pytest.mark.parametrize("code", [10004, 10020, 10021])
def test_requotes_are_sent_again_three_times_in_all(desk: Desk, code: int) -> None:
    terminal = desk.terminal()
    terminal.retcodes(code, code)
    assert desk.engine.execute(decision("twice")).status == "filled"
    assert len(terminal.sent) == 3

    terminal.retcodes(code, code, code, code)
    done = desk.engine.execute(decision("thrice", units=20_000))
    assert done.status == "rejected"
    assert len(terminal.sent) == 6


def test_a_symbol_that_is_not_there_is_rejected(desk: Desk) -> None:
    done = desk.engine.execute(decision(symbol="NOSUCH"))

    assert (done.status, done.rejection_reason) == ("rejected", "symbol_not_tradable")
    assert "NOSUCH" in (done.rejection_details or "")


def test_no_market_data_is_rejected_before_execution(desk: Desk) -> None:
    terminal = desk.terminal()
    terminal.answer("look", *[Reply(None, (-1, "Generic fail"))] * 9)
    done = desk.engine.execute(decision())

    assert (done.status, done.rejection_reason) == ("rejected", "insufficient_liquidity")
    assert terminal.sent == []


# What the manager decided.


def test_what_the_manager_rejected_is_answered_without_the_broker(desk: Desk) -> None:
    no = decision(status="REJECTED")
    no.decision.rejected_trade = type(
        "No", (), {"rejection_reason": "correlation_breach", "rejection_details": "with GBPUSD"}
    )
    done = desk.engine.execute(no)

    assert (done.status, done.rejection_reason) == ("rejected", "correlation_breach")
    assert "with GBPUSD" in (done.rejection_details or "")
    assert desk.pool.sessions["main"].terminal is None
    assert "correlation_breach" in desk.log()


def test_a_halted_portfolio_trades_nothing(desk: Desk) -> None:
    done = desk.engine.execute(decision(halted=True))

    assert (done.status, done.rejection_reason) == ("rejected", "trading_halted")
    assert desk.pool.sessions["main"].terminal is None


def test_a_price_that_is_none_of_the_symbols_is_rejected(desk: Desk) -> None:
    done = desk.engine.execute(decision(stop_loss=1.0987654321))

    assert (done.status, done.rejection_reason) == ("rejected", "validation_failed")
    assert "stop_loss" in (done.rejection_details or "")
    assert desk.terminal().sent == []


# Once.


def test_the_same_order_id_gets_the_same_answer(desk: Desk) -> None:
    first = desk.engine.execute(decision())

    assert desk.engine.execute(decision()) == first
    assert desk.restart().execute(decision()) == first
    assert len(desk.terminal().sent) == 1


def test_the_answer_is_there_after_a_restart_without_a_terminal(desk: Desk) -> None:
    first = desk.engine.execute(decision())
    engine = desk.restart()
    desk.terminal().down = "away"

    assert engine.execute(decision()) == first


@pytest.mark.parametrize(
    "other",
    [{"units": 20_000}, {"direction": -1}, {"symbol": "USDJPY"}, {"stop_loss": 1.09}],
    ids=["units", "direction", "symbol", "stop loss"],
)
def test_the_same_order_id_with_other_content_is_refused(desk: Desk, other: dict[str, Any]) -> None:
    desk.engine.execute(decision())
    done = desk.engine.execute(decision(**other))

    assert (done.status, done.rejection_reason) == ("rejected", "validation_failed")
    assert "KEY_REUSED" in (done.rejection_details or "")
    assert desk.restart().execute(decision(**other)).rejection_details == done.rejection_details
    assert len(desk.terminal().sent) == 1


def test_a_changed_magic_in_the_config_does_not_make_an_order_another(desk: Desk) -> None:
    first = desk.engine.execute(decision())
    desk.config = type(desk.config)(magic=7)

    assert desk.restart().execute(decision()) == first


def test_without_an_order_id_each_decision_is_an_order(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        first = desk.engine.execute(decision(None))
        second = desk.engine.execute(decision(None, units=20_000))

    assert (first.status, second.status) == ("filled", "filled")
    assert first.order_id != second.order_id


# Limits.


def test_a_real_account_without_limits_trades_nothing(desk: Desk) -> None:
    terminal = desk.terminal()
    terminal.change("account_info", trade_mode=2)
    done = desk.engine.execute(decision())

    assert (done.status, done.rejection_reason) == ("rejected", "validation_failed")
    assert "limits" in (done.rejection_details or "")
    assert terminal.sent == []


def test_limits_that_are_given_hold(tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    file.write_text("[account]\nmax_order_volume = 0.05\n")
    with Desk(tmp_path, limits=file) as desk:
        done = desk.engine.execute(decision())

    assert (done.status, done.rejection_reason) == ("rejected", "validation_failed")


def test_limits_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(OnefillError, match="nowhere"):
        Desk(tmp_path, limits=tmp_path / "nowhere.toml")
