"""Every (action, code) is in exactly one class, and what is not in the table is ambiguous."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.terminal import port
from onefill.terminal.classify import (
    ACTIONS,
    BY_ACTION,
    BY_ERROR,
    BY_RETCODE,
    Outcome,
    classify,
    outcomes_table,
)
from onefill.terminal.codes import ERRORS, RETCODES
from onefill.terminal.port import Reply, SendResult

DEAL, PENDING = port.ACTION_DEAL, port.ACTION_PENDING
SLTP, MODIFY, REMOVE = port.ACTION_SLTP, port.ACTION_MODIFY, port.ACTION_REMOVE
CLOSE_BY = port.ACTION_CLOSE_BY
_DATA = Path(__file__).parents[2] / "data" / "mt5_retcodes.json"
MT5: dict[str, dict[str, str]] = json.loads(_DATA.read_text(encoding="utf-8"))
MT5_RETCODES = {int(code): name for code, name in MT5["retcodes"].items()}
MT5_ERRORS = {int(code): name for code, name in MT5["last_error"].items()}
OWN_ERRORS = {
    port.TIMED_OUT, port.WORKER_DIED, port.STALE_EPOCH, port.TOO_LATE, port.NO_WORKER
}  # fmt: skip


def answered(action: int, retcode: int, **fields: Any) -> Outcome:
    """The class of a result that is consistent in itself, but for what a test gives it."""
    good = retcode in (10008, 10009, 10010)
    tickets = {"order": 5, "deal": 4 if action == DEAL else 0} if good else {}
    result = SendResult(retcode=retcode, **{**tickets, **fields})
    return classify(action, Reply(result)).outcome


def failed(code: int, text: str = "") -> Outcome:
    return classify(DEAL, Reply(None, (code, text))).outcome


def test_every_code_of_the_package_has_one_class_and_its_own_name() -> None:
    assert set(BY_RETCODE) == set(MT5_RETCODES) == set(RETCODES)
    assert {code: name for code, (name, _) in RETCODES.items()} == MT5_RETCODES
    assert set(BY_ERROR) == set(MT5_ERRORS) | OWN_ERRORS == set(ERRORS)
    assert {code: ERRORS[code][0] for code in MT5_ERRORS} == MT5_ERRORS


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_answers_every_code_with_one_class(action: int) -> None:
    for code in MT5_RETCODES:
        expected = BY_ACTION.get((action, code), BY_RETCODE[code])
        assert answered(action, code) is expected


def test_exceptions_by_action_are_exceptions() -> None:
    for (action, code), outcome in BY_ACTION.items():
        assert action in ACTIONS
        assert BY_RETCODE[code] is not outcome


@given(st.sampled_from(sorted(ACTIONS)), st.integers().filter(lambda code: code not in BY_RETCODE))
def test_an_unknown_retcode_is_ambiguous(action: int, code: int) -> None:
    assert answered(action, code, order=1, deal=1) is Outcome.AMBIGUOUS


@given(st.integers().filter(lambda code: code not in BY_ERROR))
def test_an_unknown_error_is_ambiguous(code: int) -> None:
    assert failed(code) is Outcome.AMBIGUOUS


@given(st.integers().filter(lambda action: action not in ACTIONS), st.sampled_from([10009, 10019]))
def test_of_an_unknown_action_nothing_is_proven(action: int, code: int) -> None:
    assert answered(action, code) is Outcome.AMBIGUOUS


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("code", [10011, 10012, 10028, 10031])
def test_the_protocols_ambiguous_retcodes_are_ambiguous(action: int, code: int) -> None:
    assert answered(action, code) is Outcome.AMBIGUOUS


@pytest.mark.parametrize(
    "code",
    [*range(-10005, -9999), -1, -3, -4, -6, 1, port.TIMED_OUT, port.WORKER_DIED],
)
def test_no_result_proves_nothing(code: int) -> None:
    assert failed(code) is Outcome.AMBIGUOUS


@pytest.mark.parametrize("code", [-2, -5, -7, -8, port.STALE_EPOCH, port.TOO_LATE])
def test_what_never_left_the_machine_is_known(code: int) -> None:
    assert failed(code) is Outcome.NEVER_SENT


def test_only_requotes_and_price_changes_may_be_sent_again() -> None:
    again = {code for code, outcome in BY_RETCODE.items() if outcome is Outcome.RETRY}
    assert again == {10004, 10020, 10021}
    assert Outcome.RETRY not in BY_ACTION.values()


def test_nothing_to_change_is_success_for_a_change_and_for_nothing_else() -> None:
    assert answered(SLTP, 10025) is answered(MODIFY, 10025) is Outcome.DONE
    assert answered(REMOVE, 10025) is Outcome.LOOK
    assert answered(DEAL, 10025) is answered(PENDING, 10025) is Outcome.AMBIGUOUS


@pytest.mark.parametrize("action", ACTIONS)
def test_what_changed_meanwhile_needs_a_look(action: int) -> None:
    assert answered(action, 10023) is answered(action, 10036) is Outcome.LOOK


def test_a_pending_order_is_done_without_a_deal_but_not_without_an_order() -> None:
    assert answered(PENDING, 10009, order=5, deal=0) is Outcome.DONE
    assert answered(PENDING, 10009, order=0, deal=0) is Outcome.AMBIGUOUS
    assert answered(PENDING, 10008, order=0, deal=9) is Outcome.AMBIGUOUS
    assert answered(DEAL, 10009, order=0, deal=9) is Outcome.DONE
    assert answered(DEAL, 10009, order=0, deal=0) is Outcome.AMBIGUOUS
    assert answered(SLTP, 10009, order=0, deal=0) is Outcome.DONE


@pytest.mark.parametrize("code", [10004, 10006, 10019])
def test_a_refusal_that_names_a_deal_or_an_order_proves_nothing(code: int) -> None:
    assert answered(DEAL, code, deal=9) is Outcome.AMBIGUOUS
    assert answered(PENDING, code, order=9) is Outcome.AMBIGUOUS
    assert answered(MODIFY, code, order=9) is not Outcome.AMBIGUOUS  # the order that was meant


def test_an_answer_is_told_with_its_code_and_the_brokers_words() -> None:
    told = classify(DEAL, Reply(SendResult(retcode=10019, comment="No money\n")))
    assert (told.code, told.name) == (10019, "TRADE_RETCODE_NO_MONEY")
    assert told.text == "No money (10019)"
    silent = classify(DEAL, Reply(SendResult(retcode=10019)))
    assert silent.text == "not enough money (10019)"
    lost = classify(DEAL, Reply(None, (-10005, "IPC timeout")))
    assert (lost.code, lost.name) == (-10005, "RES_E_INTERNAL_FAIL_TIMEOUT")
    assert lost.text == "no result: IPC timeout (-10005)"


def test_the_table_for_the_documentation_has_a_row_for_each_code() -> None:
    rows = outcomes_table().splitlines()
    assert len(rows) == 2 + len(BY_RETCODE) + len(BY_ERROR)
    assert all(row.count("|") == 5 for row in rows)
