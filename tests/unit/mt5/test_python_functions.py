"""`Buy`, `Sell` and `Close`."""

from collections.abc import Iterator
from typing import Any

import pytest

import onefill.mt5 as mt5
from onefill.mt5 import _state
from onefill.terminal.simulator.surface.backend import Answer
from tests.unit.mt5.stage import connected


class Scripted:
    """A terminal that answers requests with the retcodes it was given, the last one for ever."""

    def __init__(self) -> None:
        self.retcodes: list[int | None] = [mt5.TRADE_RETCODE_DONE]
        self.positions: tuple[Any, ...] | None = ()
        self.tick: tuple[Any, ...] | None = (0, 1.1, 1.2, 0.0, 0, 0, 6, 0.0)
        self.sent: list[mt5.TradeRequest] = []

    def call(self, name: str, arguments: tuple[Any, ...]) -> Answer:
        if name == "order_send":
            self.sent.append(mt5.TradeRequest(arguments))
            retcode = self.retcodes.pop(0) if len(self.retcodes) > 1 else self.retcodes[0]
            return Answer(None if retcode is None else (retcode, *[0] * 9))
        if name == "positions_get":
            return Answer(self.positions)
        return Answer(self.tick)

    def now_ms(self) -> int:
        return 0

    def sleep_ms(self, duration_ms: float) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    terminal = Scripted()
    _state.attach(terminal)
    assert mt5.initialize()
    yield terminal
    mt5.shutdown()
    _state.attach(None)


def position(ticket: int, side: int) -> tuple[Any, ...]:
    """A position of 0.5 lots."""
    return (ticket, 0, 0, 0, 0, side, 0, ticket, 0, 0.5, *[0.0] * 6, "EURUSD", "", "")


def test_buy_and_sell_send_a_deal_at_the_quote(scripted: Scripted) -> None:
    assert mt5.Buy("EURUSD", 0.1, comment="mine") is not None
    assert mt5.Sell("EURUSD", 0.2, ticket=7) is not None
    bought, sold = scripted.sent
    assert (bought.action, bought.type, bought.price) == (1, mt5.ORDER_TYPE_BUY, 1.2)
    assert (bought.volume, bought.comment, bought.deviation) == (0.1, "mine", 10)
    assert (sold.type, sold.price, sold.position) == (mt5.ORDER_TYPE_SELL, 1.1, 7)


@pytest.mark.parametrize("moved", [mt5.TRADE_RETCODE_REQUOTE, mt5.TRADE_RETCODE_PRICE_OFF])
def test_prices_that_move_are_tried_ten_times(moved: int, scripted: Scripted) -> None:
    scripted.retcodes = [moved]
    result = mt5.Buy("EURUSD", 0.1)
    assert result is not None
    assert result.retcode == moved
    assert len(scripted.sent) == 10


def test_the_first_other_answer_ends_it(scripted: Scripted) -> None:
    scripted.retcodes = [mt5.TRADE_RETCODE_REQUOTE, mt5.TRADE_RETCODE_NO_MONEY]
    result = mt5.Sell("EURUSD", 0.1)
    assert result is not None
    assert result.retcode == mt5.TRADE_RETCODE_NO_MONEY
    assert len(scripted.sent) == 2


def test_a_price_that_is_given_is_tried_once(scripted: Scripted) -> None:
    scripted.retcodes = [mt5.TRADE_RETCODE_REQUOTE]
    mt5.Buy("EURUSD", 0.1, 1.15)
    assert [request.price for request in scripted.sent] == [1.15]


def test_without_a_quote_or_an_answer_there_is_none(scripted: Scripted) -> None:
    scripted.retcodes = [None]
    assert mt5.Buy("EURUSD", 0.1) is None
    assert len(scripted.sent) == 1
    scripted.tick = None
    assert mt5.Buy("EURUSD", 0.1) is None
    assert len(scripted.sent) == 1


def test_close_says_how_many_it_closed(scripted: Scripted) -> None:
    done, refused = mt5.TRADE_RETCODE_DONE, mt5.TRADE_RETCODE_REJECT
    scripted.positions = (position(1, 0), position(2, 1))
    for retcodes, told in (
        ([done, done], True),
        ([done, refused], "Partially"),
        ([refused, refused], False),
        ([None], None),
    ):
        scripted.retcodes = list(retcodes)
        assert mt5.Close("EURUSD") == told
    scripted.positions = ()
    assert mt5.Close("EURUSD") is False
    scripted.positions = None
    assert mt5.Close("EURUSD") is None


def test_close_sends_the_opposite_of_each_position(scripted: Scripted) -> None:
    scripted.positions = (position(1, 0), position(2, 1))
    mt5.Close("EURUSD", comment="out")
    sold, bought = scripted.sent
    assert (sold.type, sold.position, sold.volume, sold.comment) == (1, 1, 0.5, "out")
    assert (bought.type, bought.position, bought.price) == (0, 2, 1.2)


def test_they_trade_on_a_simulated_terminal() -> None:
    with connected():
        bought = mt5.Buy("EURUSD", 0.1)
        assert bought is not None
        assert bought.retcode == mt5.TRADE_RETCODE_DONE
        assert mt5.Sell("EURUSD", 0.1) is not None
        assert mt5.positions_total() == 2
        assert mt5.Close("EURUSD", ticket=bought.order) is True
        assert mt5.positions_total() == 1
        assert mt5.Close("EURUSD") is True
        assert mt5.positions_get() == ()
        assert mt5.Close("EURUSD") is False
