"""Tickets waiting at levels, against a plain dict that is looked through whole."""

from hypothesis import given
from hypothesis import strategies as st

from onefill.terminal.simulator.market import NEVER_HIGH, NEVER_LOW
from onefill.terminal.simulator.triggers import ASK_HIGH, ASK_LOW, BID_HIGH, BID_LOW, Waiting

SIDES = (BID_LOW, BID_HIGH, ASK_LOW, ASK_HIGH)
FALLING = (BID_LOW, ASK_LOW)

arming = st.tuples(st.just("arm"), st.sampled_from(SIDES), st.integers(1, 12), st.integers(1, 40))
disarming = st.tuples(st.just("disarm"), st.sampled_from(SIDES), st.integers(1, 12), st.just(0))
quoting = st.tuples(st.just("quote"), st.just(0), st.integers(1, 40), st.integers(0, 3))


def nearest(levels: dict[tuple[int, int], int], side: int) -> int:
    here = [level for (at, _), level in levels.items() if at == side]
    if side in FALLING:
        return max(here, default=NEVER_LOW)
    return min(here, default=NEVER_HIGH)


def touched(levels: dict[tuple[int, int], int], bid: int, ask: int) -> set[tuple[int, int]]:
    prices = {BID_LOW: bid, BID_HIGH: bid, ASK_LOW: ask, ASK_HIGH: ask}
    return {
        (side, ticket)
        for (side, ticket), level in levels.items()
        if (prices[side] <= level if side in FALLING else prices[side] >= level)
    }


@given(st.lists(st.one_of(arming, disarming, quoting), max_size=120))
def test_it_tells_what_a_plain_dict_tells(
    steps: list[tuple[str, int, int, int]],
) -> None:
    waiting, levels = Waiting(), dict[tuple[int, int], int]()
    for what, side, ticket, number in steps:
        if what == "arm":
            waiting.arm(side, ticket, number)
            levels[side, ticket] = number
        elif what == "disarm":
            waiting.disarm(side, ticket)
            levels.pop((side, ticket), None)
        else:
            bid, ask = ticket, ticket + number
            expected = touched(levels, bid, ask)
            assert waiting.take_touched(bid, ask) == sorted({one for _, one in expected})
            for place in expected:
                del levels[place]
        assert bool(waiting) == bool(levels)
        assert [waiting.nearest(at) for at in SIDES] == [nearest(levels, at) for at in SIDES]


def test_an_order_moved_many_times_leaves_no_heap_behind() -> None:
    waiting = Waiting()
    for level in range(10_000):
        waiting.arm(BID_LOW, 1, level)
    assert waiting.nearest(BID_LOW) == 9_999
    assert max(map(len, waiting._heaps)) < 100
