"""What happened since a cursor: nothing left out, however late history comes, and whoever asks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from onefill.terminal.metatrader.broker_time import BrokerTime
from onefill.terminal.metatrader.changes import GLANCE_MS, TOLD_AGAIN_PER_S, ChangeLog
from tests.unit.terminal.metatrader.fake import T0, FakeModule, deal_row, order_row

DAY = 86_400_000
HOUR = 3_600_000
ATHENS = BrokerTime("Europe/Athens")


def log_of(module: FakeModule) -> ChangeLog:
    """A process that has just come."""
    return ChangeLog(module, ATHENS, T0 - 30 * DAY)


def happens(module: FakeModule, ticket: int, at_ms: int) -> None:
    """An order is done, with a deal; the broker writes its own time."""
    server_ms = ATHENS.server_ms(at_ms)
    module.past_orders.append(order_row(ticket, server_ms))
    module.past_deals.append(deal_row(ticket, server_ms))


def test_times_are_utc_and_tickets_the_highest_seen() -> None:
    module = FakeModule()
    happens(module, 41, T0 - 5_000)
    log = log_of(module)

    assert log.look(T0)
    told = log.since(0)

    assert [row.done_ms for row in told.orders] == [T0 - 5_000]
    assert [row.time_ms for row in told.deals] == [T0 - 5_000]
    assert log.last_ticket == 41


@settings(max_examples=60)
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 3),  # how many orders end
            st.integers(0, HOUR),  # how late the broker writes them
            st.sampled_from(["ask", "lost answer", "new worker", "nothing"]),
        ),
        max_size=25,
    )
)
def test_an_engine_is_told_every_row_though_history_is_late_answers_are_lost_and_workers_die(
    steps: list[tuple[int, int, str]],
) -> None:
    module, now_ms, ticket, cursor = FakeModule(), T0, 0, 0
    log, seen = log_of(module), set[int]()
    for count, late_ms, what in [*steps, (0, 0, "ask")]:
        now_ms += 60_000
        for _ in range(count):
            ticket += 1
            happens(module, ticket, now_ms - late_ms)
        if what == "nothing":
            continue
        if what == "new worker":
            log = log_of(module)
        assert log.look(now_ms)
        told = log.since(cursor)
        if what == "lost answer":
            continue
        seen |= {row.ticket for row in told.deals}
        assert told.cursor >= cursor
        cursor = told.cursor

    assert seen == set(range(1, ticket + 1))


def test_nothing_is_told_twice_by_one_worker_and_the_cursor_rests_where_nothing_comes() -> None:
    module = FakeModule()
    log = log_of(module)
    happens(module, 1, T0 - 1_000)
    log.look(T0)
    first = log.since(0)
    happens(module, 2, T0 - 9_000)  # older than the newest: written late
    log.look(T0 + 1_000)
    second = log.since(first.cursor)
    log.look(T0 + 2_000)
    third = log.since(second.cursor)

    assert [row.ticket for row in second.deals] == [2]
    assert second.cursor > first.cursor
    assert (third.deals, third.cursor) == ((), second.cursor)


def test_two_engines_each_are_told_all() -> None:
    module = FakeModule()
    log = log_of(module)
    log.look(T0)
    one = two = log.since(0).cursor
    for ticket in (1, 2, 3):
        happens(module, ticket, T0 + ticket)
        log.look(T0 + 10)
        told = log.since(one)
        assert [row.ticket for row in told.deals] == [ticket]
        one = told.cursor

    assert [row.ticket for row in log.since(two).deals] == [1, 2, 3]


def test_a_history_that_is_not_shown_is_no_empty_one_and_the_error_is_its_own() -> None:
    module = FakeModule()
    module.errors["history_orders_get"] = (-10002, "IPC recv failed")
    log = log_of(module)

    assert not log.look(T0)
    assert module.last_error() == (-10002, "IPC recv failed")
    assert "history_deals_get" not in module.called


def test_of_many_rows_only_the_newest_are_asked_for_and_late_ones_are_told_in_time() -> None:
    module = FakeModule()
    log = log_of(module)
    for ticket in range(1, TOLD_AGAIN_PER_S + 1):  # and as many deals: two seconds' worth
        happens(module, ticket, T0)
    assert log.look(T0)
    cursor = log.since(0).cursor
    asked = len(module.called)

    assert log.glance(T0 + GLANCE_MS - 1)
    assert len(module.called) == asked
    happens(module, 5_000, T0 - HOUR)
    happens(module, 5_001, T0 + 1_000)
    assert log.glance(T0 + 1_000)
    told = log.since(cursor)
    assert [row.ticket for row in told.deals] == [5_001]
    assert log.look(T0 + 10_000)
    assert [row.ticket for row in log.since(told.cursor).deals] == [5_000]
