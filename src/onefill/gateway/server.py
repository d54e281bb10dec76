"""The gateway's one composition function: identity, journal, desk, clients and REST on one port."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from onefill.gateway.api.app import make_api
from onefill.gateway.api.issuing import Issuing
from onefill.gateway.config import GatewayConfig
from onefill.gateway.delivery.protocols import server_options
from onefill.gateway.delivery.sessions import Sessions
from onefill.gateway.desk.directing import Directing
from onefill.gateway.identity.opening import Identity, open_identity
from onefill.journal.errors import JournalFailed
from onefill.journal.group_writer import GroupWriter
from onefill.journal.journal import Journal
from onefill.model.errors import OnefillError
from onefill.runtime.clock import Clock, steady_ms

REFRESH_S = 1.0
"""How soon what `onefill admin` changed is heeded."""

STOP_PATIENCE_S = 10
"""How long a stop waits for requests that are being answered."""


@dataclass(slots=True)
class Gateway:
    """A gateway that listens. `url` is where programs on this machine reach it."""

    url: str
    identity: Identity
    journal: Journal
    server: uvicorn.Server

    def stop(self) -> None:
        """Ask it to end; what is under way is finished first."""
        self.server.should_exit = True


@asynccontextmanager
async def serving(config: GatewayConfig, clock: Clock) -> AsyncIterator[Gateway]:
    """A gateway for as long as the block lasts. Raises `OnefillError` for what an operator must
    mend first: a journal in use, an address taken, a certificate that cannot be read."""
    _check_certificate(config)
    async with AsyncExitStack() as ending:
        identity = open_identity(config.data, clock)
        ending.callback(identity.close)
        journal = Journal.open(config.data / "journal")
        ending.callback(_close, journal)
        writer = GroupWriter(journal)
        ending.push_async_callback(_close_writer, writer)
        desk = Directing(journal, writer, identity.directory, clock, config.desk, steady_ms)
        sessions = Sessions(
            desk,
            identity.directory,
            clock,
            config.delivery,
            authenticate=identity.tokens.authenticate,
            redeem=identity.tickets.redeem,
            still_valid=identity.tokens.holds,
        )
        await desk.open(sessions)
        ending.push_async_callback(desk.close)
        api = make_api(
            desk,
            identity.directory,
            identity.tokens.authenticate,
            journal,
            clock,
            config.api,
            standing=_Standing(sessions),
            issues=Issuing(identity.tokens, identity.tickets, clock),
            beside=sessions.routes,
        )
        writer.followers.append(api.state.feed.nudge)
        listening = _listen(config)
        ending.callback(listening.close)
        server = _Server(_served(config, api))
        refreshing = asyncio.create_task(_keep_fresh(identity, desk))
        ending.push_async_callback(_cancelled, refreshing)
        running = asyncio.create_task(server.serve(sockets=[listening]))
        ending.push_async_callback(_stopped, server, running, api, sessions)
        up = asyncio.create_task(server.up.wait())
        await asyncio.wait([up, running], return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if running.done():
            running.result()
        scheme = "https" if config.certificate is not None else "http"
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        yield Gateway(f"{scheme}://{shown}:{port}", identity, journal, server)


async def ended(gateway: Gateway) -> None:
    """Comes back when the gateway was asked to stop. Raises what made it end by itself."""
    while not gateway.server.should_exit:
        await asyncio.sleep(0.1)
        gateway.journal.state("")  # raises once a write has failed: nothing more can be promised


class _Server(uvicorn.Server):
    """Says when it listens, and leaves the process's signals to the program that it is part of."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """It listens from here on."""
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


class _Standing:
    """Implements `api.ports.Standing`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def problems(self) -> list[str]:
        """None of its own; what the journal has to say, the door asks itself."""
        return []

    def gauges(self) -> Mapping[str, float]:
        """Numbers of the clients' connections."""
        return self._sessions.counters.gauges()

    def counters(self) -> Mapping[str, float]:
        """What they counted so far."""
        return self._sessions.counters.counters()

    def connected(self, account_id: str) -> bool:
        """Whether the account's client is there."""
        return self._sessions.present(account_id)


def _check_certificate(config: GatewayConfig) -> None:
    """Raises `OnefillError` (`CERTIFICATE_UNUSABLE`), before anything is opened."""
    if config.certificate is None or config.key is None:
        return
    for what, file in (("certificate", config.certificate), ("key", config.key)):
        if not file.is_file():
            raise OnefillError("CERTIFICATE_UNUSABLE", f"the {what} {file} is not there")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.certificate, config.key)
    except (OSError, ValueError) as wrong:  # ssl.SSLError is an OSError
        raise OnefillError(
            "CERTIFICATE_UNUSABLE",
            f"certificate {config.certificate} with key {config.key} cannot be used: {wrong}; both "
            "are PEM files that belong together, the key without a passphrase",
        ) from None


def _served(config: GatewayConfig, api: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        api,
        lifespan="on",
        loop="none",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_PATIENCE_S,
        ssl_certfile=config.certificate,
        ssl_keyfile=config.key,
        log_config=None,
        **server_options(config.delivery),
    )


def _listen(config: GatewayConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=2_048)
    except OSError as wrong:
        why = os.strerror(wrong.errno) if wrong.errno else str(wrong)
        raise OnefillError(
            "ADDRESS_UNUSABLE",
            f"cannot listen on {config.host} port {config.port}: {why}; does another gateway run "
            "there? --port 0 takes one that is free",
        ) from None


async def _keep_fresh(identity: Identity, desk: Directing) -> None:
    while True:
        await asyncio.sleep(REFRESH_S)
        if identity.directory.refresh():
            desk.directory_changed()


async def _stopped(
    server: uvicorn.Server, running: asyncio.Task[None], api: Starlette, sessions: Sessions
) -> None:
    """Streams end, clients are told to come back, requests are finished, and the port is free."""
    api.state.feed.end_streams()
    await sessions.close()
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await running


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _close_writer(writer: GroupWriter) -> None:
    with suppress(JournalFailed):
        await writer.close()


def _close(journal: Journal) -> None:
    with suppress(JournalFailed):
        journal.close()
