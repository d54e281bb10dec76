"""Whether a decision may leave now: standing, permission, halts and the controls, in one order.

Closes and cancels pass but for the account's being the user's, which is looked at before.
"""

from __future__ import annotations

from onefill.gateway.desk.book import Book
from onefill.gateway.desk.reach import Find, covering
from onefill.gateway.desk.settings import DeskSettings
from onefill.gateway.identity.model import Account, Standing
from onefill.gateway.ports import Directory
from onefill.model.halt import Halt
from onefill.model.intent import Action, OrderIntent
from onefill.model.resolved import Reservation
from onefill.risk.at_gateway import judge_change, judge_opening
from onefill.risk.at_gateway_reasons import GatewayCode, refuse
from onefill.risk.at_gateway_view import GatewayView, Told
from onefill.risk.reasons import Denial

PASSES = frozenset({Action.CLOSE, Action.CLOSE_ALL, Action.CANCEL})
"""What always passes."""

_UNTOLD = Told(at_ms=0)


class Judging:
    """Judges by what the directory and an account's book say at the moment."""

    def __init__(self, directory: Directory, settings: DeskSettings, find: Find) -> None:
        """`find`: an account's order by its key."""
        self._directory = directory
        self._find = find
        self._settings = settings

    def halt(self, book: Book, intent: OrderIntent) -> Halt | None:
        """The halt that covers an order, if any; closes and cancels are covered by none."""
        if intent.action in PASSES:
            return None
        return covering(self._directory.halts(), book, intent, self._find)

    def judge(
        self, book: Book, intent: OrderIntent, now_ms: int, own: Reservation | None = None
    ) -> Denial | None:
        """Whether it may be sent (or, its client away, be kept for it). `own`: it was accepted
        before, and this is what it holds."""
        if intent.action in PASSES:
            return None
        halt = self.halt(book, intent)
        if halt is not None:
            return refuse(GatewayCode.HALTED, halt=told_halt(halt))
        account = self._directory.account(book.tenant, book.name)
        if account is None:
            return refuse(GatewayCode.ACCOUNT_UNKNOWN, account=book.name)
        denial = self._standing(account, intent)
        if denial is not None:
            return denial
        limits = self._directory.limits(account)
        if intent.action is Action.MODIFY:
            return judge_change(intent, limits)
        denial = self._by_profile(book, account, intent, now_ms)
        if denial is not None:
            return denial
        view = GatewayView(
            book.name,
            book.told or _UNTOLD,
            book.state,
            book.filled_in,
            book.filled_of,
            own,
            book.breached_day,
        )
        return judge_opening(intent, view, limits)

    def awaits_profile(self, book: Book, intent: OrderIntent, now_ms: int) -> bool:
        """Whether its client came just now and its profile is awaited to judge the order by."""
        if intent.action is not Action.OPEN or (
            book.told is None and self._settings.trade_without_profile
        ):
            return False
        if now_ms - book.arrived_ms >= self._settings.profile_patience_ms:
            return False
        return book.told is None or now_ms - book.told.at_ms > self._settings.profile_age_ms

    def _standing(self, account: Account, intent: OrderIntent) -> Denial | None:
        user = self._directory.user(account.tenant, account.user)
        if user is None or not user.active:
            return refuse(GatewayCode.USER_NOT_ACTIVE, user=account.user)
        if not user.auto_trading:
            return refuse(GatewayCode.USER_AUTO_TRADING_OFF, user=account.user)
        if account.standing is not Standing.ACTIVE:
            return refuse(
                GatewayCode.ACCOUNT_NOT_ACTIVE,
                account=account.name,
                standing=_standing(account),
            )
        return None

    def _by_profile(
        self, book: Book, account: Account, intent: OrderIntent, now_ms: int
    ) -> Denial | None:
        told = book.told
        # Both must be: the registered one, and the one that the terminal tells.
        for broker in dict.fromkeys((account.broker, told.broker if told is not None else "")):
            if broker and not self._directory.broker_approved(account.tenant, broker):
                return refuse(GatewayCode.BROKER_NOT_APPROVED, broker=broker, account=account.name)
        denial = self._confidence(account, told, intent)
        if denial is not None:
            return denial
        settings = self._settings
        arrived = book.here and now_ms - book.arrived_ms >= settings.profile_patience_ms
        if told is None:
            # While the client is away, and after a restart of the gateway: it is kept, and judged
            # by a profile before it leaves.
            if settings.trade_without_profile or not arrived:
                return None
            return refuse(GatewayCode.PROFILE_MISSING, account=account.name)
        most_ms = settings.profile_age_ms if arrived else settings.profile_away_ms
        if now_ms - told.at_ms > most_ms:
            return refuse(
                GatewayCode.PROFILE_STALE,
                account=account.name,
                age=f"{(now_ms - told.at_ms) / 1000:.0f}",
                most=f"{most_ms / 1000:g}",
            )
        if told.live != account.live:
            return refuse(
                GatewayCode.ACCOUNT_KIND_DIFFERS,
                account=account.name,
                registered=_kind(account.live),
                told=_kind(told.live),
            )
        if account.approved_limits and told.limits_fingerprint != account.approved_limits:
            return refuse(
                GatewayCode.NOT_ATTESTED,
                told=told.limits_fingerprint[:16] or "that it does not tell",
                approved=account.approved_limits[:16],
            )
        return None

    def _confidence(
        self, account: Account, told: Told | None, intent: OrderIntent
    ) -> Denial | None:
        user = self._directory.user(account.tenant, account.user)
        least, why = (user.min_confidence if user is not None else 1.0), ""
        if told is not None and told.conservative:
            least, why = min(1.0, least * 2), " (doubled: the account is in conservative mode)"
        score = intent.confidence if intent.confidence is not None else 0.0
        if score >= least:
            return None
        named = f"{score:g}" if intent.confidence is not None else "(none named)"
        return refuse(GatewayCode.CONFIDENCE_TOO_LOW, score=named, least=f"{least:g}", why=why)


def told_halt(halt: Halt) -> str:
    """A halt as a sentence tells it."""
    by = f" by {halt.by}" if halt.by else ""
    why = f": {halt.reason}" if halt.reason else ""
    return f"{halt.scope.value} halt {halt.id}{by}{why}"


def _standing(account: Account) -> str:
    if account.standing is Standing.PENDING and account.broker:
        return f"pending (its broker, {account.broker!r}, is not approved)"
    return account.standing.value


def _kind(live: bool) -> str:
    return "live" if live else "demo"
