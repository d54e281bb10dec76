"""The broker's book: what is in it survives, what is torn off never happened."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from onefill.model.errors import OnefillError
from onefill.terminal.port import Request
from onefill.terminal.simulator.book import read_book
from onefill.terminal.simulator.terminal import SimulatedTerminal

from .stage import NOON, Quote, Stage, deal, pending, profile_with

QUOTES: list[Quote] = [(0, 138_000, 138_010), (1_000, 137_000, 137_010), (2_000, 138_500, 138_510)]


def lines(book: Path) -> list[dict[str, Any]]:
    """As a judge reads it."""
    return [json.loads(line) for line in book.read_text(encoding="utf-8").splitlines()]


def snapshot(terminal: SimulatedTerminal) -> tuple[Any, ...]:
    """Everything that the terminal shows."""
    names = ("account_info", "orders_get", "positions_get", "ready")
    calls = [Request(name, {}) for name in names] + [Request("changes", {"cursor": 0})]
    return tuple(terminal.call(call, terminal.now_ms) for call in calls)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "broker.log"


def test_every_line_says_what_happened_and_when(book: Path) -> None:
    stage = Stage(QUOTES, book=book)
    stage.send(deal(0, sl=1.375, comment="token"), at=10)
    told = lines(book)
    assert [line["what"] for line in told] == [
        "account", "deal", "end", "request", "order", "deal", "position", "end",
    ]  # fmt: skip
    assert all(line["at_ms"] == NOON + 10 for line in told[3:])
    request = told[3]
    assert (request["retcode"], request["request"]["comment"]) == (10009, "token")
    assert told[4]["ticket"] == request["order"] == told[5]["order"] == told[6]["ticket"]


def test_a_refused_request_is_in_the_book_and_nothing_else(book: Path) -> None:
    stage = Stage(QUOTES, book=book)
    stage.send(deal(0, 0.001), at=10)
    assert [(line["what"], line.get("retcode")) for line in lines(book)[3:]] == [
        ("request", 10014),
        ("end", None),
    ]


def test_what_a_tick_did_is_written_before_anybody_can_see_it(book: Path) -> None:
    stage = Stage(QUOTES, book=book)
    stage.send(deal(0, sl=1.375), at=10)
    assert stage.advance(5_000) == 1_000
    assert [line["what"] for line in lines(book)[-4:]] == ["order", "deal", "position", "end"]
    assert lines(book)[-2]["volume"] == 0.0


def test_a_broker_that_starts_again_is_where_it_was(book: Path) -> None:
    stage = Stage(QUOTES, book=book)
    stage.send(deal(0, sl=1.36), at=10)
    stage.send(pending(3, 1.384, type_time=2, expiration_ms=NOON + 1_500))
    stage.send(pending(2, 1.371))
    stage.run(1_200)
    before = snapshot(stage.terminal)
    stage.terminal.close()
    again = Stage(QUOTES, book=book)
    assert again.now == 1_000
    again.run(1_200)
    assert snapshot(again.terminal) == before
    assert again.advance(9_000) == 1_500
    assert again.send(deal(0)).order == stage.ask("ready").last_ticket + 1


def test_a_torn_tail_never_happened(book: Path) -> None:
    stage = Stage(QUOTES, book=book)
    stage.send(deal(0), at=10)
    before, complete = snapshot(stage.terminal), book.read_bytes()
    stage.send(deal(1), at=20)
    stage.terminal.close()
    whole = book.read_bytes()
    for length in range(len(complete), len(whole), 7):
        book.write_bytes(whole[:length])
        again = Stage(QUOTES, book=book)
        again.advance(10)
        assert snapshot(again.terminal) == before
        again.terminal.close()
        assert book.read_bytes() == complete


def test_a_line_that_is_none_is_told_with_its_place(book: Path) -> None:
    Stage(QUOTES, book=book).terminal.close()
    length = book.stat().st_size
    with book.open("ab") as file:
        file.write(b'{"what":"gift"}\n{"what":"end","at_ms":1}\n')
    with pytest.raises(OnefillError, match=f"byte {length}") as caught:
        Stage(QUOTES, book=book)
    assert caught.value.code == "BOOK_BROKEN"


def test_a_book_of_another_version_is_refused(book: Path) -> None:
    Stage(QUOTES, book=book).terminal.close()
    book.write_bytes(book.read_bytes().replace(b'"version":2', b'"version":3'))
    with pytest.raises(OnefillError, match="version") as caught:
        Stage(QUOTES, book=book)
    assert caught.value.code == "BOOK_BROKEN"


def test_a_book_of_another_account_is_refused(book: Path, tmp_path: Path) -> None:
    Stage(QUOTES, book=book).terminal.close()
    others: list[dict[str, Any]] = [
        {"currency": "EUR"},
        {"leverage": 50},
        {"balance": 5_000.0},
        {"profile": profile_with(tmp_path, "[broker]\nserver = 'Other'\n")},
    ]
    for other in others:
        with pytest.raises(OnefillError, match="another account") as caught:
            Stage(QUOTES, book=book, **other)
        assert caught.value.code == "BOOK_OF_ANOTHER_RUN"


def test_a_book_with_positions_in_symbols_without_ticks_is_refused(book: Path) -> None:
    both: dict[str, list[Quote]] = {"EURUSD": QUOTES, "GBPUSD": QUOTES}
    stage = Stage(both, book=book)
    stage.send(deal(0, symbol="GBPUSD"), at=10)
    stage.terminal.close()
    with pytest.raises(OnefillError, match="GBPUSD") as caught:
        Stage(QUOTES, book=book)
    assert caught.value.code == "BOOK_OF_ANOTHER_RUN"


def test_a_path_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(OnefillError) as caught:
        Stage(QUOTES, book=tmp_path)
    assert caught.value.code == "BOOK_UNREADABLE"


def test_a_full_disk_leaves_the_book_whole(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(QUOTES, book=book)
    complete = book.read_bytes()
    real_write = os.write

    def full(file: int, content: bytes) -> int:
        if len(content) > 50:
            return real_write(file, content[:50])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", lambda file, content: full(file, content[:60]))
    with pytest.raises(OnefillError, match="No space") as caught:
        stage.send(deal(0), at=10)
    assert caught.value.code == "BOOK_UNWRITABLE"
    assert book.read_bytes() == complete


def test_the_book_can_be_read_beside_the_broker(book: Path) -> None:
    stage = Stage(QUOTES, book=book)
    stage.send(deal(0), at=10)
    kinds = [type(entry).__name__ for entry in read_book(book)]
    assert kinds == ["AccountOpened", "Dealt", "Requested", "Ordered", "Dealt", "Held"]


def test_without_a_path_nothing_is_written(tmp_path: Path) -> None:
    stage = Stage(QUOTES)
    stage.send(deal(0), at=10)
    stage.terminal.close()
    assert list(tmp_path.iterdir()) == []
