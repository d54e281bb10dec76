"""Whatever the order of decisions, clients, results, time, halts and crashes: nothing leaves that
must not, nothing is lost, and orders keep their order."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from onefill.contracts.messages import Command
from onefill.gateway.desk.settings import DeskSettings
from onefill.journal.verify import verify
from onefill.model.account import state_hash
from onefill.model.halt import Halt, Scope
from onefill.model.intent import Action
from onefill.model.order import OrderState
from onefill.model.states import FINAL, State
from tests.unit.gateway.desk.world import CALLER, ID, NAME, World, pending

KINDS: dict[str, dict[str, Any]] = {
    "market": {},
    "pending": pending(),
    "close": {"action": Action.CLOSE, "target": "x"},
}
ENDS = (State.FILLED, State.REJECTED, State.DENIED, State.NOT_EXECUTED, State.EXPIRED)


class AnyOrder(RuleBasedStateMachine):
    """One account. The client carries out each command once, by key, and tells it until it is
    acknowledged; `fates` is what it knows."""

    unheard = Bundle("unheard")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.path = Path(tempfile.mkdtemp())
        self.world = World(self.path, DeskSettings(dispatch_batch=2))
        self.decided: list[str] = []
        self.first_handed: list[str] = []
        self.fates: dict[str, State] = {}
        self.halted = 0
        self.handed_now: set[str] = set()
        #: Handed over in an earlier connection, or recorded as such: only the client knows.
        self.sent_before: set[str] = set()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        async def done() -> Any:
            found = await work
            await self.world.settle()
            return found

        return self.loop.run_until_complete(done())

    def note_sent(self) -> None:
        orders = self.world.journal.state(ID).orders.values()
        self.sent_before |= {order.key for order in orders if order.state is State.SENDING}

    @initialize()
    def begin(self) -> None:
        self.run(self.world.start())
        self.world.post.watch = self.look
        self.run(self.world.arrive())

    def look(self, _: str, command: Command) -> None:
        """At each command as it is handed over."""
        world, key = self.world, command.intent.client_key
        order = world.journal.find(ID, key)
        assert order is not None
        assert order.state is State.SENDING
        records = list(world.journal.records(account=ID, order=key))
        assert records
        assert records[-1].seq <= world.journal.durable_seq
        if key not in self.first_handed:
            self.first_handed.append(key)
        again = key in self.sent_before
        self.handed_now.add(key)
        if not again or world.post.bare:
            expires = command.intent.expires_at_ms
            assert expires is None or world.clock.now_ms() <= expires
            halted = [h for h in world.directory.halts() if h.covers("acme", NAME, 0)]
            assert not halted or command.intent.action in (Action.CLOSE, Action.CANCEL)

    @rule(kinds=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=5))
    def decide(self, kinds: list[str]) -> None:
        async def all_at_once() -> None:
            await asyncio.gather(*(self.world.decide(self.new_key(), **KINDS[k]) for k in kinds))

        self.run(all_at_once())

    def new_key(self) -> str:
        self.decided.append(f"k{len(self.decided)}")
        return self.decided[-1]

    @rule(n=st.integers(0, 50))
    def decide_again(self, n: int) -> None:
        if self.decided:
            key = self.decided[n % len(self.decided)]
            before = self.world.journal.find(ID, key)
            assert before is not None
            number = before.number

            async def again() -> None:
                fields = {
                    name: getattr(before.intent, name)
                    for name in ("action", "target", "order_type", "price")
                }
                order = await self.world.decide(key, **fields)
                assert order.number == number

            self.run(again())

    @rule(change=st.sampled_from(["comes", "comes", "comes bare", "leaves", "is full", "is free"]))
    def client(self, change: str) -> None:
        if change == "leaves":
            if self.world.post.here:
                self.run(self.world.leave())
        elif change.startswith("comes"):
            self.handed_now.clear()
            self.note_sent()
            self.run(self.world.arrive(enveloped=change == "comes"))
        else:
            self.world.post.answer = "QUEUE_FULL" if change == "is full" else ""

    @rule(target=unheard, n=st.integers(0, 50), end=st.sampled_from(ENDS))
    def carry_out(self, n: int, end: State) -> Any:
        """The client carries out a command that it was handed, once."""
        keys = [key for key in self.first_handed if key not in self.fates]
        if not keys:
            return multiple()
        key = keys[n % len(keys)]
        makes_deals = self.journal_order(key).makes_deals
        self.fates[key] = State.DONE if end is State.FILLED and not makes_deals else end
        return key

    @rule(key=unheard)
    def tell(self, key: str) -> None:
        """It may tell it more than once, and from an earlier life of the gateway."""
        self.run(self.world.hear(key, self.fates[key], sequence=0))

    @rule(n=st.integers(0, 50))
    def cancel(self, n: int) -> None:
        if self.decided:
            self.run(self.world.desk.cancel(CALLER, NAME, self.decided[n % len(self.decided)]))

    @rule(duration_ms=st.sampled_from([1, 250, 5_000, 30_000, 61_000, 400_000]))
    def wait(self, duration_ms: int) -> None:
        self.run(self.world.pass_ms(duration_ms))
        self.run(self.world.profile())

    @rule(strategy=st.sampled_from([None, 0, 7]), end=st.booleans())
    def halt(self, strategy: int | None, end: bool) -> None:
        if end:
            for one in self.world.directory.halts():
                self.run(self.world.desk.resume(one.id, "olga", "over"))
            return
        self.halted += 1
        one = Halt(id=f"h{self.halted}", scope=Scope.FIRM, strategy=strategy)

        async def killed() -> None:
            killing = asyncio.create_task(self.world.desk.kill(one))
            await self.world.settle()
            killing.cancel()
            await asyncio.gather(killing, return_exceptions=True)

        self.run(killed())

    @rule(amid=st.sampled_from(["", "decide", "tell"]), back=st.booleans())
    def crash(self, amid: str, back: bool) -> None:
        """Between a step's records and its commit; whoever asked asks again afterwards."""
        world = self.world
        told = [key for key in self.fates if amid == "tell"]
        key = self.new_key() if amid == "decide" else (told or [""])[-1]

        def step() -> Coroutine[Any, Any, Any]:
            if amid == "decide":
                return world.decide(key)
            return world.hear(key, self.fates[key], sequence=0)

        async def cut_short() -> None:
            if key:
                world.log.turns = 1_000
                asking = asyncio.create_task(step())
                await asyncio.sleep(0)
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
            await world.restart()
            if back:
                self.handed_now.clear()
                self.note_sent()
                await world.arrive()
            if key:
                await step()

        self.run(cut_short())

    @invariant()
    def every_order_is_over_or_visibly_waits(self) -> None:
        if not self.decided:
            return
        journal, waits = self.world.journal, 0
        for key in self.decided:
            order = journal.find(ID, key)
            assert order is not None
            live = journal.state(ID).orders.get(key)
            assert (order.state in FINAL) == (live is None)
            waits += order.state is State.ACCEPTED
        own = [o for o in journal.state(ID).orders.values() if o.key not in self.decided]
        waits += sum(o.state is State.ACCEPTED for o in own)
        assert self.world.desk.waiting(ID) == waits
        assert self.world.desk._ledger.failure is None

    @invariant()
    def orders_left_in_the_order_they_came(self) -> None:
        numbers = []
        for key in self.first_handed:
            order = self.world.journal.find(ID, key)
            assert order is not None
            numbers.append(order.number)
        assert numbers == sorted(numbers)

    @invariant()
    def a_client_that_takes_commands_has_all_of_them(self) -> None:
        world = self.world
        if not world.post.here or world.post.answer or not self.decided:
            return
        self.run(world.pass_ms(250))
        assert world.desk.waiting(ID) == 0
        for order in world.journal.state(ID).orders.values():
            if order.state is State.SENDING:
                assert order.key in self.handed_now

    def journal_order(self, key: str) -> OrderState:
        order = self.world.journal.find(ID, key)
        assert order is not None
        return order

    def teardown(self) -> None:
        try:
            if hasattr(self.world, "journal"):
                self.come_to_an_end()
        finally:
            if hasattr(self.world, "journal"):
                self.run(self.world.crash())
            self.loop.close()
            shutil.rmtree(self.path)

    def come_to_an_end(self) -> None:
        """Everything is told in the end: no result is lost, and the journal verifies."""
        world = self.world
        for key, fate in self.fates.items():
            self.run(world.hear(key, fate, sequence=0))
            order = self.journal_order(key)
            assert order.is_final
            if fate in (State.FILLED, State.DONE):
                assert order.state is fate
        live = state_hash(world.journal.state(ID))
        self.run(world.restart())
        assert state_hash(world.journal.state(ID)) == live
        assert verify(self.path).intact


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
