"""A record's hash, computed a second time and by other means."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from onefill.journal.record import GENESIS, link

WORDS = st.binary(max_size=40)
NUMBERS = st.integers(0, 1 << 62)


@given(previous=st.binary(min_size=32, max_size=32), seq=NUMBERS, at_ms=NUMBERS, number=NUMBERS,
       account=WORDS, body=WORDS)  # fmt: skip
def test_the_hash_is_sha256_over_every_column(
    previous: bytes, seq: int, at_ms: int, number: int, account: bytes, body: bytes
) -> None:
    whole = hashlib.sha256(previous)
    for value in (seq, at_ms, number):
        whole.update(value.to_bytes(8, "big"))
    whole.update(len(account).to_bytes(4, "big") + account + body)
    assert link(previous, seq, account, at_ms, number, body) == whole.digest()


def test_moving_bytes_from_the_account_to_the_body_is_another_record() -> None:
    assert link(GENESIS, 1, b"ab", 0, 1, b"c") != link(GENESIS, 1, b"a", 0, 1, b"bc")


def test_a_time_before_1970_has_a_hash_too() -> None:
    assert link(GENESIS, 1, b"a", -1, None, b"") != link(GENESIS, 1, b"a", 1, None, b"")
