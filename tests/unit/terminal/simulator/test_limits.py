"""What an account may not do: limits of count and volume, first in first out, no hedging."""

from pathlib import Path

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port

from .stage import Stage, deal, pending, profile_with, stops

QUOTES = [(10, 138_000, 138_010), (1_000, 138_050, 138_060)]
POUND = [(10, 169_000, 169_010)]


def stage_with(tmp_path: Path, toml: str) -> Stage:
    profile = profile_with(tmp_path, toml)
    stage = Stage({"EURUSD": QUOTES, "GBPUSD": POUND}, profile=profile, balance=1_000_000.0)
    stage.advance(500)
    return stage


def codes(stage: Stage, *requests: BrokerRequest) -> list[int]:
    return [stage.send(request).retcode for request in requests]


def test_pending_orders_are_limited(tmp_path: Path) -> None:
    stage = stage_with(tmp_path, "[broker]\nlimit_orders = 2\n")
    one = pending(2, 1.37)
    assert codes(stage, one, one, one, deal(0)) == [10009, 10009, 10033, 10009]


def test_positions_and_pending_orders_of_a_hedging_account_are_limited_together(
    tmp_path: Path,
) -> None:
    stage = stage_with(tmp_path, "[broker]\nlimit_positions = 3\n")
    assert codes(stage, deal(0), pending(2, 1.37), deal(1), deal(0)) == [10009] * 3 + [10040]
    assert codes(stage, pending(2, 1.37)) == [10040]
    [held, *_] = stage.ask("positions_get")
    assert codes(stage, deal(1, position=held.ticket), deal(0)) == [10009, 10009]


def test_a_netting_account_is_limited_in_symbols(tmp_path: Path) -> None:
    toml = '[broker]\nlimit_positions = 1\nmargin_mode = "netting"\n'
    stage = stage_with(tmp_path, toml)
    pound = pending(2, 1.5, symbol="GBPUSD")
    assert codes(stage, pound, deal(0), deal(0), deal(1, 0.5)) == [10009] * 4
    assert codes(stage, deal(0, symbol="GBPUSD"), pound) == [10040, 10040]
    assert codes(stage, pending(2, 1.37)) == [10009]


LIMITED = "[symbols.EURUSD]\nvolume_limit = 1\n"


def test_positions_and_pending_orders_of_a_side_share_a_volume(tmp_path: Path) -> None:
    stage = stage_with(tmp_path, LIMITED)
    assert codes(stage, deal(0, 0.6), pending(2, 1.37, 0.4), deal(0, 0.01)) == [10009, 10009, 10034]
    assert codes(stage, pending(2, 1.37, 0.01), deal(1, 1.0), deal(1, 0.01)) == [
        10034, 10009, 10034,
    ]  # fmt: skip
    assert codes(stage, deal(0, 1.0, symbol="GBPUSD")) == [10009]
    [order] = stage.ask("orders_get")
    stage.send(BrokerRequest(action=port.ACTION_REMOVE, order=order.ticket))
    assert codes(stage, deal(0, 0.4)) == [10009]


def test_a_netting_account_may_reverse_up_to_its_limit(tmp_path: Path) -> None:
    stage = stage_with(tmp_path, f'[broker]\nmargin_mode = "netting"\n{LIMITED}')
    assert codes(stage, deal(0, 1.0), deal(1, 2.01), deal(1, 2.0), deal(1, 0.01)) == [
        10009, 10034, 10009, 10034,
    ]  # fmt: skip
    assert codes(stage, pending(2, 1.37, 1.0), pending(2, 1.37, 0.01)) == [10009, 10034]


def test_the_oldest_of_a_side_closes_first_where_the_broker_says_so(tmp_path: Path) -> None:
    stage = stage_with(tmp_path, "[broker]\nfifo_close = true\n")
    first, second, sold = (stage.opened(deal(side)) for side in (0, 0, 1))
    assert codes(stage, deal(1, position=second)) == [10045]
    by = BrokerRequest(action=port.ACTION_CLOSE_BY, position=sold, position_by=second)
    assert codes(stage, by) == [10045]
    assert codes(stage, deal(0, position=sold), deal(1, 0.05, position=first)) == [10009, 10009]
    assert codes(stage, deal(1, position=second)) == [10045]
    assert codes(stage, deal(1, 0.05, position=first), deal(1, position=second)) == [10009] * 2


def test_both_sides_at_once_can_be_prohibited(tmp_path: Path) -> None:
    stage = stage_with(tmp_path, "[broker]\nhedging_prohibited = true\n")
    ticket = stage.opened(deal(0))
    assert codes(stage, deal(1), pending(3, 1.39), deal(1, symbol="GBPUSD")) == [
        10046, 10046, 10009,
    ]  # fmt: skip
    assert codes(stage, deal(1, position=ticket), deal(1)) == [10009, 10009]


def test_prices_are_multiples_of_the_tick_size(tmp_path: Path) -> None:
    stage = stage_with(tmp_path, "[symbols.EURUSD]\ntick_size = 0.0001\n")
    assert codes(stage, pending(2, 1.37005), pending(2, 1.3701)) == [10015, 10009]
    assert codes(stage, pending(6, 1.39, stoplimit=1.38505)) == [10015]
    assert codes(stage, deal(0, sl=1.37005), deal(0, tp=1.39005)) == [10016, 10016]
    ticket = stage.opened(deal(0, sl=1.37))
    assert codes(stage, stops(ticket, sl=1.37005), stops(ticket, sl=1.3701)) == [10016, 10009]


def test_security_is_not_traded(tmp_path: Path) -> None:
    stage = stage_with(tmp_path, '[symbols.EURUSD]\ncalculation = "collateral"\n')
    assert codes(stage, deal(0), pending(2, 1.37)) == [10017, 10017]


def test_a_symbol_may_take_no_stops(tmp_path: Path) -> None:
    stage = stage_with(tmp_path, "[symbols.EURUSD]\norder_mode = 31\n")
    ticket = stage.opened(deal(0, sl=1.37))
    assert codes(stage, deal(0, tp=1.39), stops(ticket, 1.36, 1.39)) == [10035, 10035]
    order = stage.opened(pending(2, 1.37))
    change = BrokerRequest(action=port.ACTION_MODIFY, order=order, price=1.36, tp=1.39)
    assert codes(stage, change, stops(ticket, 1.36)) == [10035, 10009]
