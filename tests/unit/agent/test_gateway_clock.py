"""How far a gateway's clock is away: what is certain, and when it is news."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.agent.gateway_clock import AGREE_MS, APART_MS, GatewayClock, apart


@pytest.mark.parametrize("sign", [1, -1])
def test_clocks_apart_are_news_once_and_again_when_they_agree(sign: int) -> None:
    clock = GatewayClock()
    news = [clock.seen(sign * ahead_ms, 5) for ahead_ms in (0, 5_000, 5_100, 1_500, 2_100, 10, 0)]
    assert news == [False, True, False, False, False, True, False]


def test_what_a_slow_answer_may_explain_is_no_news() -> None:
    clock = GatewayClock()
    assert not clock.seen(3_000, 2_500)
    assert not clock.differs
    assert clock.ahead_ms == 500


@given(
    true_ms=st.integers(-10_000_000, 10_000_000),
    there_ms=st.integers(0, 5_000),
    back_ms=st.integers(0, 5_000),
)
def test_it_never_holds_more_than_is_so_however_long_each_way_took(
    true_ms: int, there_ms: int, back_ms: int
) -> None:
    half_ms = (there_ms + back_ms) // 2 + 1  # as a connection measures it
    measured_ms = true_ms + there_ms - half_ms
    clock = GatewayClock()
    clock.seen(measured_ms, half_ms)
    assert clock.ahead_ms <= max(0, true_ms)
    if clock.differs:
        assert abs(true_ms) > APART_MS
    clock.seen(true_ms, 1)
    if abs(true_ms) < AGREE_MS - 1:
        assert not clock.differs


def test_the_sentence_names_the_amount_and_which_way() -> None:
    assert "5.3 s ahead" in apart(5_300)
    assert "90.0 s behind" in apart(-90_000)
