"""Deaths that are power cuts: the journal lies on a disk that forgets what was not synced."""

from __future__ import annotations

from types import TracebackType

from tests.simulation.powercut import Disk, PowerCutLayer
from tests.simulation.world import World


class Outage:
    """Lays a world's journal on such a disk, opened with the given `synchronous`."""

    def __init__(self, world: World, synchronous: str) -> None:
        self._world = world
        self._synchronous = synchronous
        self._layer = PowerCutLayer()
        self._cuts = 0
        #: What the disk had when the power went; None: it has not gone.
        self._disk: Disk | None = None
        world.at_death = self._cut
        world.between_lives = self._power_is_back
        self._lay()

    def __enter__(self) -> Outage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._world.close()
        self._layer.unregister()

    def _lay(self) -> None:
        self._world.journal_options = {
            "vfs": self._layer.name,
            "exclusive": True,
            "synchronous": self._synchronous,
        }

    def _cut(self) -> None:
        """At the very instant: what is written while the process unwinds never happened."""
        self._cuts += 1
        self._disk = self._layer.cut(self._world.plan.seed * 1_000 + self._cuts)

    def _power_is_back(self) -> None:
        if self._disk is not None:
            self._layer.unregister()
            self._layer = PowerCutLayer(self._disk)
            self._disk = None
            self._lay()
