"""`order_check`: what `order_send` would refuse, and the account after what it would take."""

from pathlib import Path

import pytest

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import CheckResult

from .stage import Stage, deal, modify, pending, profile_with, remove, stops

QUOTES = [(10, 138_000, 138_010), (1_000, 138_050, 138_060)]


@pytest.fixture
def stage() -> Stage:
    made = Stage(QUOTES)
    made.advance(500)
    return made


def check(stage: Stage, request: BrokerRequest) -> CheckResult:
    checked = stage.ask("order_check", request=request)
    assert isinstance(checked, CheckResult)
    return checked


def test_a_good_request_tells_the_account_after_it(stage: Stage) -> None:
    stage.opened(deal(0, 0.1))
    checked = check(stage, deal(0, 0.5))
    assert (checked.retcode, checked.comment) == (0, "Done")
    assert (checked.balance, checked.equity, checked.profit) == (10_000.0, 9_999.0, -1.0)
    assert (checked.margin, checked.margin_free) == (828.06, 9_170.94)
    assert checked.margin_level == pytest.approx(9_999.0 / 828.06 * 100)


def test_without_the_money_the_figures_are_told_all_the_same(stage: Stage) -> None:
    checked = check(stage, deal(0, 10.0))
    assert (checked.retcode, checked.comment, checked.margin) == (10019, "No money", 13_801.0)
    assert checked.margin_free == -3_801.0


def test_nothing_is_changed_and_nothing_recorded(stage: Stage) -> None:
    ticket, order = stage.opened(deal(0, 0.1)), stage.opened(pending(2, 1.37))
    account = stage.terminal.broker.account
    before = (account.happened, account.ledger.requests, stage.ask("account_info"))
    for request in (
        deal(0), deal(1, position=ticket), pending(3, 1.39), stops(ticket, 1.37),
        modify(order, 1.36), remove(order), deal(0, 99.0), deal(0, 0.001),
    ):  # fmt: skip
        check(stage, request)
    assert (account.happened, account.ledger.requests, stage.ask("account_info")) == before
    [held] = stage.ask("positions_get")
    assert (held.ticket, held.volume, held.sl) == (ticket, 0.1, 0.0)


@pytest.mark.parametrize("margin_mode", ["hedging", "netting"])
def test_it_refuses_what_a_send_refuses(margin_mode: str, tmp_path: Path) -> None:
    toml = f"""
        [broker]
        margin_mode = "{margin_mode}"
        limit_orders = 2
        [symbols.EURUSD]
        stops_level = 10
        volume_limit = 5
        """
    stage = Stage(QUOTES, profile=profile_with(tmp_path, toml), balance=2_000.0)
    stage.advance(500)
    ticket, order = stage.opened(deal(0, 0.1)), stage.opened(pending(2, 1.37))
    by = BrokerRequest(action=port.ACTION_CLOSE_BY, position=ticket, position_by=ticket)
    requests = [
        deal(0, 0.2), deal(1, 0.2), deal(1, 0.2, position=ticket), deal(0, position=99),
        deal(0, 0.015), deal(0, 1.4), deal(0, 5.0), deal(0, type_filling=2), deal(0, sl=1.3805),
        deal(2), deal(0, symbol="NONE"), pending(2, 1.3805), pending(2, 1.37, type_filling=3),
        pending(3, 1.39), pending(2, 1.36), stops(ticket, sl=1.3799), stops(ticket), stops(99),
        stops(ticket, sl=1.37), modify(order, 1.37), modify(order, 1.36), remove(99), by,
        pending(2, 1.37, type_time=2), remove(order), deal(1, 0.1, position=ticket),
    ]  # fmt: skip
    seen = set()
    for request in requests:
        checked, sent = check(stage, request), stage.send(request)
        assert checked.retcode == (0 if sent.retcode == 10009 else sent.retcode), request
        seen.add(checked.retcode)
    assert len(seen) > 9
