"""`onefill resume`: lift a halt, or see which are in force."""

from __future__ import annotations

from typing import Annotated

import typer

from onefill.cli import ProgramStatus, reach, several
from onefill.cli.journal_text import time_text
from onefill.cli.kill import Account, Strategy, Tenant, covers
from onefill.client.client import Client
from onefill.contracts.rest import Flattened, Halted
from onefill.model.errors import OnefillError


def resume(
    id: Annotated[
        str | None, typer.Argument(metavar="HALT", help="The halt's id, as `kill` told it.")
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; recorded.")] = None,
    tenant: Tenant = None,
    account: Account = None,
    strategy: Strategy = None,
    list_halts: Annotated[
        bool, typer.Option("--list", help="Lift nothing: show the halts in force.")
    ] = False,
    gateway: several.Gateways = None,
    key_file: several.KeyFiles = None,
    as_json: reach.Json = False,
) -> ProgramStatus:
    """Let what was halted be traded again: a halt by its id, or those on just what is named.

    Several gateways are asked at once, each by itself. The exit status is 3 where one could not
    be asked.

    Example: onefill resume --account 5012345 --reason "the feed is back"
    """
    why = (reason or "").strip()
    places = several.places(gateway, key_file)
    if not list_halts and not why:
        raise OnefillError("REASON_MISSING", "say why with --reason; it is recorded")

    def call(client: Client) -> list[Halted]:
        if list_halts:
            return client.halts()
        return client.resume(id=id, reason=why, tenant=tenant, account=account, strategy=strategy)

    answers = []
    for answer in several.ask(places, call):
        answers.append(answer)
        where = f" at {reach.shown(answer.gateway)}" if len(places) > 1 else ""
        if answer.value is None:
            several.tell_error(answer, as_json=as_json)
        elif as_json:
            for halt in answer.value:
                several.print_json(answer.gateway, halt)
        elif list_halts:
            _show(answer.value, where)
        else:
            for halt in answer.value:
                told = f"halt {reach.shown(halt.id)} is lifted{where}"
                typer.echo(f"{told}: {covers(halt)} may trade again")
    return ProgramStatus(several.INCOMPLETE if _failed(answers) else 0)


def _failed(answers: list[several.Answer[list[Halted]]]) -> bool:
    """A gateway that has no such halt is as it is meant to be, where another one had it."""
    lifted = any(answer.value is not None for answer in answers)
    wrong = [answer.error.code for answer in answers if answer.error is not None]
    return any(code != "HALT_UNKNOWN" or not lifted for code in wrong)


def _show(found: list[Halted], where: str) -> None:
    if not found:
        typer.echo(f"nothing is halted{where}")
        return
    table = reach.table(f"Halts{where}")
    for name in ("halt", "since"):
        table.add_column(name, no_wrap=True)
    for name in ("covers", "by", "reason", "flattening"):
        table.add_column(name, overflow="fold")
    for halt in found:
        table.add_row(
            reach.shown(halt.id),
            time_text(halt.at_ms)[5:19],
            covers(halt),
            reach.shown(halt.by),
            reach.shown(halt.reason),
            "\n".join(
                f"{reach.shown(one.mt5_account)}: {_flattened(one)}" for one in halt.flattening
            ),
        )
    reach.console().print(table)


def _flattened(one: Flattened) -> str:
    if one.flat:
        return "flat"
    told = f"{'not told how many' if one.positions is None else one.positions} open"
    if one.foreign:
        told += f", {one.foreign} of them not opened by Onefill"
    return f"{told} ({reach.shown(one.why)})" if one.why else told
