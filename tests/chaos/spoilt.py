"""Ways to spoil the evidence of a run in which nothing was wrong: at each the judge must speak."""

from __future__ import annotations

import copy
from collections.abc import Callable

from tests.chaos.evidence import Evidence
from tests.chaos.verdict import breaches_in, straight_orders
from tests.simulation.witnesses import comment


def silent_at(left: Evidence) -> list[str]:
    """The ways at which the judge says nothing."""
    silent = []
    for name, (spoil, words) in SPOILT.items():
        spoilt = copy.deepcopy(left)
        spoil(spoilt)
        told = breaches_in(spoilt)
        if not any(words in breach for breach in told):
            silent.append(f"{name}: {told[:3]}")
    return silent


def _filled(left: Evidence) -> str:
    """A market order that was sent once, and filled."""
    return next(
        key
        for key, life in left.chronicle.lives.items()
        if life.action == "open" and life.state == "filled" and len(life.sends) == 1
    )


def _sent_twice(left: Evidence) -> None:
    token = left.chronicle.lives[_filled(left)].token
    left.book.requests.append(copy.deepcopy(left.book.requests_of(token)[-1]))


def _sent_late(left: Evidence) -> None:
    life = left.chronicle.lives[_filled(left)]
    life.intent["expires_at_ms"] = left.book.requests_of(life.token)[0]["at_ms"] - 60_000


def _sent_in_another_order(left: Evidence) -> None:
    one, other = straight_orders(left)[:2]
    heard = left.book.heard
    tokens = [comment(request["request"])[:16] for request in heard]
    first, second = (tokens.index(left.chronicle.lives[key].token) for key in (one, other))
    heard[first], heard[second] = heard[second], heard[first]


def _taken_in_another_order(left: Evidence) -> None:
    one, other = straight_orders(left)[:2]
    orders = left.gateway.orders
    orders[one].accepted, orders[other].accepted = orders[other].accepted, orders[one].accepted


def _forgotten(left: Evidence) -> None:
    del left.gateway.orders[_filled(left)]


def _left_in_between(left: Evidence) -> None:
    left.gateway.orders[_filled(left)].state = "sending"


def _another_ticket(left: Evidence) -> None:
    left.gateway.orders[_filled(left)].order_ticket += 1_000_000


def _another_volume(left: Evidence) -> None:
    left.gateway.orders[_filled(left)].volume_e8 += 1


def _told_otherwise(left: Evidence) -> None:
    left.gateway.orders[_filled(left)].state = "cancelled"


def _never_at_the_agent(left: Evidence) -> None:
    del left.chronicle.lives[_filled(left)]


def _result_missing(left: Evidence) -> None:
    del left.gateway.heard[1]


def _result_twice(left: Evidence) -> None:
    left.gateway.heard[1] += 1


SPOILT: dict[str, tuple[Callable[[Evidence], None], str]] = {
    "sent twice": (_sent_twice, "the broker has it 2 times"),
    "sent after its expiry": (_sent_late, "but it expired at"),
    "sent in another order": (_sent_in_another_order, "was sent before"),
    "taken in another order": (_taken_in_another_order, "and was accepted before it"),
    "forgotten": (_forgotten, "does not know it"),
    "left in between": (_left_in_between, "it was left sending"),
    "another ticket": (_another_ticket, "at the gateway"),
    "another volume": (_another_volume, "filled at the gateway"),
    "told otherwise": (_told_otherwise, "at the gateway, and filled at the agent"),
    "never at the agent": (_never_at_the_agent, "the agent never had it"),
    "a result is missing": (_result_missing, "are not in the gateway's journal"),
    "a result is there twice": (_result_twice, "more than once"),
}
