"""Which words of `onefill script` are ours, and which the program's."""

from __future__ import annotations

import pytest

from onefill.cli.words import script_words


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        ("bot.py", "-- bot.py"),
        ("bot.py EURUSD 0.1", "-- bot.py EURUSD 0.1"),
        ("--profile ecn bot.py", "--profile ecn -- bot.py"),
        ("bot.py --profile ecn", "--profile ecn -- bot.py"),
        ("bot.py --lots 0.1 -v --json", "--json -- bot.py --lots 0.1 -v"),
        ("bot.py --speed=max -x", "--speed=max -- bot.py -x"),
        ("bot.py -- --speed 5 --json", "-- bot.py --speed 5 --json"),
        ("bot.py --help", "-- bot.py --help"),
        ("--help", "--help"),
        ("--ticks a.csv b.csv bot.py x", "--ticks a.csv --ticks b.csv -- bot.py x"),
        ("bot.py x --ticks a.csv b.csv", "--ticks a.csv --ticks b.csv -- bot.py x"),
        ("bot.py --ticks a.csv --lots 1", "--ticks a.csv -- bot.py --lots 1"),
        ("--ticks", "--ticks"),
        ("--speed", "--speed"),
        ("--tick x bot.py", "--tick -- x bot.py"),
        ("", ""),
    ],
)
def test_our_options_are_ours_wherever_they_stand(words: str, ours: str) -> None:
    assert script_words(words.split()) == ours.split()
