"""Decisions as objects with attributes: read exactly, or refused with the reason."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.channels.local.confirmation import REJECTIONS
from onefill.channels.local.rpm import read_decision
from tests.unit.channels.local.desk import decision


class Status(Enum):
    APPROVED = "approved"


class Direction(Enum):
    SHORT = -1


def test_enumerations_and_other_numbers_will_do() -> None:
    read = read_decision(
        decision(
            status=Status.APPROVED,
            direction=Direction.SHORT,
            units=Decimal("95000"),
            stop_loss=np.float64(1.2),
            take_profit=0,
        )
    )

    assert read.rejected is None
    assert (read.direction, read.units, read.stop_loss, read.take_profit) == (-1, 95_000, 1.2, None)
    assert read_decision(decision(direction=np.int64(1), units=np.float32(1_000))).direction == 1


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (None, ".decision"),
        (SimpleNamespace(decision=SimpleNamespace(status="APPROVED")), ".approved_trade"),
        (decision(status="MAYBE"), "MAYBE"),
        (decision(status=None), "status"),
        (decision(symbol=""), "symbol"),
        (decision(symbol=None), "symbol"),
        (decision(direction=0), "direction"),
        (decision(direction="buy"), "direction"),
        (decision(direction=True), "direction"),
        (decision(units=0), "position_units"),
        (decision(units=-5), "position_units"),
        (decision(units="10000"), "position_units"),
        (decision(units=None), "position_units"),
        (decision(units=float("inf")), "position_units"),
        (decision(stop_loss="none"), "stop_loss"),
        (decision(stop_loss=float("nan")), "stop_loss"),
        (decision(take_profit=-1), "take_profit"),
    ],
)
def test_what_cannot_be_is_refused_by_name(what: Any, says: str) -> None:
    read = read_decision(what)

    assert read.rejected is not None
    assert read.rejected.reason == "validation_failed"
    assert says in read.rejected.details


@pytest.mark.parametrize(
    ("given_reason", "told"),
    [(one, one) for one in sorted(REJECTIONS)] + [("MARGIN_DEPLETED", "margin_depleted"),
     ("too much", "unknown"), (None, "unknown")],
)  # fmt: skip
def test_the_managers_reasons_are_told(given_reason: str | None, told: str) -> None:
    what = decision(status="REJECTED")
    what.decision.rejected_trade = SimpleNamespace(
        rejection_reason=given_reason, rejection_details="said so", symbol="EURUSD"
    )
    read = read_decision(what)

    assert read.rejected is not None
    assert read.rejected.reason == told
    assert "said so" in read.rejected.details


_ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3),
    st.binary(max_size=3), st.lists(st.integers(), max_size=2), st.decimals(), st.just(object()),
)  # fmt: skip


@given(
    status=st.one_of(_ANYTHING, st.sampled_from(["APPROVED", "REJECTED", "ADJUSTED"])),
    symbol=_ANYTHING, direction=_ANYTHING, units=_ANYTHING, stop_loss=_ANYTHING, key=_ANYTHING,
)  # fmt: skip
def test_whatever_comes_is_an_order_or_a_refusal(
    status: Any, symbol: Any, direction: Any, units: Any, stop_loss: Any, key: Any
) -> None:
    read = read_decision(decision(key, units, direction, symbol, status, stop_loss=stop_loss))

    assert isinstance(read.order_id, str)
    if read.rejected is None:
        assert read.direction in (1, -1)
        assert read.units > 0
        assert read.symbol == symbol
        assert read.stop_loss is None or read.stop_loss > 0
    else:
        assert read.rejected.reason in REJECTIONS
