"""One served broker and the programs on it: their books stay right, whoever dies."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from onefill.cli import main
from onefill.cli.served_broker import BrokerOptions, open_broker
from onefill.model.errors import OnefillError
from onefill.terminal.port import ENTRY_IN
from onefill.terminal.simulator.book import read_book
from onefill.terminal.simulator.entries import Dealt, Entry, Held, Ordered, Requested
from onefill.terminal.simulator.remote.client import connect
from onefill.terminal.simulator.remote.token import read_token

assert sys.platform != "win32", "signals are of another kind there"

TRADER = Path(__file__).with_name("trader.py")
DONE = 10009
WORKING = (1, 3)


@dataclass
class Broker:
    """A broker in a process of its own."""

    process: subprocess.Popen[str]
    address: str
    token_file: Path
    told: dict[str, Any]

    def environment(self) -> dict[str, str]:
        """What a program is started with, so that it connects."""
        return os.environ | {
            "ONEFILL_BROKER": self.address,
            "ONEFILL_BROKER_TOKEN_FILE": str(self.token_file),
        }

    def python(self, *words: object) -> subprocess.Popen[str]:
        """A program on it."""
        return subprocess.Popen(
            [sys.executable, *map(str, words)],
            env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def end(self, number: int) -> int:
        """Send it a signal; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def serving(folder: Path, *words: object) -> Iterator[Broker]:
    """A broker whose token and state are in `folder`; it is gone in the end."""
    token = folder / "token"
    command = [sys.executable, "-m", "onefill", "broker", "serve", "--json"]
    command += ["--token-file", str(token), "--state", str(folder / "book"), *map(str, words)]
    with (folder / "errors").open("a") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, (folder / "errors").read_text()
            told = json.loads(line)
            assert told["pid"] == process.pid
            yield Broker(process, told["address"], token, told)
        finally:
            process.kill()


@contextmanager
def closing_all(programs: list[subprocess.Popen[str]]) -> Iterator[None]:
    """No program outlives its test."""
    try:
        yield
    finally:
        for program in programs:
            with program:
                program.kill()


def lines(log: Path) -> list[dict[str, Any]]:
    """What a trader has written down; a line that a kill has torn is none."""
    if not log.exists():
        return []
    whole = log.read_text().rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines()]


def wait_for(log: Path, count: int) -> None:
    """Until a trader has written so many lines."""
    while len(lines(log)) < count:
        time.sleep(0.01)


# Eight and more programs at once.

TRADERS, STEPS = 9, 60
SERVED = ("--profile", "ecn", "--speed", "20x", "--balance", 1_000_000)


@pytest.mark.timeout(300)
def test_nine_programs_trade_at_once_and_the_books_are_right_whoever_dies(tmp_path: Path) -> None:
    logs = [tmp_path / f"trader{number}.jsonl" for number in range(TRADERS)]
    traders: list[subprocess.Popen[str]] = []
    with closing_all(traders), serving(tmp_path, *SERVED) as broker:
        traders += [
            broker.python(TRADER, log, number, STEPS, "a") for number, log in enumerate(logs)
        ]
        wait_for(logs[0], 20)
        traders[0].kill()
        wait_for(logs[1], 50)
        assert broker.end(signal.SIGKILL) == -signal.SIGKILL
        with serving(tmp_path, *SERVED, "--listen", broker.address) as broker_again:
            for trader in traders:
                assert trader.communicate(timeout=200) == ("", "")
                assert trader.returncode == (-signal.SIGKILL if trader is traders[0] else 0)
            again = broker_again.python(TRADER, logs[2], 2, 5, "b")
            assert again.communicate(timeout=100) == ("", "")
            finds_what_it_left(lines(logs[2]))
            history = asked_for(broker_again)
            assert broker_again.end(signal.SIGTERM) == 0
    assert (tmp_path / "errors").read_text() == ""
    judge(read_book(tmp_path / "book"), [line for log in logs for line in lines(log)], history)


def finds_what_it_left(noted: list[dict[str, Any]]) -> None:
    """A program that comes again finds the orders and positions of its last run."""
    left = next(line for line in noted if "left_orders" in line)
    begun = [line for line in noted if "found_orders" in line][1]
    assert left["left_orders"]
    assert left["left_positions"]
    assert begun["found_orders"] == left["left_orders"]
    assert begun["found_positions"] == left["left_positions"]


ASK = """
import json, onefill.mt5 as mt5
assert mt5.initialize(), mt5.last_error()
ever = (0, 2_000_000_000)
print(json.dumps({
    "deals": [row._asdict() for row in mt5.history_deals_get(*ever)],
    "orders": [row.ticket for row in mt5.history_orders_get(*ever)],
    "working": [row.ticket for row in mt5.orders_get()],
    "positions": [row._asdict() for row in mt5.positions_get()],
    "account": mt5.account_info()._asdict(),
}))
"""


def asked_for(broker: Broker) -> dict[str, Any]:
    """What a program that comes last sees."""
    out, errors = broker.python("-c", ASK).communicate(timeout=100)
    assert errors == ""
    seen: dict[str, Any] = json.loads(out)
    return seen


def hundredths(number: float) -> int:
    return round(number * 100)


def judge(book: list[Entry], noted: list[dict[str, Any]], history: dict[str, Any]) -> None:
    """The book, what the traders were told, and what history shows agree."""
    requests = Counter(one.request.comment for one in book if isinstance(one, Requested))
    done = {
        one.request.comment for one in book if isinstance(one, Requested) and one.retcode == DONE
    }
    deals = [one for one in book if isinstance(one, Dealt)]
    asked = {line["asked"] for line in noted if "asked" in line}
    told = [line for line in noted if line.get("retcode") == DONE]
    assert set(requests) <= asked
    assert set(requests.values()) == {1}, "a request was carried out twice"
    assert {line["told"] for line in told} <= done, "what was told did not happen"
    kinds = {line["asked"]: line["action"] for line in noted if "asked" in line}
    assert {kinds[line["told"]] for line in told} == {1, 5, 6, 7, 8, 10}
    by_ticket = {deal.ticket: deal for deal in deals}
    assert len(by_ticket) == len(deals)
    for line in told:
        if line["deal"]:
            assert hundredths(by_ticket[line["deal"]].volume) == hundredths(line["volume"])
            assert by_ticket[line["deal"]].order == line["order"]
    assert [row["ticket"] for row in history["deals"]] == [deal.ticket for deal in deals]
    judge_orders(book, history)
    judge_positions(deals, history)
    judge_money(book, deals, history)


def judge_orders(book: list[Entry], history: dict[str, Any]) -> None:
    last = {one.ticket: one.state for one in book if isinstance(one, Ordered)}
    working = sorted(ticket for ticket, state in last.items() if state in WORKING)
    assert sorted(history["working"]) == working
    assert sorted(history["orders"]) == sorted(set(last) - set(working))


def judge_positions(deals: list[Dealt], history: dict[str, Any]) -> None:
    """A position is what its deals leave of it."""
    net: dict[int, int] = {}
    for deal in deals:
        if deal.type <= 1:
            volume = hundredths(deal.volume)
            more = volume if deal.entry == ENTRY_IN else -volume
            net[deal.position_id] = net.get(deal.position_id, 0) + more
    shown = {row["identifier"]: hundredths(row["volume"]) for row in history["positions"]}
    assert {ticket: volume for ticket, volume in net.items() if volume} == shown


def judge_money(book: list[Entry], deals: list[Dealt], history: dict[str, Any]) -> None:
    money = sum(
        hundredths(one.profit) + hundredths(one.commission) + hundredths(one.swap)
        + hundredths(one.fee) for one in deals
    )  # fmt: skip
    assert hundredths(history["account"]["balance"]) == money
    told = sum(
        hundredths(row[name])
        for row in history["deals"]
        for name in ("profit", "commission", "swap", "fee")
    )
    assert told == money
    held = {one.ticket: one.volume for one in book if isinstance(one, Held)}
    assert {ticket for ticket, volume in held.items() if volume} == {
        row["ticket"] for row in history["positions"]
    }


# Who is let in, and how it begins and ends.


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with serving(tmp_path_factory.mktemp("broker"), "--profile", "ecn") as broker:
        yield broker


def test_it_says_where_it_is_and_keeps_its_token_to_its_owner(broker: Broker) -> None:
    assert broker.address.startswith("127.0.0.1:")
    assert broker.token_file.stat().st_mode & 0o777 == 0o600
    token = read_token(broker.token_file)
    assert token not in json.dumps(broker.told)
    words = Path(f"/proc/{broker.process.pid}/cmdline")
    assert not words.exists() or token not in words.read_text()


def test_a_wrong_token_is_refused(broker: Broker) -> None:
    with pytest.raises(OnefillError, match="TOKEN_WRONG"):
        connect(broker.address, "0" * 64)


def test_a_program_without_the_right_token_is_told_so_by_last_error(
    broker: Broker, tmp_path: Path
) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("0" * 64)
    ask = "import onefill.mt5 as mt5; print(mt5.initialize(), mt5.last_error())"
    environment = broker.environment() | {"ONEFILL_BROKER_TOKEN_FILE": str(wrong)}
    done = subprocess.run(
        [sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("False (-10003, ")
    assert "TOKEN_WRONG" in done.stdout


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100_000, b"\0\0\0\4\xc1\xc1\xc1\xc1", b"\0"]
)
def test_garbage_ends_its_connection_and_nobody_elses(broker: Broker, sent: bytes) -> None:
    other = connect(broker.address, read_token(broker.token_file))
    host, port = broker.address.split(":")
    with socket.create_connection((host, int(port)), 10) as connected:
        connected.sendall(sent)
        connected.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: connected.recv(1 << 16), b""))
    assert b"refused" in said
    assert other.call("symbols_total", ()).value > 0
    other.close()


def refusal(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line with which a call is refused (in this process: nothing is served)."""
    with pytest.raises(SystemExit) as ended:
        main(["broker", "serve", *map(str, words)])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
def test_only_this_machine_may_connect_unless_it_is_said(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    assert "--allow-remote" in refusal(capsys, "--listen", address, "--token-file", token)
    assert not token.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--listen", "5005"], "is no address"),
        (["--speed", "fast"], "real, lockstep"),
        (["--profile", "none"], "no shipped profile"),
        (["--start", "soon"], "is no date"),
        (["--start", "2001-01-01"], "begins in 2019"),
        (["--faults", "fire=1"], "names no fault"),
        (["--ticks", "missing-EURUSD.csv"], "missing"),
        (["--state", "no-such-folder/book"], "no-such-folder"),
        (["--balance", "-1"], "--balance"),
        (["--clients", "0"], "--clients"),
    ],
)
def test_a_wrong_option_is_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refusal(capsys, "--token-file", tmp_path / "token", *words)


def test_a_token_that_others_can_read_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text("a" * 64)
    token.chmod(0o644)
    assert "chmod 600" in refusal(capsys, "--token-file", token)


def test_its_state_serves_one_broker_at_a_time_and_time_goes_on_from_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path, "--speed", "lockstep") as broker:
        held = refusal(
            capsys, "--speed", "lockstep", "--state", tmp_path / "book",
            "--token-file", broker.token_file,
        )  # fmt: skip
        assert str(broker.process.pid) in held
        client = connect(broker.address, read_token(broker.token_file))
        client.sleep_ms(3_600_000)
        reached_ms = client.now_ms()
        assert reached_ms >= broker.told["now_ms"] + 3_600_000
        assert broker.end(signal.SIGINT) == 0
        assert client.call("version", ()).error == (-10004, "No IPC connection")
        client.close()
    with serving(tmp_path, "--speed", "lockstep") as broker:
        assert broker.told["now_ms"] == reached_ms
        assert broker.end(signal.SIGTERM) == 0


def test_a_market_of_the_present_goes_on_in_its_present(tmp_path: Path) -> None:
    options = BrokerOptions(state=tmp_path / "book")
    with open_broker(options) as first:
        first_ms = first.terminal.now_ms
        assert abs(first_ms - time.time() * 1_000) < 60_000
    with open_broker(options) as again:
        assert first_ms < again.terminal.now_ms < time.time() * 1_000 + 1


def test_its_present_is_not_behind_the_machines(tmp_path: Path) -> None:
    with serving(tmp_path) as broker:
        client = connect(broker.address, read_token(broker.token_file))
        asked_ms = int(time.time() * 1_000)
        rounded_ms = 5  # both clocks are cut to whole milliseconds, and one of them is monotonic
        assert client.now_ms() >= asked_ms - rounded_ms
        client.close()


def trade(broker: Broker) -> None:
    """The same every time."""
    client = connect(broker.address, read_token(broker.token_file))
    for number in range(20):
        request = (1, 7, 0, "EURUSD", 0.1, 0.0, 0.0, 0.0, 0.0, 10, number % 2, 1, 0, 0, "", 0, 0)
        assert client.call("order_send", request).value[0] == DONE
        client.sleep_ms(60_000 * number)
    client.close()


def test_in_lockstep_the_same_calls_make_the_same_book(tmp_path: Path) -> None:
    books = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        with serving(folder, "--speed", "lockstep") as broker:
            trade(broker)
            assert broker.end(signal.SIGTERM) == 0
        books.append((folder / "book").read_bytes())
    assert books[0] == books[1]
    assert books[0].count(b'"what":"deal"') == 21


def test_what_it_prints_for_people_says_how_to_connect(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "onefill", "broker", "serve"]
    command += ["--token-file", str(tmp_path / "token")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 0
    assert f"ONEFILL_BROKER_TOKEN_FILE={tmp_path / 'token'}" in line
    assert "ONEFILL_BROKER=127.0.0.1:" in line
    assert rest == "stopped; nothing was kept\n"
