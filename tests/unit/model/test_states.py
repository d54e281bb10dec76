"""The order-status table."""

from __future__ import annotations

from onefill.model.states import FINAL, LATE_FROM, SETTLED, TRANSITIONS, State, may_follow, mermaid


def test_every_state_has_its_row() -> None:
    assert set(TRANSITIONS) == set(State)


def test_every_state_but_the_first_can_be_reached() -> None:
    reached = {after for row in TRANSITIONS.values() for after in row}
    assert reached == set(State) - {State.RECEIVED}


def test_a_final_state_is_left_by_late_evidence_alone() -> None:
    for state in FINAL:
        after = set(TRANSITIONS[state])
        allowed = {State.WORKING, State.PARTIALLY_FILLED, State.FILLED}
        assert after == (allowed if state in LATE_FROM else set())


def test_nothing_is_sent_again_out_of_unknown() -> None:
    assert not may_follow(State.UNKNOWN, State.SENDING)
    assert not may_follow(State.UNKNOWN, State.ACCEPTED)
    assert not may_follow(State.QUARANTINED, State.SENDING)


def test_an_operator_settles_a_quarantined_order_as_a_proven_state_only() -> None:
    assert State.UNKNOWN not in SETTLED
    assert State.SENDING not in SETTLED
    assert {State.FILLED, State.NOT_EXECUTED} <= set(SETTLED)


def test_the_diagram_has_an_arrow_for_every_step() -> None:
    arrows = sum(len(after) for after in TRANSITIONS.values())
    diagram = mermaid()
    assert diagram.count("-->") == arrows + 1 + len(FINAL)
    assert "SENDING --> UNKNOWN" in diagram
