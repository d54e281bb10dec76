"""What befalls a fleet, one thing after the other, as a seed draws it. Each looks from outside
whether it happened, and leaves a fleet that can recover by itself."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

from tests.chaos.fleet import DAY_MS, LEASE_S, Fleet
from tests.chaos.machine import MachineClock, real_ms
from tests.chaos.wire import Pair
from tests.integration.terminal.processes import until

_BETWEEN_S = 0.4
_STORM = 20
"""Connections in a storm, at least."""
_MISUSED = 6
_JUMPS_MS = (-DAY_MS // 2, -3_600_000, -30_000, -4_000, 4_000, 30_000, 3_600_000, DAY_MS // 2)


class Weather:
    """Faults on a fleet; `struck` counts those that happened."""

    def __init__(self, fleet: Fleet, seed: int, misuse: float = 0.0) -> None:
        self.struck: Counter[str] = Counter()
        self._fleet = fleet
        self._misuse_rate = fleet.wire.repeat = fleet.wire.swap = misuse
        self._draw = random.Random(seed)

    def go_on(self, faults: int) -> None:
        """So many drawn faults; every kind comes before one comes again."""
        left: list[str] = []
        for number in range(faults):
            if not left:
                left = list(FAULTS)
                self._draw.shuffle(left)
            time.sleep(self._draw.random() * _BETWEEN_S)
            name = left.pop()
            began = time.monotonic()
            self.strike(name)
            print(f"fault {number + 1}: {name} ({time.monotonic() - began:.1f} s)", flush=True)

    def strike(self, name: str) -> None:
        """One of them."""
        FAULTS[name](self)
        self.struck[name] += 1

    # Processes.

    def kill_gateway(self) -> None:
        self._fleet.gateway.kill()
        time.sleep(self._draw.random())
        self._fleet.gateway.start()
        self._back()

    def kill_agent(self) -> None:
        self._fleet.agent.kill()
        time.sleep(self._draw.random())
        self._fleet.agent.start()
        self._back()

    def kill_both(self) -> None:
        both = [self._fleet.gateway, self._fleet.agent]
        self._draw.shuffle(both)
        for part in both:
            part.kill()
        time.sleep(self._draw.random())
        self._draw.shuffle(both)
        for part in both:
            part.start()
        self._back()

    def stop_gateway(self) -> None:
        self._fleet.gateway.stand_still()
        time.sleep(LEASE_S + 1)
        self._fleet.gateway.go_on()
        self._back()

    def stop_agent(self) -> None:
        self._fleet.agent.stand_still()
        time.sleep(LEASE_S + 1)
        self._fleet.agent.go_on()
        self._back()

    # The wire.

    def cut_to_agent(self) -> None:
        self._cut("cut half-frame to the agent", "cut_to_agent")

    def cut_to_gateway(self) -> None:
        self._cut("cut half-frame to the gateway", "cut_to_gateway")

    def _cut(self, word: str, flag: str) -> None:
        wire, account = self._fleet.wire, self._draw.choice(self._fleet.accounts)
        before = wire.done[word]

        def cut() -> bool:
            wire.on_pair(account, lambda pair: setattr(pair, flag, True))
            return wire.done[word] > before

        until(cut, f"nothing was {word}")
        self._back()

    def hold(self) -> None:
        """Longer than either end waits for a sign: both give it up, and the agent comes back."""
        wire, account = self._fleet.wire, self._draw.choice(self._fleet.accounts)
        seconds = self._draw.choice((0.5, LEASE_S + 1, 8.0))
        held: list[Pair] = []

        def begin(pair: Pair) -> None:
            pair.hold(seconds)
            held.append(pair)

        until(lambda: wire.on_pair(account, begin), f"{account} is not connected")
        time.sleep(seconds)
        if seconds > 6:
            until(lambda: held[0].over, "a dead connection is kept")
        self._back()

    def delay(self) -> None:
        self._fleet.wire.delay_s = 0.05 + self._draw.random() * 0.2
        time.sleep(2)
        self._fleet.wire.delay_s = 0.0

    def repeat(self) -> None:
        self._misuse("repeated", "repeat")

    def reorder(self) -> None:
        self._misuse("swapped", "swap")

    def _misuse(self, word: str, rate: str) -> None:
        wire = self._fleet.wire
        before, commands = wire.done[word], wire.done[f"{word} commands"]
        setattr(wire, rate, 0.4)
        until(
            lambda: (
                wire.done[word] >= before + _MISUSED and wire.done[f"{word} commands"] > commands
            ),
            f"no command was {word}",
        )
        setattr(wire, rate, self._misuse_rate)

    def storm(self) -> None:
        """Each connection is cut within 80 ms, and the agent comes at once: ten times a second."""
        wire = self._fleet.wire
        before = wire.connections
        wire.storm = True
        for account in self._fleet.accounts:
            wire.on_pair(account, Pair.abort)
        until(lambda: wire.connections >= before + _STORM, "the agent does not come back")
        wire.done["connections in storms"] += wire.connections - before
        wire.storm = False
        self._back()

    # Clocks.

    def jump_gateway(self) -> None:
        def seen() -> int:
            page = self._fleet.client.orders_page(limit=1).orders
            return (page[0].received_at_ms or 0) if page else 0

        self._jump(self._fleet.gateway_clock, seen)

    def jump_agent(self) -> None:
        account = self._draw.choice(self._fleet.accounts)

        def seen() -> int:
            self._fleet.wire.on_pair(account, Pair.abort)  # of which the agent tells, with the time
            time.sleep(0.2)
            return self._fleet.last_said_ms()

        self._jump(self._fleet.agent_clock, seen)

    def _jump(self, clock: MachineClock, seen_ms: Callable[[], int]) -> None:
        shift_ms = self._draw.choice(_JUMPS_MS)
        clock.set(shift_ms)
        until(
            lambda: abs(seen_ms() - real_ms() - shift_ms) < abs(shift_ms) / 2,
            "nobody noticed that the clock jumped",
        )
        time.sleep(self._draw.random())
        clock.set(0)
        self._back()

    def _back(self) -> None:
        self._fleet.in_contact()


FAULTS: dict[str, Callable[[Weather], None]] = {
    "gateway killed": Weather.kill_gateway,
    "agent killed": Weather.kill_agent,
    "gateway and agent killed": Weather.kill_both,
    "gateway stopped past the lease, then continued": Weather.stop_gateway,
    "agent stopped past the lease, then continued": Weather.stop_agent,
    "connection cut in the middle of a frame to the agent": Weather.cut_to_agent,
    "connection cut in the middle of a frame to the gateway": Weather.cut_to_gateway,
    "connection held": Weather.hold,
    "connection delayed": Weather.delay,
    "deliveries repeated": Weather.repeat,
    "deliveries reordered": Weather.reorder,
    "ten reconnects a second": Weather.storm,
    "clock of the gateway's machine jumps and comes back": Weather.jump_gateway,
    "clock of the agent's machine jumps and comes back": Weather.jump_agent,
}
