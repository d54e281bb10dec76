"""The published names and defaults, statuses and reasons, and where executions are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import onefill
from onefill.channels.local.config import ExecutionEngineConfig
from onefill.channels.local.confirmation import REJECTIONS, STATUSES, published, told
from onefill.channels.local.database import ExecutionDatabase
from onefill.execution.report import Answer, Reason
from onefill.model.errors import OnefillError
from onefill.model.states import State
from onefill.risk.reasons import DenialCode
from tests.unit.channels.local.desk import Desk, decision

EXPECTED = {
    State.RECEIVED: ("pending", None),
    State.ACCEPTED: ("pending", None),
    State.SENDING: ("pending", None),
    State.WORKING: ("submitted", None),
    State.PARTIALLY_FILLED: ("partially_filled", None),
    State.FILLED: ("filled", None),
    State.DONE: ("filled", None),
    State.DENIED: ("rejected", "validation_failed"),
    State.REJECTED: ("rejected", "broker_rejection"),
    State.CANCELLED: ("cancelled", None),
    State.EXPIRED: ("expired", None),
    State.UNKNOWN: ("error", "order_timeout"),
    State.QUARANTINED: ("error", "unknown"),
    State.NOT_EXECUTED: ("rejected", "network_error"),
}


def test_every_state_has_its_published_status() -> None:
    assert set(EXPECTED) == set(State)
    for state, words in EXPECTED.items():
        answer = Answer(client_key="k", intent_id="i", status=str(state))
        assert told(answer)[:2] == words
    assert {status for status, _ in EXPECTED.values()} == set(STATUSES)


@pytest.mark.parametrize("state", [State.CANCELLED, State.EXPIRED, State.REJECTED])
def test_a_position_is_never_told_as_gone(state: State) -> None:
    why = Reason("CANCELLED_AT_BROKER", "gone")
    answer = Answer(client_key="k", intent_id="i", status=str(state), reason=why, filled_volume=0.5)

    assert told(answer)[0] == "partially_filled"


def test_every_denial_has_a_published_reason() -> None:
    assert {published(code.value) for code in DenialCode} <= REJECTIONS


def test_defaults_are_the_published_ones() -> None:
    config = ExecutionEngineConfig()

    assert (config.max_slippage_pips, config.order_timeout_seconds) == (10, 60)
    assert (config.max_retries, config.min_margin_cushion) == (3, 1.5)
    assert (config.poll_interval_seconds, config.deviation_pips) == (0.5, 20)
    assert config.execution().order_timeout_ms == 60_000


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_slippage_pips", 0), ("max_slippage_pips", float("nan")), ("max_retries", "3"),
        ("max_retries", 2.5), ("max_retries", 0), ("order_timeout_seconds", -1),
        ("poll_interval_seconds", float("inf")), ("min_margin_cushion", None), ("magic", -1),
        ("comment_limit", 15), ("comment_limit", 32), ("deviation_pips", True),
    ],
)  # fmt: skip
def test_a_config_that_cannot_be_names_the_setting(field: str, value: Any) -> None:
    with pytest.raises(OnefillError, match=field) as told_error:
        ExecutionEngineConfig(**{field: value})
    assert told_error.value.code == "CONFIG_INVALID"


def test_the_database_is_where_it_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ONEFILL_JOURNAL", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert ExecutionDatabase().path == tmp_path / ".onefill" / "journal"
    monkeypatch.setenv("ONEFILL_JOURNAL", str(tmp_path / "elsewhere"))
    assert ExecutionDatabase().path == tmp_path / "elsewhere"
    assert ExecutionDatabase(tmp_path).path == tmp_path


def test_executions_are_found_in_the_database(desk: Desk) -> None:
    desk.engine.execute(decision())
    database = desk.engine.database
    account = "1000001@Onefill-Demo"

    found = database.find(account, "k-1")
    assert found is not None
    assert found["filled_volume"] == 0.1
    assert database.find(account, "k-2") is None
    desk.engine.close()
    assert database.find(account, "k-1") is None


def test_the_published_names_can_be_imported_from_the_package() -> None:
    for name in (
        "MT5ConnectionPool", "BrokerInterface", "MarketSnapshot", "ExecutionDatabase",
        "ExecutionEngineConfig", "create_execution_engine", "ExecutionEngine",
        "ExecutionConfirmation", "GroupConfirmation", "OnefillError",
    ):  # fmt: skip
        assert getattr(onefill, name).__name__ == name
        assert name in dir(onefill)
