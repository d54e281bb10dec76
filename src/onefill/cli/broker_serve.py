"""`onefill broker serve`: one simulated broker for several programs, which outlives them."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from socket import socket
from types import FrameType
from typing import Annotated

import msgspec
import typer

from onefill.cli.market_options import (
    Balance,
    Currency,
    Faults,
    Leverage,
    Seed,
    Ticks,
    TicksZone,
)
from onefill.cli.served_broker import BrokerOptions, ServedBroker, open_broker
from onefill.runtime.clock import SystemClock
from onefill.runtime.collector import calm_collector
from onefill.runtime.loop import run
from onefill.terminal.simulator.remote.address import format_address, listen
from onefill.terminal.simulator.remote.floor import Floor
from onefill.terminal.simulator.remote.pace import ClockPace, Lockstep, Pace
from onefill.terminal.simulator.remote.server import Server
from onefill.terminal.simulator.remote.token import default_token_file, take_token
from onefill.terminal.simulator.surface.functions import Functions


def serve(
    profile: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="The broker: one of `onefill broker profiles`, or a TOML file.",
        ),
    ] = "ecn",
    ticks: Ticks = None,
    listen_on: Annotated[
        str,
        typer.Option("--listen", metavar="HOST:PORT", help="Port 0: one that is free."),
    ] = "127.0.0.1:0",
    allow_remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote",
            help="Listen where other machines can connect. Nothing is encrypted.",
        ),
    ] = False,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What clients must know; made if it is not there. "
            "Usually ~/.onefill/broker.token.",
        ),
    ] = None,
    speed: Annotated[
        str,
        typer.Option(
            metavar="real|10x|lockstep",
            help="How the market's time goes. lockstep: only while all clients sleep.",
        ),
    ] = "real",
    clients: Annotated[
        int,
        typer.Option(min=1, help="In lockstep: time stands still until so many have come."),
    ] = 1,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The broker's book: the next start goes on from it."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="When the market begins (UTC): 2025-01-06T09:00. Usually with the ticks; a "
            "generated one now.",
        ),
    ] = None,
    balance: Balance = None,
    currency: Currency = None,
    leverage: Leverage = None,
    seed: Seed = None,
    faults: Faults = None,
    ticks_tz: TicksZone = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="What a program needs to connect, as one JSON object.")
    ] = False,
) -> int:
    """Serve one simulated broker that several programs connect to, until Ctrl-C.

    A program that imports onefill.mt5 connects where ONEFILL_BROKER and ONEFILL_BROKER_TOKEN_FILE
    say; docs/broker.md tells more.

    Example: onefill broker serve --profile ecn --listen 127.0.0.1:5005 --state demo.book
    """
    options = BrokerOptions(
        profile=profile,
        ticks=tuple(ticks or ()),
        ticks_tz=ticks_tz,
        speed=speed,
        state=state,
        start=start,
        balance=balance,
        currency=currency,
        leverage=leverage,
        seed=seed,
        faults=faults,
    )
    logging.basicConfig(format="onefill: %(message)s", level=logging.WARNING)
    with closing(listen(listen_on, allow_remote=allow_remote)) as listening:
        file = (token_file or default_token_file()).absolute()
        token = take_token(file)
        with open_broker(options) as broker:
            calm_collector()

            def ready() -> None:
                _tell(broker, listening, options.speed, file, as_json=as_json)

            run(_serve(broker, listening, token, clients, options.speed, ready))
            broker.kept.keep(broker.terminal.now_ms)
    if not as_json:
        print(f"stopped; {f'what was traded is in {state}' if state else 'nothing was kept'}")
    return 0


async def _serve(
    broker: ServedBroker,
    listening: socket,
    token: str,
    clients: int,
    speed: str,
    ready: Callable[[], None],
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def end(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    terminal = broker.terminal
    pace: Pace = Lockstep()
    if broker.speed:
        # Making the market took its time, and the present went on meanwhile.
        start_ms = SystemClock().now_ms() if broker.present else terminal.now_ms
        pace = ClockPace(speed, broker.speed, max(start_ms, terminal.now_ms), loop.time)
    floor = Floor(terminal, Functions(terminal), pace, expected=clients)
    server = Server(floor, pace, token, kept=broker.kept)
    await server.open(listening)
    ready()
    try:
        await server.run(stop)
    finally:
        await server.close()


def _tell(
    broker: ServedBroker, listening: socket, speed: str, token_file: Path, *, as_json: bool
) -> None:
    host, port = listening.getsockname()[:2]
    address = format_address(host, port)
    login, server = broker.terminal.login, broker.terminal.server
    if as_json:
        told = {
            "address": address,
            "pid": os.getpid(),
            "token_file": str(token_file),
            "login": login,
            "server": server,
            "profile": broker.profile.name,
            "speed": speed,
            "now_ms": broker.terminal.now_ms,
        }
        print(msgspec.json.encode(told).decode(), flush=True)
        return
    print(
        f"{server}, login {login}, at {address} ({speed}); connect with "
        f"ONEFILL_BROKER={address} ONEFILL_BROKER_TOKEN_FILE={token_file} python your_program.py",
        flush=True,
    )
