"""Security checks 13 and 15 over every route of a running gateway's own OpenAPI document: a route
that is added is attacked here without anybody's thinking of it."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from onefill.model.intent import intent_id
from tests.e2e.gateway_stage import GatewayProcess, foreign_client, until
from tests.e2e.test_gateway_command import CONFIG, admin, upgrade

MINE, THEIRS, NOBODYS = "2002", "1001", "3003"
TENANT, ORDER = "demo", "theirs"
RIGHTS = ("read", "trade", "client", "operate", "admin")
#: What names nothing answers with what is the caller's own; the rest must be 404.
NAMELESS = {
    "GET /v1/accounts", "POST /v1/accounts", "POST /v1/tokens", "POST /v1/ws-tickets",
    "GET /v1/halts", "GET /v1/quarantine",
}  # fmt: skip


class Told(NamedTuple):
    status: int
    body: bytes


class Attacked(NamedTuple):
    """A gateway, its routes (all that are not open), and keys of the tenant south."""

    gateway: GatewayProcess
    routes: dict[str, dict[str, Any]]
    stranger: str
    without: dict[str, str]


def call(gateway: GatewayProcess, route: str, key: str, body: Any = None, **names: str) -> Told:
    """One call; `id` is of the path, the rest of the query."""
    method, path = route.split(" ")
    path = path.replace("{id}", names.pop("id", "any"))
    query = "?" + "&".join(f"{name}={value}" for name, value in names.items()) if names else ""
    wanted = urllib.request.Request(
        gateway.url + path + query, method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"}
        | ({"Authorization": f"Bearer {key}"} if key else {}),
    )  # fmt: skip
    try:
        with urllib.request.urlopen(wanted, timeout=20) as answer:
            return Told(answer.status, answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return Told(refused.code, refused.read())


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    freely = "[api]\nper_ip_refused = { per_s = 1000, burst = 10000 }\n"
    home = tmp_path_factory.mktemp("routes")
    with GatewayProcess(home, THEIRS, config=CONFIG + freely) as gateway:
        admin(
            gateway, *("setup", "--tenant", "south", "--user", "sam", "--account", MINE),
            *("--out", home / "south.json"),
        )  # fmt: skip
        stranger = _key(gateway, RIGHTS)
        without = {one: _key(gateway, [each for each in RIGHTS if each != one]) for one in RIGHTS}
        last = list(without.values())[-1]
        until(lambda: call(gateway, "GET /v1/accounts", last).status == 200)
        with gateway.client() as theirs:
            theirs.decide(
                client_key=ORDER, mt5_account=THEIRS, auto_execute=True, symbol="EURUSD",
                side="buy", volume=0.1,
            )  # fmt: skip
        with urllib.request.urlopen(f"{gateway.url}/openapi.json", timeout=10) as answer:
            paths = json.loads(answer.read())["paths"]
        routes = {
            f"{method.upper()} {path}": operation
            for path, operations in paths.items()
            for method, operation in operations.items()
            if operation["security"]
        }
        yield Attacked(gateway, routes, stranger, without)


def _key(gateway: GatewayProcess, rights: Any) -> str:
    named = [word for right in rights for word in ("--right", right)]
    made = json.loads(admin(gateway, "key", "create", "south/sam", "--json", *named))
    return str(made["secret"])


def _body(operation: dict[str, Any], account: str) -> Any:
    """What the document gives as an example, about an account."""
    if "requestBody" not in operation:
        return None
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    example = next(one["value"] for one in examples.values() if isinstance(one["value"], dict))
    named = {name: account for name in ("account", "mt5_account") if name in example}
    return {name: one for name, one in example.items() if name != "halt"} | named


def test_there_are_routes_to_attack_and_they_are_answered(attacked: Attacked) -> None:
    assert len(attacked.routes) > 12
    assert {*attacked.routes} >= NAMELESS
    mine = call(attacked.gateway, "GET /v1/orders", attacked.stranger, account=MINE)
    assert (mine.status, json.loads(mine.body)["orders"]) == (200, [])


def test_check_13_another_tenants_things_are_as_if_they_were_not_there(attacked: Attacked) -> None:
    gateway = attacked.gateway
    for route, operation in attacked.routes.items():
        if route in NAMELESS:
            continue
        takes = [one["name"] for one in operation.get("parameters", [])]
        by_account, by_id = [], []
        for account, order in ((THEIRS, ORDER), (NOBODYS, ORDER), (THEIRS, "none")):
            names = {"account": account} if "account" in takes else {}
            names |= {"id": order} if "id" in takes else {}
            body = _body(operation, account)
            told = call(gateway, route, attacked.stranger, body, **names)
            by_account.append(_without(told, account, order))
        for order in (ORDER, "none") if "id" in takes else ():
            known = intent_id(TENANT, THEIRS, order)
            body = _body(operation, THEIRS)
            told = call(gateway, route, attacked.stranger, body, id=known)
            by_id.append(_without(told, THEIRS, known))
        for alike in filter(None, (by_account, by_id)):
            assert {one.status for one in alike} == {404}, (route, alike)
            assert len(set(alike)) == 1, (route, alike)


def _without(told: Told, *words: str) -> Told:
    """An answer without the caller's own words, which it may repeat."""
    body = told.body
    for word in words:
        body = body.replace(f"'{word}'".encode(), b"...")
    return Told(told.status, body)


def test_check_13_lists_tell_nothing_of_another_tenant(attacked: Attacked) -> None:
    for route, operation in attacked.routes.items():
        if route not in NAMELESS or route == "POST /v1/accounts":
            continue
        told = call(attacked.gateway, route, attacked.stranger, _body(operation, MINE))
        assert told.status == 200, (route, told)
        assert THEIRS.encode() not in told.body, route
        assert ORDER.encode() not in told.body, route
        assert TENANT.encode() not in told.body, route


def test_check_13_nothing_of_it_was_done(attacked: Attacked) -> None:
    with attacked.gateway.client() as theirs:
        assert theirs.order(ORDER, account=THEIRS).status == "accepted"
    halts = call(attacked.gateway, "GET /v1/halts", attacked.gateway.key)
    assert json.loads(halts.body)["halts"] == []


def test_check_15_each_route_wants_its_own_right_and_no_other_will_do(attacked: Attacked) -> None:
    for route, operation in attacked.routes.items():
        right = operation.get("description", "").removeprefix("Needs the right to ").rstrip(".")
        if not right:
            continue
        assert right in RIGHTS, route
        body = _body(operation, MINE)
        told = call(attacked.gateway, route, attacked.without[right], body)
        assert told.status == 403, (route, told)
        error = json.loads(told.body)["error"]
        assert (error["code"], right in error["message"]) == ("FORBIDDEN", True), route


@pytest.mark.parametrize("key", ["", "of_0123456789abcdef_00", "a.b.c", "oft_00"])
def test_nobody_gets_in_without_a_credential(attacked: Attacked, key: str) -> None:
    told = {call(attacked.gateway, route, key) for route in attacked.routes}
    assert {one.status for one in told} == {401}
    assert len(told) == 1


def test_two_credentials_are_none(attacked: Attacked) -> None:
    """Something in front of the gateway may have looked at the other one."""
    for second in ("Bearer nobody", f"Bearer {attacked.gateway.key}"):
        assert _raw(attacked, f"Bearer {attacked.stranger}", second) == 401
    assert _raw(attacked, f"Bearer {attacked.stranger}") == 200


def test_check_6_what_a_replaced_signing_key_signed_is_worth_nothing_and_its_socket_drops(
    attacked: Attacked,
) -> None:
    gateway, path = attacked.gateway, f"/ws/execution?mt5_account={THEIRS}"
    old = gateway.tokens[THEIRS]
    with foreign_client(url=gateway.sockets, path=path, token=old, enveloped=True) as client:
        client.hear(lambda one: one.get("field") == "config_update")
        admin(gateway, "signing-key", "rotate", "--grace", "0s")
        assert client.hear(lambda one: "closed" in one)["closed"] == 4003
    assert upgrade(gateway, path, f"Authorization: Bearer {old}") == 401
    made = json.loads(
        admin(gateway, "token", "create", "demo/trader", "--right", "client", "--json")
    )
    assert upgrade(gateway, path, f"Authorization: Bearer {made['secret']}") == 101


@pytest.mark.parametrize("letter", ["\x1b", "\n", "\x7f", "\u0085", "\u2028", "\u202e", "\u200b"])
def test_check_24_what_a_terminal_would_obey_is_refused_at_the_edge(
    attacked: Attacked, letter: str
) -> None:
    gateway, key = attacked.gateway, attacked.gateway.key
    order = {
        "client_key": "obeyed", "mt5_account": THEIRS, "auto_execute": True, "symbol": "EURUSD",
        "side": "buy", "volume": 0.1,
    }  # fmt: skip
    for name in ("client_key", "symbol", "comment", "reason", "correlation_id", "mt5_account"):
        decision = order | {name: f"{order.get(name, '')}{letter}x"}
        told = call(gateway, "POST /v1/decisions", key, decision)
        assert told.status == 422, (name, told)
        assert letter.encode() not in told.body, name
    body = {"reason": f"why{letter}x", "account": THEIRS}
    assert call(gateway, "POST /v1/kill", key, body).status == 422
    path = urllib.parse.quote(letter)
    told = call(gateway, "GET /v1/orders/{id}", key, id=path, account=THEIRS)
    assert (told.status, letter.encode() in told.body) == (404, False)
    assert gateway.part is not None
    assert letter == "\n" or letter not in gateway.part.text


def _raw(attacked: Attacked, *credentials: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", attacked.gateway.port, timeout=10)
    connection.putrequest("GET", "/v1/accounts")
    for one in credentials:
        connection.putheader("Authorization", one)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status
