"""The calling form of `order_send`: found by trying, and nothing reaches the broker twice."""

from __future__ import annotations

import pytest

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.metatrader.sending import Sender
from onefill.terminal.port import Reply
from tests.unit.terminal.metatrader.fake import NOT_UNNAMED, T0, FakeModule, Hall, with_clock

BUY = BrokerRequest(action=port.ACTION_DEAL, symbol="EURUSD", volume=0.1, type_filling=1)
FORMS = ["dict", "keywords", "no keywords", "either"]


@pytest.mark.parametrize("form", FORMS)
def test_each_send_reaches_the_broker_once_whatever_form_the_module_takes(form: str) -> None:
    hall = Hall(FakeModule(form))

    replies = [hall.call("order_send", request=BUY) for _ in range(3)]

    assert [reply.value.order for reply in replies] == [8, 8, 8]
    assert len(hall.module.sent) == 3
    assert hall.module.called.count("order_send") == (4 if form == "keywords" else 3)


def test_a_module_that_changes_its_mind_is_followed() -> None:
    module = FakeModule("dict")
    sender = Sender(module)
    sender("order_send", {"action": 1})
    module.form = "keywords"

    assert sender("order_send", {"action": 1}).value is not None
    assert len(module.sent) == 2


def test_what_one_function_takes_is_tried_first_with_the_other() -> None:
    module = FakeModule("keywords")
    sender = Sender(module)
    sender("order_check", {"action": 1})
    module.called.clear()
    sender("order_send", {"action": 1})

    assert module.called == ["order_send"]


@pytest.mark.parametrize("form", FORMS)
def test_an_error_that_is_no_refusal_of_the_form_is_not_tried_again(form: str) -> None:
    hall = Hall(FakeModule(form))
    hall.call("order_send", request=BUY)
    hall.module.sent.clear()
    hall.module.errors["order_send"] = (-10005, "IPC timeout")

    reply = hall.call("order_send", request=BUY)

    assert reply == Reply(None, (-10005, "IPC timeout"))
    assert len(hall.module.sent) == 1


def test_a_module_that_takes_neither_form_is_told_as_it_says_and_nothing_was_sent() -> None:
    module = FakeModule("neither")

    assert Sender(module)("order_send", {"action": 1}) == Reply(None, NOT_UNNAMED)
    assert module.sent == []


def test_the_gate_is_looked_at_immediately_before_every_call_of_the_function() -> None:
    hall = Hall(FakeModule("keywords"))
    seen: list[int] = []

    def gate() -> Reply | None:
        seen.append(len(hall.module.called))
        return None

    hall.call("order_send", gate, request=BUY)

    calls = [place for place, name in enumerate(hall.module.called) if name == "order_send"]
    assert seen == calls
    assert len(calls) == 2


def test_a_gate_that_has_closed_in_between_lets_nothing_through() -> None:
    hall = Hall(FakeModule("keywords"))
    answers = iter([None, Reply(None, (port.STALE_EPOCH, "stale"))])

    reply = hall.call("order_send", lambda: next(answers), request=BUY)

    assert reply.error[0] == port.STALE_EPOCH
    assert hall.module.sent == []


def test_a_terminal_on_another_account_is_sent_nothing() -> None:
    hall = Hall(FakeModule())
    hall.module.account.login += 1

    reply = hall.call("order_send", request=BUY)

    assert reply.error[0] == port.NO_WORKER
    assert "nothing was sent" in reply.error[1]
    assert hall.module.sent == []


def test_a_terminal_that_does_not_tell_its_account_is_sent_nothing() -> None:
    hall = Hall(FakeModule())
    hall.module.errors["account_info"] = (-10004, "No IPC connection")

    assert hall.call("order_send", request=BUY).error[0] == port.NO_WORKER
    assert hall.module.sent == []


def test_fields_are_mt5s_and_the_expiration_is_the_servers_whole_second() -> None:
    hall = with_clock()
    hall.call(
        "order_send",
        request=BrokerRequest(
            action=port.ACTION_PENDING, symbol="EURUSD", volume=0.1, price=1.05,
            type=port.TYPE_BUY_LIMIT, type_filling=port.FILLING_RETURN,
            type_time=port.TIME_SPECIFIED, expiration_ms=T0 + 3_600_999, comment="token",
        ),
    )  # fmt: skip

    assert hall.module.sent == [
        {
            "action": 5, "symbol": "EURUSD", "volume": 0.1, "price": 1.05, "type": 2,
            "type_filling": 2, "type_time": 2, "comment": "token",
            "expiration": (T0 + 7_200_000 + 3_600_000) // 1_000,
        }
    ]  # fmt: skip


def test_a_buy_and_all_or_nothing_are_named_though_they_are_zero() -> None:
    hall = Hall(FakeModule())
    hall.call("order_send", request=BrokerRequest(action=1, symbol="EURUSD", volume=0.1))

    assert hall.module.sent == [
        {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 0}
    ]


def test_no_expiration_is_sent_while_the_brokers_clock_is_not_known() -> None:
    hall = Hall(FakeModule())
    pending = BrokerRequest(action=5, symbol="EURUSD", volume=0.1, price=1.0, expiration_ms=T0)

    reply = hall.call("order_send", request=pending)

    assert (reply.error[0], hall.module.sent) == (-2, [])
