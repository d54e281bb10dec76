"""What passes between gateway and agents, as a person who follows it reads it."""

from __future__ import annotations

from typing import Any

import pytest

from onefill.cli.event_text import event_words
from onefill.contracts.rest import OrderEvent

INTENT = {"action": "open", "side": "buy", "volume": 0.1, "symbol": "EURUSD", "reason": "a cross"}


@pytest.mark.parametrize(
    ("type_", "detail", "words"),
    [
        ("accepted", {"intent": INTENT}, "open buy 0.1 EURUSD a cross"),
        (
            "accepted",
            {"intent": INTENT | {"order_type": "limit", "price": 1.05}},
            "open buy 0.1 EURUSD limit at 1.05 a cross",
        ),
        ("accepted", {"intent": {"action": "close", "target": "a"}}, "close of a"),
        ("dispatched", {}, ""),
        (
            "reported",
            {"to": "filled", "volume_e8": 25_000_000, "price": 97_123.45},
            "filled 0.25 at 97123.45",
        ),
        ("reported", {"to": "rejected", "message": "no money"}, "rejected (no money)"),
        (
            "reported",
            {"to": "sending", "part": True, "position_ticket": 7, "volume_e8": 1e6, "price": 1.1},
            "position 7: 0.01 at 1.1",
        ),
        ("denied", {"code": "HALTED", "message": "trading is halted"}, "HALTED: trading is halted"),
    ],
)
def test_an_event_is_told_by_what_matters_of_it(
    type_: str, detail: dict[str, Any], words: str
) -> None:
    event = OrderEvent(seq=1, at_ms=0, mt5_account="1", type=type_, client_key="k", detail=detail)
    assert event_words(event) == words
