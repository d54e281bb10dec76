"""Group masks."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.terminal.simulator.surface.masks import mask_of

_NAMES = ["EURUSD", "GBPUSD", "USDJPY", "EURJPY", "XAUUSD", "eurusd", "EURUSD.r", ""]


def chosen(group: str) -> list[str]:
    """Which of the names belong to a group."""
    return [name for name in _NAMES if mask_of(group)(name)]


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("*", _NAMES),
        ("EURUSD", ["EURUSD"]),
        ("EUR*", ["EURUSD", "EURJPY", "EURUSD.r"]),
        ("*JPY", ["USDJPY", "EURJPY"]),
        ("*USD*", ["EURUSD", "GBPUSD", "USDJPY", "XAUUSD", "EURUSD.r"]),
        ("*,!*EUR*,!*XAU*", ["GBPUSD", "USDJPY", "eurusd", ""]),
        ("*, !*EUR* , !*XAU*", ["GBPUSD", "USDJPY", "eurusd", ""]),
        ("EURUSD,GBPUSD", ["EURUSD", "GBPUSD"]),
        ("!*EUR*,*", _NAMES),
        ("!EURUSD", []),
        ("*USD,!EUR*,EURUSD", ["EURUSD", "GBPUSD", "XAUUSD"]),
        ("EURUSD.r", ["EURUSD.r"]),
        ("E?RUSD", []),
        ("", []),
        (",,", []),
    ],
)
def test_the_last_condition_that_fits_decides(group: str, names: list[str]) -> None:
    assert chosen(group) == names


@given(st.text("AB*", min_size=1, max_size=6), st.text("AB", max_size=8))
def test_a_star_is_any_letters_and_nothing_else_is(mask: str, name: str) -> None:
    assert mask_of(mask)(name) == fnmatchcase(name, mask)
    assert mask_of(f"*,!{mask}")(name) != fnmatchcase(name, mask)
