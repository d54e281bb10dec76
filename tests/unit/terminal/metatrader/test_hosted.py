"""The port over a module that answers as MetaTrader5 does: what is known, and what only hoped."""

from __future__ import annotations

import msgspec
import pytest

from onefill.model.market import MarketView
from onefill.terminal.metatrader.hosted import TerminalLost
from onefill.terminal.port import Ready
from tests.unit.terminal.metatrader.fake import (
    LOGIN,
    SERVER,
    SESSION,
    T0,
    FakeModule,
    Hall,
    deal_row,
    named,
    position_row,
    with_clock,
)

HOUR = 3_600_000
GONE = (-10004, "No IPC connection")


def ready(hall: Hall) -> Ready:
    found = hall.ask("ready")
    assert isinstance(found, Ready)
    return found


def test_it_is_ready_once_ticks_have_told_the_brokers_clock_and_not_before() -> None:
    hall = Hall(FakeModule())

    assert not ready(hall).synchronised
    assert hall.call("changes", cursor=0).error[1] == "the broker's clock is not known yet"
    hall.quotes(ahead_ms=3 * HOUR)
    found = ready(hall)
    assert (found.connected, found.trade_allowed, found.synchronised) == (True, True, True)
    assert (found.login, found.server) == (LOGIN, SERVER)


def test_a_market_that_opens_later_tells_the_clock_then() -> None:
    hall = Hall(FakeModule())
    for _ in range(10):  # a weekend of heartbeats
        hall.clock.advance(hall.clock.now_ms() + 5_000)
        assert not ready(hall).synchronised
    hall.quotes(ahead_ms=2 * HOUR)

    assert ready(hall).synchronised


def test_with_a_zone_it_is_ready_though_the_market_is_closed() -> None:
    session = msgspec.structs.replace(SESSION, time_zone="Europe/Athens")
    hall = Hall(FakeModule(), session)

    assert ready(hall).synchronised


def test_ticks_that_disagree_with_the_zone_keep_it_from_trading() -> None:
    session = msgspec.structs.replace(SESSION, time_zone="Europe/Athens")
    hall = Hall(FakeModule(), session)
    hall.quotes(ahead_ms=0)

    assert not ready(hall).synchronised
    assert "says UTC+2" in hall.ask("troubles")[0]


def test_rows_and_windows_go_between_utc_and_the_brokers_clock() -> None:
    hall = with_clock(ahead_ms=2 * HOUR)
    hall.module.past_deals = [deal_row(5, T0 + 2 * HOUR, entry=0)]

    (deal,) = hall.ask("history_deals_get", from_ms=T0 - 1, to_ms=T0 + 1)
    assert deal.time_ms == T0
    assert hall.ask("history_deals_get", from_ms=T0 + 2 * HOUR, to_ms=T0 + 3 * HOUR) == ()
    assert [row.ticket for row in hall.ask("history_deals_get", position=5)] == [5]


@pytest.mark.parametrize("call", ["orders_get", "positions_get", "history_orders_get"])
def test_no_rows_are_an_empty_tuple_and_no_answer_is_none_with_its_error(call: str) -> None:
    hall = with_clock()
    asked = {"position": 1} if call.startswith("history") else {}

    assert hall.ask(call, **asked) == ()
    hall.module.errors[call] = GONE
    reply = hall.call(call, **asked)
    assert (reply.value, reply.error) == (None, GONE)


@pytest.mark.parametrize(
    "call", ["orders_get", "positions_total", "history_orders_get", "history_deals_get"]
)
def test_what_is_not_shown_is_not_synchronised(call: str) -> None:
    hall = with_clock()
    hall.module.errors[call] = (-1, "Terminal: Call failed")

    assert not ready(hall).synchronised


def test_history_that_comes_late_after_a_login_is_waited_for() -> None:
    hall = Hall(FakeModule())
    hall.module.positions = (position_row(9, T0 + 2 * HOUR - 60_000),)
    hall.quotes(ahead_ms=2 * HOUR)

    assert not ready(hall).synchronised
    assert "positions without their deals" in " ".join(hall.ask("troubles"))
    hall.module.past_deals = [deal_row(9, T0 + 2 * HOUR - 60_000)]
    assert ready(hall).synchronised
    hall.module.positions += (position_row(10, T0 + 2 * HOUR),)  # opened since: its deal is late
    assert ready(hall).synchronised


def test_a_position_whose_deals_never_come_keeps_nobody_waiting_for_ever() -> None:
    hall = Hall(FakeModule())
    hall.module.positions = (position_row(9, T0 + 2 * HOUR - 60_000),)
    hall.quotes(ahead_ms=2 * HOUR)
    hall.clock.advance(T0 + 60_000)

    assert ready(hall).synchronised


def test_the_highest_ticket_is_of_orders_open_and_past_positions_and_deals() -> None:
    hall = with_clock()
    hall.module.past_deals = [deal_row(70, T0 + 2 * HOUR, order=71)]
    hall.module.positions = (position_row(40, T0 + 2 * HOUR),)
    assert ready(hall).last_ticket == 71
    hall.module.orders = (named(ticket=99),)
    assert ready(hall).last_ticket == 99


@pytest.mark.parametrize("code", [-10001, -10002, -10003, -10004])
def test_a_terminal_that_has_gone_is_not_connected_and_its_worker_ends_after_a_while(
    code: int,
) -> None:
    hall = with_clock()
    hall.module.errors["terminal_info"] = (code, "IPC")

    assert not ready(hall).connected
    hall.clock.advance(hall.clock.now_ms() + 9_999)
    assert not ready(hall).connected
    hall.clock.advance(hall.clock.now_ms() + 1)
    with pytest.raises(TerminalLost):
        hall.ask("ready")


def test_a_terminal_that_comes_back_in_time_is_kept() -> None:
    hall = with_clock()
    for _ in range(3):
        hall.module.errors["terminal_info"] = GONE
        assert not ready(hall).connected
        hall.clock.advance(hall.clock.now_ms() + 8_000)
        del hall.module.errors["terminal_info"]
        assert ready(hall).connected


def test_time_outs_alone_end_no_worker() -> None:
    hall = with_clock()
    hall.module.errors["terminal_info"] = (-10005, "IPC timeout")
    for _ in range(5):
        hall.clock.advance(hall.clock.now_ms() + 8_000)
        assert not ready(hall).connected


def test_another_account_is_told_so_that_nothing_is_sent_to_it() -> None:
    hall = with_clock()
    hall.module.account.login += 1

    assert ready(hall).login == LOGIN + 1


@pytest.mark.parametrize(
    ("where", "field", "value", "told"),
    [
        ("terminal", "trade_allowed", False, "AutoTrading is off"),
        ("terminal", "tradeapi_disabled", True, "takes no orders from Python"),
        ("account", "trade_allowed", False, "investor"),
        ("account", "trade_expert", False, "lets no programs trade"),
        ("terminal", "connected", False, "no connection to the broker"),
    ],
)
def test_what_keeps_it_from_trading_is_told_in_plain_words(
    where: str, field: str, value: bool, told: str
) -> None:
    hall = with_clock()
    assert hall.ask("troubles") == ()
    setattr(getattr(hall.module, where), field, value)

    (trouble,) = hall.ask("troubles")
    assert told in trouble
    assert not (ready(hall).trade_allowed and ready(hall).connected)


def test_a_symbol_that_is_not_in_market_watch_is_put_there_and_its_quotes_looked_at() -> None:
    hall = with_clock()
    hall.module.symbol.select = hall.module.symbol.visible = False

    assert hall.ask("symbol_info", symbol="EURUSD").name == "EURUSD"
    assert hall.module.symbol.select
    hall.module.symbol.select = False
    assert hall.ask("look", symbol="EURUSD").ask == 1.1001


def look(hall: Hall) -> MarketView:
    found = hall.ask("look", symbol="EURUSD")
    assert isinstance(found, MarketView)
    return found


def test_a_market_with_fresh_quotes_is_open_without_asking() -> None:
    hall = with_clock()

    view = look(hall)
    assert view.session_open
    assert abs(view.quote_ms - hall.clock.now_ms()) < 60_000
    assert "order_check" not in hall.module.called


@pytest.mark.parametrize(("retcode", "is_open"), [(0, True), (10019, True), (10018, False)])
def test_a_quiet_market_is_asked_with_a_check_that_sends_nothing(
    retcode: int, is_open: bool
) -> None:
    hall = with_clock()
    hall.clock.advance(hall.clock.now_ms() + 120_000)
    hall.module.check.retcode = retcode

    assert look(hall).session_open is is_open
    assert hall.module.sent == []


def test_a_quote_whose_margin_or_value_or_time_is_not_known_is_no_quote() -> None:
    hall = with_clock()
    assert look(hall).quote_ms
    hall.module.errors["order_calc_margin"] = (-1, "Terminal: Call failed")
    assert look(hall).quote_ms == 0
    del hall.module.errors["order_calc_margin"]
    hall.module.symbol.trade_tick_value_loss = 0.0
    assert look(hall).quote_ms == 0
    assert look(Hall(FakeModule())).quote_ms == 0


@pytest.mark.parametrize("call", ["account_info", "positions_total", "orders_total"])
def test_a_look_without_the_account_is_none_with_the_error_of_what_failed(call: str) -> None:
    hall = with_clock()
    hall.module.errors[call] = GONE

    reply = hall.call("look", symbol="EURUSD")
    assert (reply.value, reply.error) == (None, GONE)


def test_unknown_calls_symbols_and_missing_arguments_are_errors_not_crashes() -> None:
    hall = with_clock()

    assert hall.call("no_such_call").error[0] == -2
    assert hall.call("symbol_info", symbol="NOSUCH").error == (-4, "Terminal: Not found")
    assert hall.call("look").error == (-2, "look needs the argument 'symbol'")
