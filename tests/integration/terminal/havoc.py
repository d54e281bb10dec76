"""Three accounts trading at once, and what befalls their processes at drawn instants: workers are
killed and stopped, brokers stopped, the engine killed, stopped and taken over from.

Whatever is done to a process is looked at from outside: that it is gone, that it stands still, or
that a session's log tells of it.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from tests.contract.ports import SERVER
from tests.integration.terminal.processes import PATIENCE_S, go_on, gone, state_of, stop, until
from tests.integration.terminal.served import KILL
from tests.integration.terminal.traded_account import LATENCY_MS, Account
from tests.integration.terminal.trader import Json, Plan, Trader
from tests.integration.terminal.verdict import breaches_of

NAMES = ("first", "second", "third")
_ENDED = ("WORKER_DIED", "WORKER_HUNG", "WORKER_NOT_STARTED")


class Havoc:
    """The accounts, the engine that trades on them, and what is done to both."""

    def __init__(self, home: Path, seed: int) -> None:
        self.home = home
        self.accounts = [Account(home, name, 1000001 + n, seed) for n, name in enumerate(NAMES)]
        self.struck: Counter[str] = Counter()
        self._draw = random.Random(seed)
        self._rivals: dict[str, list[Path]] = {name: [] for name in NAMES}
        self._by_name = {one.name: one for one in self.accounts}
        self.trader = self._start()
        self._over = threading.Event()
        self._threads = ThreadPoolExecutor(8)
        self._trading = [
            self._threads.submit(one.trade, lambda: self.trader, self._over)
            for one in self.accounts
        ]

    def _start(self) -> Trader:
        sessions = tuple(one.session for one in self.accounts)
        plan = Plan(str(self.home), str(self.home / "journal"), sessions)
        return Trader(plan, lambda told: self._by_name[told["session"]].hear(told))

    def close(self) -> None:
        """Let all that was asked be answered; then the engine ends, and the brokers."""
        self._over.set()
        try:
            for one in self._trading:
                one.result(PATIENCE_S)
            self.trader.finish()
        finally:
            if self.trader.process.poll() is None:  # something failed: what stands still is freed
                self.trader.kill()
            self._threads.shutdown(wait=False)
            for account in self.accounts:
                account.broker.stop()

    def breaches(self) -> tuple[list[str], Counter[str]]:
        """What the judge says, and the orders by the state that they ended in."""
        told: list[str] = []
        states: Counter[str] = Counter()
        for account in self.accounts:
            found, ended = self.breaches_on(account, account.broker.book)
            told += found
            states += ended
        return told, states

    def breaches_on(self, account: Account, book: Path) -> tuple[list[str], Counter[str]]:
        """The same of one account, held against a book."""
        found, ended = breaches_of(
            book,
            self.home / "journal",
            f"{account.login}@{SERVER}",
            account.answers,
            self._rivals[account.name],
        )
        return [f"{account.name}: {one}" for one in found], ended

    # A round: one thing befalls the engine, or one thing each of its sessions.

    def round(self, *kinds: str) -> None:
        """Do these at drawn instants, or what is drawn; all trade before it and after it."""
        chosen = list(kinds) or self._drawn()
        for account in self.accounts:
            account.trades()
        waits = [self._draw.random() for _ in chosen]
        if chosen[0] in ENGINE:
            time.sleep(waits[0])
            ENGINE[chosen[0]](self, self._draw.choice(self.accounts))
        else:
            under_way = [
                self._threads.submit(self._befall, SESSION[kind], account, wait)
                for kind, account, wait in zip(chosen, self.accounts, waits, strict=True)
            ]
            for one in under_way:
                one.result(PATIENCE_S * 2)
        self.struck.update(chosen)
        print(f"{time.strftime('%X')} {sum(self.struck.values())} faults: {', '.join(chosen)}")

    def _drawn(self) -> list[str]:
        if self._draw.random() < 0.25:
            return [self._draw.choice(list(ENGINE))]
        return self._draw.choices(list(SESSION), (5, 2, 1.5, 1), k=len(self.accounts))

    def _befall(self, what: SessionFault, account: Account, wait_s: float) -> None:
        time.sleep(wait_s)
        what(self, account)

    # What befalls a session.

    def kill_worker(self, account: Account) -> None:
        worker, before = account.worker(), account.told_of(*_ENDED)
        os.kill(worker, KILL)
        gone(worker)
        until(lambda: account.told_of(*_ENDED) > before, "nobody noticed that the worker died")

    def hang_worker(self, account: Account) -> None:
        worker, before = account.worker(), account.told_of("WORKER_HUNG")
        stop(worker)
        until(lambda: account.told_of("WORKER_HUNG") > before, "a worker that hangs is kept")
        gone(worker)

    def hang_broker(self, account: Account) -> None:
        before = account.told_of("WORKER_HUNG")
        stop(account.broker.process.pid)
        try:
            until(lambda: account.told_of("WORKER_HUNG") > before, "nobody noticed the broker")
        finally:
            go_on(account.broker.process.pid)

    def start_second_engine(self, account: Account) -> None:
        """It has a journal of its own, and is told who holds the account."""
        (told,) = self._rival(account, take_over=False)
        assert told["status"] == "rejected", told
        assert "held by the worker with process id" in told["rejection_details"], told

    # What befalls the engine.

    def kill_engine(self, _: Account) -> None:
        workers = [account.worker() for account in self.accounts]
        self.trader.kill()
        for worker in workers:
            gone(worker)
        self.trader = self._start()

    def stop_engine(self, _: Account) -> None:
        """Past every deadline of its calls, and its workers with it; then all go on."""
        processes = [self.trader.process.pid, *(one.worker() for one in self.accounts)]
        for process in processes:
            stop(process)
        time.sleep(3)  # longer than a call's deadline
        for process in processes:
            go_on(process)

    def take_over(self, account: Account) -> None:
        """From an engine that stands still with its workers, and goes on afterwards: it is shut
        out, and the next engine is not."""
        worker = account.worker()
        for process in (self.trader.process.pid, worker):
            stop(process)
        time.sleep(LATENCY_MS * 10 / 1_000)  # what was on its way arrives
        sends = self._sends(account)
        (told,) = self._rival(account, take_over=True)
        assert told["status"] == "filled", told
        until(lambda: state_of(worker) in ("", "Z"), "the worker that was taken over from lives")
        before = self._sends(account)
        assert before == sends + 1, (before, sends)
        answered = sum(map(len, account.answers.values()))
        go_on(self.trader.process.pid)
        until(lambda: sum(map(len, account.answers.values())) > answered, "it is not told so")
        assert self._sends(account) == before, "an engine that was shut out has sent"
        self.trader.kill()
        self.trader = self._start()

    def _rival(self, account: Account, *, take_over: bool) -> list[Json]:
        """Another engine that executes one order."""
        number = sum(map(len, self._rivals.values()))
        journal = self.home / f"rival-{account.name}-{number}"
        session = msgspec.structs.replace(account.session, take_over=take_over)
        told: list[Json] = []
        rival = Trader(Plan(str(self.home), str(journal), (session,)), told.append)
        rival.ask(account.name, f"rival-{number}", 1_000.0, 1)
        rival.finish()
        self._rivals[account.name].append(journal)
        return told

    def _sends(self, account: Account) -> int:
        """Trade requests in the account's book."""
        return account.broker.book.read_bytes().count(b'"what":"request"')


SessionFault = Callable[[Havoc, Account], None]

SESSION: dict[str, SessionFault] = {
    "worker killed": Havoc.kill_worker,
    "worker stopped past a call's deadline": Havoc.hang_worker,
    "broker stopped past a call's deadline, then continued": Havoc.hang_broker,
    "second engine for the account": Havoc.start_second_engine,
}
ENGINE: dict[str, SessionFault] = {
    "engine killed and started again": Havoc.kill_engine,
    "engine and workers stopped past every deadline, then continued": Havoc.stop_engine,
    "account taken over from a stopped engine, which is then continued": Havoc.take_over,
}
