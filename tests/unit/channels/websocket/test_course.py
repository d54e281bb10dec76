"""The way among gateways, played through without a network."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onefill.channels.websocket.address import parse_gateway
from onefill.channels.websocket.course import Course, Patience
from onefill.runtime.draws import Draws

PRIMARY, BACKUP = parse_gateway("wss://a.example"), parse_gateway("wss://b.example")
PATIENCE = Patience(first_s=0.1, most_s=5.0, good_s=10.0, probe_s=5.0, probe_most_s=40.0)


def course(*gateways: object, seed: int = 1) -> Course:
    return Course((PRIMARY, BACKUP) if not gateways else (PRIMARY,), PATIENCE, Draws(seed), "a")


@given(st.integers(), st.integers(1, 200))
def test_waits_grow_and_never_pass_the_most(seed: int, tries: int) -> None:
    one = course(seed=seed)
    waits = [one.lost(0.0) for _ in range(tries)]
    assert all(0 < wait <= PATIENCE.most_s for wait in waits)
    for number, wait in enumerate(waits):
        most = min(PATIENCE.most_s, PATIENCE.first_s * 2.0 ** min(number, 30))
        assert most / 2 <= wait <= most


def test_a_try_that_fails_goes_to_the_other_and_a_good_connection_is_tried_again() -> None:
    one = course()
    one.lost(0.0)
    assert one.gateway is BACKUP
    one.lost(60.0)
    assert one.gateway is BACKUP
    one.lost(0.0)
    assert one.gateway is PRIMARY


def test_with_one_gateway_there_is_nothing_to_change() -> None:
    one = course(PRIMARY)
    for lasted in (0.0, 60.0, 0.0):
        one.lost(lasted)
        assert one.gateway is PRIMARY
        assert not one.on_backup


def test_a_good_connection_makes_the_next_wait_short_again() -> None:
    one = course()
    for _ in range(10):
        one.lost(0.0)
    assert one.lost(PATIENCE.good_s) <= PATIENCE.first_s


def test_a_return_that_fails_makes_the_looks_rarer_and_one_that_holds_makes_them_as_before() -> (
    None
):
    one = course()
    one.lost(0.0)
    looks = []
    for _ in range(5):
        one.back()
        assert one.gateway is PRIMARY
        one.lost(1.0)
        looks.append(one.probe_s)
    assert looks == [10.0, 20.0, 40.0, 40.0, 40.0]
    one.back()
    one.lost(PATIENCE.good_s)
    assert one.probe_s == PATIENCE.probe_s


def test_many_that_were_cut_off_together_do_not_come_back_together() -> None:
    draws = Draws(7)
    waits = {
        Course((PRIMARY,), PATIENCE, draws, f"account-{number}").lost(0.0) for number in range(100)
    }
    assert len(waits) > 90


def test_a_replaced_agent_stays_away_for_long() -> None:
    assert course().replaced() >= PATIENCE.replaced_s / 2
