"""What happened, a line each, for whoever watches the agent: a time, an account, a word, fields.
Never a secret: what is said is chosen where it is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

from onefill.runtime.clock import Clock

LONGEST = 400
"""Letters of one field's value."""

Say = Callable[..., None]


class Lines:
    """Writes to a stream, as text or as JSON."""

    def __init__(self, out: TextIO, clock: Clock, *, as_json: bool) -> None:
        self._out = out
        self._clock = clock
        self._json = as_json

    def say(self, event: str, **fields: Any) -> None:
        """One line. A reader that has gone is no reason to stop trading."""
        at = datetime.fromtimestamp(self._clock.now_ms() / 1_000, UTC)
        at_text = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        kept = {name: _short(value) for name, value in fields.items() if value not in (None, "")}
        if self._json:
            line = json.dumps({"at": at_text, "event": event, **kept})
        else:
            line = " ".join([at_text, event, *(f"{k}={_quoted(v)}" for k, v in kept.items())])
        try:
            self._out.write(f"{line}\n")
            self._out.flush()
        except (OSError, ValueError):
            return

    def of(self, account: str) -> Say:
        """The same for one account."""

        def say(event: str, **fields: Any) -> None:
            self.say(event, account=account, **fields)

        return say


def _short(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    text = "".join(letter if letter.isprintable() else "?" for letter in str(value))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _quoted(value: Any) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if " " in text or '"' in text else text
