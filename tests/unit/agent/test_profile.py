"""What of an account goes into one frame."""

from bisect import bisect_left

import pytest

from onefill.agent.profile import FRAME_MOST, fitting
from onefill.contracts.account_profile import MAX_POSITIONS, encode
from onefill.contracts.framing import MAX_FRAME
from onefill.contracts.messages import HeldPosition, Profile
from onefill.model.intent import Side


def _profile(count: int, key: str) -> Profile:
    held = tuple(
        HeldPosition(
            ticket=10**10 + number,
            symbol="EURUSD",
            side=Side.BUY,
            volume=0.01,
            price=1.1,
            price_now=1.2,
            stop_loss=1.0,
            take_profit=1.3,
            profit=5.0,
            magic=42,
            command_id=key,
        )
        for number in range(count)
    )
    return Profile(user_id="ann", account="1", positions=held, margin_used=7.0)


@pytest.mark.parametrize(("count", "key"), [(0, ""), (1, "k"), (400, "a-key-of-its-own")])
def test_positions_that_fit_are_all_told(count: int, key: str) -> None:
    profile = _profile(count, key)
    assert fitting(profile) == profile


@pytest.mark.parametrize(
    ("count", "key"), [(400, "k" * 148), (900, "a-key-of-its-own"), (MAX_POSITIONS + 1, "")]
)
def test_of_positions_that_do_not_fit_their_number_is_told(count: int, key: str) -> None:
    profile = fitting(_profile(count, key))
    assert (profile.positions, profile.positions_untold) == (None, count)
    assert profile.margin_used == 7.0
    assert len(encode(profile)) <= FRAME_MOST < MAX_FRAME


def test_the_most_that_fits_is_told_to_the_last_position() -> None:
    one_too_many = bisect_left(
        range(MAX_POSITIONS), True, key=lambda n: fitting(_profile(n, "k")).positions is None
    )
    assert 400 < one_too_many < MAX_POSITIONS
    assert len(encode(_profile(one_too_many, "k"))) > FRAME_MOST
    assert len(fitting(_profile(one_too_many - 1, "k")).positions or ()) == one_too_many - 1
