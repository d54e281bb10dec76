"""Hours of trade: on the server's clock, over midnight, and what happens outside of them."""

from pathlib import Path

import pytest

from onefill.terminal.simulator.sessions import Sessions, sessions_of
from onefill.terminal.zone import ServerTime, parse_zone

from .stage import NOON, Quote, Stage, deal, pending, profile_with

HOUR = 3_600_000
ATHENS = ServerTime(parse_zone("Europe/Athens"))


def test_hours_are_those_of_the_servers_clock() -> None:
    sessions = Sessions(("Mon-Fri 10:00-11:00",), ATHENS)
    # NOON is in May: Athens is three hours ahead.
    assert sessions.is_open(NOON - 5 * HOUR)
    assert not sessions.is_open(NOON - 4 * HOUR)
    assert not sessions.is_open(NOON - 2 * HOUR)


def test_a_session_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    sessions = Sessions(("Sun-Thu 22:00-21:00",))
    friday_21 = NOON + 33 * HOUR
    assert sessions.is_open(friday_21 - 1)
    assert not sessions.is_open(friday_21)
    sunday_22 = NOON + 82 * HOUR
    assert not sessions.is_open(sunday_22 - 1)
    assert sessions.is_open(sunday_22)
    assert sessions.opens_ms(friday_21) == sunday_22
    assert not sessions.is_open(NOON + 9 * HOUR)


def test_no_opening_is_overlooked_when_the_clock_changes() -> None:
    # On 2014-03-30 Athens went from 03:00 to 04:00, at 01:00 UTC.
    sessions = Sessions(("Sun-Mon 03:30-23:00",), ATHENS)
    change = 1_396_141_200_000
    assert not sessions.is_open(change - 1)
    assert sessions.is_open(change)
    opens = sessions.opens_ms(change - 3 * HOUR)
    assert opens is not None
    assert opens <= change


def test_there_is_no_trade_before_the_first_day_and_after_the_last() -> None:
    sessions = sessions_of((), "2014-05-09", "2014-05-12", ATHENS)
    first = NOON + 9 * HOUR
    assert not sessions.is_open(first - 1)
    assert sessions.opens_ms(NOON) == first
    assert sessions.is_open(first)
    assert sessions.is_open(first + 96 * HOUR - 1)
    assert not sessions.is_open(first + 96 * HOUR)
    assert sessions.opens_ms(first + 96 * HOUR) is None


@pytest.mark.parametrize(
    "text", ["Mon", "Mon 10:00", "Mon 10:00-25:00", "Mon 10:60-11:00", "Xxx 10:00-11:00"]
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="session"):
        Sessions((text,))


QUOTES: list[Quote] = [
    (0, 138_000, 138_010),
    (120_000, 136_000, 136_010),
    (HOUR + 1, 136_500, 136_510),
    (HOUR + 2, 136_600, 136_610),
]


def test_ticks_outside_of_sessions_trigger_nothing_and_a_gap_fills_at_the_open(
    tmp_path: Path,
) -> None:
    toml = "[symbols.EURUSD]\nsessions = ['Mon-Fri 00:00-12:01', 'Mon-Fri 13:00-24:00']\n"
    stage = Stage(QUOTES, profile=profile_with(tmp_path, toml))
    ticket = stage.opened(deal(0, sl=1.37), at=10)
    order = stage.opened(pending(5, 1.375))
    assert stage.send(deal(0), at=60_000).retcode == 10018
    stage.run(HOUR)
    assert len(stage.ask("positions_get")) == 1
    stage.run(HOUR + 1)
    closing = stage.ask("history_deals_get", position=ticket)[1]
    assert (closing.price, closing.time_ms, closing.comment) == (
        1.365,
        NOON + HOUR + 1,
        "[sl 1.37000]",
    )
    [opened] = stage.ask("history_deals_get", ticket=order)
    assert opened.price == 1.365
