"""The composition of a replay: journal, simulated terminal, desk and driver, wired by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onefill.execution.config import ExecutionConfig
from onefill.execution.desk import Desk
from onefill.execution.drivers.stepwise import StepwiseDriver
from onefill.execution.intake import same_content
from onefill.execution.report import Answer, answer, key_reused
from onefill.journal.journal import Journal
from onefill.model.account import AccountState
from onefill.model.errors import OnefillError
from onefill.model.events import Began, Concluded
from onefill.model.intent import OrderIntent, intent_id
from onefill.model.states import State
from onefill.replay.inputs import Inputs, check_made_from
from onefill.replay.summary import Summary, decode_summary, encode_summary, summarise
from onefill.runtime.clock import VirtualClock
from onefill.terminal.port import Reply, Request
from onefill.terminal.simulator.terminal import SimulatedTerminal
from onefill.terminal.zone import ServerTime, parse_zone

TENANT, ACCOUNT = "local", "replay"
BOOK_NAME = "broker.log"
_UNDER_WAY = frozenset({State.ACCEPTED, State.SENDING, State.UNKNOWN})

Hook = Callable[[str], None]
Progress = Callable[[int], None]


def _ignore(_: Any) -> None:
    return None


@dataclass(frozen=True, slots=True)
class RunResult:
    """The answers in order of arrival, and the summary."""

    answers: list[Answer]
    summary: Summary

    @property
    def exit_status(self) -> int:
        """0: all final or working; 3: something waits for an operator.

        A close_all waits with its close that is in quarantine: it is still ACCEPTED then.
        """
        waiting = {State.QUARANTINED, *_UNDER_WAY}
        return 3 if any(a.status in waiting for a in self.answers) else 0


def replay(
    inputs: Inputs,
    *,
    progress: Progress = _ignore,
    tell: Callable[[Any], None] = _ignore,
    hook: Hook | None = None,
    config: ExecutionConfig | None = None,
    journal_options: dict[str, Any] | None = None,
) -> RunResult:
    """Take every decision through the engine; go on where a journal stopped, repeat nothing.

    `hook` is told each effect as it happens (crash tests). Raises `OnefillError`.
    """
    directory = inputs.settings.journal
    options = dict(journal_options or {})
    if hook is not None:
        options["hook"] = hook
    journal = Journal.open(directory, **options)
    try:
        state = journal.state(ACCOUNT)
        if state.made_from:
            check_made_from(state.made_from, inputs.made_from, directory)
        if not _nothing_new(journal, state, inputs):
            _run(journal, inputs, progress, tell, hook, config or ExecutionConfig())
        return _result(journal, inputs)
    finally:
        journal.close()


def _nothing_new(journal: Journal, state: AccountState, inputs: Inputs) -> bool:
    """Whether the last run came to its end and knew all these orders."""
    return bool(state.concluded) and all(
        journal.find(ACCOUNT, line.intent.client_key) is not None for line in inputs.arrivals
    )


def _run(
    journal: Journal,
    inputs: Inputs,
    progress: Progress,
    tell: Callable[[Any], None],
    hook: Hook | None,
    config: ExecutionConfig,
) -> None:
    settings, state = inputs.settings, journal.state(ACCOUNT)
    book = book_path(settings.journal)
    if state.made_from and not book.exists():
        raise OnefillError(
            "BOOK_MISSING",
            f"the journal in {settings.journal} has orders at a broker whose book, {book}, is "
            "gone; put it back, or begin in another directory",
        )
    terminal = SimulatedTerminal(
        inputs.profile,
        inputs.ticks.series,
        currency=settings.currency,
        balance=settings.balance,
        leverage=settings.leverage,
        book=book,
        faults=inputs.faults,
        hook=hook,
    )
    with closing(terminal):
        _check_book(terminal, journal.epoch(ACCOUNT), settings.journal)
        _drive(journal, inputs, terminal, progress, tell, hook, config)


def _drive(
    journal: Journal,
    inputs: Inputs,
    terminal: SimulatedTerminal,
    progress: Progress,
    tell: Callable[[Any], None],
    hook: Hook | None,
    config: ExecutionConfig,
) -> None:
    """Boot the engine, run it to the end of the market and of what it began, and conclude."""
    state = journal.state(ACCOUNT)
    first_ms = min([inputs.first_tick_ms, *(line.at_ms for line in inputs.arrivals[:1])])
    if not state.made_from:
        journal.append(ACCOUNT, Began(made_from=inputs.made_from), first_ms)
        journal.flush()
    clock = VirtualClock(max(state.last_ms, terminal.now_ms, first_ms))
    epoch = journal.take_epoch(ACCOUNT)
    terminal.fence(epoch)
    desk = Desk(
        tenant=TENANT,
        account=ACCOUNT,
        login=terminal.login,
        server=terminal.server,
        state=state,
        find=lambda key: journal.find(ACCOUNT, key),
        limits=inputs.limits,
        clock=clock,
        epoch=epoch,
        day_of=ServerTime(parse_zone(inputs.profile.broker.time_zone)).day_of,
        config=config,
    )
    driver = StepwiseDriver(desk, journal, terminal, clock, tell, hook)
    driver.boot()
    driver.run(_arrivals(journal, inputs), inputs.last_tick_ms, progress)
    _conclude(journal, inputs, terminal, clock)


def _check_book(terminal: SimulatedTerminal, epoch: int, directory: Path) -> None:
    """Epochs only grow: a broker that listened to a later one than the journal's last knows orders
    that this journal does not, and would be sent them again."""
    if terminal.fenced > epoch:
        raise OnefillError(
            "BOOK_AHEAD",
            f"the broker's book in {directory} is ahead of the journal, which was removed or "
            "replaced by an older copy; put the right one back, or begin in another directory",
        )


def _arrivals(journal: Journal, inputs: Inputs) -> Iterator[tuple[int, OrderIntent]]:
    """Decisions in order of arrival that the journal does not know yet."""
    for line in inputs.arrivals:
        if journal.find(ACCOUNT, line.intent.client_key) is None:
            yield line.at_ms, line.intent


def _conclude(
    journal: Journal, inputs: Inputs, terminal: SimulatedTerminal, clock: VirtualClock
) -> None:
    reply = terminal.call(Request("account_info", {}), clock.now_ms())
    assert isinstance(reply, Reply)
    summary = summarise(_answers(journal, inputs), inputs, reply.value)
    journal.append(ACCOUNT, Concluded(summary=encode_summary(summary)), clock.now_ms())
    journal.flush()


def _result(journal: Journal, inputs: Inputs) -> RunResult:
    summary = decode_summary(journal.state(ACCOUNT).concluded, journal.head(ACCOUNT))
    return RunResult(_answers(journal, inputs), summary)


def _answers(journal: Journal, inputs: Inputs) -> list[Answer]:
    """One answer a line, in order of arrival, as the journal proves it."""
    answers = []
    for line in inputs.arrivals:
        key = line.intent.client_key
        found = journal.find(ACCOUNT, key)
        assert found is not None, f"order {key!r} was never taken"
        if same_content(found, line.intent):
            answers.append(answer(found))
        else:
            answers.append(key_reused(key, intent_id(TENANT, ACCOUNT, key)))
    return answers


def book_path(directory: Path) -> Path:
    """Where the simulated broker keeps its own book."""
    return directory / BOOK_NAME
