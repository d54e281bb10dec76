"""Control 14 as profiles come in: a breach makes the account reduce-only, and is told once."""

from __future__ import annotations

from onefill.gateway.desk.book import DAY_BEGAN, Book
from onefill.gateway.desk.ledger import Ledger
from onefill.gateway.ports import Directory
from onefill.model.events import Breached
from onefill.risk.at_gateway_losses import daily_loss, drawdown

_DAY_MS = 86_400_000


def look(book: Book, ledger: Ledger, directory: Directory) -> None:
    """Judge the newest profile. A daily loss holds for the rest of the broker's day, which is over
    when the profile tells another equity at the day's start."""
    told = book.told
    account = directory.account(book.tenant, book.name)
    if told is None or account is None:
        return
    limits = directory.limits(account)
    caps = limits.caps(0, "")
    if book.breached_day is not None and book.breached_day != told.day_start_equity:
        book.breached_day = None
    lost = daily_loss(told, caps, limits, book.breached_day)
    if lost is not None and book.breached_day != told.day_start_equity:
        book.breached_day = told.day_start_equity
        # Durable: a restart in the afternoon does not forgive the morning.
        utc_day = ledger.now_ms() // _DAY_MS
        ledger.append(book, Breached(limit=f"{DAY_BEGAN}{told.day_start_equity!r}", day=utc_day))
    denial = lost or drawdown(told, caps, limits)
    code = denial.code if denial is not None else ""
    if denial is not None and book.breach_told != code:
        ledger.alert(
            book, code, f"account {book.name} is reduce-only: {denial.message}", level="critical"
        )
    book.breach_told = code
