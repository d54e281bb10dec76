"""Opposite positions closed by each other."""

from pathlib import Path
from typing import Any

import pytest

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port

from .stage import Stage, deal, pending, profile_with

QUOTES = [(10, 138_000, 138_010), (1_000, 138_050, 138_060), (2_000, 137_900, 137_910)]
GBPUSD = [(10, 169_000, 169_010)]


def close_by(position: int, other: int, **more: Any) -> BrokerRequest:
    return BrokerRequest(action=port.ACTION_CLOSE_BY, position=position, position_by=other, **more)


@pytest.fixture
def stage() -> Stage:
    made = Stage({"EURUSD": QUOTES, "GBPUSD": GBPUSD}, balance=100_000.0)
    made.advance(500)
    return made


def test_two_deals_offset_the_positions_at_the_others_opening_price(stage: Stage) -> None:
    bought = stage.opened(deal(0, 1.0))
    sold = stage.opened(deal(1, 1.0), at=1_000)
    result = stage.send(close_by(bought, sold, magic=4, comment="both"))
    assert (result.retcode, result.volume, result.price) == (10009, 1.0, 1.3805)
    first, second = stage.ask("history_deals_get", ticket=result.order)
    assert result.deal == first.ticket
    assert (first.position_id, first.type, first.entry, first.profit) == (bought, 1, 3, 40.0)
    assert (second.position_id, second.type, second.entry, second.profit) == (sold, 0, 3, 0.0)
    assert (first.price, second.price, first.volume, second.volume) == (1.3805, 1.3805, 1.0, 1.0)
    assert stage.ask("positions_get") == ()
    account = stage.ask("account_info")
    assert (account.balance, account.equity, account.margin) == (100_040.0, 100_040.0, 0.0)


def test_its_order_is_told_with_the_position_and_not_with_the_other(stage: Stage) -> None:
    bought, sold = stage.opened(deal(0, 1.0)), stage.opened(deal(1, 1.0))
    result = stage.send(close_by(bought, sold))
    [order] = stage.ask("history_orders_get", ticket=result.order)
    assert (order.type, order.state) == (port.TYPE_CLOSE_BY, port.STATE_FILLED)
    assert (order.position_id, order.position_by_id) == (bought, sold)
    of_bought = [row.ticket for row in stage.ask("history_orders_get", position=bought)]
    of_sold = [row.ticket for row in stage.ask("history_orders_get", position=sold)]
    assert (of_bought, of_sold) == ([bought, result.order], [sold])
    assert len(stage.ask("history_deals_get", position=sold)) == 2


@pytest.mark.parametrize("larger_first", [True, False])
def test_the_smaller_volume_is_closed(stage: Stage, larger_first: bool) -> None:
    bought, sold = stage.opened(deal(0, 1.0)), stage.opened(deal(1, 0.3))
    pair = (bought, sold) if larger_first else (sold, bought)
    result = stage.send(close_by(*pair))
    assert result.volume == 0.3
    [held] = stage.ask("positions_get")
    assert (held.ticket, held.volume, held.price_open) == (bought, 0.7, 1.3801)
    assert stage.ask("account_info").balance == 100_000.0 - 3.0


def test_an_average_price_between_points_makes_and_loses_nothing(stage: Stage) -> None:
    faulty = Stage(QUOTES, faults="partial=1", seed=3, balance=100_000.0)
    faulty.advance(500)
    order = faulty.opened(pending(4, 1.3804, 0.37))
    faulty.run(2_000)
    [held] = faulty.ask("positions_get", ticket=order)
    sold = faulty.opened(deal(1, held.volume, type_filling=0))
    before = faulty.ask("account_info")
    assert faulty.send(close_by(sold, order)).retcode == 10009
    rest = faulty.ask("positions_get")
    profits = [one.profit for one in faulty.ask("history_deals_get", position=sold)]
    assert rest == ()
    lost = (1.379 - held.price_open) * held.volume * 100_000
    assert sum(profits) == pytest.approx(lost, abs=0.006)
    assert faulty.ask("account_info").balance == pytest.approx(before.balance + lost, abs=0.006)


def test_what_cannot_be_closed_by_each_other_is_refused(stage: Stage) -> None:
    bought, again, sold = (stage.opened(deal(side, 1.0)) for side in (0, 0, 1))
    pound = stage.opened(deal(1, 1.0, "GBPUSD"))
    assert stage.send(close_by(bought, again)).retcode == 10013
    assert stage.send(close_by(bought, bought)).retcode == 10013
    assert stage.send(close_by(bought, pound)).retcode == 10013
    assert stage.send(close_by(bought, 99)).retcode == 10036
    assert stage.send(close_by(99, bought)).retcode == 10036
    assert stage.send(close_by(bought, sold)).retcode == 10009
    assert stage.send(close_by(bought, sold)).retcode == 10036


def test_a_symbol_may_not_allow_it(tmp_path: Path) -> None:
    stage = Stage(QUOTES, profile=profile_with(tmp_path, "[symbols.EURUSD]\norder_mode = 63\n"))
    stage.advance(500)
    bought, sold = stage.opened(deal(0, 0.1)), stage.opened(deal(1, 0.1))
    assert stage.send(close_by(bought, sold)).retcode == 10035
