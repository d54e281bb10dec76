"""How time goes: virtual or along a clock, up to its end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onefill.runtime.clock import SteadyClock
from onefill.terminal.simulator.surface.pace import (
    MS_NS,
    SECOND_NS,
    ClockPace,
    EndOfData,
    VirtualPace,
)

START_NS = 1_700_000_000 * SECOND_NS


class Machine(SteadyClock):
    """A machine whose time goes only by waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.at_ns = 0
        self.waits: list[float] = []

    def now_ns(self) -> int:
        return self.at_ns

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at_ns += round(seconds * SECOND_NS)


def test_virtual_time_stands_still_but_for_calls_and_sleeps() -> None:
    pace = VirtualPace(START_NS)
    assert pace.now_ns() == pace.now_ns() == START_NS
    pace.spend()
    pace.sleep_ns(5 * SECOND_NS)
    assert pace.now_ns() == START_NS + MS_NS + 5 * SECOND_NS


def test_a_loop_that_only_asks_comes_to_the_end() -> None:
    pace = VirtualPace(START_NS, START_NS + SECOND_NS)
    for _ in range(999):
        pace.spend()
    with pytest.raises(EndOfData):
        pace.spend()
    assert pace.now_ns() == pace.end_ns


def test_a_loop_that_only_reads_the_clock_comes_to_the_end() -> None:
    pace = VirtualPace(START_NS, START_NS + SECOND_NS)

    def wait() -> None:
        while pace.read_ns() < START_NS + 60 * SECOND_NS:
            pass

    with pytest.raises(EndOfData):
        wait()
    assert pace.now_ns() == pace.end_ns


def test_what_winds_up_after_the_end_can_still_read_the_clock() -> None:
    pace = VirtualPace(START_NS, START_NS + SECOND_NS)
    with pytest.raises(EndOfData):
        pace.sleep_ns(SECOND_NS)
    assert pace.read_ns() == pace.read_ns() == pace.end_ns


def test_nothing_moves_time_back() -> None:
    pace = VirtualPace(START_NS)
    pace.sleep_ns(-5)
    assert pace.now_ns() == START_NS


def test_a_program_that_takes_no_end_for_an_answer_is_given_up() -> None:
    pace = VirtualPace(START_NS, START_NS + SECOND_NS)

    class GivenUp(Exception):
        pass

    def give_up() -> None:
        raise GivenUp

    pace.give_up = give_up

    def obstinate() -> None:
        while True:
            try:
                pace.spend()
            except EndOfData:
                continue

    with pytest.raises(GivenUp):
        obstinate()


def test_the_end_of_data_is_no_exception_that_programs_catch() -> None:
    assert not issubclass(EndOfData, Exception)


@pytest.mark.parametrize("factor", [1.0, 10.0, 0.5])
def test_a_clock_s_time_goes_so_many_times_as_fast(factor: float) -> None:
    machine = Machine()
    pace = ClockPace(START_NS, factor=factor, clock=machine, wait=machine.wait)
    machine.at_ns += 2 * SECOND_NS
    assert pace.now_ns() == START_NS + int(2 * factor * SECOND_NS)
    pace.sleep_ns(20 * SECOND_NS)
    assert machine.waits == [20 / factor]
    assert pace.now_ns() == START_NS + int((2 * factor + 20) * SECOND_NS)


def test_a_sleep_along_the_clock_ends_with_the_market() -> None:
    machine = Machine()
    end_ns = START_NS + 3 * SECOND_NS
    pace = ClockPace(START_NS, end_ns, clock=machine, wait=machine.wait)
    with pytest.raises(EndOfData):
        pace.sleep_ns(3_600 * SECOND_NS)
    assert machine.waits == [3.0]
    assert pace.now_ns() == end_ns
    with pytest.raises(EndOfData):
        pace.spend()


def test_an_interrupted_wait_goes_on() -> None:
    machine = Machine()

    def short(seconds: float) -> None:
        machine.wait(min(seconds, 0.4))

    waits: Callable[[float], None] = short
    pace = ClockPace(START_NS, clock=machine, wait=waits)
    pace.sleep_ns(SECOND_NS)
    assert len(machine.waits) == 3
    assert pace.now_ns() >= START_NS + SECOND_NS
