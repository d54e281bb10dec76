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
    "text",
    ["", "gateway.example", "http://gateway.example", "wss://", "wss://a.example:x", "wss://a?t=1",
     "wss://user:secret@a.example", "wss://a.example#x"],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_no_secret_of_it_is_shown(text: str) -> None:
    with pytest.raises(OnefillError) as refused:
        parse_gateway(text)
    assert refused.value.code == "GATEWAY_INVALID"
    assert "secret" not in refused.value.message
