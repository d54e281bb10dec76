"""`onefill agent`: the client that holds accounts and carries out what a gateway commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from onefill.agent.program import AgentSettings, default_data, run_agent
from onefill.channels.websocket.address import parse_gateway
from onefill.contracts.messages import Dialect
from onefill.runtime.collector import calm_collector
from onefill.runtime.loop import run


def agent(
    gateway: Annotated[str, typer.Option(metavar="URL", help="The gateway, as wss://HOST[:PORT].")],
    token_file: Annotated[
        Path,
        typer.Option(metavar="FILE", help="A file that holds an API key (of_…) or a JWT."),
    ],
    terminals: Annotated[
        Path, typer.Option(metavar="FILE", help="The terminals file (TOML): accounts and limits.")
    ],
    backup_gateway: Annotated[
        list[str] | None,
        typer.Option("--backup-gateway", metavar="URL", help="Tried while the gateway is away."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Equity marks, halts, and the journal where the terminals file names none; else "
            "~/.onefill/agent. (ONEFILL_DATA is the gateway's, and not read here.)",
        ),
    ] = None,
    bare: Annotated[
        bool,
        typer.Option(
            "--bare", help="Speak the plain contract, without envelopes: no halts reach this agent."
        ),
    ] = False,
    dialect: Annotated[
        Dialect, typer.Option(help="With --bare: which commands the gateway sends.")
    ] = Dialect.EXECUTION,
    lift_halts_of: Annotated[
        list[str] | None,
        typer.Option(
            "--lift-halts-of",
            metavar="URL",
            help="Lift what a gateway had halted that is gone for good. May be repeated.",
        ),
    ] = None,
    allow_plain: Annotated[
        bool, typer.Option("--allow-plain", help="Let ws:// reach another machine, in clear.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Say what happens as JSON lines.")
    ] = False,
) -> int:
    """Hold the accounts of a terminals file for a gateway, within the limits that it sets.

    Says what happens on standard error. Ends with Ctrl-C, once what is under way is done; again:
    at once. Its exit status is 1 where an account could not go on.

    Example: onefill agent --gateway wss://gateway.example --token-file agent.key
    --terminals terminals.toml
    """
    settings = AgentSettings(
        gateways=tuple(
            parse_gateway(text, allow_plain=allow_plain, allow_path=bare)
            for text in (gateway, *(backup_gateway or ()))
        ),
        token_file=token_file,
        terminals=terminals,
        data=data or default_data(),
        dialect=dialect,
        bare=bare,
        lift_halts_of=tuple(
            parse_gateway(text, allow_plain=True, allow_path=True)  # nothing is sent there
            for text in lift_halts_of or ()
        ),
    )
    calm_collector()
    return run(run_agent(settings, sys.stderr, as_json=as_json))
