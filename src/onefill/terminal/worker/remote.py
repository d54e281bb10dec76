"""A terminal on another machine, reached over TLS: the same connection as to a worker here."""

from __future__ import annotations

import asyncio

from onefill.model.errors import OnefillError
from onefill.terminal.session import Session
from onefill.terminal.worker.process import Frames
from onefill.terminal.worker.tls import check_fingerprint, client_context
from onefill.terminal.worker.wire import VERSION, Hello, Welcome, encode, welcome_of

_PATIENCE_S = 10.0


class RemoteConnection:
    """A connection to a front."""

    def __init__(self, frames: Frames, welcome: Welcome) -> None:
        self.frames = frames
        self.welcome = welcome

    def kill(self) -> None:
        """Hang up; the front ends and replaces its worker by itself where that hangs."""
        self.frames.abort()

    async def finish(self, patience_s: float) -> None:
        """Hang up."""
        self.frames.abort()


async def reach(session: Session) -> RemoteConnection:
    """Connect, recognise the server, say the token.

    Raises `OnefillError`: `TERMINAL_UNREACHABLE`, `WRONG_CERTIFICATE`, `TOKEN_REFUSED`,
    `ACCOUNT_MISMATCH`, `WIRE_VERSION`, and what the front says of its worker.
    """
    where = session.remote
    assert where is not None
    host, port = where
    frames = Frames()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            transport, _ = await asyncio.get_running_loop().create_connection(
                lambda: frames, host, port, ssl=client_context(), server_hostname=host
            )
            check_fingerprint(transport.get_extra_info("ssl_object"), session.fingerprint)
            welcome = await _greet(frames, session)
    except OSError as wrong:  # TimeoutError is one
        raise OnefillError(
            "TERMINAL_UNREACHABLE",
            f"no terminal answers at {host}:{port} ({str(wrong) or 'it took too long'}); is "
            "`onefill terminal serve` running there, and the port open?",
        ) from None
    except BaseException:
        frames.abort()
        raise
    return RemoteConnection(frames, welcome)


async def _greet(frames: Frames, session: Session) -> Welcome:
    body: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

    def first(found: bytes | None) -> None:
        if not body.done():
            body.set_result(found)

    frames.on_frame = first
    frames.on_lost = lambda: first(None)
    frames.send(encode(Hello(VERSION, session.token)))
    answer = await body
    if answer is None:
        raise OnefillError(
            "TOKEN_REFUSED",
            f"the terminal of session {session.name!r} hung up: its token is another one, or its "
            "Onefill is of another version",
        )
    welcome = welcome_of(answer, session.name)
    if (welcome.login, welcome.server) != (session.login, session.server):
        raise OnefillError(
            "ACCOUNT_MISMATCH",
            f"session {session.name!r} is for account {session.login} on {session.server!r}; the "
            f"terminal there serves {welcome.login} on {welcome.server!r}; nothing is traded there",
        )
    return welcome
