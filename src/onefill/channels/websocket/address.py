"""Where a gateway is: the address that an operator gives, checked, and what is asked there."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from onefill.contracts.messages import Dialect
from onefill.model.errors import OnefillError

_PATHS = {Dialect.EXECUTION: "/ws/execution", Dialect.TRADING: "/ws/trading-client"}


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway. `place` is `HOST` or `HOST:PORT`, as its address said it."""

    place: str
    secure: bool
    #: Whether it is this machine: then no proxy is asked.
    loopback: bool
    path: str = ""

    def endpoint(self, login: int | None, dialect: Dialect) -> str:
        """Where the client of an account connects; None: its profile will say which."""
        scheme = "wss" if self.secure else "ws"
        path = self.path or _PATHS[dialect]
        query = "" if login is None else f"?mt5_account={login}"
        return f"{scheme}://{self.place}{path}{query}"

    def page(self, path: str) -> str:
        """The address of one of its pages (`/v1/tokens`)."""
        return f"{'https' if self.secure else 'http'}://{self.place}{path}"

    def __str__(self) -> str:
        return f"{'wss' if self.secure else 'ws'}://{self.place}{self.path}"


def parse_gateway(text: str, *, allow_plain: bool = False) -> Gateway:
    """A gateway by its address. Raises `OnefillError` (`GATEWAY_INVALID`, `GATEWAY_PLAIN`)."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError as wrong:
        raise _invalid(text, str(wrong)) from None
    if parts.scheme not in ("wss", "ws") or not host:
        raise _invalid(text, "it must be wss://HOST[:PORT]")
    if parts.username is not None or parts.query or parts.fragment:
        raise _invalid("(not shown)", "it must hold no user, no query and no fragment")
    loopback = _is_loopback(host)
    secure = parts.scheme == "wss"
    if not secure and not loopback and not allow_plain:
        raise OnefillError(
            "GATEWAY_PLAIN",
            f"{text} is not encrypted, and {host} is another machine: use wss://, or --allow-plain "
            "where the way there is protected otherwise",
        )
    return Gateway(parts.netloc, secure, loopback, parts.path.rstrip("/"))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name that may stand for anything


def _invalid(text: str, why: str) -> OnefillError:
    return OnefillError("GATEWAY_INVALID", f"the gateway's address {text}: {why}")
