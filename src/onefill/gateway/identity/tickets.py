"""One-use tickets for browsers, whose WebSockets cannot carry a header: good for seconds, so that a
URL that is logged somewhere opens nothing."""

from __future__ import annotations

import hashlib

from onefill.gateway.identity.errors import Unauthenticated
from onefill.gateway.identity.model import Caller
from onefill.gateway.identity.tokens import Tokens
from onefill.model.errors import OnefillError
from onefill.runtime.clock import Clock
from onefill.runtime.secret import new_secret

TICKET_MS = 30_000
"""How long a ticket is good."""

MAX_TICKETS = 10_000
"""Tickets that wait to be used, of all callers."""

MAX_PER_USER = 20
"""Tickets that wait to be used, of one user."""


class Tickets:
    """The tickets that wait, in memory: a restart makes all of them void."""

    def __init__(self, tokens: Tokens, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock
        self._waiting: dict[bytes, tuple[int, Caller]] = {}

    def issue(self, caller: Caller) -> str:
        """A ticket that lets its bearer in as the caller, once. Raises `OnefillError`
        (`TICKETS_TOO_MANY`)."""
        now = self._clock.now_ms()
        self._waiting = {
            digest: (until, who) for digest, (until, who) in self._waiting.items() if now < until
        }
        own = sum(
            who.tenant == caller.tenant and who.user == caller.user
            for _, who in self._waiting.values()
        )
        if own >= MAX_PER_USER or len(self._waiting) >= MAX_TICKETS:
            raise OnefillError(
                "TICKETS_TOO_MANY",
                f"{own} tickets of yours wait to be used: use one, or wait {TICKET_MS // 1000} s",
            )
        ticket = f"oft_{new_secret(32).hex()}"
        self._waiting[_digest(ticket)] = (now + TICKET_MS, caller)
        return ticket

    def redeem(self, ticket: str) -> Caller:
        """Whose ticket it was; it is good no longer. Raises `Unauthenticated`."""
        # Found by its hash: the time that takes tells nothing about a ticket that is near.
        until, caller = self._waiting.pop(_digest(ticket), (0, None))
        if caller is None or self._clock.now_ms() >= until or not self._tokens.holds(caller):
            raise Unauthenticated
        return caller


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode("utf-8", "replace")).digest()
