"""Several legs that belong together: validated first, sent in order, unwound where one fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from onefill.channels.local.accounts import Accounts
from onefill.channels.local.carry import carry_out, run
from onefill.channels.local.confirmation import ExecutionConfirmation
from onefill.channels.local.rpm import Decided, read_decision
from onefill.model.errors import OnefillError
from onefill.model.intent import Action, OrderIntent

_LIVE = ("filled", "partially_filled")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupConfirmation:
    """What became of a group. `status`: `filled` (all legs), `rejected` (nothing was sent),
    `unwound` (legs that filled were closed again), `broken` (some of it could not be closed, or an
    outcome is not proven: `details` says which)."""

    group_id: str
    status: str
    legs: tuple[ExecutionConfirmation, ...]
    unwound: tuple[ExecutionConfirmation, ...] = ()
    details: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "group_id": self.group_id,
            "status": self.status,
            "legs": [leg.to_dict() for leg in self.legs],
            "unwound": [leg.to_dict() for leg in self.unwound],
            "details": self.details,
        }


class Group(NamedTuple):
    """A group that was read: every leg has a key of its own."""

    group_id: str
    legs: tuple[Decided, ...]


def read_legs(rpm_outputs: Sequence[Any], group_id: str) -> Group:
    """A leg's key is its decision's order id, else `GROUP-N`. Raises `OnefillError`
    (`GROUP_INVALID`)."""
    legs = tuple(
        decided if decided.order_id else replace(decided, order_id=f"{group_id}-{number}")
        for number, decided in enumerate(map(read_decision, rpm_outputs), 1)
    )
    if not legs:
        raise OnefillError("GROUP_INVALID", "a group needs one leg at least")
    keys = [leg.order_id for leg in legs]
    doubled = next((key for key in keys if keys.count(key) > 1), None)
    if doubled is not None:
        raise OnefillError(
            "GROUP_INVALID", f"two legs have the order_id {doubled!r}; each needs its own"
        )
    return Group(group_id, legs)


async def execute_legs(accounts: Accounts, group: Group, session: str | None) -> GroupConfirmation:
    """On the pool's loop."""
    group_id, legs = group
    refused = await _validated(accounts, legs, session)
    if refused is not None:
        return GroupConfirmation(
            group_id=group_id,
            status="rejected",
            legs=(refused,),
            details=f"leg {refused.order_id!r} would be refused, so that none was sent: "
            f"{refused.rejection_details}",
        )
    done: list[ExecutionConfirmation] = []
    for leg in legs:
        done.append(await carry_out(accounts, leg, session))
        if done[-1].status != "filled":
            return await _unwound(accounts, group_id, done)
    return GroupConfirmation(group_id=group_id, status="filled", legs=tuple(done))


async def _validated(
    accounts: Accounts, legs: Sequence[Decided], session: str | None
) -> ExecutionConfirmation | None:
    """The answer to the first leg that would be refused now; None where all would pass, or where
    the group comes again: then it goes on where it was, and what fails is unwound."""
    if any(accounts.knows(leg.order_id) for leg in legs):
        return None
    for leg in legs:
        if leg.rejected is not None:
            return await carry_out(accounts, leg, session)
        no: OnefillError | None
        try:
            account = accounts.account_for(leg.order_id, session or leg.session)
        except OnefillError:
            return await carry_out(accounts, leg, session)
        try:
            driver = await account.ready()
            name = await account.symbol(leg.symbol, accounts.pool.symbol_map)
            no = await driver.rehearse(leg.intent(leg.order_id, name, accounts.config.magic))
        except OnefillError as wrong:
            no = wrong
        if no is not None:
            return account.refused(leg.order_id, leg.symbol, leg.direction, leg.units, no)
    return None


async def _unwound(
    accounts: Accounts, group_id: str, done: list[ExecutionConfirmation]
) -> GroupConfirmation:
    """Close what filled, last leg first."""
    failed = done[-1]
    closed: list[ExecutionConfirmation] = []
    left: list[str] = []
    for leg in reversed(done):
        if leg.status not in _LIVE:
            continue
        account = accounts.account_for(leg.order_id, leg.session)
        intent = OrderIntent(
            client_key=f"{leg.order_id}-unwind", action=Action.CLOSE, target=leg.order_id
        )
        try:
            answer = await run(account, intent)
        except OnefillError as wrong:
            left.append(f"{leg.order_id!r} ({wrong.code}: {wrong.message})")
            continue
        closed.append(answer)
        gone = (answer.rejection_details or "").startswith("TARGET_NOT_OPEN")
        if answer.status != "filled" and not gone:
            left.append(f"{leg.order_id!r} ({answer.rejection_details})")
    if failed.status in ("error", "submitted", "pending"):
        left.append(f"{failed.order_id!r}, whose outcome is not proven ({failed.status})")
    why = f"leg {failed.order_id!r} is {failed.status}: {failed.rejection_details or 'no reason'}"
    return GroupConfirmation(
        group_id=group_id,
        status="broken" if left else "unwound" if closed else "rejected",
        legs=tuple(done),
        unwound=tuple(closed),
        details=f"{why}; still open: {', '.join(left)}" if left else why,
    )
