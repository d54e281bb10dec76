"""Market depth: a ladder around the quote, for those who asked for it."""

import msgspec
import pytest

from onefill.terminal.simulator.profile import find_profile
from onefill.terminal.simulator.quotes.generated import generated_market
from onefill.terminal.simulator.surface.depth import Depth
from onefill.terminal.simulator.terminal import SimulatedTerminal

from .markets import MONDAY_MS, SYMBOL, generated

NOT_FOUND, CALL_FAILED = (-4, "Terminal: Not found"), (-1, "Terminal: Call failed")


@pytest.fixture
def terminal() -> SimulatedTerminal:
    profile = find_profile("ecn")
    quiet = msgspec.structs.replace(profile.broker, seed=3)
    profile = msgspec.structs.replace(profile, broker=quiet)
    return SimulatedTerminal(profile, generated_market(profile, MONDAY_MS))


def test_the_ladder_stands_around_the_quote(terminal: SimulatedTerminal) -> None:
    depth, feed = Depth(terminal), terminal.broker.market.feeds[SYMBOL]
    assert depth.market_book_add(SYMBOL) == (True, (1, "Success"))
    rows = depth.market_book_get(SYMBOL).value
    levels = terminal.broker.profile.specifications[SYMBOL].terms.ticks_bookdepth
    assert [row[0] for row in rows] == [1] * levels + [2] * levels
    prices = [round(row[1] * 100_000) for row in rows]
    assert prices == sorted(prices, reverse=True)
    assert (prices[levels - 1], prices[levels]) == (feed.ask, feed.bid)
    assert all(row[2] == round(row[3]) and row[3] > 0 for row in rows)


def test_the_ladder_is_the_same_until_the_next_tick(terminal: SimulatedTerminal) -> None:
    depth = Depth(terminal)
    depth.market_book_add(SYMBOL)
    first = depth.market_book_get(SYMBOL)
    assert depth.market_book_get(SYMBOL) == first
    terminal.advance(MONDAY_MS + 60_000)
    assert depth.market_book_get(SYMBOL) != first


def test_depth_is_for_those_who_listen(terminal: SimulatedTerminal) -> None:
    depth = Depth(terminal)
    assert depth.market_book_get(SYMBOL) == (None, CALL_FAILED)
    assert depth.market_book_release(SYMBOL) == (False, CALL_FAILED)
    depth.market_book_add(SYMBOL)
    depth.market_book_add(SYMBOL)
    assert depth.market_book_release(SYMBOL).value
    assert depth.market_book_get(SYMBOL).value
    assert depth.market_book_release(SYMBOL).value
    assert depth.market_book_get(SYMBOL) == (None, CALL_FAILED)


def test_symbols_without_depth_and_unknown_ones_have_none(terminal: SimulatedTerminal) -> None:
    plain = Depth(generated())
    assert plain.market_book_add(SYMBOL) == (False, CALL_FAILED)
    for call in (plain.market_book_add, plain.market_book_release):
        assert call("NONE") == (False, NOT_FOUND)
    assert plain.market_book_get("NONE") == (None, NOT_FOUND)
