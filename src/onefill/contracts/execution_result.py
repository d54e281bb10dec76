"""`ExecutionResult`, with which a client of either dialect answers: to bytes and back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from onefill.contracts import checks
from onefill.contracts.messages import Result, Status
from onefill.contracts.order_line import MAX_TARGET
from onefill.contracts.refusals import Wrong
from onefill.contracts.wire.trading import execution_command_pb2 as pb
from onefill.model.errors import OnefillError
from onefill.model.states import State

_WHOLE = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Statuses:
    """How a peer numbers `ExecutionStatus`; the contract's authors gave no numbers."""

    success: int = 0
    failed: int = 1
    partial: int = 2

    def __post_init__(self) -> None:
        if len({self.success, self.failed, self.partial}) != 3:
            raise OnefillError(
                "STATUSES_INVALID",
                f"success {self.success}, failed {self.failed} and partial {self.partial} must "
                "be three different numbers",
            )

    def number(self, status: Status) -> int:
        """The peer's number for a status."""
        return (self.success, self.failed, self.partial)[status]

    def status(self, number: int) -> Status:
        """What the peer's number means. Raises `Wrong`."""
        numbers = (self.success, self.failed, self.partial)
        if number not in numbers:
            raise Wrong("status", f"{number} is none; there are {numbers}")
        return Status(numbers.index(number))


CONTRACT = Statuses()


def parse_statuses(text: str) -> Statuses:
    """Three numbers for success, failed and partial, as "1,2,3"; empty: the contract's. Raises
    `OnefillError` (`STATUSES_INVALID`)."""
    if not text:
        return CONTRACT
    numbers = [part.strip() for part in text.split(",")]
    if len(numbers) != 3 or not all(_WHOLE.fullmatch(one) for one in numbers):
        raise OnefillError(
            "STATUSES_INVALID",
            f"{text[:40]!r} is no numbering: give the numbers of SUCCESS, FAILED and PARTIAL, as "
            "1,2,3",
        )
    success, failed, partial = map(int, numbers)
    return Statuses(success, failed, partial)


def decode(payload: bytes, statuses: Statuses = CONTRACT) -> Result:
    """Raises `Wrong`, and protobuf's `DecodeError`."""
    wire = pb.ExecutionResult.FromString(payload)
    return Result(
        command_id=checks.named("command_id", wire.command_id, MAX_TARGET),
        status=statuses.status(wire.status),
        order_ticket=checks.ticket("order_ticket", wire.order_ticket),
        price=checks.level("executed_price", wire.executed_price),
        error=checks.prose(wire.error_message),
        at_ms=checks.moment("execution_time", wire.execution_time),
        volume=checks.size("executed_volume", wire.executed_volume),
        position_ticket=checks.ticket("position_ticket", wire.position_ticket),
        retcode=wire.retcode,
        sequence=checks.whole("sequence", wire.sequence),
        state=_state(wire.state),
        requested_price=checks.level("requested_price", wire.requested_price),
        slippage_pips=(
            checks.pips("slippage_pips", wire.slippage_pips)
            if wire.HasField("slippage_pips")
            else None
        ),
    )


def _state(name: str) -> State | None:
    """A state that is unknown here says nothing: status and evidence decide."""
    return State.__members__.get(name)


def encode(result: Result, statuses: Statuses = CONTRACT) -> bytes:
    """The message's bytes."""
    return pb.ExecutionResult(
        command_id=result.command_id,
        status=statuses.number(result.status),  # type: ignore[arg-type]  # an open enum: a peer's number
        order_ticket=str(result.order_ticket or ""),
        executed_price=result.price,
        error_message=checks.prose(result.error),
        execution_time=result.at_ms,
        executed_volume=result.volume,
        position_ticket=str(result.position_ticket or ""),
        retcode=result.retcode,
        sequence=result.sequence,
        state=result.state.name if result.state else "",
        requested_price=result.requested_price,
        slippage_pips=result.slippage_pips,
    ).SerializeToString()
