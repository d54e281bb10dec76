"""A symbol's name at the broker: by rule and by map, never by guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.channels.local.names import broker_name
from onefill.model.errors import OnefillError


@pytest.mark.parametrize(
    "name",
    [
        "EURUSD", "EURUSD.m", "EURUSDm", "mEURUSD", "EURUSD-ECN", "EURUSD_i", "#EURUSD", "EURUSD+",
        "EURUSD.pro", "EURUSD.raw", "m.EURUSD", "EURUSD#", "EURUSD!", "EURUSDecn", ".EURUSD",
    ],
)  # fmt: skip
def test_prefixes_and_suffixes_are_found(name: str) -> None:
    assert broker_name("EURUSD", ["USDJPY", name, "EURGBP"]) == name


@pytest.mark.parametrize("name", ["EURUSDT", "XEURUSD", "EURUSDZ4", "EUR/USD", "eurusd", "EURUS"])
def test_other_symbols_are_not_taken_for_it(name: str) -> None:
    with pytest.raises(OnefillError) as told:
        broker_name("EURUSD", [name])
    assert told.value.code == "SYMBOL_UNKNOWN"


def test_the_exact_name_wins() -> None:
    assert broker_name("EURUSD", ["EURUSD.m", "EURUSD", "EURUSDc"]) == "EURUSD"


def test_two_candidates_are_both_named() -> None:
    with pytest.raises(OnefillError, match=r"EURUSD-ECN or EURUSD\.m") as told:
        broker_name("EURUSD", ["EURUSD.m", "EURUSD-ECN"])
    assert told.value.code == "SYMBOL_AMBIGUOUS"


def test_the_map_decides() -> None:
    mapped = {"EURUSD": "EURUSD.m", "XAUUSD": "GOLD"}

    assert broker_name("EURUSD", ["EURUSD.m", "EURUSD"], mapped) == "EURUSD.m"
    assert broker_name("XAUUSD", ["GOLD"], mapped) == "GOLD"
    with pytest.raises(OnefillError, match="GOLD") as told:
        broker_name("XAUUSD", ["XAUUSD"], mapped)
    assert told.value.code == "SYMBOL_MAP_INVALID"


_NAMES = st.text("ABEURSDm.-_#c", min_size=1, max_size=10)


@given(wanted=_NAMES, offered=st.lists(_NAMES, max_size=8))
def test_what_is_found_is_offered_and_holds_the_name_and_is_the_only_one(
    wanted: str, offered: list[str]
) -> None:
    no: OnefillError | None = None
    found = ""
    try:
        found = broker_name(wanted, offered)
    except OnefillError as wrong:
        no = wrong
    if no is not None:
        assert no.code in ("SYMBOL_UNKNOWN", "SYMBOL_AMBIGUOUS")
        assert wanted not in offered
        two = sum(name in no.message for name in set(offered)) >= 2
        assert two or no.code == "SYMBOL_UNKNOWN"
        return
    assert found in offered
    assert wanted in found
    assert found == wanted or wanted not in offered
    assert broker_name(wanted, reversed(offered)) == found
