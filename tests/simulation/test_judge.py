"""A judge that never complains is worth nothing: evidence is spoilt, and it must speak."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from tests.simulation.judge import judge_cut, judge_end
from tests.simulation.processes import Nursery
from tests.simulation.scenario import FAULTY
from tests.simulation.sweep import lines_of, request
from tests.simulation.witnesses import Book, Chronicle, Json, read_book, read_chronicle

assert sys.platform != "win32", "there is no SIGKILL to die of"


@dataclass
class Evidence:
    """What a run left, to be spoilt."""

    book: Book
    told: Chronicle
    heard: list[Json]
    answers: list[Json]
    summary: Json

    def judged(self) -> list[str]:
        return judge_end(self.book, self.told, self.heard, self.answers, self.summary)

    def answer(self, key: str) -> Json:
        return next(one for one in self.answers if one["client_key"] == key)

    def filled(self) -> Json:
        """A market order's deal."""
        order = self.answer("m1")["order_ticket"]
        return next(deal for deal in self.book.deals.values() if deal["order"] == order)


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """A real run of the faulty scenario, with nothing wrong in it."""
    home = tmp_path_factory.mktemp("run")
    with Nursery() as nursery:
        plan = FAULTY.write(home)
        assert nursery.start(request(plan, home)).wait() == 0
        words = ("journal", "export", str(home / "journal"), "--format", "jsonl")
        status, text = nursery.command(*words, folder=home)
    assert status == 0
    answers = [json.loads(line) for line in lines_of(home / "out")]
    return Evidence(
        book=read_book(home / "journal" / "broker.log"),
        told=read_chronicle(text.splitlines()),
        heard=[json.loads(line) for line in lines_of(home / "told")],
        summary=answers.pop()["summary"],
        answers=answers,
    )


@pytest.fixture
def evidence(left: Evidence) -> Evidence:
    return copy.deepcopy(left)


def test_nothing_is_said_of_a_run_in_which_nothing_is_wrong(evidence: Evidence) -> None:
    assert evidence.judged() == []


def sent_twice(one: Evidence) -> None:
    deal = one.filled()
    order = next(r for r in one.book.requests if r.get("order") == deal["order"])
    one.book.requests.append(order | {"order": 1_999_999})
    one.book.tokens[1_999_999] = one.book.token(deal["order"])
    one.book.orders[1_999_999] = one.book.orders[deal["order"]] | {"ticket": 1_999_999}
    one.book.deals[999] = deal | {"ticket": 999, "order": 1_999_999}


def too_much(one: Evidence) -> None:
    one.filled()["volume"] = Decimal("0.2")


def unrecorded(one: Evidence) -> None:
    one.told.lives["m1"].sends.clear()


def sent_late(one: Evidence) -> None:
    one.told.lives["m1"].intent["expires_at_ms"] = one.told.lives["m1"].sends[0]["at_ms"] - 1


def older_epoch(one: Evidence) -> None:
    one.told.epochs[0] = 7


def invented(one: Evidence) -> None:
    del one.book.deals[one.filled()["ticket"]]


def booked_twice(one: Evidence) -> None:
    one.told.booked.append(one.told.booked[0])


def booked_by_another(one: Evidence) -> None:
    deal, _, asked = one.told.booked[0]
    one.told.booked[0] = (deal, "m2" if one.told.booked[0][1] != "m2" else "m1", asked)


def booked_at_another_price(one: Evidence) -> None:
    one.told.booked[0][0]["price"] += Decimal("0.00001")


def not_booked(one: Evidence) -> None:
    one.told.booked.pop(0)


def acknowledged_and_lost(one: Evidence) -> None:
    one.heard.append({"key": "ghost", "state": "accepted", "final": False})


def final_and_changed(one: Evidence) -> None:
    one.heard.append({"key": "m1", "state": "rejected", "final": True})


def left_open(one: Evidence) -> None:
    one.told.lives["m1"].state = "sending"


def forgotten_at_the_broker(one: Evidence) -> None:
    one.told.lives["stays"].state = "cancelled"


def unanswered(one: Evidence) -> None:
    one.answers.remove(one.answer("m1"))


def answered_and_lost(one: Evidence) -> None:
    del one.told.lives["m1"]


def another_status(one: Evidence) -> None:
    one.answer("m1")["status"] = "rejected"


def another_price(one: Evidence) -> None:
    one.answer("m1")["fill_price"] += 0.00001


def another_volume(one: Evidence) -> None:
    one.answer("m1")["filled_volume"] = 0.05


def another_deal(one: Evidence) -> None:
    one.answer("m1")["deal_tickets"] = [999]


def another_order(one: Evidence) -> None:
    one.answer("m1")["order_ticket"] = 999


def denied_but_executed(one: Evidence) -> None:
    one.told.lives["m1"].state = one.answer("m1")["status"] = "not_executed"


def filled_in_part_only(one: Evidence) -> None:
    one.told.lives["m1"].asked_e8 *= 2


def never_carried_out(one: Evidence) -> None:
    one.book.requests = [r for r in one.book.requests if r["request"]["action"] != 6]


def another_balance(one: Evidence) -> None:
    one.summary["balance"] += 0.01


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (sent_twice, "m1: the broker has it 2 times"),
        (too_much, "m1: executed 20000000 of 10000000 asked"),
        (too_much, "but the decision said 0.1 lots"),
        (unrecorded, "which no SENDING record tells"),
        (sent_late, "but it expired at"),
        (older_epoch, "an older epoch sent after a newer one"),
        (invented, "is in the journal, but not at the broker"),
        (booked_twice, "is in the journal 2 times"),
        (booked_by_another, "belongs to"),
        (booked_at_another_price, "price is"),
        (not_booked, "is not in the journal"),
        (acknowledged_and_lost, "ghost: it was told accepted, but the journal has no such order"),
        (final_and_changed, "m1: it was told rejected, and is filled now"),
        (left_open, "m1: it was left sending"),
        (forgotten_at_the_broker, "stays: it is cancelled, but order"),
        (unanswered, "m1: it is in the journal, but nobody was answered"),
        (answered_and_lost, "m1: it was answered, but the journal has no such order"),
        (another_status, "m1: told rejected, in the journal filled"),
        (another_price, "m1: told a price of"),
        (another_volume, "m1: told a volume of 5000000"),
        (another_deal, "m1: told deals [999]"),
        (another_order, "m1: told order 999"),
        (denied_but_executed, "but the broker executed or has it"),
        (filled_in_part_only, "m1: it is filled with 10000000 of 20000000 executed"),
        (never_carried_out, "it is done, but the broker never carried it out"),
        (another_balance, "the summary has a balance of"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_spoilt_evidence_is_told(
    spoil: Callable[[Evidence], None], said: str, evidence: Evidence
) -> None:
    spoil(evidence)
    told = evidence.judged()
    assert any(said in breach for breach in told), told


def test_what_a_crash_tore_off_the_book_never_happened(evidence: Evidence, tmp_path: Path) -> None:
    path = tmp_path / "broker.log"
    whole = '{"what":"order","at_ms":1,"ticket":5,"state":1}\n{"what":"end","at_ms":1}\n'
    torn = '{"what":"order","at_ms":2,"ticket":6,"state":1}\n{"what":"de'
    path.write_text(whole + torn)
    assert list(read_book(path).orders) == [5]
    assert judge_cut(Book(), Chronicle(), []) == []
