"""Waiting until every agent that a kill covers said so, or can begin to send nothing any more."""

from __future__ import annotations

import asyncio

from onefill.gateway.desk.book import Book
from onefill.gateway.desk.kill_report import AccountKilled, Confirmation
from onefill.gateway.desk.ledger import Ledger
from onefill.gateway.desk.settings import DeskSettings


class Confirming:
    """`look_again` wakes those who wait: an agent acknowledged, or a client came or went."""

    def __init__(self, ledger: Ledger, settings: DeskSettings) -> None:
        self._ledger = ledger
        self._settings = settings
        self._began_ms = ledger.steady_ms()
        self._news = asyncio.Event()

    def look_again(self) -> None:
        """Something changed that a kill may wait for."""
        self._news.set()

    async def confirmed(self, killed: list[tuple[Book, int, int]]) -> tuple[AccountKilled, ...]:
        """Each account with how it was confirmed, or that it was not."""
        begun_ms = self._ledger.steady_ms()
        versions = {book.id: book.config_version for book, _, _ in killed}
        found: dict[str, tuple[Confirmation, str]] = {}
        while True:
            for book, _, _ in killed:
                if book.id not in found:
                    verdict = self._verdict(book, versions[book.id], begun_ms)
                    if verdict is not None:
                        found[book.id] = verdict
            if len(found) == len(killed):
                break
            self._news.clear()
            try:
                async with asyncio.timeout(self._settings.look_ms / 1000):
                    await self._news.wait()
            except TimeoutError:
                continue
        return tuple(
            AccountKilled(
                account=book.id,
                confirmation=found[book.id][0],
                why=found[book.id][1],
                denied=denied,
                cancels=cancels,
                seen=book.here or book.contact_ms is not None,
            )
            for book, denied, cancels in killed
        )

    def _verdict(self, book: Book, version: int, begun_ms: int) -> tuple[Confirmation, str] | None:
        now_ms = self._ledger.steady_ms()
        lease_ms = self._settings.lease_ms + self._settings.lease_margin_ms
        if book.config_acknowledged >= version:
            return Confirmation.CONFIRMED, ""
        if book.here and not book.enveloped:
            return Confirmation.UNREACHABLE, "a bare client cannot be told to stop"
        if not book.here and book.contact_ms is not None and not book.enveloped:
            return Confirmation.UNREACHABLE, "a bare client was there and knows no lease"
        if book.contact_ms is not None and now_ms > book.contact_ms + lease_ms:
            return Confirmation.LEASE_RAN_OUT, "it had no contact for its lease"
        if book.contact_ms is None and now_ms > self._began_ms + lease_ms:
            return Confirmation.UNREACHABLE, "no client has been there since the gateway began"
        if now_ms > begun_ms + 2 * lease_ms:
            return Confirmation.UNREACHABLE, "its agent is there and does not confirm"
        return None
