"""Netting accounts: one position a symbol, which deals add to, reduce, close and reverse."""

from pathlib import Path

import pytest

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port

from .stage import NOON, Stage, deal, pending, profile_with, stops

#: EURUSD 1.38000/1.38010, a second later 1.38050/1.38060, then 1.37900/1.37910.
QUOTES = [(10, 138_000, 138_010), (1_000, 138_050, 138_060), (2_000, 137_900, 137_910)]
NETTING = '[broker]\nmargin_mode = "netting"\n'


@pytest.fixture(params=["netting", "exchange"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    profile = profile_with(tmp_path, f'[broker]\nmargin_mode = "{request.param}"\n')
    made = Stage(QUOTES, profile=profile, balance=100_000.0)
    made.advance(500)
    return made


def the_position(stage: Stage) -> port.PositionRow:
    [held] = stage.ask("positions_get")
    assert isinstance(held, port.PositionRow)
    return held


def the_deal(stage: Stage, order: int) -> port.DealRow:
    [made] = stage.ask("history_deals_get", ticket=order)
    assert isinstance(made, port.DealRow)
    return made


def test_the_same_side_adds_at_the_average_price(stage: Stage) -> None:
    first = stage.opened(deal(0, 1.0, magic=1, comment="first"))
    second = stage.opened(deal(0, 2.0, magic=2), at=1_000)
    held = the_position(stage)
    assert (held.ticket, held.identifier, held.volume) == (first, first, 3.0)
    assert held.price_open == pytest.approx((1.3801 + 2 * 1.3806) / 3, abs=1e-12)
    assert (held.magic, held.time_ms, held.update_ms) == (2, NOON + 500, NOON + 1_000)
    assert held.profit == 20.0
    made = the_deal(stage, second)
    assert (made.entry, made.position_id, made.type) == (port.ENTRY_IN, first, 0)
    [order] = stage.ask("history_orders_get", ticket=second)
    assert order.position_id == first


def test_the_average_is_kept_exactly(stage: Stage) -> None:
    stage.opened(deal(0, 0.1))
    stage.opened(deal(0, 0.2), at=1_000)
    stage.opened(deal(1, 0.3))
    account = stage.ask("account_info")
    assert account.balance == 100_000.0 + 4.0 - 1.0 * 2


def test_the_opposite_side_reduces_and_closes(stage: Stage) -> None:
    first = stage.opened(deal(0, 1.0, magic=7))
    less = stage.opened(deal(1, 0.4, magic=8), at=1_000)
    held = the_position(stage)
    assert (held.volume, held.price_open, held.magic, held.ticket) == (0.6, 1.3801, 7, first)
    made = the_deal(stage, less)
    assert (made.entry, made.position_id, made.profit) == (port.ENTRY_OUT, first, 16.0)
    stage.opened(deal(1, 0.6))
    assert stage.ask("positions_get") == ()
    account = stage.ask("account_info")
    assert (account.balance, account.margin, account.equity) == (100_040.0, 0.0, 100_040.0)


def test_more_of_the_opposite_side_reverses_in_one_deal(stage: Stage) -> None:
    first = stage.opened(deal(0, 1.0, sl=1.37, tp=1.39, magic=7))
    second = stage.opened(deal(1, 1.5, magic=9, comment="turn"), at=1_000)
    made = the_deal(stage, second)
    assert (made.entry, made.type, made.volume, made.profit, made.position_id) == (
        port.ENTRY_INOUT, 1, 1.5, 40.0, first,
    )  # fmt: skip
    held = the_position(stage)
    assert (held.ticket, held.identifier, held.type, held.volume) == (second, first, 1, 0.5)
    assert (held.price_open, held.magic, held.comment) == (1.3805, 9, "turn")
    assert (held.sl, held.tp, held.time_ms) == (0.0, 0.0, NOON + 1_000)
    assert len(stage.ask("history_deals_get", position=first)) == 2
    assert len(stage.ask("history_orders_get", position=first)) == 2
    assert stage.ask("history_deals_get", position=second) == ()


def test_a_closed_position_is_followed_by_a_new_one(stage: Stage) -> None:
    first = stage.opened(deal(0, 1.0))
    stage.opened(deal(1, 1.0))
    second = stage.opened(deal(0, 1.0))
    held = the_position(stage)
    assert (held.ticket, held.identifier) == (second, second)
    assert first != second


def test_added_volume_brings_its_stops_and_zeros_delete_them(stage: Stage) -> None:
    stage.opened(deal(0, 1.0, sl=1.37))
    stage.opened(deal(0, 0.1, sl=1.36, tp=1.39))
    assert (the_position(stage).sl, the_position(stage).tp) == (1.36, 1.39)
    stage.opened(deal(1, 0.1, sl=1.4))
    assert (the_position(stage).sl, the_position(stage).tp) == (1.36, 1.39)
    stage.opened(deal(0, 0.1))
    assert (the_position(stage).sl, the_position(stage).tp) == (0.0, 0.0)


def test_stops_are_changed_by_the_symbol_alone(stage: Stage) -> None:
    ticket = stage.opened(deal(0, 1.0))
    change = BrokerRequest(action=port.ACTION_SLTP, symbol="EURUSD", sl=1.37, tp=1.39)
    assert stage.send(change).retcode == 10009
    assert stage.send(change).retcode == 10025
    assert (the_position(stage).sl, the_position(stage).tp) == (1.37, 1.39)
    assert stage.send(stops(ticket, sl=1.36)).retcode == 10009
    other = BrokerRequest(action=port.ACTION_SLTP, symbol="GBPUSD", sl=1.37)
    assert stage.send(other).retcode == 10036


def test_a_request_that_names_the_position_never_reverses_it(stage: Stage) -> None:
    ticket = stage.opened(deal(0, 1.0))
    assert stage.send(deal(1, 1.1, position=ticket)).retcode == 10038
    assert stage.send(deal(1, 0.4, position=ticket)).retcode == 10009
    assert stage.send(deal(0, 0.4, position=ticket)).retcode == 10009
    assert stage.send(deal(0, 0.4, position=ticket + 1)).retcode == 10036
    assert stage.send(deal(1, 1.0, position=ticket)).retcode == 10009
    assert stage.ask("positions_get") == ()


def test_a_pending_order_fills_into_the_position(stage: Stage) -> None:
    first = stage.opened(deal(0, 1.0))
    order = stage.opened(pending(3, 1.3804, 1.5, tp=1.3))
    stage.run(1_500)
    held = the_position(stage)
    assert (held.ticket, held.identifier, held.type, held.volume) == (order, first, 1, 0.5)
    assert (held.price_open, held.tp) == (1.3805, 1.3)
    [done] = stage.ask("history_orders_get", ticket=order)
    assert (done.state, done.position_id) == (port.STATE_FILLED, first)


def test_a_stop_loss_closes_the_whole_position_as_its_own(stage: Stage) -> None:
    first = stage.opened(deal(0, 1.0))
    stage.opened(deal(0, 0.5, sl=1.3795, magic=5))
    stage.run(2_500)
    assert stage.ask("positions_get") == ()
    *_, made = stage.ask("history_deals_get", position=first)
    assert (made.entry, made.volume, made.reason) == (port.ENTRY_OUT, 1.5, port.REASON_SL)
    assert (made.position_id, made.comment, made.magic) == (first, "[sl 1.37950]", 5)


def test_a_fill_and_the_stop_it_overtakes_happen_in_one_tick(stage: Stage) -> None:
    stage.opened(deal(0, 1.0, sl=1.3795))
    stage.opened(pending(5, 1.3795, 1.0))
    stage.run(2_500)
    assert stage.ask("positions_get") == ()
    assert len(stage.ask("history_deals_get", from_ms=NOON, to_ms=NOON + 5_000)) == 2


def test_positions_are_not_closed_by_each_other(stage: Stage) -> None:
    ticket = stage.opened(deal(0, 1.0))
    request = BrokerRequest(action=port.ACTION_CLOSE_BY, position=ticket, position_by=ticket)
    assert stage.send(request).retcode == 10013


@pytest.mark.parametrize(("mode", "side", "code"), [(3, 1, 10044), (1, 1, 10042), (2, 0, 10043)])
def test_closing_is_free_where_opening_is_not(
    mode: int, side: int, code: int, tmp_path: Path
) -> None:
    book = tmp_path / "book"
    free = profile_with(tmp_path, NETTING)
    before = Stage(QUOTES, profile=free, book=book)
    before.opened(deal(1 - side, 0.5), at=500)
    before.terminal.close()
    shut = profile_with(tmp_path, f"{NETTING}[symbols.EURUSD]\ntrade_mode = {mode}\n")
    stage = Stage(QUOTES, profile=shut, book=book)
    assert stage.send(deal(side, 0.6)).retcode == code
    assert stage.send(deal(side, 0.5)).retcode == 10009
    assert stage.ask("positions_get") == ()


def test_a_reversal_survives_the_death_of_the_engine(tmp_path: Path) -> None:
    profile, book = profile_with(tmp_path, NETTING), tmp_path / "book"
    stage = Stage(QUOTES, profile=profile, book=book)
    stage.opened(deal(0, 0.3), at=500)
    stage.opened(deal(1, 0.5))
    stage.opened(deal(1, 0.1, sl=1.4), at=1_000)
    [held] = stage.ask("positions_get")
    stage.terminal.close()
    again = Stage(QUOTES, profile=profile, book=book)
    assert again.ask("positions_get") == (held,)
    assert again.ask("account_info") == stage.ask("account_info")
