"""The judge of an account that several engines traded on: the broker's own book against the
journals and against what callers were told."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from onefill.channels.local.database import ExecutionDatabase
from tests.simulation.judge import judge_end
from tests.simulation.witnesses import (
    Book,
    Chronicle,
    Json,
    Life,
    comment,
    lots_e8,
    read_book,
    read_chronicle,
)

_NEVER = frozenset({"denied", "rejected", "not_executed", "expired", "cancelled"})


def breaches_of(
    book_file: Path,
    journal: Path,
    account: str,
    answers: Mapping[str, list[Json]],
    rivals: list[Path],
) -> tuple[list[str], Counter[str]]:
    """What does not hold, and the engine's orders by the state they ended in. `rivals` are the
    journals of others who traded on the account for an order."""
    book = read_book(book_file)
    told: list[str] = []
    others: set[str] = set()
    for rival in rivals:
        chronicle = _chronicle(rival, account)
        tokens = {life.token for life in chronicle.lives.values()}
        others |= tokens
        told += _judged(book, _part(book, tokens), chronicle, rival, account)
    chronicle = _chronicle(journal, account)
    own = _part(book, {book.token(ticket) for ticket in book.orders} - others)
    told += _judged(book, own, chronicle, journal, account)
    told += _told(own, chronicle, answers)
    told += _verified(journal)
    return told, Counter(life.state for life in chronicle.lives.values())


def _judged(whole: Book, book: Book, told: Chronicle, journal: Path, account: str) -> list[str]:
    """The judge of the kill sweeps, on what is this engine's in the book; the deals of others are
    in its journal too, and are theirs."""
    theirs = whole.deals.keys() - book.deals.keys()
    own = replace(told, booked=[one for one in told.booked if one[0]["ticket"] not in theirs])
    return judge_end(book, own, [], _answers(journal, account, own), {"balance": book.balance})


def _answers(journal: Path, account: str, told: Chronicle) -> list[Json]:
    """Every order's answer as the next engine over the journal would give it."""
    database = ExecutionDatabase(journal)
    database.open()
    try:
        found = [database.find(account, key) for key in told.lives]
    finally:
        database.close()
    return [one for one in found if one is not None]


def _part(book: Book, tokens: set[str]) -> Book:
    """What some tokens' orders made of a book."""
    orders = {ticket: row for ticket, row in book.orders.items() if book.token(ticket) in tokens}
    return replace(
        book,
        requests=[one for one in book.requests if comment(one["request"])[:16] in tokens],
        orders=orders,
        deals={ticket: deal for ticket, deal in book.deals.items() if deal["order"] in orders},
    )


def _told(book: Book, chronicle: Chronicle, answers: Mapping[str, list[Json]]) -> Iterator[str]:
    """What callers were told, as often as they asked, is what the broker's book says."""
    for order_id, given in answers.items():
        life = chronicle.lives.get(order_id)
        outcomes = {(one["status"], one["ticket"]) for one in given if one["status"] != "error"}
        if len(outcomes) > 1 and not (life and life.reopened):
            yield f"{order_id}: it was told {outcomes}"
        for one in given:
            if one["status"] == "filled":
                yield from _filled(book, life, one)
            elif one["status"] == "rejected" and life is not None and life.state not in _NEVER:
                yield f"{order_id}: it was told rejected, and is {life.state}"


def _filled(book: Book, life: Life | None, answer: Json) -> Iterator[str]:
    order = book.orders.get(answer["ticket"])
    if life is None or order is None or book.token(order["ticket"]) != life.token:
        yield f"{answer['order_id']}: told order {answer['ticket']}, which is not its own"
        return
    executed = sum(lots_e8(deal["volume"]) for deal in book.deals_of([order]))
    if executed != lots_e8(answer["volume_lots"]):
        yield f"{answer['order_id']}: told {answer['volume_lots']} lots, the broker has {executed}"


def _chronicle(journal: Path, account: str) -> Chronicle:
    status, text = _onefill("journal", "export", str(journal), "--format", "jsonl")
    assert status == 0, text
    return read_chronicle(line for line in text.splitlines() if f'"{account}"' in line)


def _verified(journal: Path) -> list[str]:
    status, text = _onefill("journal", "verify", str(journal))
    return [f"journal verify: {text}"] if status else []


def _onefill(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "onefill", *words], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout
