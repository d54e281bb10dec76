"""What goes on for long: when it is said again."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from onefill.channels.websocket.repeated import FIRST_S, MOST_S, Repeated


class Hours:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns


def test_it_is_said_at_once_and_again_at_growing_intervals() -> None:
    clock = Hours()
    repeated = Repeated(clock)
    said_s = []
    for second in range(4 * 3_600):
        clock.ns = second * 10**9
        if repeated.due("gateway", "away"):
            said_s.append(second)
    assert said_s[:5] == [0, 60, 180, 420, 900]
    apart_s = [after - before for before, after in pairwise(said_s)]
    assert apart_s == sorted(apart_s)
    assert apart_s[-1] == MOST_S


def test_something_else_is_said_at_once_and_each_subject_has_its_own() -> None:
    repeated = Repeated(Hours())
    assert repeated.due("one", "away")
    assert not repeated.due("one", "away")
    assert repeated.due("other", "away")
    assert repeated.due("one", "refused")
    assert not repeated.due("other", "away")


def test_what_was_over_is_said_at_once_when_it_begins_again() -> None:
    repeated = Repeated(Hours())
    repeated.due("one", "away")
    repeated.over("one")
    repeated.over("nobody")
    assert repeated.due("one", "away")


@given(st.lists(st.integers(0, 200_000), max_size=200))
def test_however_often_it_is_tried_it_is_not_said_twice_within_the_first_interval(
    steps_ms: list[int],
) -> None:
    clock = Hours()
    repeated = Repeated(clock)
    said_ns = []
    for step_ms in steps_ms:
        clock.ns += step_ms * 10**6
        if repeated.due("gateway", "away"):
            said_ns.append(clock.ns)
    apart = [after - before for before, after in pairwise(said_ns)]
    assert all(one >= FIRST_S * 1e9 for one in apart)
