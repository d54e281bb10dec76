"""Risk cannot be skipped: only risk makes what the engine accepts."""

import copy
import pickle
from typing import Any

import pytest

from onefill.model.intent import OrderType, Side
from onefill.risk.approved import RiskApproved, Seal
from tests.unit.risk.world import judge, opening


def test_an_approval_cannot_be_forged() -> None:
    real = judge(opening())
    assert isinstance(real, RiskApproved)
    for seal in (object(), None, Seal()):
        forged: Any = seal
        with pytest.raises(TypeError, match=r"risk\.review"):
            RiskApproved(real.thing, real.reservation, b"", 0, forged)
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            copied(real)
    with pytest.raises(AttributeError):
        real.thing = opening()[0]  # type: ignore[misc]


def test_an_approval_holds_the_intent_and_its_worst_case() -> None:
    pair = opening(volume=0.1, stop_loss=1.37)
    real = judge(pair)
    assert isinstance(real, RiskApproved)
    assert real.thing is pair[0]
    held = real.reservation
    assert held is not None
    assert (held.symbol, held.side, held.volume_e8) == ("EURUSD", Side.BUY, 10**7)
    assert held.value_minor == 13_801_00  # 0.1 lot at the ask
    assert held.margin_minor == 138_01
    assert held.risk_minor == 101_00  # 1,010 points
    assert not held.pending


def test_without_a_stop_loss_all_that_the_order_is_worth_is_at_risk() -> None:
    real = judge(opening(kind=OrderType.LIMIT, price=1.37))
    assert isinstance(real, RiskApproved)
    assert real.reservation is not None
    assert real.reservation.risk_minor == real.reservation.value_minor == 137_000_00
    assert real.reservation.pending


def test_a_reservation_is_rounded_up_but_float_noise_is_no_money() -> None:
    real = judge(opening(volume=0.01, stop_loss=1.37), point_value=0.123456)
    assert isinstance(real, RiskApproved)
    assert real.reservation is not None
    assert real.reservation.value_minor == 17_039  # 138010 * 0.123456 * 0.01 = 170.3816...
    noisy = judge(opening(volume=0.05), point_value=0.9, margin_per_lot=0.1 + 0.2)
    assert isinstance(noisy, RiskApproved)
    assert noisy.reservation is not None
    assert 138_010 * 0.9 * 0.05 * 100 > 621_045  # float noise
    assert noisy.reservation.value_minor == 621_045
    assert noisy.reservation.margin_minor == 2  # 1.5 rounded up
