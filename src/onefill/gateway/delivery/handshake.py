"""Who may connect: everything that is looked at before a connection becomes a WebSocket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from onefill.contracts.framing import SUBPROTOCOL
from onefill.contracts.messages import Dialect
from onefill.gateway.delivery.settings import DeliverySettings
from onefill.gateway.identity.model import Account, Caller, Right
from onefill.gateway.ports import Directory
from onefill.model.errors import OnefillError

#: Query parameters in which somebody may have put a token. Addresses end up in logs, so a token
#: that comes this way is refused even if it is good.
_TOKEN_NAMES = frozenset(
    {"access_token", "api_key", "authorization", "bearer", "jwt", "key", "token"}
)
_ACCOUNT_HEADERS = ("mt5_account", "x-mt5-account")


class Refused(Exception):
    """No connection: the HTTP status, a code for programs, and a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Admission:
    """Who connects, from where, and how it wants to be spoken to."""

    caller: Caller
    address: str
    enveloped: bool
    #: Known already at the handshake; else a profile has to name it.
    account: Account | None


class Handshake:
    """Admits connections and counts those that live: whoever was admitted must `leave`."""

    def __init__(
        self,
        directory: Directory,
        authenticate: Callable[[str], Caller],
        redeem: Callable[[str], Caller],
        settings: DeliverySettings,
    ) -> None:
        self._directory = directory
        self._authenticate = authenticate
        self._redeem = redeem
        self._settings = settings
        self._live = 0
        self._of_address: Counter[str] = Counter()
        self._of_tenant: Counter[str] = Counter()

    def admit(self, request: HTTPConnection, dialect: Dialect) -> Admission:
        """Raises `Refused`. The cheap looks come first."""
        address = request.client.host if request.client else ""
        self._room(address)
        self._origin(request)
        caller = self._caller(request)
        if self._of_tenant[caller.tenant] >= self._settings.connections_of_tenant:
            raise Refused(
                429,
                "TENANT_CONNECTIONS_FULL",
                f"the tenant has {self._settings.connections_of_tenant} connections, "
                "as many as it may; close one first",
            )
        enveloped = SUBPROTOCOL in request.scope.get("subprotocols", ())
        account = self._account(request, caller)
        if account is None and dialect is Dialect.EXECUTION and not enveloped:
            raise Refused(
                400,
                "ACCOUNT_MISSING",
                "this path has no account profile: name the account in the header or the query "
                "parameter mt5_account",
            )
        self._live += 1
        self._of_address[address] += 1
        self._of_tenant[caller.tenant] += 1
        return Admission(caller, address, enveloped, account)

    def leave(self, admission: Admission) -> None:
        """A connection that was admitted is over."""
        self._live -= 1
        for counts, name in (
            (self._of_address, admission.address),
            (self._of_tenant, admission.caller.tenant),
        ):
            counts[name] -= 1
            if not counts[name]:
                del counts[name]

    def _room(self, address: str) -> None:
        settings = self._settings
        if self._live >= settings.connections:
            raise Refused(
                503, "CONNECTIONS_FULL", f"all {settings.connections} connections are taken"
            )
        if 0 < settings.connections_of_address <= self._of_address[address]:
            raise Refused(
                429,
                "ADDRESS_CONNECTIONS_FULL",
                f"your address has {settings.connections_of_address} connections, "
                "as many as it may; close one first",
            )

    def _origin(self, request: HTTPConnection) -> None:
        for origin in request.headers.getlist("origin"):
            if origin not in self._settings.origins:
                raise Refused(
                    403, "ORIGIN_FOREIGN", "web pages of this origin may not connect here"
                )

    def _caller(self, request: HTTPConnection) -> Caller:
        if any(name.lower() in _TOKEN_NAMES for name in request.query_params):
            raise Refused(
                401,
                "TOKEN_IN_ADDRESS",
                "a token does not belong into an address: send it in the Authorization header, "
                "or get a one-use ticket for it",
            )
        headers = request.headers.getlist("authorization")
        ticket = request.query_params.get("ticket")
        if len(headers) + (ticket is not None) != 1:
            raise Refused(
                401,
                "AUTHENTICATION_MISSING",
                "send exactly one of an Authorization header (Bearer and a token) and a ticket",
            )
        try:
            caller = self._authenticate(headers[0]) if ticket is None else self._redeem(ticket)
        except OnefillError as refused:
            raise Refused(401, refused.code, refused.message) from None
        if any(user != caller.user for user in request.headers.getlist("x-user-id")):
            raise Refused(401, "USER_DIFFERS", "x-user-id is not the token's subject")
        if not caller.may(Right.CLIENT):
            raise Refused(403, "SCOPE_MISSING", f"the token lacks the scope {Right.CLIENT.value!r}")
        return caller

    def _account(self, request: HTTPConnection, caller: Caller) -> Account | None:
        """The account that the client names, or that its token alone is good for."""
        named = {
            *request.query_params.getlist("mt5_account"),
            *(value for name in _ACCOUNT_HEADERS for value in request.headers.getlist(name)),
        }
        if len(named) > 1:
            raise Refused(400, "ACCOUNT_AMBIGUOUS", "mt5_account is given twice, differently")
        if named:
            account = self._directory.account(caller.tenant, named.pop())
            if account is None or not caller.sees(account):
                raise Refused(404, "ACCOUNT_UNKNOWN", "you have no account of that name")
            return account
        if len(caller.accounts) == 1:
            account = self._directory.account(caller.tenant, caller.accounts[0])
            if account is not None and caller.sees(account):
                return account
        return None
