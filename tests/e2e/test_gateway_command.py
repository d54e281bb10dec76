"""`onefill gateway` and the commands that call it, as they are typed; and what an attacker finds
from outside (the checks of the security design, by their numbers)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from onefill.cli import main
from onefill.client.client import Client
from onefill.client.errors import Forbidden, NotFound
from onefill.model.states import State
from tests.e2e.command import Ran, onefill
from tests.e2e.gateway_stage import GatewayProcess, Part, foreign_client, until

ACCOUNT, OTHER = "1001", "2002"
CONFIG = "[delivery]\nlook_s = 0.2\n[desk]\ntrade_without_profile = true\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """With two tenants: demo, which has account 1001, and south, which has 2002."""
    home = tmp_path_factory.mktemp("gateway")
    with GatewayProcess(home, ACCOUNT, config=CONFIG) as gateway:
        admin(
            gateway, *("setup", "--tenant", "south", "--user", "sam", "--account", OTHER),
            *("--out", home / "south.json"),
        )  # fmt: skip
        yield gateway


def admin(gateway: GatewayProcess, *words: object) -> str:
    ran = said("admin", *words, "--data", gateway.data)
    assert ran.status == 0, ran.err
    return ran.out


def said(*words: object) -> Ran:
    """A command that only calls, in this process: there are many."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert isinstance(ended.value.code, int)
    return Ran(ended.value.code, out.getvalue(), err.getvalue())


def calls(gateway: GatewayProcess, *words: object) -> Ran:
    return said(*words, "--gateway", gateway.url, "--key-file", gateway.key_file)


# As it is typed.


def test_it_says_where_it_is_and_what_to_do_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    people = Part("-m", "onefill", "gateway", "--data", tmp_path / "g", "--port", "0")
    until(lambda: len(people.lines) >= 2)
    assert "http://127.0.0.1:" in people.lines[0]
    assert "/ws/execution" in people.lines[0]
    assert str(tmp_path / "g") in people.lines[1]
    until(lambda: f"onefill admin setup --data {tmp_path / 'g'}" in people.text)
    assert people.end(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM) == 0
    assert people.lines[-1] == "gateway: stopped\n"


def test_a_gateway_that_cannot_start_says_why_in_one_line(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    in_use = onefill("gateway", "--data", tmp_path / "g", "--port", gateway.port)
    assert (in_use.status, in_use.out) == (2, "")
    assert f"port {gateway.port}" in in_use.complaint
    assert "--port 0" in in_use.complaint
    twice = onefill("gateway", "--data", gateway.data, "--port", "0")
    assert twice.status == 2
    assert str(gateway.data) in twice.complaint
    assert "is being written by process" in twice.complaint


@pytest.mark.parametrize(
    ("words", "config", "says"),
    [
        (["--port", "70000"], "", "70000"),
        (["--port", "many"], "", "--port"),
        (["--host", "0.0.0.0"], "", "certificate"),
        (["--host", "example"], "", "example"),
        (["--prt", "1"], "", "--prt"),
        ([], "prt = 1", "prt"),
        ([], "[desk]\nlease = 1", "lease_ms"),
        ([], "[desk]\nlease_ms = 'long'", "lease_ms"),
        ([], "[desk", "gateway.toml"),
        ([], "key = 'server.key'", "certificate"),
    ],
)
def test_a_wrong_call_is_one_line(words: list[str], config: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(config)
    ran = said("gateway", "--data", tmp_path / "g", "--config", file, *words)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.complaint


def test_a_config_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    assert "nowhere.toml" in said("gateway", "--config", tmp_path / "nowhere.toml").complaint


@pytest.mark.parametrize(
    "words",
    [
        ["orders"], ["positions"], ["quarantine"], ["resume", "--list"],
        ["kill", "--reason", "x"], ["resume", "--reason", "x"],
        ["quarantine", "resolve", "k", "--as", "filled", "--reason", "x"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_commands_say_in_one_line_what_keeps_them_from_the_gateway(
    gateway: GatewayProcess, words: list[str], tmp_path: Path
) -> None:
    at, key = ("--gateway", gateway.url), ("--key-file", gateway.key_file)
    wrong = tmp_path / "wrong.key"
    wrong.touch(mode=0o600)
    wrong.write_text("of_nobody\n")
    away = ("--gateway", "http://127.0.0.1:1")
    for more, says in (
        ((*at,), "--key-file"),
        ((*at, "--key-file", tmp_path / "none.key"), "none.key"),
        ((*at, "--key-file", wrong), "credentials"),
        (("--gateway", "nowhere", *key), "nowhere"),
    ):
        ran = said(*words, *more)
        assert (ran.status, ran.out) == (2, ""), more
        assert says in ran.complaint
    if words == ["orders"]:  # it takes a while: the call is repeated first
        assert "is the gateway running?" in said(*words, *away, *key).complaint


@pytest.mark.parametrize(
    "words",
    [
        ["orders", "--account", "none"],
        ["orders", "--state", "blue"],
        ["positions", "--account", OTHER],
        ["kill", "--account", OTHER, "--reason", "x"],
        ["kill", "--account", "none", "--reason", "x"],
        ["kill", "--reason", ""],
        ["kill"],
        ["resume"],
        ["resume", "none", "--reason", "x"],
        ["quarantine", "resolve", "none", "--as", "filled", "--reason", "x"],
    ],
    ids=" ".join,
)
def test_what_is_not_there_or_not_said_is_one_line(
    gateway: GatewayProcess, words: list[str]
) -> None:
    ran = calls(gateway, *words)
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.complaint) > 20


def test_every_command_speaks_json(gateway: GatewayProcess) -> None:
    with gateway.client() as engine:
        engine.decide(
            client_key="shown", mt5_account=ACCOUNT, auto_execute=True, symbol="EURUSD",
            side="buy", volume=0.1, comment="[red]'; drop table accounts; --",
        )  # fmt: skip
    for words in (["orders"], ["positions"], ["quarantine"], ["resume", "--list"]):
        ran = calls(gateway, *words, "--json")
        assert ran.status == 0, ran.err
        assert all(isinstance(json.loads(line), dict) for line in ran.out.splitlines())
        assert calls(gateway, *words).out  # and for people
    (order,) = [
        one
        for one in map(json.loads, calls(gateway, "orders", "--json").out.splitlines())
        if one["client_key"] == "shown"
    ]
    assert order["status"] in ("accepted", "denied")


# From outside.


def ask(gateway: GatewayProcess, path: str, authorization: str) -> int:
    """The status of a GET."""
    wanted = urllib.request.Request(
        gateway.url + path, headers={"Authorization": authorization} if authorization else {}
    )
    try:
        with urllib.request.urlopen(wanted, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            body = json.loads(refused.read())
        assert body["error"]["code"]
        assert body["error"]["message"]
        return refused.code


def upgrade(gateway: GatewayProcess, path: str, *headers: str) -> int:
    """The status of a WebSocket handshake, written by hand."""
    lines = [
        f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{gateway.port}", "Upgrade: websocket",
        "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13", *headers, "", "",
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as raw:
        raw.sendall("\r\n".join(lines).encode())
        return int(raw.recv(4_096).split()[1])


PATH = f"/ws/execution?mt5_account={ACCOUNT}"


class Forge:
    """Tokens made by hand. `stolen` signs with the gateway's own key, so that only what was changed
    is wrong with a token."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self.good = gateway.tokens[ACCOUNT]
        head, body, _ = self.good.split(".")
        self.head, self.body = _read(head), _read(body)
        pem = gateway.data / "secrets" / f"signing-{self.head['kid']}.pem"
        self._key: Any = load_pem_private_key(pem.read_bytes(), None)

    def stolen(self, text: bytes) -> bytes:
        signed: bytes = self._key.sign(text)
        return signed

    def as_hmac(self, encoding: Encoding, form: PublicFormat) -> Callable[[bytes], bytes]:
        """The public key taken for a secret."""
        public = self._key.public_key().public_bytes(encoding, form)
        return lambda text: hmac.new(public, text, hashlib.sha256).digest()

    def token(
        self,
        sign: Callable[[bytes], bytes] | None = None,
        *,
        without: str = "",
        head: dict[str, Any] | None = None,
        **body: Any,
    ) -> str:
        claims = {name: one for name, one in (self.body | body).items() if name != without}
        header = {name: one for name, one in (self.head | (head or {})).items() if name != without}
        text = f"{_written(header)}.{_written(claims)}"
        return f"{text}.{_text((sign or self.stolen)(text.encode()))}"


def _read(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _written(part: dict[str, Any]) -> str:
    return _text(json.dumps(part).encode())


def nobody(gateway: GatewayProcess, token: str) -> None:
    assert upgrade(gateway, PATH, f"Authorization: Bearer {token}") == 401
    assert ask(gateway, "/v1/orders", f"Bearer {token}") == 401


@pytest.fixture
def forge(gateway: GatewayProcess) -> Forge:
    return Forge(gateway)


def test_a_token_forged_with_the_stolen_key_shows_that_the_next_tests_mean_something(
    gateway: GatewayProcess, forge: Forge
) -> None:
    assert upgrade(gateway, PATH, f"Authorization: Bearer {forge.token()}") == 101
    assert upgrade(gateway, PATH, f"Authorization: {forge.good}") == 101
    assert ask(gateway, "/v1/orders", f"Bearer {forge.token()}") == 403


def test_checks_1_and_2_a_token_chooses_no_algorithm(gateway: GatewayProcess, forge: Forge) -> None:
    for name in ("none", "None", "nOnE", "NONE"):
        nobody(gateway, forge.token(lambda _: b"", head={"alg": name}))
        nobody(gateway, forge.token(head={"alg": name}))
    for encoding, form in (
        (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.Raw, PublicFormat.Raw),
    ):
        nobody(gateway, forge.token(forge.as_hmac(encoding, form), head={"alg": "HS256"}))
    for name in ("RS256", "ES256", "EdDSA", "ed25519", ""):
        nobody(gateway, forge.token(head={"alg": name}))
    nobody(gateway, forge.token(lambda _: b""))


def test_check_3_a_token_names_no_key_of_its_own_and_nothing_is_fetched(
    gateway: GatewayProcess, forge: Forge
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bait:
        url = f"http://127.0.0.1:{bait.getsockname()[1]}/keys"
        for kid in ("../../secrets/pepper", "' OR '1'='1", url, ""):
            nobody(gateway, forge.token(head={"kid": kid}))
        for name in ("jku", "x5u", "jwk"):
            nobody(gateway, forge.token(head={name: {"kty": "OKP"} if name == "jwk" else url}))
        bait.settimeout(0.3)
        with pytest.raises(TimeoutError):
            bait.accept()


def test_checks_4_and_5_claims_must_be_there_right_and_in_time(
    gateway: GatewayProcess, forge: Forge
) -> None:
    for name in ("iss", "aud", "typ", "exp", "nbf"):
        nobody(gateway, forge.token(without=name))
    now = int(time.time())
    wrong: list[dict[str, Any]] = [
        {"iss": "somebody"}, {"aud": "somebody"}, {"aud": ["onefill-gateway", "somebody"]},
        {"exp": now - 3_600}, {"exp": now - 31}, {"exp": 10**12}, {"exp": -1}, {"exp": 1e300},
        {"exp": True}, {"exp": "tomorrow"}, {"exp": None}, {"nbf": now + 3_600}, {"nbf": 0},
        {"iat": now + 3_600, "nbf": now + 3_600, "exp": now + 7_200}, {"nbf": "now"},
    ]  # fmt: skip
    for claims in wrong:
        nobody(gateway, forge.token(**claims))
    nobody(gateway, forge.token(head={"typ": "JWT"}))


def test_check_6_a_live_socket_drops_when_its_credential_is_revoked(
    gateway: GatewayProcess,
) -> None:
    made = json.loads(
        admin(gateway, "token", "create", "demo/trader", "--right", "client", "--json")
    )
    with foreign_client(
        url=gateway.sockets, path=PATH, token=made["secret"], enveloped=True
    ) as client:
        client.hear(lambda one: one.get("field") == "config_update")
        admin(gateway, "token", "revoke", made["token"])
        client.hear(lambda one: "closed" in one)
    assert upgrade(gateway, PATH, f"Authorization: Bearer {made['secret']}") == 401


def test_check_7_a_ticket_opens_once_and_a_token_in_the_address_never(
    gateway: GatewayProcess,
) -> None:
    token = gateway.tokens[ACCOUNT]
    assert upgrade(gateway, PATH) == 401
    assert upgrade(gateway, f"{PATH}&token={token}") == 401
    assert upgrade(gateway, f"{PATH}&access_token={token}", f"Authorization: {token}") == 401
    assert upgrade(gateway, PATH, f"Authorization: Bearer {token}", "x-user-id: eve") == 401
    made = json.loads(
        admin(
            gateway, "key", "create", "demo/trader", "--json", "--right", "client",
            "--right", "read",
        )
    )  # fmt: skip
    until(lambda: ask(gateway, "/v1/accounts", made["secret"]) == 200)  # within seconds
    wanted = urllib.request.Request(
        f"{gateway.url}/v1/ws-tickets", method="POST",
        headers={"Authorization": f"Bearer {made['secret']}"},
    )  # fmt: skip
    with urllib.request.urlopen(wanted, timeout=10) as answer:
        ticket = json.loads(answer.read())["ticket"]
    assert upgrade(gateway, f"{PATH}&ticket={ticket}") == 101
    assert upgrade(gateway, f"{PATH}&ticket={ticket}") == 401


def test_check_8_no_web_page_connects(gateway: GatewayProcess) -> None:
    proof = f"Authorization: Bearer {gateway.tokens[ACCOUNT]}"
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{gateway.port}"):
        assert upgrade(gateway, PATH, proof, f"Origin: {origin}") == 403


def test_checks_9_and_22_frames_that_are_too_much_hurt_nobody(gateway: GatewayProcess) -> None:
    def connected() -> Part:
        client = foreign_client(
            url=gateway.sockets, path=PATH, token=gateway.tokens[ACCOUNT], enveloped=True
        )
        client.hear(lambda one: one.get("field") == "config_update")
        return client

    with connected() as client:
        nested = "0a" + "7f" * 20  # a header whose length lies
        for raw in (nested, "5a" + "02" * 200, "0b" * 500):  # groups within groups
            client.tell(raw=raw)
        client.hear(lambda one: one.get("field") == "error")
        client.tell(raw="00" * 2_000_000)
        closed = client.hear(lambda one: "closed" in one)
        assert closed["closed"] == 1009
    with gateway.client() as engine:
        assert engine.ready().status == "ready"


def test_checks_13_and_15_rights_and_tenants_hold(gateway: GatewayProcess) -> None:
    south = json.loads((gateway.home / "south.json").read_text())
    reader = json.loads(admin(gateway, "key", "create", "demo/trader", "--right", "read", "--json"))
    fields: dict[str, Any] = {
        "client_key": "read", "auto_execute": True, "symbol": "EURUSD", "side": "buy",
        "volume": 0.1,
    }  # fmt: skip
    until(lambda: ask(gateway, "/v1/accounts", reader["secret"]) == 200)
    with Client(gateway.url, key=reader["secret"]) as engine:
        assert [one.mt5_account for one in engine.accounts()] == [ACCOUNT]
        with pytest.raises(Forbidden):
            engine.decide(mt5_account=ACCOUNT, **fields)
        with pytest.raises(NotFound):
            engine.order("read", account=OTHER)
    assert upgrade(
        gateway, f"/ws/execution?mt5_account={ACCOUNT}",
        f"Authorization: Bearer {south['client_token']}",
    ) == 404  # fmt: skip
    assert upgrade(gateway, PATH, f"Authorization: Bearer {reader['secret']}") in (401, 403)


def test_check_16_no_key_can_be_read_from_the_files(gateway: GatewayProcess) -> None:
    secret = gateway.key.rpartition("_")[2]
    assert len(bytes.fromhex(secret)) >= 32  # 256 bits
    plain = [text.encode() for text in (gateway.key, secret)] + [bytes.fromhex(secret)]
    hashed = [hashlib.new(name, one) for name in ("sha256", "sha1", "md5") for one in plain]
    found = [*plain, *(one.digest() for one in hashed)]
    found += [one.hexdigest().encode() for one in hashed]
    for file in gateway.data.rglob("*"):
        if file.is_file():
            held = file.read_bytes()
            assert not [one for one in found if one in held], file
            private = file.parent.name == "secrets" or file.name.startswith("identity")
            if private and sys.platform != "win32":
                assert not file.stat().st_mode & 0o077, file


def test_check_24_text_from_outside_stays_text(gateway: GatewayProcess) -> None:
    nasty = "'; DROP TABLE account; -- [bold]\u202e"
    with gateway.client() as engine:
        before = len(engine.accounts())
        order = engine.decide(
            client_key="x' OR '1'='1", mt5_account=ACCOUNT, auto_execute=True,
            symbol="EU'--", side="buy", volume=0.1, comment=nasty[:-1],
        )  # fmt: skip
        assert order.status in (State.ACCEPTED, State.DENIED)
        assert engine.order("x' OR '1'='1", account=ACCOUNT).comment == nasty[:-1]
        assert len(engine.accounts()) == before
    shown = calls(gateway, "orders").out
    assert "x' OR '1'='1" in shown
    assert gateway.part is not None
    assert "DROP TABLE" not in gateway.part.text


def test_it_ends_cleanly_and_its_journal_holds(gateway: GatewayProcess) -> None:
    assert gateway.end() == 0
    ran = said("journal", "verify", gateway.data / "journal")
    assert ran.status == 0, ran.out + ran.err
    assert gateway.part is not None
    assert gateway.tokens[ACCOUNT] not in gateway.part.text
    assert gateway.key not in gateway.part.text
