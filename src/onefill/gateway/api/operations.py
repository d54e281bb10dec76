"""What an operator does about trading as a whole: halt it, resume it, and see what is halted."""

from __future__ import annotations

import msgspec

from onefill.contracts.order_line import Wrong, check_text
from onefill.contracts.rest import Halted, HaltedAccount, Halts, Killed, Resumed
from onefill.gateway.api.body import decode
from onefill.gateway.api.door import Answered, Call, Way
from onefill.gateway.api.refusal import MAX_TOLD, Refusal, invalid, not_found
from onefill.gateway.api.told import halt_told, name_told
from onefill.gateway.desk.kill_report import KillReport
from onefill.gateway.identity.model import Right
from onefill.model.halt import Halt, Scope
from onefill.runtime.secret import new_secret

MAX_REASON = 1_024
MAX_MAGIC = 2**63 - 1


class Reach(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a halt covers: without any of the first three, all that the caller may halt."""

    reason: str
    #: Another tenant's than the caller's only for those who operate the gateway.
    tenant: str | None = None
    #: An `mt5_account`.
    account: str | None = None
    #: A magic number.
    strategy: int | None = None


class Kill(Reach, forbid_unknown_fields=True, kw_only=True):
    """A halt to be put. `flatten`: positions are closed too, until the broker shows none."""

    flatten: bool = False


class Resume(Reach, forbid_unknown_fields=True, kw_only=True):
    """Halts to be lifted: the one of an id, or those that cover just what is named."""

    id: str | None = None


class _Meant(msgspec.Struct, frozen=True):
    scope: Scope
    tenant: str
    account: str
    strategy: int | None


_kill = msgspec.json.Decoder(Kill)
_resume = msgspec.json.Decoder(Resume)


async def kill(call: Call) -> Answered:
    """Halt; comes back when every client confirmed, or its lease ran out, or could not be asked."""
    wanted = decode(call.body, _kill)
    meant = _meant(call, wanted)
    check_reason(wanted.reason)
    door = call.door
    same = [halt for halt in door.directory.halts() if _meant_by(halt) == meant]
    halts = [halt for halt in same if halt.flatten or not wanted.flatten]
    if halts:  # asked for again: nothing new is put, and the clients are looked at anew
        return Answered(_killed(call, await door.desk.kill(halts[0])))
    halt = Halt(
        id=new_secret(6).hex(),
        scope=meant.scope,
        tenant=meant.tenant,
        account=meant.account,
        strategy=meant.strategy,
        reason=wanted.reason,
        by=_author(call, meant.tenant),
        at_ms=door.clock.now_ms(),
        flatten=wanted.flatten,
    )
    return Answered(_killed(call, await door.desk.kill(halt)))


async def resume(call: Call) -> Answered:
    """Lift halts."""
    wanted = decode(call.body, _resume)
    check_reason(wanted.reason)
    if wanted.id is not None:
        chosen = [halt for halt in _visible(call) if halt.id == wanted.id]
    else:
        meant = _meant(call, wanted)
        chosen = [halt for halt in _visible(call) if _meant_by(halt) == meant]
    if not chosen:
        named = "on just that" if wanted.id is None else f"with the id {wanted.id[:MAX_TOLD]!r}"
        raise Refusal(
            404,
            "HALT_UNKNOWN",
            f"no halt {named} is in force; see those that are: GET /v1/halts, or `onefill "
            "resume --list`",
        )
    for halt in chosen:
        if not _may_lift(call, halt):
            raise Refusal(
                403, "FORBIDDEN", f"halt {halt.id} is for those who operate the gateway to lift"
            )
    for halt in chosen:
        await call.door.desk.resume(halt.id, _author(call, halt.tenant), wanted.reason.strip())
    return Answered(Resumed(resumed=[halt_told(halt) for halt in chosen]))


async def halts(call: Call) -> Answered:
    """Halts in force that cover something of the caller's."""
    return Answered(Halts(halts=[_halt(call, halt) for halt in _visible(call)]))


def _meant(call: Call, wanted: Reach) -> _Meant:
    """What is named, where the caller may name it. Raises `Refusal` (403, 404, 422)."""
    caller, door = call.caller, call.door
    strategy = wanted.strategy
    if strategy is not None and not 0 <= strategy <= MAX_MAGIC:
        raise invalid("strategy", f"expected a magic number from 0 to {MAX_MAGIC}")
    tenant = caller.tenant if wanted.tenant is None else wanted.tenant
    if tenant != caller.tenant and (not _operates(call) or door.directory.tenant(tenant) is None):
        raise not_found("tenant", tenant)
    if wanted.account is not None:
        account = door.directory.account(tenant, wanted.account)
        if account is None or (tenant == caller.tenant and not caller.sees(account)):
            raise not_found("account", wanted.account)
        scope = Scope.ACCOUNT if strategy is None else Scope.STRATEGY
        return _Meant(scope, tenant, account.name, strategy)
    if caller.accounts:
        raise Refusal(
            403,
            "FORBIDDEN",
            "this key is good for some accounts only, and cannot halt or resume more: name one",
        )
    if strategy is not None:
        return _Meant(Scope.STRATEGY, tenant, "", strategy)
    if wanted.tenant is None and _operates(call):
        return _Meant(Scope.FIRM, "", "", None)
    return _Meant(Scope.TENANT, tenant, "", None)


def _meant_by(halt: Halt) -> _Meant:
    return _Meant(halt.scope, halt.tenant, halt.account, halt.strategy)


def _operates(call: Call) -> bool:
    operating = call.door.settings.operating_tenant
    return bool(operating) and call.caller.tenant == operating


def _visible(call: Call) -> list[Halt]:
    caller, door = call.caller, call.door
    found = []
    for halt in door.directory.halts():
        if halt.tenant not in ("", caller.tenant) and not _operates(call):
            continue
        if halt.account and halt.tenant == caller.tenant:
            account = door.directory.account(halt.tenant, halt.account)
            if account is None or not caller.sees(account):
                continue
        found.append(halt)
    return found


def _may_lift(call: Call, halt: Halt) -> bool:
    """A tenant lifts its own halts; what the gateway's operators put on it, they lift."""
    if _operates(call):
        return True
    operating = call.door.settings.operating_tenant
    ours = halt.tenant == call.caller.tenant and not (
        operating and halt.by.startswith(f"{operating}/")
    )
    return ours and (not call.caller.accounts or bool(halt.account))


def _author(call: Call, tenant: str) -> str:
    """Who it was; one from elsewhere is named with his tenant."""
    caller = call.caller
    return caller.user if tenant == caller.tenant else f"{caller.tenant}/{caller.user}"


def check_reason(reason: str) -> None:
    """Why somebody does it: one line of text. Raises `Refusal` (422)."""
    try:
        check_text("reason", reason.strip(), MAX_REASON)
    except Wrong as wrong:
        raise invalid(wrong.field, wrong.message) from None


def _halt(call: Call, halt: Halt) -> Halted:
    door = call.door
    flattening = door.desk.flattening(halt) if halt.flatten else []
    shown = [one for one in flattening if _sees(call, one.account)]
    return halt_told(halt, shown, call.caller.tenant)


def _sees(call: Call, account_id: str) -> bool:
    if _operates(call):
        return True
    tenant, _, name = account_id.partition("/")
    account = call.door.directory.account(tenant, name)
    return account is not None and call.caller.sees(account)


def _killed(call: Call, report: KillReport) -> Killed:
    accounts = [one for one in report.accounts if _sees(call, one.account)]
    return Killed(
        halt=halt_told(report.halt),
        complete=not report.unreachable,
        accounts=[
            HaltedAccount(
                mt5_account=name_told(one.account, call.caller.tenant),
                outcome=one.confirmation.value,
                why=one.why,
                denied=one.denied,
                cancels=one.cancels,
                seen=one.seen,
            )
            for one in accounts
        ],
    )


_HALT = {"reason": "prices look wrong", "account": "5012345", "flatten": False}
WAYS = (
    Way(
        method="POST",
        path="/v1/kill",
        handler=kill,
        summary="Halt everything, an account or a strategy, durably; says who confirmed",
        right=Right.OPERATE,
        tag="operations",
        takes=Kill,
        gives={200: (Killed,)},
        refuses=(404, 409),
        examples={"account": {"summary": "Halt one account", "value": _HALT}},
    ),
    Way(
        method="POST",
        path="/v1/resume",
        handler=resume,
        summary="Lift a halt",
        right=Right.OPERATE,
        tag="operations",
        takes=Resume,
        gives={200: (Resumed,)},
        refuses=(404,),
        examples={
            "one": {"summary": "Lift one", "value": {"id": "5f0c9a", "reason": "feed is back"}}
        },
    ),
    Way(
        method="GET",
        path="/v1/halts",
        handler=halts,
        summary="Halts in force",
        right=Right.READ,
        tag="operations",
        gives={200: (Halts,)},
    ),
)
