"""Tables as a terminal of 80 columns shows them: nothing that one goes on with is cut."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console
from rich.table import Table

from onefill.cli import reach
from onefill.cli.orders import orders_table
from onefill.contracts.rest import Order, Reason
from onefill.model.intent import Action, OrderType, Side
from onefill.model.states import State

WIDTH = 80
KEY = "momentum-EURUSD-2026-11-21T15:41:25Z-0001"
WHY = "the order expired before it could be sent; it was not sent"


def _shown(table: Table) -> list[str]:
    out = StringIO()
    Console(file=out, width=WIDTH, color_system=None).print(table)
    return out.getvalue().splitlines()


def _order(**fields: object) -> Order:
    plain: dict[str, object] = {
        "mt5_account": "1234567890",
        "client_key": KEY,
        "intent_id": "0" * 32,
        "status": State.FILLED,
        "symbol": "BTCUSD",
        "side": Side.BUY,
        "volume": 0.25,
        "received_at_ms": 1_700_000_000_000,
    }
    return Order(**(plain | fields))  # type: ignore[arg-type]


def _column(lines: list[str], name: str, after: str) -> str:
    """What a column says, joined over the lines that its cells were folded to."""
    head = next(line for line in lines if name in line)
    start, end = head.index(name), head.index(after) if after else None
    return "".join(line[start:end].strip() for line in lines[lines.index(head) + 2 :])


def test_keys_prices_and_reasons_are_whole_in_80_columns() -> None:
    denied = _order(status=State.DENIED, reason=Reason("EXPIRED", WHY))
    lines = _shown(orders_table("Orders", [denied]))
    assert max(map(len, lines)) <= WIDTH
    assert any("1234567890" in line for line in lines)
    assert _column(lines, "order", "what") == KEY
    assert _column(lines, "became", "").replace(" ", "") == f"denied:{WHY}".replace(" ", "")


def test_a_price_keeps_all_of_its_digits() -> None:
    lines = _shown(orders_table("Orders", [_order(filled_volume=0.25, fill_price=97_123.45)]))
    assert "filled0.25at97123.45" in _column(lines, "became", "").replace(" ", "")


def test_what_was_asked_names_a_pending_orders_level_and_no_side_of_a_cancel() -> None:
    pending = _order(order_type=OrderType.LIMIT, price=1.2, client_key="a")
    cancel = _order(action=Action.CANCEL, volume=None, client_key="b")
    said = _column(_shown(orders_table("Orders", [pending, cancel])), "what", "became")
    assert said.replace(" ", "") == "buy0.25BTCUSDlimitat1.2cancelBTCUSD"
    sized = _order(
        order_type=OrderType.STOP_LIMIT, volume=None, units=25.5, price=1.2, stop_limit_price=1.1
    )
    said = _column(_shown(orders_table("Orders", [sized])), "what", "became")
    assert said.replace(" ", "") == "buy25.5unitsBTCUSDstop_limitat1.2then1.1"


def test_what_is_meant_is_named_and_a_close_all_that_left_something_open_says_so() -> None:
    close = _order(action=Action.CLOSE, symbol="", volume=None, side=None, target="a-1")
    change = _order(action=Action.MODIFY, volume=None, target_ticket=77)
    said = _column(_shown(orders_table("Orders", [close, change])), "what", "became")
    assert said.replace(" ", "") == "closeofa-1modifyBTCUSDof77"
    left = _order(
        action=Action.CLOSE_ALL, status=State.DONE, reason=Reason("NOT_ALL_CLOSED", "1 of 2 closed")
    )
    out = StringIO()
    Console(file=out, width=WIDTH, force_terminal=True).print(orders_table("Orders", [left]))
    assert "\x1b[33mdone" in out.getvalue()


@pytest.mark.parametrize(
    ("value", "text"), [(0.1 + 0.2, "0.3"), (2345.678, "2345.678"), (1.09949, "1.09949")]
)
def test_numbers_have_no_digits_that_a_float_only_seems_to_have(value: float, text: str) -> None:
    assert reach.number(value) == text
