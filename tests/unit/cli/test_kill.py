"""What a kill on several gateways comes to, account by account."""

from __future__ import annotations

import pytest

from onefill.cli.kill import _lost, _show, _sum_up
from onefill.cli.several import Answer
from onefill.contracts.rest import Halted, HaltedAccount, Killed
from onefill.model.halt import Scope


def answer(gateway: str, **outcomes: str) -> Answer[Killed]:
    """Of accounts a, b ...; "never" is one of which no client was there."""
    accounts = [
        HaltedAccount(
            mt5_account=name,
            outcome="unreachable" if outcome == "never" else outcome,
            seen=outcome != "never",
        )
        for name, outcome in outcomes.items()
    ]
    halt = Halted(id="h1", scope=Scope.TENANT)
    return Answer(gateway, Killed(halt=halt, complete=False, accounts=accounts))


@pytest.mark.parametrize(
    ("primary", "backup", "lost"),
    [
        ("confirmed", "never", []),
        ("lease_ran_out", "confirmed", []),
        ("never", "confirmed", []),
        ("never", "never", ["a"]),
        ("lease_ran_out", "never", ["a"]),
        ("confirmed", "unreachable", ["a"]),
    ],
)
def test_an_account_that_confirmed_at_one_gateway_need_not_have_been_at_the_other(
    primary: str, backup: str, lost: list[str]
) -> None:
    """But one that was there and does not answer may be a second client of the account."""
    assert _lost([answer("one", a=primary), answer("two", a=backup)]) == lost


def test_what_confirmed_counts_for_its_own_account_alone() -> None:
    assert _lost([answer("one", a="confirmed", b="never"), answer("two", a="never")]) == ["b"]


def test_a_lease_that_ran_out_is_told_as_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    told = answer("http://one", a="lease_ran_out")
    assert told.value is not None
    _show(told.value, "")
    _sum_up([told], [])
    out = " ".join(capsys.readouterr().out.split())
    assert "its lease ran out: it sends nothing for this gateway" in out
    assert "may be with a backup gateway" in out
