"""What the shell gives before options are parsed: `--ticks A B C` means `--ticks` three times, and
what `onefill script` gives on to the program that it runs."""

from __future__ import annotations

_VARIADIC = "--ticks"
#: Options of `onefill script` with a value, and without.
_WITH_VALUE = frozenset(
    {"--ticks", "--profile", "--speed", "--state", "--start", "--for", "--balance", "--currency",
     "--leverage", "--seed", "--faults", "--ticks-tz"}
)  # fmt: skip
_FLAGS = frozenset({"--quiet", "--json"})


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


def script_words(words: list[str]) -> list[str]:
    """The words of `onefill script`, ours first, then `--` and the program with its own.

    The program is the first word that is no option of ours, no value of one, and no tick file: a
    tick file does not end in `.py`. After it, our options are ours still (but for the help), all
    others the program's, and so is everything after `--`.
    """
    ours: list[str] = []
    program: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        name, equals, _ = word.partition("=")
        if word == "--":
            program += left
            break
        if word == _VARIADIC:
            files = 0
            while left and (not files or _is_tick_file(left[0])):
                ours += [_VARIADIC, left.pop(0)]
                files += 1
            if not files:
                ours.append(word)
        elif name in _WITH_VALUE:
            ours.append(word)
            if not equals and left:
                ours.append(left.pop(0))
        elif word in _FLAGS or (word.startswith("-") and not program):
            ours.append(word)
        else:
            program.append(word)
    return [*ours, "--", *program] if program else ours


def _is_tick_file(word: str) -> bool:
    return not word.startswith("-") and not word.endswith(".py")
