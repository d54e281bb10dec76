import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.contracts.crc32c import crc32c


def by_the_bit(content: bytes) -> int:
    """The definition, as slow as it is plain."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("content", "checksum"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),  # these four are RFC 3720's
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_it_gives_the_published_checksums(content: bytes, checksum: int) -> None:
    assert crc32c(content) == checksum


@given(st.binary(max_size=40), st.sampled_from([0, 1, 2, 3, 4, 508, 511, 512, 513, 1024, 1500]))
def test_it_is_the_definition_at_every_length(tail: bytes, head: int) -> None:
    content = bytes(n * 7 & 0xFF for n in range(head)) + tail
    assert crc32c(content) == by_the_bit(content)
