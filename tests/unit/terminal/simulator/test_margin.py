"""What an account's positions bind: hedged volume once, or as the broker says, and the net position
of a netting account."""

from pathlib import Path

import pytest

from onefill.terminal.simulator.entries import Held

from .stage import NOON, Stage, deal, profile_with

#: A lot of EURUSD binds 1380.10 bought and 1380.00 sold, at a leverage of 100.
QUOTES = [(0, 138_000, 138_010), (1_000, 140_000, 140_010)]


def stage_of(tmp_path: Path, symbol: str = "", broker: str = "") -> Stage:
    """A broker with terms of its own for EURUSD."""
    toml = f"[broker]\n{broker}\n[symbols.EURUSD]\n{symbol}\n"
    made = Stage(QUOTES, profile=profile_with(tmp_path, toml), balance=100_000.0)
    made.advance(1)
    return made


def bound(stage: Stage) -> float:
    margin = stage.ask("account_info").margin
    assert isinstance(margin, float)
    return margin


@pytest.mark.parametrize(
    ("terms", "one_side", "hedged", "larger_side"),
    [
        ("", 1380.10, 1380.05, 2760.17),  # a lot at 1.38010, one at the average of all three
        ("margin_hedged = 50_000", 1380.10, 690.03, 2070.13),
        ("margin_hedged = 0", 1380.10, 0.0, 1380.10),
        ("margin_hedged_use_leg = true", 1380.10, 1380.10, 2760.20),
        ("margin_initial = 100_000", 1380.10, 1380.05, 2760.17),
        ("margin_initial = 100_000\nmargin_hedged = 30_000", 1380.10, 414.02, 1794.12),
        ("margin_rate_long = 2.0\nmargin_rate_short = 0.5", 2760.20, 1725.06, 4485.28),
    ],
)
def test_hedged_volume(
    terms: str, one_side: float, hedged: float, larger_side: float, tmp_path: Path
) -> None:
    stage = stage_of(tmp_path, terms)
    if "margin_initial" in terms:  # 100,000 euros a lot, by the leverage, at the opening price
        assert stage.ask(
            "order_calc_margin", action=0, symbol="EURUSD", volume=1.0, price=1.3801
        ) == pytest.approx(1380.10)
    stage.opened(deal(0, 1.0))
    assert bound(stage) == one_side
    stage.opened(deal(1, 1.0))
    assert bound(stage) == hedged
    stage.opened(deal(0, 1.0))
    assert bound(stage) == larger_side


def test_what_hedges_needs_no_free_margin(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    stage.opened(deal(0, 70.0))
    assert stage.send(deal(0, 10.0)).retcode == 10019
    stage.opened(deal(1, 70.0))
    assert bound(stage) == 70 * 1380.05
    account = stage.terminal.broker.account
    listed = account.listed["EURUSD"]
    assert account.margin_needed(listed, 1, 10**8, 138_010) > 0


def test_maintenance_margin_is_what_open_positions_bind(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, "margin_initial = 200_000\nmargin_maintenance = 100_000")
    account = stage.terminal.broker.account
    listed = account.listed["EURUSD"]
    assert account.margin_needed(listed, 1, 10**8, 138_010) == 2_760_20
    stage.opened(deal(0, 1.0))
    assert bound(stage) == 1380.10
    assert account.margin_needed(listed, 1, 10**8, 138_010) == 2_760_20
    assert account.margin_needed(listed, -1, 10**8, 138_000) == -5  # the averages of both


@pytest.mark.parametrize("mode", ["netting", "exchange"])
def test_a_netting_account_binds_its_net_position(mode: str, tmp_path: Path) -> None:
    stage = stage_of(tmp_path, broker=f'margin_mode = "{mode}"')
    account = stage.terminal.broker.account
    listed = account.listed["EURUSD"]

    def needed(sign: int, lots: int) -> int:
        price = listed.feed.ask if sign > 0 else listed.feed.bid
        return account.margin_needed(listed, sign, lots * 10**8, price)

    for sign, lots, adds in (
        (1, 2, 2 * 138_010),
        (1, 1, 138_010),
        (-1, 2, -2 * 138_010),
        (-1, 3, 2 * 138_000 - 138_010),
        (1, 2, -2 * 138_000),
    ):
        before = account.margin()
        assert needed(sign, lots) == adds
        stage.send(deal(0 if sign > 0 else 1, float(lots)))
        assert account.margin() - before == adds
    assert account.margin() == 0


def test_the_sum_over_symbols(tmp_path: Path) -> None:
    stage = Stage({"EURUSD": QUOTES, "USDJPY": [(0, 108_000, 108_010)]}, balance=100_000.0)
    stage.advance(1)
    first = stage.opened(deal(0, 1.0))
    stage.opened(deal(1, 0.5, "USDJPY"))
    assert bound(stage) == 1380.10 + 500.0
    stage.send(deal(1, 1.0, position=first))
    assert bound(stage) == 500.0


def test_collateral_binds_nothing_and_counts_as_equity(tmp_path: Path) -> None:
    terms = 'calculation = "collateral"\nliquidity_rate = 0.5'
    stage = stage_of(tmp_path, terms)
    held = Held(
        at_ms=NOON, ticket=1, identifier=1, symbol="EURUSD", type=0, magic=0, volume=0.1,
        price_open=1.3, sl=0.0, tp=0.0, comment="", time_ms=NOON, update_ms=NOON,
    )  # fmt: skip
    stage.terminal.broker.account.record(held)  # it cannot be traded: the broker puts it there
    account = stage.ask("account_info")
    assert (account.margin, account.profit) == (0.0, 0.0)
    assert account.equity == 100_000.0 + 10_000 * 1.38 / 2
    stage.run(1_000)
    account = stage.ask("account_info")
    assert (account.profit, account.equity) == (0.0, 107_000.0)
    assert account.margin_free == account.equity
