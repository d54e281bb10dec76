"""Access tokens and tickets for a proven caller, from the makers that identity has."""

from __future__ import annotations

from onefill.gateway.api.ports import Issued
from onefill.gateway.identity.model import Caller
from onefill.gateway.identity.tickets import TICKET_MS, Tickets
from onefill.gateway.identity.tokens import ACCESS_MS, Tokens
from onefill.runtime.clock import Clock


class Issuing:
    """Implements `Issues`."""

    def __init__(self, tokens: Tokens, tickets: Tickets, clock: Clock) -> None:
        self._tokens = tokens
        self._tickets = tickets
        self._clock = clock

    def access_token(self, caller: Caller) -> Issued:
        """A token with the caller's rights, which ends with his key at the latest."""
        left_ms = ACCESS_MS
        if caller.expires_ms is not None:
            left_ms = max(1_000, min(left_ms, caller.expires_ms - self._clock.now_ms()))
        row, text = self._tokens.issue(
            caller.tenant,
            caller.user,
            caller.rights,
            caller.accounts,
            lifetime_ms=left_ms,
            parent=caller,
        )
        return Issued(text, row.expires_ms)

    def ticket(self, caller: Caller) -> Issued:
        """A ticket for one handshake."""
        text = self._tickets.issue(caller)
        return Issued(text, self._clock.now_ms() + TICKET_MS)
