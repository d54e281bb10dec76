"""When an order expires, by clocks that step, and of a gateway whose clock is another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onefill.model.intent import Action, OrderIntent, Side
from onefill.runtime.clock import VirtualClock
from tests.unit.execution.bench import T0, Bench

LIFE_MS = 60_000


def ordered(life_ms: int | None = LIFE_MS) -> OrderIntent:
    return OrderIntent(
        client_key="k", action=Action.OPEN, symbol="EURUSD", side=Side.BUY, volume=0.1,
        expires_at_ms=None if life_ms is None else T0 + life_ms,
    )  # fmt: skip


def test_a_gateway_whose_clock_is_ahead_is_believed_about_when_its_commands_expire() -> None:
    desk = Bench().desk
    desk.ahead_ms = 5_000
    assert desk.not_after_ms(ordered()) == T0 + LIFE_MS - 5_000
    assert desk.not_after_ms(ordered(None)) is None


@given(elapsed_ms=st.integers(0, 100_000), back_ms=st.integers(0, 100_000))
def test_an_order_lives_as_long_by_a_clock_that_was_set_back_and_measured_anew(
    elapsed_ms: int, back_ms: int
) -> None:
    desk, true_ms = Bench().desk, T0
    desk.steady_ms = lambda: true_ms - T0
    intent = ordered()
    desk.note_expiry(intent)
    true_ms += elapsed_ms
    desk.clock = VirtualClock(true_ms - back_ms)
    desk.ahead_ms = back_ms
    assert desk.expired(intent) is (elapsed_ms > LIFE_MS)
