"""Where a broker listens: `HOST:PORT`, and whether that is this machine alone."""

from __future__ import annotations

import ipaddress
import socket

from onefill.model.errors import OnefillError


def parse_address(text: str) -> tuple[str, int]:
    """`127.0.0.1:5005`, `localhost:5005`, `[::1]:5005`. Raises `OnefillError`
    (`ADDRESS_INVALID`)."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise OnefillError("ADDRESS_INVALID", f"{text!r} is no address; write it as 127.0.0.1:5005")
    return host, int(port)


def format_address(host: str, port: int) -> str:
    """The same as text."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listen(text: str, *, allow_remote: bool) -> socket.socket:
    """A bound socket. A name is taken at what it stands for now, so that what is checked is what
    is listened on.

    Raises `OnefillError`: `ADDRESS_INVALID`, `ADDRESS_REMOTE`, `ADDRESS_UNUSABLE`.
    """
    host, port = parse_address(text)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as wrong:
        raise OnefillError("ADDRESS_INVALID", f"there is no address {host!r}: {wrong}") from None
    family, _, _, _, where = found[0]
    if not allow_remote and not ipaddress.ip_address(str(where[0]).split("%")[0]).is_loopback:
        raise OnefillError(
            "ADDRESS_REMOTE",
            f"{text} can be reached from other machines, and what goes over the connection is not "
            "encrypted; listen on 127.0.0.1 (and tunnel to it), or say --allow-remote",
        )
    try:
        return socket.create_server(where[:2], family=family)
    except OSError as wrong:
        raise OnefillError("ADDRESS_UNUSABLE", f"cannot listen on {text}: {wrong}") from None
