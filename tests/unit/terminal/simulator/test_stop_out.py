"""Stop-out: when it comes, what is closed, and that no tick is overlooked."""

from fractions import Fraction
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from onefill.terminal import port
from onefill.terminal.simulator.profile import Profile

from .stage import NOON, Quote, Stage, deal, pending, profile_with

FALLING: list[Quote] = [(at * 1_000, 138_000 - at * 10, 138_010 - at * 10) for at in range(200)]


def stopping(tmp_path: Path, broker: str = "stop_out = 50", symbol: str = "") -> Profile:
    return profile_with(tmp_path, f"[broker]\n{broker}\n[symbols.EURUSD]\n{symbol}\n")


def test_a_position_is_closed_once_equity_is_half_of_its_margin(tmp_path: Path) -> None:
    stage = Stage(FALLING, profile=stopping(tmp_path), balance=2_000.0)
    ticket = stage.opened(deal(0, 1.0), at=10)
    # Margin 1380.10, so 690.05 are kept: 1309.95 may be lost, at 1 a point.
    stage.run(200_000)
    assert stage.ask("positions_get") == ()
    [_, closing] = stage.ask("history_deals_get", position=ticket)
    assert (closing.reason, closing.entry) == (port.REASON_SO, port.ENTRY_OUT)
    assert (closing.price, closing.profit) == (1.367, -1310.0)
    assert closing.comment == "[so 50.00%/690.00/1380.10]"
    assert stage.ask("history_orders_get", ticket=closing.order)[0].reason == port.REASON_SO


def test_without_a_level_nothing_is_closed(tmp_path: Path) -> None:
    stage = Stage(FALLING, profile=stopping(tmp_path, "stop_out = 0"), balance=2_000.0)
    stage.opened(deal(0, 1.0), at=10)
    stage.run(200_000)
    assert len(stage.ask("positions_get")) == 1


def test_a_level_in_money_is_kept_too(tmp_path: Path) -> None:
    profile = stopping(tmp_path, 'stop_out = 1000\nstop_out_mode = "money"')
    stage = Stage(FALLING, profile=profile, balance=2_000.0)
    ticket = stage.opened(deal(0, 1.0), at=10)
    stage.run(200_000)
    closing = stage.ask("history_deals_get", position=ticket)[1]
    assert (closing.profit, closing.comment) == (-1_000.0, "[so 1000.00/1380.10]")


def test_the_most_unprofitable_goes_first_and_only_as_many_as_needed(tmp_path: Path) -> None:
    stage = Stage(FALLING, profile=stopping(tmp_path), balance=2_000.0)
    small = stage.opened(deal(0, 0.1), at=10)
    large = stage.opened(deal(0, 0.9))
    stage.run(200_000)
    assert [row.ticket for row in stage.ask("positions_get")] == [small]
    assert len(stage.ask("history_deals_get", position=large)) == 2


def test_pending_orders_go_first_where_the_profile_says_so(tmp_path: Path) -> None:
    for removes in (True, False):
        broker = f"stop_out = 50\nstop_out_removes_orders = {str(removes).lower()}"
        stage = Stage(FALLING, profile=stopping(tmp_path, broker), balance=2_000.0)
        stage.opened(deal(0, 1.0), at=10)
        order = stage.opened(pending(2, 1.2, 0.01))
        stage.run(200_000)
        assert stage.ask("positions_get") == ()
        assert len(stage.ask("orders_get")) == (0 if removes else 1)
        if removes:
            assert stage.ask("history_orders_get", ticket=order)[0].state == port.STATE_CANCELED


def test_what_cannot_be_traded_is_closed_when_its_session_opens(tmp_path: Path) -> None:
    # NOON is a Thursday, 12:00; the gap is below the level long before 13:00.
    symbol = "sessions = ['Mon-Fri 00:00-12:01', 'Mon-Fri 13:00-24:00']"
    quotes: list[Quote] = [(0, 138_000, 138_010), (120_000, 130_000, 130_010),
                           (3_600_001, 130_100, 130_110)]  # fmt: skip
    stage = Stage(quotes, profile=stopping(tmp_path, symbol=symbol), balance=2_000.0)
    ticket = stage.opened(deal(0, 1.0), at=10)
    stage.run(3_000_000)
    assert len(stage.ask("positions_get")) == 1
    stage.run(4_000_000)
    closing = stage.ask("history_deals_get", position=ticket)[1]
    assert (closing.price, closing.time_ms) == (1.301, NOON + 3_600_001)


MARKETS = {
    "EURUSD": 138_000,
    "GBPUSD": 168_000,
    "EURGBP": 82_000,
    "USDJPY": 102_000,
    "GBPJPY": 171_000,
}
MOVES = st.lists(
    st.tuples(st.sampled_from(sorted(MARKETS)), st.integers(-900, 900), st.integers(1, 40)),
    min_size=5,
    max_size=120,
)
POSITIONS = st.lists(
    st.tuples(st.sampled_from(sorted(MARKETS)), st.integers(0, 1), st.integers(1, 60)),
    min_size=1,
    max_size=6,
)


def walked(moves: list[tuple[str, int, int]]) -> dict[str, list[Quote]]:
    """Ticks that follow from moves: a bid that moved, a spread; some in one millisecond."""
    quotes = {name: [(0, bid, bid + 10)] for name, bid in MARKETS.items()}
    at = 10
    for place, (name, move, spread) in enumerate(moves):
        at += (place % 3 > 0) or quotes[name][-1][0] == at
        bid = max(20_000, quotes[name][-1][1] + move)
        quotes[name].append((at, bid, bid + spread))
    return quotes


def rounded(amount: Fraction) -> int:
    return int(abs(amount) + Fraction(1, 2)) * (1 if amount > 0 else -1)


class PlainLoop:
    """Looks at every position on every tick."""

    def __init__(self, stage: Stage, quotes: dict[str, list[Quote]], level: int) -> None:
        self.now = {name: (rows[0][1], rows[0][2]) for name, rows in quotes.items()}
        self.rows = list(stage.ask("positions_get"))
        row = stage.ask("account_info")
        self.balance = round(row.balance * 100)
        self.level = level
        self.stage = stage
        order = list(quotes)
        self.ticks = sorted(
            (at, order.index(name), name, bid, ask)
            for name, rows in quotes.items()
            for at, bid, ask in rows[1:]
        )

    def profit(self, row: port.PositionRow) -> int:
        """Of 0.01 lots a point is 1 cent of EURUSD; pounds and yen are exchanged."""
        bid, ask = self.now[row.symbol]
        close = bid if row.type == 0 else ask
        scale = 1_000 if row.symbol.endswith("JPY") else 100_000
        opened = round(row.price_open * scale)
        points = Fraction(close - opened) * (1 if row.type == 0 else -1)
        money = points * Fraction(str(row.volume)) * 100_000 / scale * 100
        gained = points > 0
        if row.symbol == "USDJPY":
            money *= Fraction(1_000, close)
        elif row.symbol == "GBPJPY":
            jpy = self.now["USDJPY"]
            money *= Fraction(1_000, jpy[1] if gained else jpy[0])
        elif row.symbol == "EURGBP":
            gbp = self.now["GBPUSD"]
            money *= Fraction(gbp[0] if gained else gbp[1], 100_000)
        return rounded(money)

    def run(self, margin_of: dict[int, int]) -> list[tuple[int, int]]:
        """Time and ticket of what is closed. `margin_of`: a position's margin in cents."""
        closed = []
        for at, _, name, bid, ask in self.ticks:
            self.now[name] = (bid, ask)
            watched = {row.symbol for row in self.rows}
            through = {"GBPJPY": "USDJPY", "EURGBP": "GBPUSD"}
            watched |= {through[symbol] for symbol in watched if symbol in through}
            while name in watched and self.rows:
                equity = self.balance + sum(self.profit(row) for row in self.rows)
                if equity * 100 > self.level * sum(margin_of[row.ticket] for row in self.rows):
                    break
                worst = min(self.rows, key=lambda row: (self.profit(row), row.ticket))
                closed.append((at, worst.ticket))
                self.balance += self.profit(worst)
                self.rows.remove(worst)
        return closed


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES, positions=POSITIONS, level=st.sampled_from([20, 50, 100, 300]))
def test_it_comes_at_the_tick_at_which_a_loop_that_looks_at_every_tick_finds_it(
    tmp_path: Path,
    moves: list[tuple[str, int, int]],
    positions: list[tuple[str, int, int]],
    level: int,
) -> None:
    quotes = walked(moves)
    # Margin without hedging, so that it is the sum of the positions'.
    symbols = "\n".join(f"[symbols.{name}]\nmargin_hedged = 100000" for name in MARKETS)
    profile = profile_with(tmp_path, f"[broker]\nstop_out = {level}\n{symbols}\n")
    stage = Stage(quotes, profile=profile, balance=2_000.0)
    stage.advance(5)
    margin_of: dict[int, int] = {}
    sides: dict[str, int] = {}
    for symbol, side, volume in positions:
        side = sides.setdefault(symbol, side)
        before = stage.ask("account_info").margin
        result = stage.send(deal(side, volume / 100, symbol))
        if result.retcode == 10009:
            margin_of[result.order] = round((stage.ask("account_info").margin - before) * 100)
    at_once = len(margin_of) - len(stage.ask("positions_get"))
    assume(not at_once)  # after a deal it is looked at too
    plain = PlainLoop(stage, quotes, level).run(margin_of)
    stage.run(10_000)
    rows = stage.ask("history_deals_get", from_ms=NOON, to_ms=NOON + 10_000)
    stops = [row for row in rows if row.reason == port.REASON_SO]
    assert [(row.time_ms - NOON, row.position_id) for row in stops] == plain
