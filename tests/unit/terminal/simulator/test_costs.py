"""Commission and fee as the deals tell them, and what they leave on the account."""

from pathlib import Path

import pytest

from onefill.terminal.port import DealRow

from .stage import Stage, deal, profile_with

QUOTES = [(0, 138_000, 138_010)]


def deals_of(tmp_path: Path, broker: str, symbol: str = "") -> tuple[Stage, list[DealRow]]:
    """A lot bought and sold again."""
    toml = f"[broker]\n{broker}\n[symbols.EURUSD]\n{symbol}\n"
    stage = Stage(QUOTES, profile=profile_with(tmp_path, toml))
    stage.advance(1)
    ticket = stage.opened(deal(0, 1.0))
    stage.send(deal(1, 1.0, position=ticket))
    return stage, list(stage.ask("history_deals_get", position=ticket))


@pytest.mark.parametrize(
    ("broker", "symbol", "commissions", "fees"),
    [
        ("", "", [0.0, 0.0], [0.0, 0.0]),
        ("commission_per_lot = 3.5", "", [-3.5, -3.5], [0.0, 0.0]),
        ("commission_percent = 0.01", "", [-13.8, -13.8], [0.0, 0.0]),
        ("commission_per_lot = 1\ncommission_percent = 0.001", "", [-2.38, -2.38], [0.0, 0.0]),
        ("fee_per_lot = 0.125", "", [0.0, 0.0], [-0.13, -0.13]),
        (
            'commission_per_lot = 3\nfee_per_lot = 1\ncommission_on = "in"',
            "", [-3.0, 0.0], [-1.0, 0.0],
        ),
        ("commission_per_lot = 3", "commission_per_lot = 0", [0.0, 0.0], [0.0, 0.0]),
        ("commission_percent = 3", "commission_percent = 0.01", [-13.8, -13.8], [0.0, 0.0]),
    ],
)  # fmt: skip
def test_costs_of_deals(
    broker: str, symbol: str, commissions: list[float], fees: list[float], tmp_path: Path
) -> None:
    stage, deals = deals_of(tmp_path, broker, symbol)
    assert [one.commission for one in deals] == commissions
    assert [one.fee for one in deals] == fees
    left = stage.ask("account_info").balance
    assert left == pytest.approx(10_000 - 10 + sum(commissions) + sum(fees))


def test_of_a_reversal_only_what_it_opens_is_charged_on_the_way_in(tmp_path: Path) -> None:
    toml = '[broker]\nmargin_mode = "netting"\ncommission_per_lot = 2\ncommission_on = "in"\n'
    stage = Stage(QUOTES, profile=profile_with(tmp_path, toml))
    stage.advance(1)
    ticket = stage.opened(deal(0, 1.0))
    stage.send(deal(1, 3.0))
    deals = stage.ask("history_deals_get", position=ticket)
    assert [(one.entry, one.volume, one.commission) for one in deals] == [
        (0, 1.0, -2.0),
        (2, 3.0, -4.0),
    ]
