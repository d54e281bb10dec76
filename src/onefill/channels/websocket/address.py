"""Where a gateway is: the address that an operator gives, checked, and what is asked there."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from onefill.contracts.messages import Dialect
from onefill.model.errors import OnefillError

_FORM = "it must be wss://HOST[:PORT]"
_PATHS = {Dialect.EXECUTION: "/ws/execution", Dialect.TRADING: "/ws/trading-client"}


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway. `place` is `HOST` or `HOST:PORT`, as its address said it."""

    place: str
    secure: bool
    #: Whether it is this machine: then no proxy is asked.
    loopback: bool
    #: Of a peer of the plain contract that is not at the contract's own.
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


def parse_gateway(text: str, *, allow_plain: bool = False, allow_path: bool = False) -> Gateway:
    """A gateway by its address; nothing of it is left out silently, and what may be a secret is not
    repeated. `allow_path`: the peer speaks the plain contract, wherever it does.

    Raises `OnefillError` (`GATEWAY_INVALID`, `GATEWAY_PLAIN`)."""
    if "@" in text:
        raise _invalid("", "it must hold no user and no password; the token goes in --token-file")
    if "?" in text or "#" in text:
        raise _invalid("", "it must hold no query (?) and no fragment (#)")
    if not text.isprintable() or " " in text:
        raise _invalid("", "it must hold no blanks")
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        raise _invalid(text, _FORM) from None
    if parts.scheme not in ("wss", "ws"):
        said = f", not {parts.scheme}://" if "://" in text else ""
        raise _invalid(text, f"it must begin with wss:// (or ws:// on this machine){said}")
    if not host:
        raise _invalid(text, f"it names no host; {_FORM}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise _invalid(f"{parts.scheme}://{host}", "its port must be a number, 1 to 65535")
    path = parts.path.rstrip("/")
    if path and not allow_path:
        raise _invalid(
            text,
            f"a gateway has no path ({path}); {_FORM}. A path is for peers of --bare",
        )
    loopback = _is_loopback(host)
    secure = parts.scheme == "wss"
    if not secure and not loopback and not allow_plain:
        raise OnefillError(
            "GATEWAY_PLAIN",
            f"{text} is not encrypted, and {host} is another machine: use wss://, or --allow-plain "
            "where the way there is protected otherwise",
        )
    return Gateway(parts.netloc, secure, loopback, path)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name that may stand for anything


def _invalid(text: str, why: str) -> OnefillError:
    """Without a text where it may hold a secret."""
    return OnefillError("GATEWAY_INVALID", f"the gateway's address {text or '(not shown)'}: {why}")
