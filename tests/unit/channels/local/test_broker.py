"""Quick questions to the broker: answered, or None and False with the reason in the log."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from onefill.channels.local.broker import BrokerInterface
from onefill.terminal.port import Reply
from tests.unit.channels.local.desk import Desk


def test_a_snapshot_tells_the_quote_in_force(desk: Desk) -> None:
    assert desk.broker.connect()
    quote = desk.broker.get_market_snapshot("EURUSD")

    assert quote is not None
    assert (quote.symbol, quote.bid_price, quote.ask_price) == ("EURUSD", 1.1, 1.1001)
    assert quote.mid_price == pytest.approx(1.10005)
    assert quote.spread_pips == 1.0
    assert abs((quote.timestamp - datetime.now(UTC)).total_seconds()) < 60


def test_pips_of_yen_pairs_are_hundredths(desk: Desk) -> None:
    desk.broker.connect()
    quote = desk.broker.get_market_snapshot("USDJPY")

    assert quote is not None
    assert quote.spread_pips == 1.0


def test_margin_market_and_symbols_are_told(desk: Desk) -> None:
    desk.broker.connect()

    assert desk.broker.get_available_margin() == 10_000.0
    assert desk.broker.is_symbol_tradable("EURUSD")
    assert desk.broker.is_market_open("EURUSD")


def test_what_cannot_be_told_is_none_or_false_and_logged(desk: Desk) -> None:
    desk.broker.connect()

    assert desk.broker.get_market_snapshot("NOSUCH") is None
    assert desk.broker.is_symbol_tradable("NOSUCH") is False
    assert desk.broker.is_market_open("NOSUCH") is False
    assert desk.broker.get_order_status("999") is None
    assert desk.broker.get_order_status("not a ticket") is None
    assert "SYMBOL_UNKNOWN" in desk.log()
    assert "ORDER_UNKNOWN" in desk.log()


def test_nothing_can_be_told_without_a_connection(desk: Desk) -> None:
    broker = desk.broker

    assert broker.get_market_snapshot("EURUSD") is None
    assert broker.get_available_margin() is None
    assert broker.is_symbol_tradable("EURUSD") is False
    assert broker.is_market_open("EURUSD") is False
    assert broker.get_order_status(1) is None
    assert "NOT_CONNECTED" in desk.log()


def test_a_terminal_that_fails_is_not_an_exception(desk: Desk) -> None:
    terminal = desk.terminal()
    for call in ("look", "symbol_info", "symbol_info_tick", "account_info", "orders_get"):
        terminal.rules[call] = lambda *_: Reply(None, (-10_004, "No IPC connection"))

    assert desk.broker.get_market_snapshot("EURUSD") is None
    assert desk.broker.get_available_margin() is None
    assert desk.broker.is_symbol_tradable("EURUSD") is False
    assert desk.broker.is_market_open("EURUSD") is False


@pytest.mark.parametrize("mode", [0, 3])
def test_symbols_that_may_not_be_opened_are_not_tradable(desk: Desk, mode: int) -> None:
    desk.terminal().change("symbol_info", trade_mode=mode)

    assert not desk.broker.is_symbol_tradable("EURUSD")


def test_a_closed_market_is_told(desk: Desk) -> None:
    desk.terminal().change("look", session_open=False)

    assert not desk.broker.is_market_open("EURUSD")


def test_an_order_is_placed_through_the_nine_stages_and_looked_up(desk: Desk) -> None:
    good, ticket, error = desk.broker.place_order("EURUSD", -1, 95_000, order_id="k-1")

    assert (good, error) == (True, None)
    assert desk.broker.place_order("EURUSD", -1, 95_000, order_id="k-1") == (good, ticket, error)
    assert ticket is not None
    status = desk.broker.get_order_status(ticket)
    assert status is not None
    assert list(status) == ["order_id", "symbol", "type", "volume", "price", "state", "time"]
    assert (status["order_id"], status["symbol"], status["type"]) == (int(ticket), "EURUSD", "sell")
    assert (status["volume"], status["state"]) == (0.95, "filled")
    assert status["time"].tzinfo is UTC


@pytest.mark.parametrize(
    ("direction", "units", "stop_loss", "says"),
    [
        (0, 10_000, None, "direction 0"),
        (2, 10_000, None, "direction 2"),
        (1, -10_000, None, "position_units"),
        (1, float("nan"), None, "position_units"),
        (1, 10_000, float("nan"), "stop_loss"),
        (1, 10_000, -1.0, "stop_loss"),
    ],
)
def test_what_is_no_order_is_not_placed(
    desk: Desk, direction: int, units: float, stop_loss: float | None, says: str
) -> None:
    good, ticket, error = desk.broker.place_order("EURUSD", direction, units, stop_loss)

    assert (good, ticket) == (False, None)
    assert says in (error or "")
    assert desk.terminal().sent == []


def test_placing_needs_an_engine(desk: Desk) -> None:
    good, ticket, error = BrokerInterface(desk.pool).place_order("EURUSD", 1, 10_000)

    assert (good, ticket) == (False, None)
    assert "create_execution_engine" in (error or "")


def test_a_session_that_is_lent_or_locked_here_still_answers_here(desk: Desk) -> None:
    desk.broker.connect()
    _, session = desk.pool.get_connection()
    with session.lock:
        assert desk.broker.get_available_margin() == 10_000.0
