"""`onefill gateway`: the server that judges decisions and hands commands to the clients."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from onefill.gateway.config import GatewayConfig, load_gateway_config
from onefill.gateway.identity.model import Tenant
from onefill.gateway.server import ended, serving
from onefill.runtime.clock import SystemClock
from onefill.runtime.collector import calm_collector
from onefill.runtime.loop import run


def gateway(
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its settings (TOML); docs/gateway.md.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Usually 8000; 0: one that is free.")] = None,
    host: Annotated[
        str | None, typer.Option(help="Usually 127.0.0.1; another needs a certificate.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            envvar="ONEFILL_DATA",
            help="Journal, identity and secrets; usually ~/.onefill/gateway. The option comes "
            "before the environment, and that before the file's `data`.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say where it is, as JSON.")] = False,
) -> int:
    """Take decisions over REST and hand commands to agents over WebSocket, until Ctrl-C.

    Who may do what is made with `onefill admin` on the same --data.

    Example: onefill gateway --port 8000 --data gateway
    """
    settings = load_gateway_config(config, port=port, host=host, data=data)
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s %(message)s"
    )
    calm_collector()
    return run(_serve(settings, as_json=as_json))


async def _serve(settings: GatewayConfig, *, as_json: bool) -> int:
    loop = asyncio.get_running_loop()
    async with serving(settings, SystemClock()) as gateway:
        for number in (signal.SIGINT, signal.SIGTERM):
            if sys.platform == "win32":
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(gateway.stop))
            else:
                loop.add_signal_handler(number, gateway.stop)
        _tell(gateway.url, settings, as_json=as_json)
        if not gateway.identity.store.all(Tenant):
            typer.echo(
                "gateway: there is no tenant yet, so nobody may do anything; begin with: onefill "
                f"admin setup --data {settings.data}",
                err=True,
            )
        await ended(gateway)
    if not as_json:
        typer.echo("gateway: stopped", err=True)
    return 0


def _tell(url: str, settings: GatewayConfig, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"url": url, "data": str(settings.data)}), flush=True)
        return
    sockets = url.replace("http", "ws", 1)
    typer.echo(f"gateway: {url}  (clients: {sockets}/ws/execution, {sockets}/ws/trading-client)")
    typer.echo(f"gateway: journal, identity and secrets in {settings.data}; Ctrl-C ends it")
