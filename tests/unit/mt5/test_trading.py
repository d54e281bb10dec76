"""What programs see of their trading, field by field, through `onefill.mt5`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import onefill.mt5 as mt5
from onefill.terminal.simulator.surface.local import LocalBackend
from tests.unit.mt5.stage import FALLING, STILL, broker, connected
from tests.unit.terminal.simulator.stage import NOON, profile_with

NOON_S = NOON // 1_000


def deal(**changes: Any) -> mt5.OrderSendResult:
    """A market order, sent."""
    request = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.1, **changes}
    result = mt5.order_send(request)
    assert result is not None, mt5.last_error()
    return result


def pending(**changes: Any) -> mt5.OrderSendResult:
    """A buy limit far below the market, sent."""
    request = {
        "action": mt5.TRADE_ACTION_PENDING, "symbol": "EURUSD", "volume": 0.1,
        "type": mt5.ORDER_TYPE_BUY_LIMIT, "price": 1.30, **changes,
    }  # fmt: skip
    result = mt5.order_send(request)
    assert result is not None, mt5.last_error()
    return result


class TestResults:
    """What `order_send` answers, action by action."""

    def test_a_deal(self) -> None:
        with connected():
            result = deal(magic=7, comment="mine", type_filling=mt5.ORDER_FILLING_IOC)
            assert result.retcode == mt5.TRADE_RETCODE_DONE
            assert result.comment == "Request executed"
            assert (result.volume, result.price) == (0.1, 1.3901)
            assert (result.bid, result.ask) == (1.39, 1.3901)
            assert result.order > 0
            assert result.deal > 0
            assert result.retcode_external == 0
            assert result.request.magic == 7
            assert result.request.comment == "mine"
            (position,) = mt5.positions_get(ticket=result.order) or ()
            assert position.ticket == position.identifier == result.order

    def test_a_pending_order_its_change_and_its_end(self) -> None:
        with connected():
            placed = pending()
            assert (placed.retcode, placed.deal, placed.price) == (10009, 0, 0.0)
            assert placed.volume == 0.1
            changed = mt5.order_send(
                action=mt5.TRADE_ACTION_MODIFY, order=placed.order, price=1.31, sl=1.30, tp=1.35
            )
            assert changed is not None
            assert (changed.retcode, changed.deal) == (10009, 0)
            (order,) = mt5.orders_get() or ()
            assert (order.price_open, order.sl, order.tp) == (1.31, 1.30, 1.35)
            removed = mt5.order_send(action=mt5.TRADE_ACTION_REMOVE, order=placed.order)
            assert removed is not None
            assert (removed.retcode, removed.deal, removed.volume) == (10009, 0, 0.0)
            assert mt5.orders_get() == ()
            (ended,) = mt5.history_orders_get(ticket=placed.order) or ()
            assert (ended.state, ended.position_id) == (mt5.ORDER_STATE_CANCELED, 0)
            assert ended.volume_current == 0.1

    def test_stops(self) -> None:
        with connected():
            ticket = deal().order
            result = mt5.order_send(
                action=mt5.TRADE_ACTION_SLTP, symbol="EURUSD", position=ticket, sl=1.38, tp=1.40
            )
            assert result is not None
            assert result[:8] == (10009, 0, 0, 0.0, 0.0, 0.0, 0.0, "Request executed")
            (position,) = mt5.positions_get() or ()
            assert (position.sl, position.tp) == (1.38, 1.40)
            again = mt5.order_send(
                action=mt5.TRADE_ACTION_SLTP, symbol="EURUSD", position=ticket, sl=1.38, tp=1.40
            )
            assert again is not None
            assert again.retcode == mt5.TRADE_RETCODE_NO_CHANGES

    def test_a_refusal_is_all_zeros_and_a_text(self) -> None:
        with connected():
            result = deal(volume=0.001)
            assert result[:7] == (mt5.TRADE_RETCODE_INVALID_VOLUME, 0, 0, 0.0, 0.0, 0.0, 0.0)
            assert result.comment == "Invalid volume"
            assert result.request.volume == 0.001
            assert mt5.last_error() == (1, "Success")

    def test_a_comment_that_is_too_long_is_not_sent(self, tmp_path: Path) -> None:
        with connected(profile=broker(tmp_path, "comment_accepted = 29")):
            for function in (mt5.order_send, mt5.order_check):
                request = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "comment": "x" * 30}
                assert function(request) is None
                assert mt5.last_error() == (-2, 'Invalid "comment" argument')
            assert mt5.positions_total() == 0
            assert deal(comment="x" * 29).retcode == mt5.TRADE_RETCODE_DONE

    def test_a_check_that_passes_says_done_and_tells_the_margin(self) -> None:
        with connected():
            check = mt5.order_check({"action": 1, "symbol": "EURUSD", "volume": 0.1})
            assert check is not None
            assert (check.retcode, check.comment) == (0, "Done")
            assert check.balance == 10_000.0
            assert check.margin == mt5.order_calc_margin(0, "EURUSD", 0.1, 1.3901)
            assert check.request.symbol == "EURUSD"
            assert mt5.positions_total() == 0

    def test_an_answer_comes_when_the_latency_is_over(self, tmp_path: Path) -> None:
        with connected(FALLING, broker(tmp_path, "latency_ms = 1500")) as backend:
            before = backend.now_ms()
            result = deal()
            assert backend.now_ms() >= before + 3_000
            assert result.retcode == mt5.TRADE_RETCODE_DONE
            assert result.price == 1.3900, "the price after a second and a half"


class TestRows:
    """Orders, positions and history."""

    def test_what_stands_is_found_by_symbol_group_and_ticket(self) -> None:
        quotes = {"EURUSD": STILL, "GBPUSD": [(0, 160_000, 160_010)]}
        with connected(quotes):
            euro, pound = deal().order, deal(symbol="GBPUSD").order
            order = pending().order

            def tickets(**asked: Any) -> list[int]:
                return [row.ticket for row in mt5.positions_get(**asked) or ()]

            assert tickets() == [euro, pound]
            assert tickets(symbol="GBPUSD") == [pound]
            assert tickets(group="*USD*,!EUR*") == [pound]
            assert tickets(ticket=euro) == [euro]
            assert tickets(symbol="GBPUSD", ticket=euro) == [pound], "a symbol goes first"
            assert tickets(symbol="FAKE") == tickets(group="FAKE") == tickets(ticket=5) == []
            assert mt5.positions_get(symbol="FAKE") == ()
            assert mt5.last_error() == (1, "Success")
            assert [row.ticket for row in mt5.orders_get(symbol="EURUSD") or ()] == [order]
            assert mt5.orders_get(group="GBP*") == ()
            assert (mt5.orders_total(), mt5.positions_total()) == (1, 2)

    def test_a_deposit_passes_a_group_that_excludes_symbols(self) -> None:
        with connected():
            deal()
            far = datetime(2030, 1, 1, tzinfo=UTC)
            every = mt5.history_deals_get(0, far)
            without = mt5.history_deals_get(0, far, group="*,!*EUR*")
            assert every is not None
            assert without is not None
            assert [one.type for one in every] == [mt5.DEAL_TYPE_BALANCE, mt5.DEAL_TYPE_BUY]
            assert [one.type for one in without] == [mt5.DEAL_TYPE_BALANCE]
            balance = without[0]
            assert (balance.order, balance.position_id, balance.volume) == (0, 0, 0.0)
            assert (balance.symbol, balance.profit) == ("", 10_000.0)

    def test_history_is_found_by_order_and_by_position(self) -> None:
        with connected():
            opened = deal()
            closed = deal(type=mt5.ORDER_TYPE_SELL, position=opened.order)
            deals = mt5.history_deals_get(position=opened.order)
            assert deals is not None
            assert [one.ticket for one in deals] == [opened.deal, closed.deal]
            assert [one.entry for one in deals] == [mt5.DEAL_ENTRY_IN, mt5.DEAL_ENTRY_OUT]
            assert {one.position_id for one in deals} == {opened.order}
            (last,) = mt5.history_deals_get(ticket=closed.order) or ()
            assert last.ticket == closed.deal
            orders = mt5.history_orders_get(position=opened.order)
            assert orders is not None
            assert [one.ticket for one in orders] == [opened.order, closed.order]
            assert mt5.history_orders_get(ticket=5) == ()
            assert mt5.history_deals_get(position=5) == ()

    def test_a_window_is_the_servers_clock_and_includes_both_ends(self, tmp_path: Path) -> None:
        with connected(FALLING, broker(tmp_path, 'time_zone = "UTC+3"')) as backend:
            backend.sleep_ms(30_000)
            result = deal()
            (made,) = mt5.history_deals_get(ticket=result.order) or ()
            assert made.time == NOON_S + 3 * 3_600 + 30
            assert made.time_msc // 1_000 == made.time
            assert mt5.history_deals_total(made.time, made.time) == 1
            assert mt5.history_deals_total(made.time + 1, made.time + 9) == 0
            assert mt5.history_deals_total(made.time - 9, made.time - 1) == 0
            assert mt5.history_orders_total(made.time, made.time) == 1
            assert mt5.history_deals_total(NOON_S - 60, NOON_S + 60) == 0, "that is UTC"
            assert mt5.history_deals_total(made.time, 10**18) == 1
            assert mt5.history_deals_total(-(10**18), 10**18) == 2
            tick = mt5.symbol_info_tick("EURUSD")
            assert tick is not None
            assert tick.time == made.time
            (position,) = mt5.positions_get() or ()
            assert position.time == position.time_update == made.time

    def test_an_expiration_is_the_servers_clock(self, tmp_path: Path) -> None:
        with connected(FALLING, broker(tmp_path, 'time_zone = "UTC+3"')) as backend:
            at = NOON_S + 3 * 3_600 + 60
            placed = pending(type_time=mt5.ORDER_TIME_SPECIFIED, expiration=at)
            assert placed.retcode == mt5.TRADE_RETCODE_DONE
            (order,) = mt5.orders_get() or ()
            assert order.time_expiration == at
            backend.sleep_ms(61_000)
            assert mt5.orders_get() == ()
            (ended,) = mt5.history_orders_get(ticket=placed.order) or ()
            assert (ended.state, ended.time_done) == (mt5.ORDER_STATE_EXPIRED, at)

    def test_an_order_tells_the_price_that_it_waits_at_and_the_one_in_force(self) -> None:
        with connected():
            pending()
            pending(type=mt5.ORDER_TYPE_SELL_LIMIT, price=1.45, sl=1.46, magic=9)
            buy, sell = mt5.orders_get() or ()
            assert (buy.price_open, buy.price_current) == (1.30, 1.3901)
            assert (sell.price_open, sell.price_current) == (1.45, 1.39)
            assert (sell.sl, sell.magic, sell.state) == (1.46, 9, mt5.ORDER_STATE_PLACED)
            assert (sell.time_done, sell.external_id) == (0, "")


class TestAccount:
    """`account_info` and `terminal_info`."""

    def test_money_adds_up(self) -> None:
        with connected():
            deal(volume=1.0)
            account = mt5.account_info()
            (position,) = mt5.positions_get() or ()
            assert account is not None
            assert account.profit == position.profit == -10.0
            assert account.equity == account.balance + account.profit
            assert account.margin == mt5.order_calc_margin(0, "EURUSD", 1.0, 1.3901)
            assert account.margin_free == account.equity - account.margin
            assert account.margin_level == pytest.approx(account.equity / account.margin * 100)

    def test_terms_are_the_brokers(self, tmp_path: Path) -> None:
        profile = broker(
            tmp_path,
            'margin_mode = "netting"\ntrade_mode = "real"\nstop_out_mode = "money"\n'
            "margin_call = 80\nstop_out = 20\nlimit_orders = 200\nfifo_close = true\n"
            'account_name = "Ada"\ncompany = "Mine Ltd"\nserver = "Mine-1"\nlogin = 55',
        )
        with connected(profile=profile):
            account = mt5.account_info()
            assert account is not None
            assert account.margin_mode == mt5.ACCOUNT_MARGIN_MODE_RETAIL_NETTING
            assert account.trade_mode == mt5.ACCOUNT_TRADE_MODE_REAL
            assert account.margin_so_mode == mt5.ACCOUNT_STOPOUT_MODE_MONEY
            assert (account.margin_so_call, account.margin_so_so) == (80.0, 20.0)
            assert (account.limit_orders, account.fifo_close) == (200, True)
            assert (account.name, account.company) == ("Ada", "Mine Ltd")
            assert (account.login, account.server) == (55, "Mine-1")
            terminal = mt5.terminal_info()
            assert terminal is not None
            assert (terminal.connected, terminal.trade_allowed) == (True, True)
            assert (terminal.company, terminal.name) == ("Mine Ltd", "MetaTrader 5")
            version = mt5.version()
            assert version is not None
            assert version[:2] == (500, terminal.build)

    def test_a_type_is_as_the_reference_tells_it(self) -> None:
        with connected():
            deal()
            for row in (mt5.account_info(), mt5.terminal_info(), mt5.symbol_info("EURUSD")):
                assert row is not None
                kinds = {name: type(value).__name__ for name, value in row._asdict().items()}
                assert kinds == type(row).__annotations__


class TestSymbols:
    """Symbols and Market Watch."""

    def test_groups(self) -> None:
        quotes = {"EURUSD": STILL, "GBPUSD": STILL}
        with connected(quotes):
            every = mt5.symbols_get()
            assert every is not None
            assert mt5.symbols_total() == len(every)
            dollar = mt5.symbols_get("*USD*,!EUR*,!GBP*")
            assert dollar is not None
            names = {one.name for one in every}
            assert {one.name for one in dollar} == {
                name for name in names if "USD" in name and name[:3] not in ("EUR", "GBP")
            }
            assert mt5.symbols_get("NONE") == ()
            assert mt5.last_error() == (1, "Success")

    def test_an_unknown_symbol(self) -> None:
        with connected():
            assert mt5.symbol_info("eurusd") is None
            assert mt5.last_error() == (-4, "Terminal: Not found")
            assert mt5.symbol_info_tick("FAKE") is None
            assert mt5.last_error() == (-4, "Terminal: Not found")
            assert mt5.symbol_select("FAKE", True) is False
            assert mt5.last_error() == (-1, "Terminal: Call failed")

    def test_a_symbol_in_use_cannot_be_hidden(self) -> None:
        with connected():
            order = pending().order
            assert mt5.symbol_select("EURUSD", False) is False
            assert mt5.last_error() == (-1, "Terminal: Call failed")
            mt5.order_send(action=mt5.TRADE_ACTION_REMOVE, order=order)
            ticket = deal().order
            assert mt5.symbol_select("EURUSD", False) is False
            deal(type=mt5.ORDER_TYPE_SELL, position=ticket)
            assert mt5.symbol_select("EURUSD", False) is True
            info = mt5.symbol_info("EURUSD")
            assert info is not None
            assert (info.select, info.visible) == (False, False)
            assert mt5.symbol_info_tick("EURUSD") is None
            assert mt5.symbol_select("EURUSD") is True
            assert mt5.symbol_info_tick("EURUSD") is not None

    def test_a_symbol_tells_its_terms(self, tmp_path: Path) -> None:
        profile = profile_with(
            tmp_path,
            "[symbols.EURUSD]\nstops_level = 20\nfreeze_level = 5\nexemode = 1\nfilling_mode = 1\n"
            "swap_mode = 1\nswap_long = -7.5\nswap_short = 2.5\nvolume_limit = 15.0\n"
            'isin = "ABC"\nexpiration = "2026-12-18"\npath = \'Forex\\Mine\'\n',
        )
        with connected(profile=profile):
            info = mt5.symbol_info("EURUSD")
            assert info is not None
            assert (info.trade_stops_level, info.trade_freeze_level) == (20, 5)
            assert (info.trade_exemode, info.filling_mode) == (1, 1)
            assert (info.swap_mode, info.swap_long, info.swap_short) == (1, -7.5, 2.5)
            assert (info.volume_min, info.volume_step, info.volume_limit) == (0.01, 0.01, 15.0)
            assert (info.digits, info.point, info.trade_tick_size) == (5, 1e-5, 1e-5)
            assert (info.bid, info.ask, info.spread) == (1.39, 1.3901, 10)
            assert (info.currency_base, info.currency_profit) == ("EUR", "USD")
            assert (info.isin, info.path) == ("ABC", "Forex\\Mine\\EURUSD")
            assert info.expiration_time == int(datetime(2026, 12, 18, tzinfo=UTC).timestamp())
            assert info.trade_tick_value == pytest.approx(1.0)
            assert info.time == NOON_S

    def test_a_symbol_without_quotes_is_told_without_a_price(self) -> None:
        with connected():
            info = mt5.symbol_info("USDJPY")
            assert info is not None
            assert (info.bid, info.ask, info.time) == (0.0, 0.0, 0)
            assert mt5.symbol_info_tick("USDJPY") is None

    def test_the_flags_of_a_quote_say_what_changed(self) -> None:
        quotes = [(0, 139_000, 139_010), (1_000, 139_001, 139_010), (2_000, 139_001, 139_012)]
        with connected(quotes) as backend:
            flags = []
            for _ in quotes:
                tick = mt5.symbol_info_tick("EURUSD")
                assert tick is not None
                flags.append(tick.flags)
                backend.sleep_ms(1_000)
            assert flags == [6, mt5.TICK_FLAG_BID, mt5.TICK_FLAG_ASK]

    def test_a_symbol_tells_its_day_so_far(self) -> None:
        quotes = [
            (-86_400_000, 138_000, 138_010), (0, 139_000, 139_010), (1_000, 139_500, 139_530),
            (2_000, 138_800, 138_805), (3_000, 139_100, 139_111),
        ]  # fmt: skip
        with connected(quotes) as backend:
            backend.sleep_ms(3_500)
            info = mt5.symbol_info("EURUSD")
            assert info is not None
            assert (info.bid, info.bidhigh, info.bidlow) == (1.391, 1.395, 1.388)
            assert (info.ask, info.askhigh, info.asklow) == (1.39111, 1.3953, 1.38805)
            assert (info.session_open, info.session_close) == (1.39, 1.38)
            assert info.price_change == pytest.approx(1.1 / 1.38)
            assert (info.spread, info.last, info.volume) == (11, 0.0, 0)
            backend.sleep_ms(2 * 86_400_000)
            later = mt5.symbol_info("EURUSD")
            assert later is not None
            assert (later.time, later.bidhigh) == (info.time, 1.395), "the day of the last quote"

    def test_a_symbol_drawn_of_deals_has_a_last_price(self, tmp_path: Path) -> None:
        profile = profile_with(tmp_path, "[symbols.EURUSD]\nchart_mode = 1\n")
        with connected([(0, 139_000, 139_010), (1_000, 139_200, 139_210)], profile) as backend:
            backend.sleep_ms(1_500)
            info = mt5.symbol_info("EURUSD")
            assert info is not None
            assert (info.last, info.lasthigh, info.lastlow) == (1.392, 1.392, 1.39)
            assert (info.volume, info.volume_real, info.session_deals) == (1, 1.0, 2)
            tick = mt5.symbol_info_tick("EURUSD")
            assert tick is not None
            assert tick.last == info.last

    def test_depth_is_told_to_those_who_asked_for_it(self, tmp_path: Path) -> None:
        profile = profile_with(tmp_path, "[symbols.EURUSD]\nticks_bookdepth = 3\n")
        with connected(profile=profile):
            assert mt5.market_book_get("EURUSD") is None
            assert mt5.market_book_add("EURUSD") is True
            levels = mt5.market_book_get("EURUSD")
            assert levels is not None
            assert [one.type for one in levels] == [mt5.BOOK_TYPE_SELL] * 3 + [
                mt5.BOOK_TYPE_BUY
            ] * 3
            assert [levels[2].price, levels[3].price] == [1.3901, 1.39]
            assert mt5.market_book_release("EURUSD") is True
            assert mt5.market_book_get("EURUSD") is None
            assert mt5.market_book_add("FAKE") is False


class TestReckoning:
    """`order_calc_margin` and `order_calc_profit`."""

    def test_of_a_symbol(self) -> None:
        with connected():
            assert mt5.order_calc_margin(mt5.ORDER_TYPE_BUY, "EURUSD", 1.0, 1.25) == 1250.0
            assert mt5.order_calc_profit(0, "EURUSD", 1.0, 1.25, 1.26) == pytest.approx(1_000.0)
            assert mt5.order_calc_profit(1, "EURUSD", 1.0, 1.25, 1.26) == pytest.approx(-1_000.0)

    def test_what_cannot_be_reckoned(self) -> None:
        with connected():
            assert mt5.order_calc_margin(0, "FAKE", 1.0, 1.25) is None
            assert mt5.last_error()[0] < 0
            assert mt5.order_calc_profit(2, "EURUSD", 1.0, 1.25, 1.26) is None
            assert mt5.last_error() == (-2, "Terminal: Invalid params")
            assert mt5.order_calc_profit(0, "EURUSD", 1.0, float("nan"), 1.26) is None
            assert mt5.last_error()[0] < 0


def test_every_call_costs_the_programs_time(tmp_path: Path) -> None:
    with connected(FALLING) as backend:
        assert isinstance(backend, LocalBackend)
        before = backend.now_ms()
        for _ in range(100):
            mt5.symbol_info_tick("EURUSD")
        assert backend.now_ms() > before
