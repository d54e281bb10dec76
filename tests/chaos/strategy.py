"""A trading engine of the tests: seeded decisions for one account, through `onefill.Client`, which
it repeats until the gateway has answered, and what it was told of each."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from onefill.client.client import Client
from onefill.client.errors import CallFailed, Conflict, Unavailable
from onefill.client.fields import Decision
from onefill.contracts import rest
from tests.chaos.machine import real_ms

Told = dict[str, Any]
_PATIENCE_S = 120.0
_BATCH = 6
FAR = 0.8
"""A limit so far below the market is never reached."""


class Strategy:
    """One account's; `trade` is for a thread of its own."""

    def __init__(self, client: Client, account: str, seed: int) -> None:
        self.account = account
        #: Every answer that acknowledged a decision, by its key.
        self.acknowledged: dict[str, list[rest.Order]] = {}
        self.breaches: list[str] = []
        self.asked: Counter[str] = Counter()
        #: Whose clock decisions expire by, and how long they live.
        self.now_ms: Callable[[], int] = real_ms
        self.lives_ms = range(5_000, 60_000)
        self._client = client
        self._draw = random.Random(f"{seed}/{account}")
        self._said: dict[str, Told] = {}
        self._opened: list[str] = []
        self._pending: list[str] = []
        self._number = 0

    def trade(self, least: int, pause_s: float, over: threading.Event) -> None:
        """Until it is over, and at least so many decisions, with drawn pauses between."""
        while len(self._said) < least or not over.is_set():
            self.step()
            time.sleep(pause_s * self._draw.random() * 2)

    def decide_up_to(self, decisions: int) -> None:
        """Until there are so many, without a pause."""
        while len(self._said) < decisions:
            self.step()

    def step(self) -> None:
        """One thing that a trading engine may do."""
        kinds = (self.open, self.close, self.place, self.modify, self.cancel, self.take_back)
        more = (self.repeat, self.reuse, self.batch, self.close_all)
        weights = (40, 12, 10, 5, 5, 5, 4, 2, 4, 1)
        self._draw.choices((*kinds, *more), weights)[0]()

    def open(self) -> None:
        """A market order; some expire within moments."""
        self._opened.append(self._decide("open", self._open()))

    def close(self) -> None:
        """Of a position that an earlier order opens, or may have opened."""
        if self._opened:
            target = self._opened.pop(self._draw.randrange(len(self._opened)))
            self._decide("close", {"action": "close", "target": target})

    def close_all(self) -> None:
        """Whatever is open by then."""
        self._decide("close_all", {"action": "close_all"})

    def place(self) -> None:
        """A pending order that nothing will fill."""
        self._pending.append(self._decide("place", {
            "action": "open", "symbol": "EURUSD", "side": "buy", "order_type": "limit",
            "price": round(FAR + self._draw.random() / 10, 5), **self._size(),
        }))  # fmt: skip

    def modify(self) -> None:
        """Another price for a pending order."""
        if self._pending:
            target = self._draw.choice(self._pending)
            price = round(FAR + self._draw.random() / 10, 5)
            self._decide("modify", {"action": "modify", "target": target, "price": price})

    def cancel(self) -> None:
        """A decision to cancel a pending order."""
        if self._pending:
            target = self._pending.pop(self._draw.randrange(len(self._pending)))
            self._decide("cancel", {"action": "cancel", "target": target})

    def take_back(self) -> None:
        """The same by the order's own door."""
        if self._pending:
            target = self._pending.pop(self._draw.randrange(len(self._pending)))
            self._until_answered(lambda: self._client.cancel(target, account=self.account))
            self.asked["take back"] += 1

    def repeat(self) -> None:
        """A decision that was taken before, word by word."""
        if self._said:
            key = self._draw.choice(list(self._said))
            self.asked["repeat"] += 1
            self._send(self._said[key])

    def reuse(self) -> None:
        """A known key for another order."""
        if not self._opened:
            return
        said = {**self._said[self._opened[-1]], "volume": 0.77}
        self.asked["reuse"] += 1
        try:
            self._until_answered(lambda: self._client.decide(**said))
        except Conflict as refused:
            if refused.code != "KEY_REUSED":
                self.breaches.append(f"{said['client_key']}: reused, and told {refused}")
        else:
            self.breaches.append(f"{said['client_key']}: another order was taken under its key")

    def batch(self) -> None:
        """Several at once."""
        many = [self._said_as(self._open()) for _ in range(_BATCH)]
        self.asked["batch"] += 1
        answers = self._until_answered(lambda: self._client.decide_all(cast(list[Decision], many)))
        for said, answer in zip(many, answers, strict=True):
            assert answer.order is not None, (said, answer.error)
            self._hear(answer.order)
            self._opened.append(said["client_key"])

    def _open(self) -> Told:
        told: Told = {
            "action": "open", "symbol": "EURUSD", "side": self._draw.choice(("buy", "sell")),
            "confidence_score": 0.9, **self._size(),
        }  # fmt: skip
        lives = self._draw.random()
        if lives < 0.15:
            told["expires_at"] = self.now_ms() + self._draw.randrange(30, 1_500)
        elif lives < 0.6:
            told["expires_at"] = self.now_ms() + self._draw.choice(self.lives_ms)
        return told

    def _size(self) -> Told:
        return {
            "volume": self._draw.randrange(1, 50) / 100,
            "magic": self._draw.randrange(1, 5),
        }

    def _decide(self, kind: str, told: Told) -> str:
        said = self._said_as(told)
        self.asked[kind] += 1
        self._send(said)
        key: str = said["client_key"]
        return key

    def _said_as(self, told: Told) -> Told:
        self._number += 1
        key = f"{self.account}-{self._number}"
        said = {"client_key": key, "mt5_account": self.account, "auto_execute": True, **told}
        self._said[key] = said
        return said

    def _send(self, said: Told) -> None:
        self._hear(self._until_answered(lambda: self._client.decide(**said)))

    def _hear(self, order: rest.Order) -> None:
        before = self.acknowledged.setdefault(order.client_key, [])
        if before and before[0].intent_id != order.intent_id:
            self.breaches.append(f"{order.client_key}: acknowledged as two orders")
        before.append(order)

    def _until_answered(self, call: Callable[[], Any]) -> Any:
        """What is not known to have been heard is said again."""
        give_up = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return call()
            except Unavailable as away:
                if time.monotonic() > give_up:
                    raise AssertionError(f"the gateway does not come back: {away}") from away
            except CallFailed:
                raise
