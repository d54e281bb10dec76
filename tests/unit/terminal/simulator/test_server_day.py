"""The server's midnight: swaps, orders of the day, and symbols whose last day is over."""

from pathlib import Path

import pytest

from onefill.terminal import port
from onefill.terminal.simulator.rollover import nights

from .stage import NOON, Quote, Stage, deal, pending, profile_with

HOUR = 3_600_000
DAY = 24 * HOUR
#: A quote an hour for ten days, from a Thursday on.
QUIET: list[Quote] = [(at * HOUR, 138_000, 138_010) for at in range(240)]
SWAPS = "swap_mode = 1\nswap_long = -5\nswap_short = 2\n"


def staged(tmp_path: Path, symbol: str, zone: str = "UTC") -> Stage:
    toml = f"[broker]\ntime_zone = '{zone}'\n[symbols.EURUSD]\n{symbol}\n"
    return Stage(QUIET, profile=profile_with(tmp_path, toml))


def test_swap_is_charged_at_midnight_and_threefold_on_wednesday(tmp_path: Path) -> None:
    stage = staged(tmp_path, SWAPS)
    stage.opened(deal(0, 1.0), at=10)
    stage.opened(deal(1, 0.5))
    told = []
    for day in range(9):
        stage.run(12 * HOUR + day * DAY)
        told.append(tuple(row.swap for row in stage.ask("positions_get")))
    # Thursday, Friday, then no night of Saturday and Sunday, Monday, Tuesday, Wednesday threefold.
    assert told == [
        (-5.0, 1.0), (-10.0, 2.0), (-10.0, 2.0), (-10.0, 2.0), (-15.0, 3.0), (-20.0, 4.0),
        (-35.0, 7.0), (-40.0, 8.0), (-45.0, 9.0),
    ]  # fmt: skip
    account = stage.ask("account_info")
    assert account.equity == (10_000 - 10 - 5 - 45 + 9)
    assert account.profit == -51.0


@pytest.mark.parametrize("triple", range(1, 6))
def test_a_week_counts_seven_nights(triple: int) -> None:
    assert sum(nights(day, triple) for day in range(100, 107)) == 7


def test_swap_moves_to_the_deals_that_close(tmp_path: Path) -> None:
    stage = staged(tmp_path, SWAPS)
    ticket = stage.opened(deal(0, 1.0), at=10)
    stage.run(13 * HOUR)
    stage.opened(deal(1, 0.3, position=ticket))
    assert stage.ask("positions_get")[0].swap == -3.5
    stage.opened(deal(1, 0.7, position=ticket))
    deals = stage.ask("history_deals_get", position=ticket)
    assert [row.swap for row in deals] == [0.0, -1.5, -3.5]
    assert stage.ask("account_info").balance == (10_000 - 10 - 5)


@pytest.mark.parametrize(("zone", "hour"), [("UTC", 12), ("Europe/Athens", 9), ("UTC-5", 17)])
def test_midnight_is_the_servers(tmp_path: Path, zone: str, hour: int) -> None:
    stage = staged(tmp_path, SWAPS, zone)
    stage.opened(deal(0, 1.0), at=10)
    stage.run(hour * HOUR - 1)
    assert stage.ask("positions_get")[0].swap == 0.0
    stage.run(hour * HOUR)
    assert stage.ask("positions_get")[0].swap == -5.0


@pytest.mark.parametrize(("mode", "opened"), [(7, 1.38015), (8, 1.38005)])
def test_reopening_changes_the_ticket_and_keeps_the_identifier(
    tmp_path: Path, mode: int, opened: float
) -> None:
    symbol = f"swap_mode = {mode}\nswap_long = -5\nswap_short = 5\n"
    stage = staged(tmp_path, symbol)
    ticket = stage.opened(deal(1, 1.0, sl=1.39, comment="mine", magic=7), at=10)
    stage.run(12 * HOUR)
    [row] = stage.ask("positions_get")
    assert (row.ticket, row.identifier) == (ticket + 2, ticket)
    assert (row.price_open, row.sl, row.comment, row.magic) == (opened, 1.39, "mine", 7)
    first, out, back = stage.ask("history_deals_get", position=ticket)
    assert first.reason == port.REASON_EXPERT
    assert (out.entry, out.reason, out.profit) == (1, port.REASON_ROLLOVER, -10.0)
    assert (back.entry, back.reason, back.order) == (0, port.REASON_ROLLOVER, row.ticket)


def test_a_day_order_lasts_for_the_servers_day(tmp_path: Path) -> None:
    stage = staged(tmp_path, "", "Europe/Athens")
    ticket = stage.opened(pending(2, 1.37, type_time=port.TIME_DAY), at=10)
    end = stage.opened(
        pending(2, 1.37, type_time=port.TIME_SPECIFIED_DAY, expiration_ms=NOON + 10 * HOUR)
    )
    stage.run(9 * HOUR - 1)
    assert len(stage.ask("orders_get")) == 2
    stage.run(9 * HOUR)
    [row] = stage.ask("history_orders_get", ticket=ticket)
    assert (row.state, row.done_ms) == (port.STATE_EXPIRED, NOON + 9 * HOUR)
    stage.run(9 * HOUR + DAY)
    [row] = stage.ask("history_orders_get", ticket=end)
    assert row.done_ms == NOON + 9 * HOUR + DAY - 1_000


@pytest.mark.parametrize(("mode", "sl"), [(0, 1.3), (1, 0.0), (2, 1.3)])
def test_orders_of_a_daily_symbol_end_with_the_day(tmp_path: Path, mode: int, sl: float) -> None:
    stage = staged(tmp_path, f"order_gtc_mode = {mode}")
    stage.opened(deal(0, 0.1, sl=1.3), at=10)
    stage.opened(pending(2, 1.37))
    stage.run(13 * HOUR)
    assert len(stage.ask("orders_get")) == (0 if mode else 1)
    assert stage.ask("positions_get")[0].sl == sl


def test_after_its_last_day_a_symbol_is_closed_out_and_refused(tmp_path: Path) -> None:
    stage = staged(tmp_path, "expiration = '2014-05-09'")
    ticket = stage.opened(deal(0, 0.1), at=10)
    order = stage.opened(pending(2, 1.37))
    stage.run(36 * HOUR - 1)
    assert len(stage.ask("positions_get")) == 1
    stage.run(36 * HOUR)
    assert stage.ask("positions_get") == ()
    assert stage.ask("history_deals_get", position=ticket)[1].comment == "[expired]"
    assert stage.ask("history_orders_get", ticket=order)[0].state == port.STATE_EXPIRED
    assert stage.send(deal(0, 0.1), at=37 * HOUR).retcode == 10018


def test_a_midnight_that_changes_nothing_is_no_event(tmp_path: Path) -> None:
    stage = staged(tmp_path, "")
    stage.opened(deal(0, 0.1), at=10)
    assert stage.advance(230 * HOUR) == 230 * HOUR
