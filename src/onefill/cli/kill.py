"""`onefill kill`: halt everything, a tenant, an account or a strategy, and say who confirmed."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from onefill.cli import ProgramStatus, reach, several
from onefill.contracts.rest import Halted, HaltedAccount, Killed

_SAYS = {
    "confirmed": "[green]confirmed[/]",
    "lease_ran_out": "[yellow]its lease ran out: it sends nothing for this gateway[/]",
    "unreachable": "[bold red]unreachable[/]",
}

Tenant = Annotated[str | None, typer.Option(help="All of a tenant (for the firm's operators).")]
Account = Annotated[str | None, typer.Option(help="One account.")]
Strategy = Annotated[int | None, typer.Option(min=0, help="One magic number.")]
Answers = list[several.Answer[Killed]]


def kill(
    reason: reach.Reason,
    tenant: Tenant = None,
    account: Account = None,
    strategy: Strategy = None,
    flatten: Annotated[
        bool, typer.Option("--flatten", help="Close all positions too, until none is left.")
    ] = False,
    gateway: several.Gateways = None,
    key_file: several.KeyFiles = None,
    as_json: reach.Json = False,
) -> ProgramStatus:
    """Send nothing more that raises risk: for all that the key may halt, or what is named.

    It holds until somebody resumes it, restarts included. Name every gateway that the agents may
    be with (backups too): all are told at once, each by itself. The exit status is 3 where a
    gateway, or an account's client, could not be reached.

    Example: onefill kill --account 5012345 --flatten --reason "prices look wrong"
    """
    places = several.places(gateway, key_file)
    if sys.stderr.isatty():
        typer.echo(_PATIENCE, err=True)
    answers: Answers = []
    for answer in several.ask(
        places,
        lambda client: client.kill(
            reason=reason, tenant=tenant, account=account, strategy=strategy, flatten=flatten
        ),
    ):
        answers.append(answer)
        if answer.value is None:
            several.tell_error(answer, as_json=as_json)
        elif as_json:
            several.print_json(answer.gateway, answer.value)
        else:
            _show(answer.value, answer.gateway if len(places) > 1 else "")
    lost = _lost(answers)
    if not as_json:
        _sum_up(answers, lost)
    failed = any(answer.value is None for answer in answers)
    return ProgramStatus(several.INCOMPLETE if failed or lost else 0)


_PATIENCE = "halting: until every client has confirmed, or its lease (usually 15 s) has run out"


def _lost(answers: Answers) -> list[str]:
    """Accounts for which nobody can vouch.

    A client holds to the halts of all gateways together. So where one was at another of these
    gateways, and confirmed there, it is no matter that this one never saw it.
    """
    told = [one for answer in answers if answer.value for one in answer.value.accounts]
    confirmed = {one.mt5_account for one in told if one.outcome == "confirmed"}
    return list(dict.fromkeys(one.mt5_account for one in told if _unvouched(one, confirmed)))


def _unvouched(one: HaltedAccount, confirmed: set[str]) -> bool:
    return one.outcome == "unreachable" and (one.seen or one.mt5_account not in confirmed)


def _show(killed: Killed, gateway: str) -> None:
    console = reach.console()
    where = f" at {reach.shown(gateway)}" if gateway else ""
    console.print(f"halt [bold]{killed.halt.id}[/] is in force{where}: {covers(killed.halt)}")
    table = reach.table("")
    for name in ("account", "outcome"):
        table.add_column(name, no_wrap=True)
    for name in ("denied", "cancels"):
        table.add_column(name, justify="right")
    table.add_column("why")
    for one in killed.accounts:
        table.add_row(
            reach.shown(one.mt5_account),
            _SAYS.get(one.outcome, reach.shown(one.outcome)),
            str(one.denied),
            str(one.cancels),
            reach.shown(one.why),
        )
    console.print(table)


def _sum_up(answers: Answers, lost: list[str]) -> None:
    console = reach.console()
    away = [answer.gateway for answer in answers if answer.value is None]
    killed = [answer.value for answer in answers if answer.value is not None]
    if away:
        console.print(
            f"[bold red]not halted at {reach.shown(', '.join(away))}[/]: an agent that is with it "
            "goes on there. Halt it there too.",
        )
    if lost:
        console.print(
            f"[bold red]not everybody was reached[/]: {reach.shown(', '.join(lost))}. The halt "
            "holds here; look at those accounts at their brokers.",
        )
    elsewhere = any(one.outcome == "lease_ran_out" for each in killed for one in each.accounts)
    if elsewhere and len(answers) == 1:
        console.print(
            "an agent whose lease ran out may be with a backup gateway: halt it there too "
            "(--gateway may be repeated)"
        )
    if any(one.halt.flatten for one in killed):
        console.print("positions are being closed: onefill resume --list shows how far it is")


def covers(halt: Halted) -> str:
    """What a halt covers, in words."""
    where = f"account {reach.shown(halt.mt5_account)}" if halt.mt5_account else ""
    if halt.strategy is not None:
        return f"strategy {halt.strategy}" + (f" of {where}" if where else "")
    return where or f"the whole {halt.scope.value}"
