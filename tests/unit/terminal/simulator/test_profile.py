"""The broker's profile: what ships, what a user's file changes, and what is refused."""

from pathlib import Path

import pytest

from onefill.model.errors import OnefillError
from onefill.terminal.simulator.profile import load_profile
from onefill.terminal.simulator.sessions import Sessions

from .stage import NOON, profile_with

HOUR_MS = 3_600_000


def test_it_ships_majors_crosses_and_metals() -> None:
    profile = load_profile()
    forex = [one for one in profile.specifications.values() if one.calculation == "forex"]
    assert len(forex) >= 28
    assert {"EURUSD", "NZDUSD", "GBPUSD", "AUDUSD", "USDJPY", "XAUUSD", "XAGUSD"} <= set(
        profile.specifications
    )
    assert profile.broker.margin_mode == "hedging"
    assert profile.broker.commission_per_lot == 0


def test_a_pair_has_its_currencies_from_its_name() -> None:
    symbol = load_profile().symbol("USDJPY")
    assert (symbol.base, symbol.profit, symbol.margin, symbol.digits) == ("USD", "JPY", "USD", 3)
    assert (symbol.volume_min_e8, symbol.volume_max_e8) == (1_000_000, 50_000_000_000)


def test_gold_is_margined_by_its_price() -> None:
    profile = load_profile()
    assert profile.specifications["XAUUSD"].calculation == "cfd_leverage"
    gold = profile.symbol("XAUUSD")
    assert (gold.digits, gold.contract_size, gold.margin) == (3, 100.0, "USD")
    assert gold.volume_max_e8 == 10_000_000_000


def test_a_file_changes_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    profile = profile_with(
        tmp_path,
        """
        [broker]
        comment_limit = 25
        commission_per_lot = 3.5
        [groups.forex]
        stops_level = 5
        [symbols.EURUSD]
        stops_level = 20
        pip_points = 1
        [symbols."GBPUSD.x"]
        group = "forex"
        volume_max = 10
        """,
    )
    assert profile.broker.comment_limit == 25
    assert profile.broker.server == load_profile().broker.server
    assert profile.symbol("EURUSD").stops_level == 20
    assert profile.symbol("EURUSD").pip_points == 1
    assert profile.symbol("GBPUSD").stops_level == 5
    suffixed = profile.symbol("GBPUSD.x")
    assert (suffixed.base, suffixed.profit, suffixed.volume_max_e8) == ("GBP", "USD", 10**9)


def test_profiles_that_differ_have_different_fingerprints(tmp_path: Path) -> None:
    changed = profile_with(tmp_path, "[symbols.EURUSD]\nstops_level = 1\n")
    assert load_profile().fingerprint() == load_profile().fingerprint()
    assert changed.fingerprint() != load_profile().fingerprint()


def test_an_unknown_symbol_is_told_how_to_be_added() -> None:
    with pytest.raises(OnefillError, match=r"\[symbols.EURXXX\]") as caught:
        load_profile().symbol("EURXXX")
    assert caught.value.code == "UNKNOWN_SYMBOL"


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[broker]\nlatncy_ms = 3", "latncy_ms"),
        ("[broker]\nlatency_ms = 'soon'", "latency_ms"),
        ("[broker]\nlatency_ms = -1", "latency_ms"),
        ("[broker]\ncomment_limit = 32", "comment_limit 32"),
        ("[broker]\nleverage = 0", "leverage 0"),
        ("[broker]\nhedging = false", "hedging"),
        ("[brokers]\nname = 'x'", "brokers"),
        ("broker = 3", "object"),
        ("[symbols.EURUSD]\nstop_level = 3", "stop_level"),
        ("[symbols.EURUSD]\ndigits = '5'", r"symbols.EURUSD.*digits"),
        ("[symbols.EURUSD]\ndigits = 9", "digits 9"),
        ("[symbols.EURUSD]\ngroup = 'stocks'", r"groups.stocks"),
        ("[symbols.EURUSD]\nvolume_step = 0.03", "volume_step"),
        ("[symbols.EURUSD]\nvolume_min = 600", "volume_min"),
        ("[symbols.EURUSD]\ncontract_size = 0", "contract_size"),
        ("[symbols.EURUSD]\nsessions = ['always']", "session 'always'"),
        ("[symbols.EURUSD]\nsessions = ['Fri 10:00-10:00']", "not those of a day"),
        ("[symbols.EUR]\ngroup = 'forex'", "base and profit"),
        ("[symbols.NEWONE]\ndigits = 5", "contract_size"),
        ("[symbols.EURUSD", "Expected"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, toml: str, told: str) -> None:
    with pytest.raises(OnefillError, match=told) as caught:
        profile_with(tmp_path, toml)
    assert caught.value.code == "BROKER_FILE_INVALID"
    assert "broker.toml" in caught.value.message


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(OnefillError) as caught:
        load_profile(tmp_path / "absent.toml")
    assert caught.value.code == "BROKER_FILE_UNREADABLE"


def test_sessions_are_weekly_hours() -> None:
    assert Sessions().is_open(NOON)
    sessions = Sessions(("Mon-Thu 00:05-24:00", "Fri 00:05-23:55", "Sun 22:00-24:00"))
    assert sessions.is_open(NOON)
    assert not sessions.is_open(NOON - 12 * HOUR_MS)
    assert sessions.is_open(NOON - 12 * HOUR_MS + 5 * 60_000)
    friday_night = NOON + 36 * HOUR_MS - 5 * 60_000
    assert sessions.is_open(friday_night - 1)
    assert not sessions.is_open(friday_night)
    assert not sessions.is_open(NOON + 48 * HOUR_MS)
    assert sessions.is_open(NOON + 82 * HOUR_MS)
