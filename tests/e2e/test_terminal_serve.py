"""`onefill terminal serve` as a user runs it: who gets in, who does not, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from onefill.channels.local.engine import ExecutionEngine
from onefill.terminal.session import Session
from tests.contract.ports import LOGIN, SERVER, market
from tests.e2e.terminal_command import SECRET, environment, onefill
from tests.integration.terminal.served import decision, engine_on, pool_of


class Served:
    """`onefill terminal serve`, on loopback."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.token_file = home / "served.token"
        (home / "password").write_text(SECRET)
        (home / "served.toml").write_text(f'[broker]\npassword = "{SECRET}"\n')
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "onefill", "terminal", "serve",
                "--module", "simulated:served.toml", "--login", str(LOGIN), "--server", SERVER,
                "--ticks", str(market(home)), "--password-file", "password",
                "--token-file", str(self.token_file), "--listen", "127.0.0.1:0", "--json",
            ],
            cwd=home,
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.told: dict[str, Any] = json.loads(self.process.stdout.readline())

    def session(self, **more: Any) -> Session:
        fields = {
            "terminal_path": self.told["terminal_path"],
            "fingerprint": self.told["fingerprint"],
            "token": self.token_file.read_text().strip(),
            "login": LOGIN,
            "server": SERVER,
            **more,
        }
        return Session(name="far", **fields)

    @property
    def address(self) -> tuple[str, int]:
        host, number = self.told["terminal_path"].removeprefix("tls://").split(":")
        return host, int(number)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End it; its exit status, and all that it printed."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out + err


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    one = Served(tmp_path_factory.mktemp("serve"))
    yield one
    if one.process.poll() is None:
        one.stop()


def trouble_of(home: Path, session: Session) -> str:
    with pool_of(home, session) as pool:
        return pool.troubles.get(session.name, "")


@pytest.mark.skipif(sys.platform == "win32", reason="ends it by POSIX signals")
class TestServe:
    def test_it_says_where_it_listens_and_makes_a_token_for_its_owner_alone(
        self, served: Served
    ) -> None:
        assert served.told["terminal_path"].startswith("tls://127.0.0.1:")
        assert (served.told["login"], served.told["server"]) == (LOGIN, SERVER)
        assert len(served.told["fingerprint"]) == 64
        assert stat.S_IMODE(served.token_file.stat().st_mode) == 0o600

    def test_an_engine_elsewhere_connects_and_trades(self, served: Served, tmp_path: Path) -> None:
        with pool_of(tmp_path, served.session()) as pool:
            assert pool.troubles == {}
            engine: ExecutionEngine
            with engine_on(pool, tmp_path / "journal") as engine:
                filled = engine.execute(decision("one"))
        assert filled.status == "filled", filled

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"token": "0" * 64}, "its token is another one"),
            ({"fingerprint": "ab" * 32}, "certificate"),
            ({"login": LOGIN + 1}, "nothing is traded there"),
            ({"terminal_path": "tls://127.0.0.1:9"}, "no terminal answers"),
        ],
        ids=["token", "fingerprint", "account", "nobody there"],
    )
    def test_whoever_is_not_expected_is_told_why_and_gets_nothing(
        self, served: Served, tmp_path: Path, change: dict[str, Any], words: str
    ) -> None:
        trouble = trouble_of(tmp_path, served.session(**change))

        assert words in trouble
        assert served.session().token not in trouble

    @pytest.mark.parametrize(
        "words", [b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 64, b"\xff\xff\xff\x7f" + b"x" * 64]
    )
    @pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "tls"])
    def test_garbage_is_hung_up_on_and_the_next_engine_is_served(
        self, served: Served, tmp_path: Path, over_tls: bool, words: bytes
    ) -> None:
        with socket.create_connection(served.address, 10) as plain:
            plain.settimeout(10)
            line = _tls(plain) if over_tls else plain
            with line:
                line.sendall(words)
                assert _hung_up(line)
        assert trouble_of(tmp_path, served.session()) == ""

    def test_who_is_refused_is_in_its_log_by_address_and_number(
        self, served: Served, tmp_path: Path
    ) -> None:
        trouble_of(tmp_path, served.session(token="0123456789" * 6))
        log = (served.home / ".onefill" / "logs" / "served.log").read_text()

        assert "TOKEN_REFUSED: 127.0.0.1 port " in log
        assert "; refused so far: " in log
        assert "0123456789" not in log

    def test_it_ends_cleanly_and_has_told_no_secret(self, served: Served) -> None:
        token = served.session().token
        status, printed = served.stop()
        kept = "".join(
            file.read_text(errors="replace") for file in (served.home / ".onefill").rglob("*.log")
        )

        assert status == 0
        assert "Traceback" not in printed + kept
        for secret in (SECRET, token):
            assert secret not in printed + kept
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(served.address, 5)

    def test_ctrl_c_ends_it_too_and_leaves_no_worker_behind(self, tmp_path: Path) -> None:
        one = Served(tmp_path)
        (lock,) = (tmp_path / ".onefill" / "terminals").glob(f"*@{SERVER}.lock")
        worker = int(lock.read_text())
        status, printed = one.stop(signal.SIGINT)

        assert (status, printed) == (0, "")
        wait_until(lambda: not _alive(worker))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(6_000):
        if holds():
            return
        time.sleep(0.01)
    pytest.fail("it never came")


def _tls(plain: socket.socket) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain)


def _hung_up(line: socket.socket) -> bool:
    try:
        while line.recv(4_096):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--listen", "0.0.0.0:0"], "can be reached from other machines: say so with"),
        (["--listen", "example.invalid:1"], "can be reached from other machines: say so with"),
        (["--listen", "nowhere"], "is no address"),
        (["--module", "mt4"], "is neither MetaTrader5 nor simulated"),
        (["--password-file", "none"], "cannot read the password file"),
        (["--module", "simulated:nosuch"], "nosuch"),
    ],
)
def test_a_wrong_call_of_serve_is_one_sentence(
    tmp_path: Path, words: list[str], complaint: str
) -> None:
    ran = onefill(
        tmp_path, "terminal", "serve", "--login", "1", "--server", "s", "--token-file", "t",
        "--module", "simulated", *words,
    )  # fmt: skip

    assert ran.status == 2
    assert complaint in ran.complaint
