"""What a call to a gateway can end with, beside an answer; each with the gateway's own sentence."""

from __future__ import annotations

from onefill.contracts.rest import Fault
from onefill.model.errors import OnefillError


class CallFailed(OnefillError):
    """A call that brought no answer. `status` is HTTP's, 0 where the gateway was not heard;
    `field` names what was wrong, where it is one thing."""

    def __init__(self, fault: Fault, status: int = 0, retry_after_s: float = 0.0) -> None:
        named = f"{fault.field}: " if fault.field else ""
        super().__init__(fault.code, f"{named}{fault.message}")
        self.status = status
        self.field = fault.field
        self.retry_after_s = retry_after_s


class Invalid(CallFailed):
    """What was sent cannot be taken."""


class Unauthenticated(CallFailed):
    """The key is missing, wrong, expired or revoked."""


class Forbidden(CallFailed):
    """The key does not have the right."""


class NotFound(CallFailed):
    """It is not there, or not this key's to see."""


class Conflict(CallFailed):
    """It does not go with what is there: a client_key with other content, an order that is over."""


class TooMany(CallFailed):
    """Too many calls; `retry_after_s` says when to come back."""


class Unavailable(CallFailed):
    """The gateway was not reached, or could not answer; after a decision it is not known whether it
    was taken: the same decision with the same client_key finds out."""


def closed() -> CallFailed:
    """The error of a call on a client that was closed; nothing was sent."""
    fault = Fault(code="CLIENT_CLOSED", message="this client was closed: make a new one")
    return CallFailed(fault)


_BY_STATUS: dict[int, type[CallFailed]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: TooMany,
}


def failed(status: int, fault: Fault, retry_after_s: float = 0.0) -> CallFailed:
    """The error of an HTTP status."""
    if status >= 500:
        return Unavailable(fault, status, retry_after_s)
    return _BY_STATUS.get(status, Invalid)(fault, status, retry_after_s)
