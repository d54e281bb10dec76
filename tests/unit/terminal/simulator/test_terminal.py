"""The port's rules: time, deadlines, fencing, latency, and what is told of changes."""

from pathlib import Path
from typing import Any

import pytest

from onefill.model.market import MarketView
from onefill.terminal import port
from onefill.terminal.port import Pending, Ready, Reply, Request, Terminal

from .stage import NOON, Quote, Stage, deal, pending, profile_with, remove

QUOTES: list[Quote] = [(0, 138_000, 138_010), (1_000, 137_000, 137_010), (2_000, 138_500, 138_510)]


def test_it_is_a_terminal() -> None:
    terminal: Terminal = Stage(QUOTES).terminal
    assert terminal.collect() == []


def test_a_look_gathers_quote_and_account() -> None:
    stage = Stage(QUOTES)
    assert stage.ask("look", symbol="EURUSD") == MarketView(
        symbol="EURUSD", quote_ms=0, bid=0.0, ask=0.0, point_value=0.0, margin_per_lot=0.0,
        session_open=True, balance=10_000.0, equity=10_000.0, margin=0.0, margin_free=10_000.0,
        currency="USD", currency_digits=2, open_positions=0, open_orders=0,
    )  # fmt: skip
    stage.send(deal(0), at=10)
    stage.send(pending(2, 1.37))
    assert stage.ask("look", symbol="EURUSD") == MarketView(
        symbol="EURUSD", quote_ms=NOON, bid=1.38, ask=1.3801, point_value=1.0,
        margin_per_lot=1380.1, session_open=True, balance=10_000.0, equity=9_999.0,
        margin=138.01, margin_free=9_860.99, currency="USD", currency_digits=2,
        open_positions=1, open_orders=1,
    )  # fmt: skip


def test_a_look_at_a_symbol_that_needs_another_waits_for_its_quote() -> None:
    stage = Stage({"EURJPY": [(0, 149_000, 149_010)], "USDJPY": [(0, 108_000, 108_010)],
                   "EURUSD": [(50, 138_000, 138_010)]})  # fmt: skip
    stage.advance(10)
    assert stage.ask("look", symbol="EURJPY").quote_ms == 0
    assert stage.send(deal(0, symbol="EURJPY")).retcode == 10021
    stage.advance(50)
    view = stage.ask("look", symbol="EURJPY")
    assert view.margin_per_lot == pytest.approx(1380.1)
    assert view.point_value == pytest.approx(100 / 108.0)


@pytest.mark.parametrize("name", ["look", "symbol_info", "symbol_info_tick"])
def test_an_unknown_symbol_is_not_found(name: str) -> None:
    reply = Stage(QUOTES).terminal.call(Request(name, {"symbol": "NONE"}), NOON)
    assert reply == Reply(None, (-4, "Terminal: Not found"))


def test_a_symbol_without_ticks_has_terms_and_no_quote() -> None:
    stage = Stage(QUOTES)
    assert stage.ask("symbol_info", symbol="GBPUSD").digits == 5
    assert stage.ask("symbol_info_tick", symbol="GBPUSD") is None
    assert stage.ask("look", symbol="GBPUSD").quote_ms == 0


def test_the_quote_in_force_is_told_as_a_tick() -> None:
    stage = Stage(QUOTES)
    stage.advance(1_500)
    assert stage.ask("symbol_info_tick", symbol="EURUSD") == port.Tick(NOON + 1_000, 1.37, 1.3701)


def test_an_unknown_call_fails() -> None:
    reply = Stage(QUOTES).terminal.call(Request("market_book_get", {}), NOON)
    assert isinstance(reply, Reply)
    assert (reply.value, reply.error[0]) == (None, -1)


def test_all_ticks_up_to_a_call_come_before_it() -> None:
    stage = Stage(QUOTES)
    ticket = stage.opened(deal(0, sl=1.375), at=10)
    close = deal(1, position=ticket)
    assert stage.send(close, at=999 + 1).retcode == 10036


def test_advance_stops_where_the_account_changed() -> None:
    stage = Stage(QUOTES)
    stage.send(deal(0, sl=1.375), at=10)
    assert stage.advance(5_000) == 1_000
    assert stage.advance(5_000) == 5_000
    assert stage.advance(100) == 5_000


def test_changes_are_told_once_from_a_cursor() -> None:
    stage = Stage(QUOTES)
    first = stage.ask("changes", cursor=0)
    assert [one.type for one in first.deals] == [2]
    assert not stage.terminal.has_changes(first.cursor)
    ticket = stage.opened(pending(2, 1.375), at=10)
    assert not stage.terminal.has_changes(first.cursor)
    stage.run(1_000)
    assert stage.terminal.has_changes(first.cursor)
    second = stage.ask("changes", cursor=first.cursor)
    assert [one.ticket for one in second.orders] == [ticket]
    assert [one.order for one in second.deals] == [ticket]
    assert stage.ask("changes", cursor=second.cursor).deals == ()
    other = stage.opened(pending(2, 1.3))
    stage.send(remove(other))
    third = stage.ask("changes", cursor=second.cursor)
    assert [(one.ticket, one.state) for one in third.orders] == [(other, 2)]
    everything = stage.ask("changes", cursor=0)
    assert everything.orders == second.orders + third.orders


def test_history_windows_include_both_ends() -> None:
    stage = Stage(QUOTES)
    for at in (10, 20, 30):
        stage.send(deal(0), at=at)
    window = {"from_ms": NOON + 10, "to_ms": NOON + 20}
    assert [row.done_ms - NOON for row in stage.ask("history_orders_get", **window)] == [10, 20]
    assert [row.time_ms - NOON for row in stage.ask("history_deals_get", **window)] == [10, 20]
    empty = {"from_ms": NOON + 11, "to_ms": NOON + 19}
    assert stage.ask("history_orders_get", **empty) == ()


def test_an_older_engine_is_refused_for_ever(tmp_path: Path) -> None:
    book = tmp_path / "broker.log"
    stage = Stage(QUOTES, book=book)
    stage.terminal.fence(3)
    stage.terminal.fence(2)
    assert stage.call(deal(0), 10, epoch=2).error[0] == port.STALE_EPOCH
    assert stage.send(deal(0), epoch=3).retcode == 10009
    stage.terminal.close()
    again = Stage(QUOTES, book=book)
    assert again.call(deal(0), 10, epoch=2).error[0] == port.STALE_EPOCH
    assert again.send(deal(0), epoch=4).retcode == 10009
    assert len(again.ask("positions_get")) == 2


def test_nothing_is_sent_after_its_time() -> None:
    stage = Stage(QUOTES)
    assert stage.call(deal(0), 21, not_after=20).error[0] == port.TOO_LATE
    assert stage.ask("positions_get") == ()
    assert stage.send(deal(0), not_after=21).retcode == 10009


def test_ready_tells_the_highest_ticket_and_the_brokers_clock() -> None:
    stage = Stage(QUOTES)
    stage.advance(10)
    ready: Ready = stage.ask("ready")
    assert (ready.connected, ready.trade_allowed, ready.synchronised) == (True, True, True)
    assert (ready.login, ready.server) == (stage.terminal.login, stage.terminal.server)
    assert (ready.server_ms, ready.last_ticket) == (NOON + 10, 1_000_000)
    ticket = stage.opened(pending(2, 1.37))
    assert stage.ask("ready").last_ticket == ticket


def slow(tmp_path: Path, **more: Any) -> Stage:
    return Stage(QUOTES, profile=profile_with(tmp_path, "[broker]\nlatency_ms = 50\n"), **more)


def test_with_latency_the_request_arrives_later_and_the_answer_later_still(
    tmp_path: Path,
) -> None:
    stage = slow(tmp_path)
    waiting = stage.call(deal(0), 960)
    assert isinstance(waiting, Pending)
    assert stage.terminal.next_due_ms() == NOON + 1_010
    assert stage.advance(5_000) == 1_010
    assert stage.terminal.collect() == []
    assert stage.ask("positions_get")[0].price_open == 1.3701
    assert stage.advance(5_000) == 1_060
    [(number, reply)] = stage.terminal.collect()
    assert (number, reply.value.retcode) == (waiting.number, 10009)
    assert stage.advance(5_000) == 5_000
    assert stage.terminal.next_due_ms() is None


def test_an_answer_that_comes_after_the_deadline_is_none(tmp_path: Path) -> None:
    stage = slow(tmp_path)
    waiting = stage.call(deal(0), 10, deadline=100)
    assert stage.advance(5_000) == 60
    assert stage.advance(5_000) == 100
    [(number, reply)] = stage.terminal.collect()
    assert (number, reply.error[0]) == (waiting.number, port.TIMED_OUT)
    assert stage.advance(800) == 800
    assert stage.terminal.collect() == []
    assert len(stage.ask("positions_get")) == 1


def test_an_answer_at_the_deadline_is_in_time(tmp_path: Path) -> None:
    stage = slow(tmp_path)
    stage.call(deal(0), 10, deadline=110)
    stage.run(200)
    [(_, reply)] = stage.terminal.collect()
    assert reply.value.retcode == 10009


def test_the_hook_is_told_before_the_broker_looks_and_once_the_book_has_it(
    tmp_path: Path,
) -> None:
    book, seen = tmp_path / "broker.log", []

    def hook(point: str) -> None:
        seen.append((point, b"request" in book.read_bytes()))

    Stage(QUOTES, book=book, hook=hook).send(deal(0), at=10)
    assert seen == [("broker:before", False), ("broker:executed", True)]


def test_a_death_right_after_the_book_was_written_keeps_the_order(tmp_path: Path) -> None:
    book = tmp_path / "broker.log"

    class Died(Exception):
        pass

    def die(point: str) -> None:
        if point == "broker:executed":
            raise Died

    stage = Stage(QUOTES, book=book, hook=die)
    with pytest.raises(Died):
        stage.send(deal(0, comment="token"), at=10)
    stage.terminal.close()
    [held] = Stage(QUOTES, book=book).ask("positions_get")
    assert held.comment == "token"
