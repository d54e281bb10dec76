"""What the client repeats and what it does not, and how it reads a stream: a gateway's answers are
written beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from onefill.client import client as module
from onefill.client.client import Client
from onefill.client.errors import Invalid, TooMany, Unavailable
from onefill.client.events import Events
from onefill.client.wire import Answer
from onefill.contracts.rest import Fault

ORDER = json.dumps(
    {"mt5_account": "1", "client_key": "a", "intent_id": "i", "status": "filled"}
).encode()
GONE = Unavailable(Fault(code="GATEWAY_UNREACHABLE", message="gone"))
FAILED = Unavailable(Fault(code="INTERNAL", message="failed"), 500)
BUSY = TooMany(Fault(code="TOO_MANY_REQUESTS", message="busy"), 429, 3.0)
WRONG = Invalid(Fault(code="INVALID", message="wrong", field="volume"), 422)


class Script:
    """Answers calls in order; remembers what was asked."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, bytes | None, float]] = []

    def call(self, method: str, path: str, body: bytes | None, patience_s: float) -> Answer:
        self.asked.append((method, path, body, patience_s))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(module, "pause", taken.append)
    return taken


def _client(script: Script) -> Client:
    made = Client(key="k")
    made._wire = script  # type: ignore[assignment]
    return made


def _decide(client: Client) -> Any:
    return client.decide(client_key="a", mt5_account="1", action="close_all", wait=5)


def test_a_decision_is_repeated_word_for_word_with_longer_pauses(pauses: list[float]) -> None:
    script = Script(GONE, FAILED, GONE, Answer(200, ORDER))
    assert _decide(_client(script)).client_key == "a"
    assert len(script.asked) == 4
    assert len(set(script.asked)) == 1
    assert script.asked[0][1] == "/v1/decisions?wait=5"
    assert script.asked[0][3] == 5
    assert pauses[0] < pauses[1] < pauses[2]


def test_it_gives_up_and_says_what_was_wrong_last(pauses: list[float]) -> None:
    script = Script(*[GONE] * 9)
    with pytest.raises(Unavailable):
        _decide(_client(script))
    assert len(script.asked) == module.ATTEMPTS


def test_a_mistake_is_not_repeated(pauses: list[float]) -> None:
    script = Script(WRONG)
    with pytest.raises(Invalid):
        _decide(_client(script))
    assert (len(script.asked), pauses) == (1, [])


@pytest.mark.parametrize(
    "what",
    [
        lambda client: client.cancel("a", account="1"),
        lambda client: client.resolve("a", "filled", reason="r", account="1"),
        lambda client: client.resume(reason="r", id="h"),
    ],
)
def test_what_is_not_safe_to_repeat_is_not_repeated(
    what: Callable[[Client], object], pauses: list[float]
) -> None:
    script = Script(GONE)
    with pytest.raises(Unavailable):
        what(_client(script))
    assert len(script.asked) == 1


def test_who_is_turned_away_at_the_door_comes_back_when_told(pauses: list[float]) -> None:
    script = Script(BUSY, Answer(200, ORDER))
    _client(script).cancel("a", account="1")
    assert pauses == [3.0]


def test_a_cancel_that_waits_is_given_the_time_for_it(pauses: list[float]) -> None:
    script = Script(Answer(202, ORDER), Answer(200, ORDER))
    client = _client(script)
    client.cancel("a", account="1")
    client.cancel("a", account="1", wait=2.5)
    assert [(path, patience_s) for _, path, _, patience_s in script.asked] == [
        ("/v1/orders/a/cancel?account=1", 0.0),
        ("/v1/orders/a/cancel?account=1&wait=2.5", 2.5),
    ]


def test_ids_and_filters_are_quoted(pauses: list[float]) -> None:
    script = Script(Answer(200, ORDER), Answer(200, b'{"orders": []}'))
    client = _client(script)
    client.order("a/b c?", account="ü&")
    assert script.asked[0][1] == "/v1/orders/a%2Fb%20c%3F?account=%C3%BC%26"
    assert list(client.orders(state="filled", strategy=None)) == []
    assert script.asked[1][1] == "/v1/orders?state=filled"
    misspelt: Any = {"acount": "1"}
    with pytest.raises(TypeError, match="acount"):
        client.orders_page(**misspelt)
    assert len(script.asked) == 2


class Lines:
    """A stream that was written beforehand."""

    def __init__(self, text: bytes) -> None:
        self._lines: Iterable[bytes] = iter(text.splitlines(keepends=True))

    def line(self, most: int) -> bytes:
        return next(iter(self._lines), b"")

    def close(self) -> None:
        return None


class Streams:
    """Streams one after the other; remembers from where each was asked for."""

    def __init__(self, *texts: bytes) -> None:
        self.texts = list(texts)
        self.asked: list[str | None] = []

    def open_stream(self, path: str, headers: dict[str, str], patience_s: float) -> Any:
        self.asked.append(headers.get("Last-Event-ID"))
        if not self.texts:
            raise WRONG
        return Lines(self.texts.pop(0))


def _event(seq: int) -> bytes:
    told = {"seq": seq, "at_ms": 1, "mt5_account": "1", "type": "accepted"}
    return b"id: %d\nevent: accepted\ndata: %s\n\n" % (seq, json.dumps(told).encode())


def _heard(streams: Streams, after: int | None) -> list[int]:
    events = Events(streams, lambda attempt: None, after=after, account=None)  # type: ignore[arg-type]
    heard: list[int] = []
    with pytest.raises(Invalid):  # what the script ends with
        heard.extend(event.seq for event in events)
    return heard


@pytest.mark.parametrize("cut", range(160))
def test_a_stream_cut_anywhere_goes_on_with_nothing_lost_and_nothing_twice(cut: int) -> None:
    whole = b": alive\nid: 0\n\n" + _event(1) + _event(2)
    streams = Streams(whole[:cut], *[whole, _event(2) + _event(5)])
    assert _heard(streams, 0) == [1, 2, 5]


def test_a_heartbeat_moves_the_place_on() -> None:
    streams = Streams(_event(3) + b": alive\nid: 9\n\n", _event(12))
    assert _heard(streams, None) == [3, 12]
    assert streams.asked == [None, "9", "12"]


def test_a_heartbeat_that_was_cut_moves_nothing() -> None:
    streams = Streams(_event(3) + b": alive\nid: 9", _event(5))
    assert _heard(streams, None) == [3, 5]
