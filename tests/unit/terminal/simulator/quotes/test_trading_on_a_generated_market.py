"""A terminal on the generated market: orders meet the ticks that history shows, for years."""

import tracemalloc
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import Reply, Request, SendResult
from onefill.terminal.simulator.entries import Dealt
from onefill.terminal.simulator.profile import load_profile
from onefill.terminal.simulator.quotes.generated import generated_market
from onefill.terminal.simulator.terminal import SimulatedTerminal

#: Friday, 2023-11-17, 15:00 UTC.
FRIDAY_MS = 1_700_233_200_000
DAY_MS = 86_400_000
SYMBOL = "EURUSD"


def opened(seed: int) -> SimulatedTerminal:
    return SimulatedTerminal(load_profile(), generated_market(load_profile(), FRIDAY_MS, seed=seed))


def send(terminal: SimulatedTerminal, **fields: Any) -> SendResult:
    request = BrokerRequest(symbol=SYMBOL, volume=0.1, **fields)
    reply = terminal.call(Request("order_send", {"request": request}), terminal.now_ms)
    assert isinstance(reply, Reply)
    assert isinstance(reply.value, SendResult)
    return reply.value


@settings(max_examples=max(10, settings().max_examples // 10))
@given(
    seed=st.integers(0, 20),
    distance=st.integers(5, 900),
    buys=st.booleans(),
    hops=st.lists(st.integers(1, 2 * DAY_MS), min_size=1, max_size=3),
)
def test_a_limit_order_fills_at_the_first_tick_that_reaches_it(
    seed: int, distance: int, buys: bool, hops: list[int]
) -> None:
    terminal = opened(seed)
    feed = terminal.broker.market.feeds[SYMBOL]
    sign = 1 if buys else -1
    level = (feed.ask if buys else feed.bid) - sign * distance
    result = send(
        terminal,
        action=port.ACTION_PENDING,
        price=level / 1e5,
        type=port.TYPE_BUY_LIMIT if buys else port.TYPE_SELL_LIMIT,
        type_filling=port.FILLING_RETURN,
    )
    assert result.retcode == 10009, result
    to_ms = FRIDAY_MS
    for hop in hops:
        to_ms += hop
        while terminal.advance(to_ms) < to_ms:
            pass
    history = terminal.broker.account.ledger.history
    filled = [deal for deal in history if isinstance(deal, Dealt) and deal.volume]
    wanted = 0
    for piece in feed.history.between(FRIDAY_MS + 1, to_ms):
        reached = piece.ask <= level if buys else piece.bid >= level
        if reached.any():
            wanted = int(piece.time_ms[reached.argmax()])
            break
    assert [deal.at_ms for deal in filled] == ([wanted] if wanted else [])


def test_a_year_with_an_order_far_away_takes_little_memory() -> None:
    terminal = opened(3)
    send(
        terminal,
        action=port.ACTION_PENDING,
        price=0.5,
        type=port.TYPE_BUY_LIMIT,
        type_filling=port.FILLING_RETURN,
    )
    tracemalloc.start()
    try:
        for week in range(1, 53):
            terminal.advance(FRIDAY_MS + week * 7 * DAY_MS)
            assert terminal.broker.market.feeds[SYMBOL].bid > 0
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert terminal.now_ms == FRIDAY_MS + 52 * 7 * DAY_MS
    assert peak < 80 * 2**20


def test_symbols_that_nobody_looks_at_are_not_made() -> None:
    terminal = opened(4)
    terminal.advance(FRIDAY_MS + 5 * DAY_MS)
    market = terminal.broker.market
    assert [name for name, feed in market.feeds.items() if feed._place != -1] == []
    assert market.feeds["EURUSD"].bid > 0
    assert [name for name, feed in market.feeds.items() if feed._place != -1] == ["EURUSD"]
