"""A gateway's address: what is taken, and what is refused with a sentence."""

from __future__ import annotations

import pytest

from onefill.channels.websocket.address import parse_gateway
from onefill.contracts.messages import Dialect
from onefill.model.errors import OnefillError


def test_an_address_says_where_to_connect_and_where_to_ask() -> None:
    gateway = parse_gateway("wss://gateway.example:8443")
    assert gateway.endpoint(7, Dialect.EXECUTION) == (
        "wss://gateway.example:8443/ws/execution?mt5_account=7"
    )
    assert gateway.endpoint(None, Dialect.TRADING) == "wss://gateway.example:8443/ws/trading-client"
    assert gateway.page("/v1/tokens") == "https://gateway.example:8443/v1/tokens"


@pytest.mark.parametrize("text", ["ws://127.0.0.1:8000", "ws://localhost", "ws://[::1]:80"])
def test_plain_addresses_reach_this_machine_alone(text: str) -> None:
    assert parse_gateway(text).loopback


@pytest.mark.parametrize("text", ["ws://gateway.example", "ws://10.0.0.1", "ws://localhost.evil"])
def test_plain_addresses_of_other_machines_must_be_wanted(text: str) -> None:
    with pytest.raises(OnefillError, match="--allow-plain"):
        parse_gateway(text)
    assert not parse_gateway(text, allow_plain=True).secure


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "wss://"),
        ("gateway.example", "begin with wss://"),
        ("http://gateway.example", "not http://"),
        ("https://gateway.example", "begin with wss://"),
        ("wss://", "no host"),
        ("wss:///ws/execution", "no host"),
        ("wss://:8000", "no host"),
        ("wss://[::1", "wss://HOST"),
        ("wss://a.example:x", "port"),
        ("wss://a.example:0", "port"),
        ("wss://a.example:99999", "port"),
        ("wss://user:secret", "port"),
        ("wss://a.example/ws/execution", "path"),
        ("wss://a.example/prefix/", "/prefix"),
        ("wss://a?t=secret", "query"),
        ("wss://a?", "query"),
        ("wss://a.example#secret", "fragment"),
        ("wss://user:secret@a.example", "no user"),
        ("wss://:secret@a.example", "no password"),
        ("http://user:secret@a.example", "no user"),
        ("wss://user:secret@", "no user"),
        ("wss://user:secret@a.example:x", "no user"),
        ("wss://a.example\n", "blanks"),
        ("wss://a .example", "blanks"),
    ],
)
def test_what_is_no_address_is_refused_and_no_secret_of_it_is_shown(text: str, says: str) -> None:
    with pytest.raises(OnefillError, match=says) as refused:
        parse_gateway(text)
    assert refused.value.code == "GATEWAY_INVALID"
    assert "secret" not in refused.value.message


def test_a_peer_of_the_plain_contract_may_be_anywhere() -> None:
    peer = parse_gateway("wss://a.example/their/orders/", allow_path=True)
    assert peer.endpoint(None, Dialect.EXECUTION) == "wss://a.example/their/orders"


def test_a_slash_at_the_end_is_no_path() -> None:
    assert str(parse_gateway("wss://a.example/")) == "wss://a.example"
