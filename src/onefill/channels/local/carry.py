"""One decision that was read, carried out to its confirmation."""

from __future__ import annotations

from dataclasses import replace

from onefill.channels.local.account import TradedAccount, refusal
from onefill.channels.local.accounts import Accounts
from onefill.channels.local.confirmation import ExecutionConfirmation
from onefill.channels.local.driven import not_connected
from onefill.channels.local.names import broker_name
from onefill.channels.local.rpm import Decided
from onefill.channels.local.session import PooledSession
from onefill.execution.intake import same_content
from onefill.model.errors import OnefillError
from onefill.model.intent import OrderIntent
from onefill.model.order import OrderState
from onefill.runtime.secret import new_secret


class Refusal(OnefillError):
    """A decision that is answered without asking the broker; its code is the published reason."""


async def carry_out(
    accounts: Accounts, decided: Decided, session: str | None
) -> ExecutionConfirmation:
    """On the pool's loop. The same key again is answered from the journal, or refused."""
    decided = replace(decided, order_id=decided.order_id or new_key())
    key = decided.order_id
    try:
        account = accounts.account_for(key, session or decided.session)
    except OnefillError as wrong:
        return refused(accounts, accounts.first, decided, wrong)
    if decided.rejected is not None:
        return refused(accounts, account.session, decided, Refusal(*decided.rejected))
    known = account.known(key)
    if known is not None and not _same(accounts, known, decided):
        return refused(accounts, account.session, decided, _reused(key))
    try:
        if known is not None and known.is_final:
            await account.durable()  # it may have ended just now
            order: OrderState | None = known
        else:
            driver = await account.ready()
            intent = await _intent(accounts, account, known, decided)
            order = await driver.execute(intent, to_the_end=True)
    except OnefillError as wrong:
        return _interrupted(accounts, account, decided, wrong)
    if order is None:
        return refused(accounts, account.session, decided, _reused(key))
    return account.confirmation(order, units=decided.units, symbol=decided.symbol)


async def run(account: TradedAccount, intent: OrderIntent) -> ExecutionConfirmation:
    """An intent of the engine's own (a group's unwinding) on an account."""
    driver = await account.ready()
    order = await driver.execute(intent, to_the_end=True)
    if order is None:
        raise _reused(intent.client_key)
    return account.confirmation(order, units=0.0, symbol=order.intent.symbol)


def refused(
    accounts: Accounts, session: PooledSession, decided: Decided, why: OnefillError
) -> ExecutionConfirmation:
    """An answer to what was not taken, noted in the session's log."""
    key = decided.order_id
    session.log.warning(why.code, f"order {key!r} was not taken: {why.message}")
    now_ms = accounts.pool.clock.now_ms()
    return refusal(session, key, decided.symbol, decided.direction, decided.units, why, now_ms)


def new_key() -> str:
    """An order id for a decision that names none."""
    return f"auto-{new_secret(12).hex()}"


async def _intent(
    accounts: Accounts, account: TradedAccount, known: OrderState | None, decided: Decided
) -> OrderIntent:
    if known is not None:
        return known.intent
    if account.session.wrong_account:  # whose money and quotes say nothing of ours
        raise not_connected(account.session, account.session.wrong_account)
    name = await account.symbol(decided.symbol, accounts.pool.symbol_map)
    return decided.intent(decided.order_id, name, accounts.config.magic)


def _same(accounts: Accounts, known: OrderState, decided: Decided) -> bool:
    """Whether a key that is known comes with what it came with before."""
    try:
        name = broker_name(decided.symbol, [known.intent.symbol], accounts.pool.symbol_map)
    except OnefillError:
        return False
    return same_content(known, decided.intent(known.key, name, known.intent.magic))


def _interrupted(
    accounts: Accounts, account: TradedAccount, decided: Decided, wrong: OnefillError
) -> ExecutionConfirmation:
    """Something is wrong here, not with the order: one that was taken is told as it stands."""
    order = account.known(decided.order_id)
    if order is None:
        return refused(accounts, account.session, decided, wrong)
    account.session.log.warning(wrong.code, wrong.message)
    stands = account.confirmation(order, units=decided.units, symbol=decided.symbol)
    if order.is_final:
        return stands
    return replace(
        stands,
        status="error",
        rejection_reason="unknown",
        rejection_details=f"{wrong.code}: {wrong.message}; the order was taken before and is "
        f"{order.state}: give it again under its order_id to hear what became of it",
    )


def _reused(key: str) -> OnefillError:
    return OnefillError(
        "KEY_REUSED", f"order_id {key!r} was used before for another order; it was not taken"
    )
