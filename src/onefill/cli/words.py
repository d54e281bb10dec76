"""What the shell gives before options are parsed: `--ticks A B C` means `--ticks` three times."""

from __future__ import annotations

_VARIADIC = "--ticks"


def spread_ticks(words: list[str]) -> list[str]:
    """The words with every file after `--ticks` given an option of its own."""
    spread: list[str] = []
    taking = False
    fresh = False
    for word in words:
        if word == _VARIADIC:
            taking, fresh = True, True
            spread.append(word)
        elif taking and (fresh or not word.startswith("-")):
            spread.extend([word] if fresh else [_VARIADIC, word])
            fresh = False
        else:
            taking = False
            spread.append(word)
    return spread
