"""Programs that the tests start as processes of their own: `python -m ... WORD DIR ...`.

`write DIR SEED GROUP [POINT NTH]` plays seeded lives and prints, after every flush, what is now
durable; at the NTH time that it passes POINT it says so and dies. `fold DIR` folds every record
from the first one and prints each account's state hash and head. `hold DIR` opens the journal and
waits to be killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from onefill.journal.errors import JournalFailed
from onefill.journal.files import reading
from onefill.journal.journal import Journal
from onefill.journal.loading import all_rows
from onefill.model.account import AccountState, state_hash
from onefill.model.events import decode_event
from onefill.model.fold import apply
from tests.builders import ACCOUNT, lives, play

ACCOUNTS = (ACCOUNT, "demo-2")
ORDERS = 60


def say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def die() -> None:
    """End at once, as by `kill -9`: no handler runs, nothing is closed."""
    if sys.platform == "win32":
        os.kill(os.getpid(), signal.SIGTERM)  # there it is TerminateProcess
    else:
        os.kill(os.getpid(), signal.SIGKILL)


def write(directory: Path, seed: int, group: int, point: str, nth: int) -> None:
    left = nth

    def hook(reached: str) -> None:
        nonlocal left
        if reached == point:
            left -= 1
            if not left:
                say(reached=point)
                die()

    journal = Journal.open(directory, hook=hook, snapshot_every=40)
    say(pid=os.getpid())
    epoch = max([journal.take_epoch(account) for account in ACCOUNTS])
    steps = lives(seed, ORDERS, accounts=ACCOUNTS, epoch=epoch)
    taken = []
    try:
        for step in steps:
            taken.append(step)
            if len(taken) == group:
                play(journal, taken, group=group)
                taken.clear()
                say(durable=journal.durable_seq)
        play(journal, taken)
    except JournalFailed as failure:
        say(failed=failure.message, durable=journal.durable_seq)
        sys.exit(1)
    say(durable=journal.durable_seq, **standing(journal))
    journal.close()


def standing(journal: Journal) -> dict[str, object]:
    return {
        "states": {name: state_hash(journal.state(name)) for name in journal.accounts()},
        "heads": {name: journal.head(name) for name in journal.accounts()},
    }


def fold(directory: Path) -> None:
    states: dict[str, AccountState] = {}
    heads: dict[str, str] = {}
    with reading(directory) as store:
        for row in all_rows(store):
            state = states.setdefault(row.account, AccountState(account=row.account))
            apply(state, decode_event(row.body), row.seq, row.at_ms)
            heads[row.account] = row.hash.hex()
    say(states={name: state_hash(state) for name, state in states.items()}, heads=heads)


def hold(directory: Path) -> None:
    with Journal.open(directory):
        say(pid=os.getpid())
        sys.stdin.read()


def main() -> None:
    word, directory, *rest = sys.argv[1:]
    if word == "write":
        seed, group, point, nth = (*rest, "", "0")[:4]
        write(Path(directory), int(seed), int(group), point, int(nth))
    else:
        {"fold": fold, "hold": hold}[word](Path(directory))


if __name__ == "__main__":
    main()
