"""Security checks 7 (WebSocket authentication) and 8 (Origin), and the limits of connections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from websockets.exceptions import InvalidStatus

from onefill.contracts.bare import EXECUTION, TRADING_CLIENT
from onefill.contracts.framing import SUBPROTOCOL
from onefill.gateway.identity.model import Right
from tests.integration.gateway.delivery.served import TENANT, Gateway, gateway


@pytest.fixture(scope="module")
def served() -> Iterator[Gateway]:
    with gateway(origins=frozenset({"https://desk.example"})) as made:
        made.register.add("1001")
        made.register.add("2002", "bob")
        made.register.add("1001", "eve", "evil")
        ann = made.callers["ann"]
        made.callers["reader"] = msgspec.structs.replace(ann, rights=frozenset({Right.READ}))
        made.callers["one"] = msgspec.structs.replace(ann, accounts=("1001",))
        made.callers["two"] = msgspec.structs.replace(ann, accounts=("1001", "1002"))
        yield made


CHECK_7: list[tuple[dict[str, Any], int, str]] = [
    ({"token": ""}, 401, "AUTHENTICATION_MISSING"),
    ({"token": "Bearer nobody"}, 401, "UNAUTHENTICATED"),
    ({"token": "", "query": "?ticket=unknown"}, 401, "UNAUTHENTICATED"),
    ({"token": "", "query": "?token=ann"}, 401, "TOKEN_IN_ADDRESS"),
    ({"token": "", "query": "?access_token=ann"}, 401, "TOKEN_IN_ADDRESS"),
    ({"token": "Bearer ann", "query": "?Authorization=ann"}, 401, "TOKEN_IN_ADDRESS"),
    ({"token": "Bearer ann", "query": "?ticket=too"}, 401, "AUTHENTICATION_MISSING"),
    ({"headers": {"x-user-id": "bob"}}, 401, "USER_DIFFERS"),
    ({"token": "Bearer reader"}, 403, "SCOPE_MISSING"),
]


@pytest.mark.parametrize(("options", "status", "code"), CHECK_7, ids=lambda it: str(it))
async def test_check_7_whoever_does_not_prove_who_he_is_gets_no_upgrade(
    served: Gateway, options: dict[str, Any], status: int, code: str
) -> None:
    found, told = await served.refusal(**options)
    assert found == status
    assert told == code or told.startswith("UNAUTHENTICATED")


@pytest.mark.parametrize("token", ["Bearer ann", "ann"])
async def test_check_7_a_token_is_taken_with_or_without_the_word_bearer(
    served: Gateway, token: str
) -> None:
    assert await served.refusal(token=token, headers={"x-user-id": "ann"}) == (101, "")


async def test_check_7_a_ticket_opens_one_connection_within_thirty_seconds(
    served: Gateway,
) -> None:
    ann = served.callers["ann"]
    ticket = served.tickets.issue(ann)
    assert await served.refusal(token="", query=f"?ticket={ticket}") == (101, "")
    assert (await served.refusal(token="", query=f"?ticket={ticket}"))[0] == 401
    late = served.tickets.issue(ann)
    served.clock.advance(served.clock.now_ms() + 30_000)
    assert (await served.refusal(token="", query=f"?ticket={late}"))[0] == 401


async def test_check_7_a_token_in_the_address_is_no_ticket(served: Gateway) -> None:
    assert (await served.refusal(token="", query="?ticket=ann"))[0] == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://desk.example", ""])
async def test_check_8_a_foreign_origin_gets_403_before_the_upgrade(
    served: Gateway, origin: str
) -> None:
    for path in (TRADING_CLIENT, EXECUTION):
        refused = await served.refusal(path=path, headers={"Origin": origin})
        assert refused == (403, "ORIGIN_FOREIGN")


async def test_check_8_the_desks_own_pages_may_connect(served: Gateway) -> None:
    assert await served.refusal(headers={"Origin": "https://desk.example"}) == (101, "")


@pytest.mark.parametrize("name", ["2002", "3003", "", "../1001"])
async def test_anothers_account_and_one_that_nobody_has_are_the_same_404(
    served: Gateway, name: str
) -> None:
    for options in ({"query": f"?mt5_account={name}"}, {"headers": {"x-mt5-account": name}}):
        assert await served.refusal(**options) == (404, "ACCOUNT_UNKNOWN")


async def test_a_key_for_one_account_does_not_hold_another_of_its_users(served: Gateway) -> None:
    served.register.add("1009")
    refused = await served.refusal(token="one", query="?mt5_account=1009")
    assert refused == (404, "ACCOUNT_UNKNOWN")


async def test_two_different_accounts_at_the_handshake_are_refused(served: Gateway) -> None:
    refused = await served.refusal(query="?mt5_account=1001", headers={"mt5_account": "1002"})
    assert refused == (400, "ACCOUNT_AMBIGUOUS")


@pytest.mark.parametrize("token", ["ann", "two"])
async def test_the_bare_first_dialect_must_name_its_account(served: Gateway, token: str) -> None:
    refused = await served.refusal(path=EXECUTION, enveloped=False, token=token)
    assert refused == (400, "ACCOUNT_MISSING")


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"mt5_account": "1001"}},
        {"headers": {"x-mt5-account": "1001"}},
        {"query": "?mt5_account=1001"},
        {"token": "one"},
    ],
    ids=lambda it: str(it),
)
async def test_the_account_comes_from_header_query_or_the_tokens_only_one(
    served: Gateway, options: dict[str, Any]
) -> None:
    before = served.desk.count("arrived", f"{TENANT}/1001", "bare")
    client = await served.client(EXECUTION, enveloped=False, **options)
    await served.until(lambda: served.desk.count("arrived", f"{TENANT}/1001", "bare") == before + 1)
    await client.close()


async def test_the_subprotocol_is_chosen_by_the_client(served: Gateway) -> None:
    for enveloped, chosen in ((True, SUBPROTOCOL), (False, None)):
        client = await served.client(enveloped=enveloped)
        assert client.connection.subprotocol == chosen
        await client.close()


async def _live(served: Gateway, count: int) -> None:
    await served.until(lambda: served.sessions.counters.connected == count)


async def test_connections_are_limited_in_all_by_tenant_and_by_address() -> None:
    for limit, refusal in (
        ({"connections": 2}, (503, "CONNECTIONS_FULL")),
        ({"connections_of_address": 2}, (429, "ADDRESS_CONNECTIONS_FULL")),
        ({"connections_of_tenant": 2}, (429, "TENANT_CONNECTIONS_FULL")),
    ):
        with gateway(**limit) as served:
            clients = [await served.client() for _ in range(2)]
            assert await served.refusal() == refusal
            assert served.sessions.counters.refused[refusal[1]] == 1
            if "connections_of_tenant" in limit:
                assert await served.refusal(token="eve") == (101, "")
            await clients.pop().close()
            await _live(served, 1)
            assert await served.refusal() == (101, "")
            await clients.pop().close()


async def test_what_was_refused_leaves_no_trace_of_the_token(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with gateway() as served:
        await served.refusal(token="", query="?token=geheimnis")
        await served.refusal(token="Bearer geheimnis")
    shown = capfd.readouterr()
    written = shown.out + shown.err + caplog.text
    assert "geheimnis" not in written
    assert "ERROR" not in written


@pytest.mark.parametrize("enveloped", [True, False])
@pytest.mark.parametrize(
    "path", ["/", "/ws", "/ws/execution/", "/ws/market-data", "/ws/mt5", "/WS/EXECUTION", "/ws/%00"]
)
async def test_a_path_that_is_not_served_is_a_404_that_says_so(
    served: Gateway, path: str, enveloped: bool
) -> None:
    told = await served.refusal(path=path, enveloped=enveloped)
    assert told == (404, "PATH_UNKNOWN")
    assert await served.refusal(path=path, token="", enveloped=enveloped) == told


async def test_a_path_of_the_contract_that_comes_later_is_told_as_that(served: Gateway) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await served.client("/ws/market-data")
    error = json.loads(refused.value.response.body or b"")["error"]
    assert error["message"].startswith("/ws/market-data is not served yet; clients use /ws/")
    assert served.sessions.counters.refused["PATH_UNKNOWN"]
