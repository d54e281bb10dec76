"""What a broker keeps between two processes, who may read its token, and where it listens."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pytest

from onefill.model.errors import OnefillError
from onefill.terminal.simulator.remote.address import format_address, listen, parse_address
from onefill.terminal.simulator.remote.pace import parse_speed
from onefill.terminal.simulator.remote.state import begun_ms, keeping
from onefill.terminal.simulator.remote.time_kept import TimeKept
from onefill.terminal.simulator.remote.token import read_token, take_token

# Time.


def test_the_latest_time_is_there_again_and_never_an_earlier_one(tmp_path: Path) -> None:
    file = tmp_path / "book.time"
    kept = TimeKept(file)
    assert kept.kept_ms == 0
    for now_ms in (1_000, 5_000_000_000_000, 2_000):
        kept.keep(now_ms)
    again = TimeKept(file)  # the first was never closed: it was killed
    assert again.kept_ms == 5_000_000_000_000
    again.close()
    kept.close()


def test_without_a_file_nothing_is_kept() -> None:
    kept = TimeKept(None)
    kept.keep(1_000)
    assert kept.kept_ms == 1_000
    kept.close()


@pytest.mark.parametrize("text", ["soon", "-5", "12 13"])
def test_a_file_that_holds_no_time_is_told(text: str, tmp_path: Path) -> None:
    file = tmp_path / "book.time"
    file.write_text(text)
    with pytest.raises(OnefillError, match=r"book\.time") as wrong:
        TimeKept(file)
    assert wrong.value.code == "TIME_UNREADABLE"


def test_state_is_one_process_at_a_time(tmp_path: Path) -> None:
    book = tmp_path / "book"
    with keeping(book) as kept:
        kept.keep(7_000)
        with pytest.raises(OnefillError, match="stop it") as wrong, keeping(book):
            pass
        assert wrong.value.code == "STATE_IN_USE"
    with keeping(book) as kept:
        assert kept.kept_ms == 7_000
    assert begun_ms(book) is None
    with keeping(None) as kept:
        assert kept.kept_ms == 0


@pytest.mark.parametrize(
    ("book", "begun"),
    [
        (b"", None),
        (b"garbage", None),
        (b'{"what":"end","at_ms":5}\n', None),
        (b'{"what":"account","at_ms":7,"version":2,"login":1,"server":"S","currency":"USD",'
         b'"currency_digits":2,"leverage":100}\n{"what":"end","at_ms":7}\n', 7),
    ],
)  # fmt: skip
def test_a_book_tells_when_its_account_was_opened(
    book: bytes, begun: int | None, tmp_path: Path
) -> None:
    (tmp_path / "book").write_bytes(book)
    assert begun_ms(tmp_path / "book") == begun


def test_state_in_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OnefillError, match="nowhere"), keeping(tmp_path / "nowhere" / "book"):
        pass


# The token.


def test_a_token_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "token"
    token = take_token(file)
    assert len(token) == 64
    assert take_token(file) == read_token(file) == token
    assert take_token(tmp_path / "another") != token
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("text", ["", "short", "a" * 15, "two words of some length", "a" * 2_000])
def test_a_token_that_is_none_is_told_and_not_shown(text: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    file.chmod(0o600)
    for read in (read_token, take_token):
        with pytest.raises(OnefillError) as wrong:
            read(file)
        assert wrong.value.code == "TOKEN_INVALID"
        assert not text or text not in wrong.value.message


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such permissions")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_token_of_others_is_not_taken(mode: int, tmp_path: Path) -> None:
    file = tmp_path / "token"
    take_token(file)
    file.chmod(mode)
    with pytest.raises(OnefillError, match="chmod 600") as wrong:
        take_token(file)
    assert wrong.value.code == "TOKEN_EXPOSED"


def test_a_token_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xe9" * 20)
    for file in (tmp_path / "missing", tmp_path, tmp_path / "latin"):
        with pytest.raises(OnefillError) as wrong:
            read_token(file)
        assert wrong.value.code == "TOKEN_UNREADABLE"
        assert str(file) in wrong.value.message


# Where it listens, and how fast.


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("127.0.0.1:5005", ("127.0.0.1", 5005)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:65535", ("::1", 65_535)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, parsed: tuple[str, int]) -> None:
    assert parse_address(text) == parsed
    assert format_address(*parsed) == text


@pytest.mark.parametrize("text", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"])
def test_only_this_machine_is_listened_to_unless_it_is_said(text: str) -> None:
    with pytest.raises(OnefillError, match="--allow-remote") as wrong:
        listen(text, allow_remote=False)
    assert wrong.value.code == "ADDRESS_REMOTE"


def test_where_it_is_said_everybody_is_listened_to() -> None:
    with closing(listen("0.0.0.0:0", allow_remote=True)) as listening:
        assert listening.getsockname()[1]


def test_an_address_in_use_is_told() -> None:
    with closing(listen("127.0.0.1:0", allow_remote=False)) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(OnefillError) as wrong:
            listen(f"127.0.0.1:{port}", allow_remote=False)
    assert wrong.value.code == "ADDRESS_UNUSABLE"


@pytest.mark.parametrize(
    ("text", "speed"), [("real", 1.0), ("lockstep", 0.0), ("10x", 10.0), ("0.5x", 0.5)]
)
def test_a_speed_is_a_word_or_a_factor(text: str, speed: float) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize(
    "text", ["", "x", "0x", "0.000x", "-1x", "nanx", "1e9x", "max", "10", "1x "]
)
def test_a_speed_that_is_none_is_told(text: str) -> None:
    with pytest.raises(OnefillError) as wrong:
        parse_speed(text)
    assert wrong.value.code == "SPEED_INVALID"
