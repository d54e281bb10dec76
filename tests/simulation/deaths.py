"""When engines die: each life's own aim, and the rare places that wait for any life to come."""

from __future__ import annotations

from collections import Counter

from tests.simulation.plan import Aim, Plan


class Deaths:
    """Counts how often points are come to, and says when that is the end."""

    def __init__(self, plan: Plan) -> None:
        self._lives = list(plan.aims)
        self._rare = list(plan.rare)
        self._came: Counter[Aim] = Counter()
        self._aim: Aim | None = None
        #: Nobody dies while another engine stalls.
        self.suspended = False

    def new_life(self) -> None:
        """The next engine lives until its own aim is reached."""
        self._came.clear()
        self._aim = None
        if not self.suspended:
            self._aim = self._lives.pop(0) if self._lives else None

    def due(self, point: str) -> Aim | None:
        """What is due now that an engine has come to a point."""
        if self.suspended:
            return None
        armed = [self._aim] if self._aim is not None else []
        for aim in (*armed, *self._rare):
            if aim.points and point not in aim.points:
                continue
            self._came[aim] += 1
            if self._came[aim] == aim.nth:
                if aim in self._rare:
                    self._rare.remove(aim)
                return aim
        return None
