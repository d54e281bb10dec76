"""What the options of `onefill run` mean: limits, tick files, their clocks, output for people."""

from __future__ import annotations

import gzip
import tomllib
from pathlib import Path

import pytest

from tests.e2e.command import onefill, quote_at, write_orders

MORNING = 1_399_453_200_000  # 2014-05-07, 09:00 UTC


def buy(symbol: str, at: object, key: str = "buy") -> dict[str, object]:
    return {"client_key": key, "at": at, "symbol": symbol, "side": "buy", "volume": 0.1}


def test_the_shipped_limits_are_shown_as_a_file_that_can_be_given_back(
    eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    shown = onefill("run", "--show-limits")
    assert shown.status == 0
    assert tomllib.loads(shown.out), "it is TOML"
    limits = tmp_path / "limits.toml"
    limits.write_text(shown.out)
    base = ("run", "--ticks", eurusd, "--orders", orders, "--json")
    shipped = onefill(*base, "--journal", tmp_path / "one")
    given = onefill(*base, "--journal", tmp_path / "two", "--limits", limits)
    assert given.answers == shipped.answers


def test_a_limit_that_the_file_leaves_out_denies_and_says_which(
    eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("")
    ran = onefill(
        *("run", "--ticks", eurusd, "--orders", orders, "--journal", tmp_path / "journal"),
        *("--limits", limits, "--json"),
    )
    assert ran.status == 0
    denied = ran.answers["buy"]
    assert denied["status"] == "denied"
    assert denied["reason"]["code"]
    assert "limit" in denied["reason"]["message"]
    assert not [one for one in ran.answers.values() if one["deal_tickets"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("colour = 3\n", "colour"),
        ("this is not TOML", "limits.toml"),
        ("[account]\nmax_order_volume = 'many'\n", "max_order_volume"),
    ],
)
def test_bad_limits_are_named(
    content: str, said: str, eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text(content)
    ran = onefill(
        *("run", "--ticks", eurusd, "--orders", orders, "--journal", tmp_path / "journal"),
        *("--limits", limits),
    )
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.complaint
    assert not (tmp_path / "journal").exists(), "nothing is made before the inputs are right"


def test_several_files_may_follow_one_option_or_have_one_each(
    ticks_dir: Path, tmp_path: Path
) -> None:
    files = [ticks_dir / f"{name}-2014-05-07.csv.gz" for name in ("EURUSD", "NZDUSD")]
    orders = write_orders(
        tmp_path / "orders.jsonl", buy("EURUSD", MORNING, "e"), buy("NZDUSD", MORNING, "n")
    )
    end = ("--orders", orders, "--json", "--journal")
    one = onefill("run", "--ticks", *files, *end, tmp_path / "one")
    each = onefill("run", "--ticks", files[0], "--ticks", files[1], *end, tmp_path / "each")
    assert one.status == 0
    assert one.out == each.out
    for key, file in zip(("e", "n"), files, strict=True):
        assert one.answers[key]["fill_price"] == quote_at(file, MORNING)[1]


def test_a_file_is_read_for_what_it_holds_whatever_it_is_called(
    eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "ticks.txt"
    plain.write_bytes(gzip.decompress(eurusd.read_bytes()))
    end = ("--orders", orders, "--json", "--journal")
    compressed = onefill("run", "--ticks", eurusd, *end, tmp_path / "one")
    named = onefill("run", "--ticks", f"EURUSD={plain}", *end, tmp_path / "two")
    assert named.out == compressed.out


def test_an_export_of_metatrader_is_read_in_its_servers_clock(
    ticks_dir: Path, tmp_path: Path
) -> None:
    export = ticks_dir / "NZDUSD-2014-05-06.mt5.csv.gz"
    noon = 1_399_377_600_000  # 2014-05-06, 12:00 UTC
    orders = write_orders(tmp_path / "orders.jsonl", buy("NZDUSD", noon))
    end = ("--orders", orders, "--json", "--journal")
    utc = onefill("run", "--ticks", export, *end, tmp_path / "utc")
    assert utc.status == 0, utc.err
    # New York + 7 h is UTC+3 in May: the same line of the file is three hours earlier.
    earlier = write_orders(tmp_path / "earlier.jsonl", buy("NZDUSD", noon - 3 * 3_600_000))
    newyork = onefill(
        *("run", "--ticks", export, "--orders", earlier, "--json"),
        *("--journal", tmp_path / "ny", "--ticks-tz", "America/New_York+7"),
    )
    assert newyork.status == 0, newyork.err
    fills = [ran.answers["buy"]["fill_price"] for ran in (utc, newyork)]
    assert fills[0] == fills[1] is not None
    assert utc.summary["ticks_replayed"] == newyork.summary["ticks_replayed"] > 10_000


def test_broken_tick_lines_are_told_and_skipped_or_refuse_the_file(tmp_path: Path) -> None:
    ticks = tmp_path / "EURUSD.csv"
    good = [f"{MORNING + n * 1_000},1.1000{n},1.1001{n}" for n in range(5)]
    ticks.write_text("\n".join(["time_msc,bid,ask", *good[:2], "nonsense", *good[2:], ""]))
    orders = write_orders(tmp_path / "orders.jsonl", buy("EURUSD", MORNING + 3_000))
    call = ("run", "--ticks", ticks, "--orders", orders, "--json", "--journal")
    ran = onefill(*call, tmp_path / "journal")
    assert ran.status == 0
    assert ran.err.startswith(f"{ticks}:4: ")
    assert ran.summary["broken_lines"] == 1
    assert ran.summary["ticks_replayed"] == 5
    strict = onefill(*call, tmp_path / "strict", "--strict")
    assert (strict.status, strict.out) == (2, "")
    assert f"{ticks}, line 4" in strict.complaint
    assert not (tmp_path / "strict").exists()


def test_people_get_tables_that_fit_and_programs_get_none(
    eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    ran = onefill("run", "--ticks", eurusd, "--orders", orders, "--journal", journal)
    assert ran.status == 0
    assert "\x1b" not in ran.out, "no colours into a pipe"
    for word in ("Orders", "Summary", "buy", "filled", "denied", "balance", "USD", "head"):
        assert word in ran.out
    assert str(journal) in ran.out


def test_an_account_in_the_traded_currency_counts_in_it(
    eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    ran = onefill(
        *("run", "--ticks", eurusd, "--orders", orders, "--journal", tmp_path / "journal"),
        *("--currency", "eur", "--balance", 5_000, "--leverage", 30, "--json"),
    )
    assert ran.status == 0
    assert ran.summary["currency"] == "EUR"
    assert ran.summary["balance"] == round(5_000 + ran.summary["profit"], 2)


def test_a_currency_that_cannot_be_converted_is_refused_at_the_start(
    eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    ran = onefill(
        *("run", "--ticks", eurusd, "--orders", orders, "--journal", tmp_path / "journal"),
        *("--currency", "CHF"),
    )
    assert (ran.status, ran.out) == (2, "")
    assert "CHF" in ran.complaint
    again = onefill("run", "--ticks", eurusd, "--orders", orders, "--journal", tmp_path / "journal")
    assert again.status == 0, "nothing was begun"


def test_a_symbol_that_no_broker_knows_is_refused(eurusd: Path, tmp_path: Path) -> None:
    orders = write_orders(tmp_path / "orders.jsonl", buy("EURUSD", MORNING))
    ran = onefill(
        *("run", "--ticks", f"WIDGETS={eurusd}", "--orders", orders, "--journal", tmp_path / "j")
    )
    assert (ran.status, ran.out) == (2, "")
    assert "WIDGETS" in ran.complaint
