"""What a session says of itself: why nothing may be sent, in the terminal's own words."""

from __future__ import annotations

from onefill.terminal.port import Reply
from tests.unit.channels.local.desk import Desk

INVESTOR = "the account may not trade: the password is the investor's, which only looks"
CLOCK = "the broker's clock is not known"


def look_again(desk: Desk) -> None:
    """As its next heartbeat does."""
    desk.pool.loop.ask(desk.session().start())


def test_why_a_terminal_may_not_trade_is_what_it_says_itself(desk: Desk) -> None:
    terminal = desk.terminal()
    assert desk.session().why_not_trading == ""
    terminal.change("ready", trade_allowed=False)
    terminal.rules["troubles"] = lambda request, really: Reply((INVESTOR, CLOCK))
    for _ in range(2):
        look_again(desk)

    assert desk.session().usable
    assert desk.session().why_not_trading == f"{INVESTOR}; {CLOCK}"
    assert desk.log().count(f"NOT_TRADING: {INVESTOR}; {CLOCK}") == 1

    del terminal.rules["ready"]
    look_again(desk)
    assert desk.session().why_not_trading == ""


def test_a_terminal_that_does_not_say_why_is_told_so(desk: Desk) -> None:
    terminal = desk.terminal()
    terminal.change("ready", synchronised=False)
    terminal.rules["troubles"] = lambda request, really: Reply(None, (-10005, "IPC timeout"))
    look_again(desk)

    assert desk.session().why_not_trading == "the terminal may not trade, and does not say why"


def test_nothing_is_asked_of_a_terminal_that_may_trade_or_is_not_there(desk: Desk) -> None:
    terminal = desk.terminal()
    look_again(desk)
    terminal.change("ready", connected=False, trade_allowed=False)
    look_again(desk)

    assert "troubles" not in [one.name for one in terminal.asked]
    assert desk.session().why_not_trading == "the terminal is not connected to its broker"


def test_another_account_is_refused_before_its_money_is_looked_at(desk: Desk) -> None:
    terminal = desk.terminal()
    terminal.change("ready", login=7)
    look_again(desk)
    terminal.asked.clear()
    refused = desk.engine.place("EURUSD", 1, 10_000)

    assert (refused.status, refused.rejection_reason) == ("rejected", "network_error")
    assert "logged in as 7" in (refused.rejection_details or "")
    assert not {"look", "order_send"} & {one.name for one in terminal.asked}


def test_a_circuit_that_opened_is_why_it_cannot_be_used(desk: Desk) -> None:
    desk.pool.connect()
    desk.session()._heard("WORKER_DIED", "it died")
    desk.session()._heard("WORKER_CIRCUIT_OPEN", "nothing is tried for 60 s")
    trouble = desk.session().why_not_trading
    look_again(desk)

    assert trouble == "nothing is tried for 60 s"
    assert desk.session().usable
