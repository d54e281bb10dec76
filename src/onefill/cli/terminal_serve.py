"""`onefill terminal serve`: a terminal on this machine for an engine on another one."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from onefill.channels.local.session_log import SessionLog
from onefill.model.errors import OnefillError
from onefill.runtime.clock import SystemClock
from onefill.runtime.loop import run
from onefill.terminal.session import SIMULATED, Session
from onefill.terminal.simulator.remote.address import format_address, parse_address
from onefill.terminal.simulator.remote.token import take_token
from onefill.terminal.worker.config import default_fences
from onefill.terminal.worker.front import Front
from onefill.terminal.worker.process import start_worker
from onefill.terminal.worker.terminal import WorkerTerminal
from onefill.terminal.worker.tls import fingerprint_of, own_certificate, server_context

_ANY = ("0.0.0.0", "::")


def serve(
    login: Annotated[int, typer.Option(help="The account's number.")],
    server: Annotated[str, typer.Option(help="The broker's server, as the terminal names it.")],
    token_file: Annotated[
        Path,
        typer.Option(metavar="FILE", help="What an engine must say; made where it is missing."),
    ],
    module: Annotated[
        str, typer.Option(help="MetaTrader5, or simulated (simulated:PROFILE).")
    ] = "MetaTrader5",
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where engines connect; port 0: any free one.")
    ] = "127.0.0.1:7755",
    terminal_path: Annotated[
        str, typer.Option(metavar="PATH", help="The terminal's program, where there are several.")
    ] = "",
    password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with the account's password.")
    ] = None,
    time_zone: Annotated[
        str, typer.Option(metavar="ZONE", help="The broker's clock, such as Europe/Athens.")
    ] = "",
    portable: Annotated[
        bool, typer.Option("--portable", help="The terminal keeps its files in its own folder.")
    ] = False,
    ticks: Annotated[
        list[str] | None,
        typer.Option("--ticks", metavar="FILE", help="Tick files of a simulated terminal."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Certificate and logs; else ~/.onefill.")
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Listen on an address other than loopback.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say where it listens as JSON.")] = False,
) -> int:
    """Hold a terminal beside it, on Windows or in Wine, for an engine elsewhere.

    The engine's session then has terminal_path = "tls://HOST:PORT", the token, and the fingerprint
    that is printed here. Ends with Ctrl-C.

    Example: onefill terminal serve --login 5012345 --server Broker-Demo --token-file token
    --listen 0.0.0.0:7755 --allow-remote
    """
    host, port = _where(listen, allow_remote=allow_remote)
    session = Session(
        name="served",
        login=login,
        server=server,
        password=_password(password_file) if password_file else "",
        terminal_path=_terminal_path(module, terminal_path),
        time_zone=time_zone,
        portable=portable,
        ticks=tuple(ticks or ()),
    )
    place = data or default_fences().parent
    with suppress(KeyboardInterrupt):
        run(_serve(session, host, port, take_token(token_file), place, as_json=as_json))
    return 0


async def _serve(
    session: Session, host: str, port: int, token: str, place: Path, *, as_json: bool
) -> None:
    clock, log = SystemClock(), SessionLog(session.name, place / "logs")
    certificate, key = own_certificate(place, clock)
    terminal = WorkerTerminal(
        lambda: start_worker(session, default_fences(), log.worker_output()),
        clock,
        trouble=log.warning,
    )
    await terminal.start()
    front = Front(terminal, token, clock, log.warning)
    try:
        try:
            found = await front.listen(host, port, server_context(certificate, key))
        except OSError as wrong:
            where = format_address(host, port)
            raise OnefillError(
                "ADDRESS_UNUSABLE", f"cannot listen on {where}: {wrong.strerror or wrong}"
            ) from None
        _say(session, host, found, fingerprint_of(certificate), as_json=as_json)
        await _until_asked_to_stop()
    finally:
        await front.close()
        await terminal.close()
        log.close()


def _say(session: Session, host: str, port: int, fingerprint: str, *, as_json: bool) -> None:
    where = f"tls://{format_address(host, port)}"
    if as_json:
        told = {"terminal_path": where, "fingerprint": fingerprint, "login": session.login,
                "server": session.server}  # fmt: skip
        print(json.dumps(told), flush=True)
        return
    typer.echo(
        f"serving {session.login} on {session.server} at {where}\n"
        f"the engine's session: terminal_path = {where!r}, fingerprint = {fingerprint!r}, and the "
        "token from the token file"
        + ("\n(write this machine's own address for HOST)" if host in _ANY else ""),
    )


async def _until_asked_to_stop() -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    if sys.platform != "win32":
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, asked.set)
    await asked.wait()


def _terminal_path(module: str, path: str) -> str:
    if module == "MetaTrader5":
        return path
    if module == "simulated":
        return f"{SIMULATED}default"
    if module.startswith(SIMULATED):
        return module
    raise OnefillError(
        "MODULE_INVALID", f"--module {module!r} is neither MetaTrader5 nor simulated[:PROFILE]"
    )


def _password(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise OnefillError("PASSWORD_MISSING", f"cannot read the password file: {wrong}") from None


def _where(listen: str, *, allow_remote: bool) -> tuple[str, int]:
    """The address to listen on; one of other machines only where that is wanted."""
    host, port = parse_address(listen)
    try:
        alone = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        alone = False  # a name that may stand for anything
    if not alone and not allow_remote:
        raise OnefillError(
            "ADDRESS_REMOTE",
            f"--listen {listen} can be reached from other machines: say so with --allow-remote",
        )
    return host, port
