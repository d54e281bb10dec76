"""What is said to a caller whose call is not carried out: status, code and sentence."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from onefill.contracts.rest import Failed, Fault
from onefill.model.errors import OnefillError

#: Codes of other rooms that are no plain 422: the rest of what a user can mend is one.
STATUS_OF: dict[str, int] = {
    "NOT_FOUND": 404,
    "ACCOUNT_UNKNOWN": 404,
    "ACCOUNT_NOT_YOURS": 404,
    "ORDER_UNKNOWN": 404,
    "HALT_UNKNOWN": 404,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "ACCOUNT_KIND_DIFFERS": 409,
    "ACCOUNT_SERVER_DIFFERS": 409,
    "ACCOUNTS_TOO_MANY": 409,
    "KEY_REUSED": 409,
    "NOT_IN_DOUBT": 409,
    "TOO_MANY_CANCELS": 409,
    "HALTS_TOO_MANY": 409,
    "TICKETS_TOO_MANY": 429,
    "TICKETS_EXHAUSTED": 429,
    "IDENTITY_FAILED": 503,
    "SIGNING_KEY_MISSING": 503,
    "JOURNAL_FAILED": 503,
    "JOURNAL_DAMAGED": 503,
    "STALE_EPOCH": 503,
}

MAX_TOLD = 80
"""Characters of a name that nobody knows, as the refusal repeats it."""

_encode = msgspec.json.Encoder().encode


class Refusal(OnefillError):
    """A call that is refused at the door. `retry_after_s` goes with 429 and 503."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        field: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.field = field
        self.retry_after_s = retry_after_s


def not_found(kind: str = "such thing", name: str = "") -> Refusal:
    """The one answer about what is not there and what is another tenant's; `name` is the caller's
    word for it."""
    named = f"{kind} {name[:MAX_TOLD]!r}" if name else kind
    return Refusal(404, "NOT_FOUND", f"there is no {named} here, or it is not yours to see")


def out_of_order(code: str) -> Refusal:
    """The gateway cannot, whoever asks."""
    return Refusal(
        503,
        code,
        "the gateway cannot write or read what it must now; nothing was taken that was not "
        "answered. Come back later; its log says why",
        retry_after_s=5,
    )


def invalid(field: str, message: str) -> Refusal:
    """A value that cannot be taken."""
    return Refusal(422, "INVALID", message, field=field or None)


def malformed(message: str) -> Refusal:
    """A request that cannot be read."""
    return Refusal(400, "MALFORMED", message)


def status_of(wrong: OnefillError) -> int:
    """The HTTP status of an error of any room."""
    if isinstance(wrong, Refusal):
        return wrong.status
    return STATUS_OF.get(wrong.code, 422)


def fault_of(wrong: OnefillError) -> Fault:
    """The error as JSON tells it."""
    return Fault(code=wrong.code, message=wrong.message, field=getattr(wrong, "field", None))


def answer_of(wrong: OnefillError) -> Response:
    """The error as a response."""
    status = status_of(wrong)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    retry_after_s = getattr(wrong, "retry_after_s", None)
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = _encode(Failed(error=fault_of(wrong)))
    return Response(body, status, headers, media_type="application/json")
