"""Group masks, as `symbols_get`, `positions_get` and the history calls take them.

A group is conditions with commas between them, such as `*USD*,!EUR*`: `*` stands for any letters,
`!` excludes. They are applied one after the other, and the last that fits a name decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache


@lru_cache(maxsize=256)
def mask_of(group: str) -> Callable[[str], bool]:
    """Whether a symbol's name belongs to a group. A name that no condition fits does not; capital
    letters count; a mask without `*` is the whole name; blanks around a condition do not count."""
    conditions = [_condition(text.strip()) for text in group.split(",") if text.strip()]

    def belongs(name: str) -> bool:
        for includes, mask in reversed(conditions):
            if mask.fullmatch(name):
                return includes
        return False

    return belongs


def _condition(text: str) -> tuple[bool, re.Pattern[str]]:
    excludes = text.startswith("!")
    mask = text[1:].strip() if excludes else text
    return not excludes, re.compile(".*".join(map(re.escape, mask.split("*"))), re.DOTALL)
