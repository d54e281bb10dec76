"""Which session holds which account: at most one, the newer wins, and the desk is told in turn."""

from __future__ import annotations

import asyncio
from typing import Protocol

from onefill.gateway.delivery.session import Session
from onefill.gateway.identity.model import Account
from onefill.gateway.ports import Hears


class Listener(Protocol):
    """Who has the desk's ear; it may be known only after this was made."""

    hears: Hears


class _Seat:
    """An account's place. `turn` keeps the desk's `arrived` and `left` from overtaking."""

    __slots__ = ("greeted", "session", "turn")

    def __init__(self) -> None:
        self.session: Session | None = None
        self.greeted = False
        self.turn = asyncio.Lock()

    def empty(self) -> bool:
        """Whether nobody holds the account."""
        return self.session is None


class Seats:
    """The accounts that somebody holds now, by journal name."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._seats: dict[str, _Seat] = {}

    def holder(self, account: str) -> Session | None:
        """Who holds it, has been greeted, and is not about to go."""
        seat = self._seats.get(account)
        if seat is None or seat.session is None or not seat.greeted or seat.session.out.ending:
            return None
        return seat.session

    async def take(self, session: Session, account: Account) -> None:
        """The session holds the account from now on, and whoever held it is fenced."""
        seat = self._seats.get(account.id)
        if seat is None:
            seat = self._seats[account.id] = _Seat()
        former, seat.session, seat.greeted = seat.session, session, False
        session.hold(account)
        if former is not None:
            former.lose(account.id)
        async with seat.turn:
            if seat.session is session:
                seat.greeted = True
                await self._listener.hears.arrived(account, enveloped=session.framing.enveloped)

    async def give_up(self, session: Session, account: Account) -> None:
        """The session no longer holds the account; the desk hears of it unless a newer one does."""
        session.accounts.pop(account.id, None)
        seat = self._seats.get(account.id)
        if seat is None or seat.session is not session:
            return
        seat.session, seat.greeted = None, False
        async with seat.turn:
            if not seat.empty():
                return
            await self._listener.hears.left(account)
            if seat.empty() and self._seats.get(account.id) is seat:
                del self._seats[account.id]
