"""A decision's first steps: whose it is, whether its key is known, whether it may be sent; then one
commit, with which it is accepted (and dispatched, where its client is there) or denied."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from onefill.gateway.desk.book import Book
from onefill.gateway.desk.dispatch import Dispatch
from onefill.gateway.desk.judging import PASSES, Judging
from onefill.gateway.desk.ledger import Ledger
from onefill.gateway.desk.resolving import complete, content_of, lacks, reservation, resolved
from onefill.gateway.desk.settings import DeskSettings
from onefill.gateway.identity.model import Account, Caller, Right
from onefill.gateway.ports import Decision, Directory
from onefill.model.errors import OnefillError
from onefill.model.events import Accepted, Denied, Moved
from onefill.model.intent import Action, OrderIntent, intent_id, is_child_key
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.risk.at_gateway import held_repeat
from onefill.risk.at_gateway_reasons import GatewayCode, refuse
from onefill.risk.reasons import Denial

OWN_KEYS = "kill-"
"""How the keys of the gateway's own orders begin."""
CANCEL_KEYS = ":cancel"
"""What is in the key of a cancel that the gateway made for a caller."""

_SHOWN = 64


class Intake:
    """Takes decisions."""

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        judging: Judging,
        dispatch: Dispatch,
        settings: DeskSettings,
        stop_strategy: Callable[[Book, int, str], None],
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._judging = judging
        self._dispatch = dispatch
        self._settings = settings
        self._stop_strategy = stop_strategy

    async def account(self, caller: Caller, name: str, right: Right) -> Account:
        """The account, where the caller has the right and it is there for it. Raises
        `OnefillError` (`FORBIDDEN`, `ACCOUNT_UNKNOWN`)."""
        if not caller.may(right):
            raise OnefillError("FORBIDDEN", f"the key or token lacks the scope {right.value!r}")
        account = self._directory.account(caller.tenant, name)
        if account is not None and caller.sees(account):
            return account
        code, message = refuse(GatewayCode.ACCOUNT_UNKNOWN, account=name[:_SHOWN])
        told = f"user {caller.user!r} of tenant {caller.tenant!r}: {message}"
        self._ledger.alert_gateway(code, told)
        await self._ledger.durable()
        raise OnefillError(code, message)

    async def decide(self, caller: Caller, decision: Decision) -> OrderState:
        """See `Directing.decide`."""
        intent = decision.intent
        key = intent.client_key
        account = await self.account(caller, decision.account, Right.TRADE)
        book = self._ledger.book(account.id)
        content = content_of(intent, decision.auto_execute)
        known = self._ledger.find(book, key)
        if known is not None:
            if known.content != content:
                raise OnefillError(
                    "KEY_REUSED",
                    f"client_key {key!r} belongs to an order with other content; nothing was sent",
                )
            return await self._ledger.told(book, known)
        if not key or is_child_key(key) or key.startswith(OWN_KEYS) or CANCEL_KEYS in key:
            raise OnefillError(*refuse(GatewayCode.KEY_RESERVED, key=key[:_SHOWN]))
        order = self._take(book, account, intent, content, decision.auto_execute)
        stands = msgspec.structs.replace(order)
        await self._dispatch.settle(book)
        return stands

    def _take(
        self, book: Book, account: Account, intent: OrderIntent, content: bytes, auto: bool
    ) -> OrderState:
        """Judge and record, without waiting: so approving and reserving are one."""
        now_ms = self._ledger.now_ms()
        whole = complete(intent, book.profile, now_ms, self._settings.market_life_ms)
        whole = msgspec.structs.replace(whole, user_id=intent.user_id or account.user)
        if not auto:
            return self._deny(book, whole, content, refuse(GatewayCode.ADVICE_ONLY))
        denial, repeat, window_ms = self._judge(book, account, intent, whole, now_ms)
        if denial is not None:
            return self._deny(book, whole, content, denial)
        self._ledger.append(
            book,
            Accepted(
                key=whole.client_key,
                intent_id=intent_id(book.tenant, book.name, whole.client_key),
                content=content,
                intent=whole,
                order=resolved(whole),
                reservation=reservation(whole),
                repeat=repeat,
                repeat_window_ms=window_ms,
            ),
        )
        if not (whole.action is Action.CANCEL and self.cancel_unsent(book, whole)):
            self._dispatch.wait(book, whole.client_key, fresh=True)
        return self._found(book, whole.client_key)

    def cancel_unsent(self, book: Book, cancel: OrderIntent) -> bool:
        """Whether a cancel's target waited still; then both are over."""
        target = book.state.orders.get(cancel.target or "")
        if target is None or target.state is not State.ACCEPTED or target.key not in book.waiting:
            return False
        self.withdraw(book, target.key)
        self._ledger.append(book, Moved(key=cancel.client_key, to=State.DONE, evidence="unsent"))
        return True

    def withdraw(self, book: Book, key: str) -> None:
        """A waiting order is cancelled; the client never hears of it."""
        del book.waiting[key]
        message = "cancelled before it was sent"
        self._ledger.append(
            book, Moved(key=key, to=State.CANCELLED, code="CANCELLED", message=message)
        )

    def _judge(
        self, book: Book, account: Account, intent: OrderIntent, whole: OrderIntent, now_ms: int
    ) -> tuple[Denial | None, bytes, int]:
        if whole.user_id != account.user:
            refused = refuse(
                GatewayCode.ACCOUNT_NOT_THE_USERS, account=account.name, user=whole.user_id
            )
            return refused, b"", 0
        if whole.expires_at_ms is not None and now_ms > whole.expires_at_ms:
            return refuse(GatewayCode.EXPIRED), b"", 0
        if len(book.waiting) >= self._settings.max_waiting:
            return refuse(GatewayCode.TOO_MANY_WAITING, count=len(book.waiting)), b"", 0
        limits = self._directory.limits(account)
        too_fast = book.rates.message(whole, limits, now_ms)
        if whole.action in PASSES:
            return None, b"", 0
        denial = too_fast or lacks(whole) or self._judging.judge(book, whole, now_ms)
        if denial is not None or whole.action is not Action.OPEN:
            return denial, b"", 0
        denial = book.rates.alike(whole, limits, now_ms, book.name)
        if denial is not None:
            self._stop_strategy(book, whole.magic, denial.message)
            return denial, b"", 0
        return held_repeat(intent, book.state, limits, now_ms)

    def _deny(self, book: Book, intent: OrderIntent, content: bytes, denial: Denial) -> OrderState:
        key = intent.client_key
        self._ledger.append(
            book,
            Denied(
                key=key,
                code=denial.code,
                message=denial.message,
                intent_id=intent_id(book.tenant, book.name, key),
                content=content,
                intent=intent,
            ),
        )
        if denial.code != GatewayCode.ADVICE_ONLY:
            self._ledger.alert(book, denial.code, f"order {key!r}: {denial.message}", key=key)
        return self._found(book, key)

    def _found(self, book: Book, key: str) -> OrderState:
        order = self._ledger.find(book, key)
        assert order is not None
        return order
