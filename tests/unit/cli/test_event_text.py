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
        (
            "accepted",
            {
                "intent": {
                    "action": "open",
                    "side": "buy",
                    "units": 2500,
                    "symbol": "EURUSD",
                    "order_type": "stop_limit",
                    "price": 1.2,
                    "stop_limit_price": 1.19,
                }
            },
            "open buy 2500 units EURUSD stop_limit at 1.2 then 1.19",
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
            {"to": "denied", "through": ["accepted"], "code": "NO_QUOTE", "message": "no quote"},
            "denied (NO_QUOTE: no quote)",
        ),
        (
            "reported",
            {"to": "cancelled", "volume_e8": 5e6, "price": 1.1, "message": "cancelled"},
            "cancelled, 0.05 at 1.1 had filled (cancelled)",
        ),
        (
            "reported",
            {"to": "partially_filled", "volume_e8": 5e6, "price": 1.1},
            "partially_filled 0.05 at 1.1",
        ),
        (
            "reported",
            {"to": "unknown", "code": "OUTCOME_UNKNOWN", "message": "is looked up"},
            "unknown (OUTCOME_UNKNOWN: is looked up)",
        ),
        (
            "reported",
            {"to": "filled", "late": True, "volume_e8": 1e7, "price": 1.1},
            "late: filled 0.1 at 1.1",
        ),
        (
            "reported",
            {"to": "not_executed", "by": "olga", "code": "SETTLED", "message": "not there"},
            "not_executed by olga (SETTLED: not there)",
        ),
        ("reported", {"to": "filled", "part": True, "sequence": 4}, "filled, told again"),
        (
            "reported",
            {"to": "sending", "part": True, "position_ticket": 7, "message": "market closed"},
            "position 7: not closed (market closed)",
        ),
        (
            "moved",
            {"to": "expired", "code": "EXPIRED", "message": "the order expired unsent"},
            "expired (the order expired unsent)",
        ),
        ("moved", {"to": "done", "evidence": "unsent"}, "done"),
        (
            "moved",
            {"to": "accepted", "evidence": "never left"},
            "waits again, was not handed over",
        ),
        ("reopened", {"why": "late: the client told FILLED"}, "late: the client told FILLED"),
        ("accepted", {"intent": {"action": "cancel", "target_order": 7}}, "cancel of 7"),
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
