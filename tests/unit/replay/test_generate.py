"""The generated market is the same everywhere, looks alive, and reads back as it was written."""

from pathlib import Path

import numpy as np
import pytest

from onefill.replay.generate import generate_ticks, write_csv
from onefill.replay.ticks import load_ticks, parse_source
from onefill.terminal.simulator.ticks import TickSeries

START_MS = 1_399_248_000_000


def market(seed: int = 7, count: int = 50_000, digits: int = 5, price: float = 1.1) -> TickSeries:
    return generate_ticks("EURUSD", digits, START_MS, count, seed, price)


def test_a_seed_gives_the_same_market_on_every_machine() -> None:
    assert market(count=1_000).fingerprint() == (
        "0d08cbf096c6d0ab13f291138b0ba8cc3c9167eb95add4b9e72ca5bdac5e0097"
    )


def test_another_seed_gives_another_market() -> None:
    assert market(seed=1).fingerprint() != market(seed=2).fingerprint()


def test_quotes_begin_at_the_start_and_are_as_many_as_asked() -> None:
    ticks = market(count=1)
    assert (len(ticks), ticks.read, ticks.time_ms.tolist()) == (1, 1, [START_MS])
    assert ticks.bid[0] == pytest.approx(110_000, abs=30)


def test_intervals_are_irregular_and_their_mean_is_as_asked() -> None:
    interval_ms = np.diff(market(count=200_000).time_ms)
    assert interval_ms.min() >= 1
    assert 300 < interval_ms.mean() < 500
    assert interval_ms.std() > interval_ms.mean()


def test_the_spread_is_half_a_pip_to_two_and_widens_in_bursts() -> None:
    ticks = market(count=200_000)
    spread = (ticks.ask - ticks.bid).astype(np.float64) / 10
    assert spread.min() >= 0.5
    wide = spread > 2
    assert 0.005 < wide.mean() < 0.1
    assert spread.max() <= 6
    begins = np.count_nonzero(wide[1:] & ~wide[:-1])
    assert np.count_nonzero(wide) > 10 * begins, "wide spreads come together"


def test_volatility_comes_in_clusters() -> None:
    moves = np.abs(np.diff(market(count=200_000).bid.astype(np.float64)))
    calm_or_wild = moves[: len(moves) // 200 * 200].reshape(-1, 200).mean(axis=1)
    neighbours = np.corrcoef(calm_or_wild[:-1], calm_or_wild[1:])[0, 1]
    assert neighbours > 0.4


@pytest.mark.parametrize(("digits", "price"), [(5, 1.1), (3, 1300.0), (2, 45.0), (0, 9.0)])
def test_the_price_stays_a_price(digits: int, price: float) -> None:
    ticks = market(count=200_000, digits=digits, price=price)
    assert ticks.bid.min() > 0
    assert bool((ticks.bid < ticks.ask).all())
    assert ticks.ask.max() < 2 * price * 10**digits + 10


@pytest.mark.parametrize(("digits", "price"), [(5, 1.1), (3, 1300.0), (2, 45.0), (0, 9000.0)])
def test_a_written_market_reads_back_as_it_was(tmp_path: Path, digits: int, price: float) -> None:
    ticks = market(digits=digits, price=price)
    file = tmp_path / "EURUSD.csv"
    write_csv(ticks, digits, file)
    assert file.read_bytes().startswith(b"time_msc,bid,ask\n1399248000000,")
    loaded = load_ticks([parse_source(str(file))], lambda symbol: digits, strict=True)
    assert loaded.series["EURUSD"].fingerprint() == ticks.fingerprint()


def test_prices_are_written_with_all_their_decimals(tmp_path: Path) -> None:
    ticks = TickSeries(
        "EURUSD",
        np.array([1], np.int64),
        np.array([5], np.int32),
        np.array([120_010], np.int32),
        1,
    )
    write_csv(ticks, 5, tmp_path / "EURUSD.csv")
    assert (tmp_path / "EURUSD.csv").read_text().splitlines()[1] == "1,0.00005,1.20010"
