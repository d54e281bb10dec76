"""Shares of a netting account's position: whatever deals come, they add up to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onefill.execution.netting import Shares
from onefill.model.account import AccountState, Position
from onefill.model.deal import Deal, DealReason, Entry
from onefill.model.intent import Side

LOT = 100_000_000


def share(ticket: int, side: Side, volume_e8: int) -> Position:
    return Position(
        ticket=ticket, symbol="EURUSD", side=side, volume_e8=volume_e8, price=1.1, key=f"k{ticket}"
    )


def deal(side: Side, volume_e8: int, reason: DealReason = DealReason.ORDER) -> Deal:
    return Deal(
        ticket=900,
        order=800,
        position=1,
        symbol="EURUSD",
        side=side,
        entry=Entry.OUT,
        volume_e8=volume_e8,
        price=1.1,
        time_ms=1,
        profit=12.5,
        reason=reason,
    )


def signed(parts: list[tuple[str, Deal]]) -> int:
    return sum(part.side.sign * part.volume_e8 for _, part in parts)


sides = st.sampled_from(list(Side))
volumes = st.integers(1, 50).map(lambda lots: lots * LOT // 10)
books = st.lists(st.tuples(sides, volumes), max_size=6)


@given(books, sides, volumes)
def test_a_deal_of_nobody_s_is_shared_out_whole_and_its_money_once(
    book: list[tuple[Side, int]], side: Side, volume_e8: int
) -> None:
    state = AccountState(account="a")
    for ticket, (held, volume) in enumerate(book, 1):
        state.positions[ticket] = share(ticket, held, volume)
    parts = Shares(state).share_out(deal(side, volume_e8))

    assert signed(parts) == side.sign * volume_e8
    assert sum(part.profit for _, part in parts) == 12.5
    closing = [part for _, part in parts if part.entry is Entry.OUT]
    for part in closing:
        assert state.positions[part.position].side is side.opposite
        assert part.volume_e8 <= state.positions[part.position].volume_e8


def test_the_oldest_opposite_share_is_closed_first_and_the_rest_is_nobody_s() -> None:
    state = AccountState(account="a")
    state.positions = {
        2: share(2, Side.BUY, LOT), 1: share(1, Side.BUY, LOT), 3: share(3, Side.SELL, LOT)
    }  # fmt: skip
    parts = Shares(state).share_out(deal(Side.SELL, 5 * LOT // 2))

    assert [(key, part.position, part.entry, part.volume_e8) for key, part in parts] == [
        ("k1", 1, Entry.OUT, LOT),
        ("k2", 2, Entry.OUT, LOT),
        ("", 800, Entry.IN, LOT // 2),
    ]


def test_a_stop_that_leaves_the_broker_flat_ends_offset_shares_too() -> None:
    state = AccountState(account="a")
    state.positions = {1: share(1, Side.BUY, LOT), 2: share(2, Side.SELL, 4 * LOT // 10)}
    parts = Shares(state).share_out(deal(Side.SELL, 6 * LOT // 10, DealReason.STOP_LOSS))

    assert {part.position: part.volume_e8 for _, part in parts} == {1: LOT, 2: 4 * LOT // 10}
    assert all(part.entry is Entry.OUT for _, part in parts)


def test_a_second_deal_meets_what_the_first_one_left() -> None:
    state = AccountState(account="a")
    state.positions = {1: share(1, Side.BUY, LOT)}
    shares = Shares(state)
    shares.share_out(deal(Side.SELL, LOT))
    again = shares.share_out(deal(Side.SELL, LOT))

    assert [(key, part.entry) for key, part in again] == [("", Entry.IN)]
