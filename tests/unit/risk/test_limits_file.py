"""What a limits file may hold, and what is said of one that cannot be used."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.risk.limits import load_limits, parse_limits
from onefill.risk.limits_file import LimitsError


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[acount]\n", "acount: no such level; did you mean account?"),
        ("[portfolio]\n", "no such level; there are firm, tenant, account, strategy, symbol"),
        ("max_orders = 5\n", "max_orders: no such level"),
        ("account = 5\n", "account: expected a table"),
        (
            "[account]\nmax_order = 5\n",
            "account.max_order: no such limit; did you mean max_orders?",
        ),
        ("[account]\nmax_orders = -1\n", "account.max_orders: expected a whole number of at least"),
        ("[account]\nmax_orders = 1.5\n", 'or "unlimited", not 1.5'),
        ("[account]\nmax_orders = true\n", "not true"),
        ('[account]\nmax_orders = "5"\n', "not '5'"),
        ("[account]\nmax_order_value = inf\n", 'expected a number of at least 0 or "unlimited"'),
        ("[account]\nmax_order_value = nan\n", "not nan"),
        ("[account]\nmax_order_value = 1e301\n", "not 1e+301"),
        ('[account]\nmargin_cushion = "unlimited"\n', "account.margin_cushion: expected a number"),
        ('[account]\nrisk_per_trade_percent = "unlimited"\n', "or \"off\", not 'unlimited'"),
        ('[account]\ntrading = "paused"\n', 'expected "normal", "reduce_only" or "halted"'),
        ("[account]\ntrading = []\n", 'expected "normal", "reduce_only" or "halted"'),
        ('[account]\nauto_trading = "yes"\n', "expected true or false"),
        ('[account]\nsymbols = "EURUSD"\n', "expected a list of symbol names"),
        ("[account]\nsymbols = [1]\n", "expected a list of symbol names"),
        ("[strategy]\nmax_orders = 5\n", "as in [strategy.123]"),
        ("[strategy.alpha]\nmax_orders = 5\n", "strategy.alpha: expected a magic number"),
        ("[strategy.007]\nmax_orders = 5\n", "strategy.007: expected a magic number"),
        ("[strategy.9223372036854775808]\nmax_orders = 5\n", "expected a magic number"),
        ("[symbol.EURUSD.m]\nmax_orders = 5\n", 'a name with a dot needs quotes: [symbol."'),
        ("[account\n", "not TOML"),
    ],
)
def test_a_mistake_is_told_with_file_key_and_what_was_expected(text: str, says: str) -> None:
    with pytest.raises(LimitsError) as refused:
        parse_limits(text, "my.toml")
    assert refused.value.code == "LIMITS_INVALID"
    assert refused.value.message.startswith("my.toml: ")
    assert says in refused.value.message


def test_a_symbol_with_a_dot_is_written_in_quotes() -> None:
    held = parse_limits('[symbol."EURUSD.m"]\nmax_order_volume = 2\n', "f")
    assert held.caps(0, "EURUSD.m").order_volume_e8 == 2e8


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "absent.toml", tmp_path, binary):
        with pytest.raises(LimitsError) as refused:
            load_limits(path)
        assert refused.value.code == "LIMITS_UNREADABLE"
        assert str(path) in refused.value.message


def test_a_limits_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text("[account]\nmax_orders = 7\n", encoding="utf-8")
    assert load_limits(path).caps(0, "EURUSD").account.orders == 7


@given(st.text())
def test_no_text_ends_in_a_traceback(text: str) -> None:
    with contextlib.suppress(LimitsError):
        parse_limits(text, "f")
