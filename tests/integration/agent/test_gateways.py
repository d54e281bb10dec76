"""Gateways that go and come back, are replaced, refuse, and speak something else."""

from __future__ import annotations

import asyncio
import json
import sys
from http import HTTPStatus
from pathlib import Path

import pytest

from onefill.contracts.messages import Dialect, Heartbeat, Profile, WireError
from onefill.model.errors import OnefillError
from onefill.model.states import State
from onefill.runtime.clock import SystemClock
from onefill.terminal import port
from onefill.terminal.port import Reply, Request
from onefill.terminal.worker.tls import own_certificate, server_context
from tests.integration.agent.gateway import FaultyGateway, opening, sequences
from tests.integration.agent.stage import FIRST, QUICK, SECOND, Agent


async def test_the_backup_takes_over_and_gives_back_once_the_primary_is_well(
    tmp_path: Path,
) -> None:
    primary, backup = FaultyGateway(), FaultyGateway()
    async with primary, backup, Agent(tmp_path, primary, backup) as agent:
        await primary.say(FIRST, opening("k-1"))
        await primary.until(lambda: primary.results_of("k-1"))
        await primary.stop()
        await backup.say(FIRST, opening("k-2"))
        await backup.until(lambda: backup.results_of("k-2"))
        primary.ready = False
        await primary.start()
        await asyncio.sleep(0.5)
        stayed = backup.is_live(FIRST)
        primary.ready = True
        await primary.until(lambda: primary.is_live(FIRST))
        await primary.say(FIRST, opening("k-3"))
        await primary.until(lambda: primary.results_of("k-3"))

        assert stayed
        assert backup.connections == 1
        assert sequences(primary.results) == [1, 3]
        assert sequences(backup.results) == [2]
        assert len(agent.said("returning")) == 1


async def test_a_primary_that_says_it_is_well_and_is_not_is_tried_ever_more_rarely(
    tmp_path: Path,
) -> None:
    primary, backup = FaultyGateway(), FaultyGateway()
    async with primary, backup, Agent(tmp_path, primary, backup) as agent:
        await primary.connected(FIRST)
        await primary.stop()
        await backup.connected(FIRST)
        await primary.start()
        primary.accepts = False
        await backup.until(lambda: len(agent.said("returning")) == 3)
        tries = primary.connections
        await backup.deliver(FIRST, opening("k-1"))
        returned = [line["at"] for line in agent.said("returning")]

        assert tries == 1
        assert len(set(returned)) == 3


async def test_an_agent_that_was_replaced_does_not_fight_for_its_session(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.connected(FIRST)
        await gateway.say(FIRST, WireError("SESSION_REPLACED", "a newer client connected"))
        await gateway.until(lambda: agent.said("replaced"))
        await asyncio.sleep(0.5)

        assert gateway.connections == 1
        assert agent.said("replaced")[0]["again_in_s"] >= QUICK.replaced_s / 2


async def test_the_close_code_alone_says_it_too(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.connected(FIRST)
        await gateway.close(FIRST, 4001, "a newer client connected")
        await gateway.until(lambda: agent.said("replaced"))


async def test_a_token_that_is_refused_is_said_once_and_read_anew_for_each_try(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway:
        gateway.accepts = False
        async with Agent(tmp_path, gateway) as agent:
            await gateway.until(lambda: len(gateway.tokens) >= 4)
            (tmp_path / "token").write_text("Bearer head.eyJzdWIiOiAiYm9iIn0.other")
            gateway.accepts = True
            await gateway.until(lambda: gateway.profiles)
            away = agent.said("away")

        assert len(away) == 1
        assert "the gateway refuses the token (HTTP 401)" in away[0]["why"]
        assert str(tmp_path / "token") in away[0]["why"]
        assert gateway.profiles[0].user_id == "bob"
        assert gateway.tokens[-1] == "Bearer head.eyJzdWIiOiAiYm9iIn0.other"
        assert "seal" not in agent.words


async def test_a_server_of_the_plain_contract_is_not_spoken_to_unasked(tmp_path: Path) -> None:
    async with FaultyGateway(bare=Dialect.EXECUTION) as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.until(lambda: agent.said("away"))

        assert "--bare" in agent.said("away")[0]["why"]
        assert not gateway.heard


async def test_an_account_that_nobody_registered_is_made_known_by_its_profile_first(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway:
        agent = Agent(tmp_path, gateway)
        async with agent:
            gateway.acknowledges = False
            await gateway.say(FIRST, opening("k-1"))
            await gateway.until(lambda: gateway.results)
        gateway.heard.clear()
        gateway.knows_accounts = False
        async with agent:
            await gateway.until(lambda: gateway.results)

        introduced = [message for account, message in gateway.heard if not account]
        assert {type(message) for message in introduced} <= {Profile, Heartbeat}
        assert gateway.results[0].sequence == 1


async def test_a_terminal_that_is_missing_is_said_and_waited_for(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway:
        agent = Agent(tmp_path, gateway)
        agent.settings.session_class.down = "no terminal is installed"  # type: ignore[attr-defined]
        async with agent:
            await gateway.until(lambda: agent.said("terminal_missing"))
            assert gateway.connections == 0
            agent.terminal().down = ""
            await gateway.connected(FIRST)

        assert agent.said("terminal_missing")[0]["why"] == "no terminal is installed"


async def test_a_terminal_that_stays_missing_is_said_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onefill.agent.account.RETRY_S", 0.01)
    monkeypatch.setattr("onefill.channels.websocket.repeated.FIRST_S", 0.02)
    async with FaultyGateway() as gateway:
        agent = Agent(tmp_path, gateway)
        agent.settings.session_class.down = "no terminal is installed"  # type: ignore[attr-defined]
        async with agent:
            await gateway.until(lambda: len(agent.said("terminal_missing")) >= 3)
            agent.terminal().down = ""
            await gateway.connected(FIRST)

        whys = {said["why"] for said in agent.said("terminal_missing")}
        assert "no terminal is installed" in whys


async def test_an_account_that_another_engine_took_over_ends_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    logins = (FIRST, SECOND)
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway, logins=logins) as agent:
        await gateway.connected(FIRST)
        fenced = Reply(None, (port.STALE_EPOCH, "a newer engine has taken over"))
        agent.terminal(FIRST).answer("order_send", fenced)
        await gateway.say(FIRST, opening("k-1"))
        await gateway.until(lambda: agent.said("account_failed"))
        await gateway.say(SECOND, opening("k-1"))
        await gateway.until(lambda: gateway.results_of("k-1"))
        await gateway.until(lambda: not gateway.is_live(FIRST))
        status = await agent.stop()

        assert agent.said("account_failed")[0]["code"] == "FENCED"
        assert status == 1


async def test_a_stop_waits_for_what_is_under_way_and_tells_its_result(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.say(FIRST, *(opening(f"k-{number}") for number in range(3)))
        await gateway.until(lambda: gateway.acked("k-2"))
        status = await agent.stop()
        await gateway.until(lambda: not gateway.is_live(FIRST))

        assert status == 0
        assert sequences(gateway.results) == [1, 2, 3]
        assert agent.said("stopped")


async def test_files_that_are_wrong_are_told_before_anything_begins(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway:
        agent = Agent(tmp_path, gateway, logins=(FIRST, SECOND))
        text = (tmp_path / "terminals.toml").read_text()
        (tmp_path / "terminals.toml").write_text(
            text.replace(f"login = {SECOND}\nserver = ", f"login = {FIRST}\nserver = 'B'#")
        )
        await agent.start()
        with pytest.raises(OnefillError, match="both login") as one_login:
            await agent.over()
        (tmp_path / "terminals.toml").write_text(text)
        (tmp_path / "token").write_text("two words")
        await agent.start()
        with pytest.raises(OnefillError, match="one word") as no_token:
            await agent.over()

        assert one_login.value.code == "SESSION_INVALID"
        assert no_token.value.code == "TOKEN_INVALID"
        assert gateway.connections == 0


async def test_it_can_be_stopped_while_its_terminal_is_missing(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway:
        agent = Agent(tmp_path, gateway)
        agent.settings.session_class.down = "no terminal is installed"  # type: ignore[attr-defined]
        await agent.start()
        await gateway.until(lambda: agent.said("terminal_missing"))

        assert await agent.stop() == 0


async def test_asked_twice_it_does_not_wait_and_the_next_start_goes_on(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway:
        agent = Agent(tmp_path, gateway, stop_patience_s=60.0)
        await agent.start()
        await gateway.connected(FIRST)
        hanging = agent.terminal()
        really_call = hanging.call

        async def call(request: Request) -> Reply:
            reply = await really_call(request)
            if request.name == "order_send":
                await asyncio.Event().wait()
            return reply

        hanging.call = call  # type: ignore[method-assign]
        await gateway.say(FIRST, opening("k-1"))
        await gateway.until(lambda: hanging.sent)
        status = await agent.stop(twice=True)
        await agent.start()
        (result,) = await gateway.until(lambda: gateway.results_of("k-1"))
        await agent.stop()

        assert status == 0
        assert result.state is State.FILLED  # it was found at the broker, and not sent again
        assert not agent.terminal().sent


async def test_a_certificate_that_nobody_vouches_for_is_not_spoken_to(tmp_path: Path) -> None:
    certificate, key = own_certificate(tmp_path / "tls", SystemClock())
    async with FaultyGateway(tls=server_context(certificate, key)) as gateway:
        async with Agent(tmp_path, gateway) as agent:
            await gateway.until(lambda: agent.said("away"))

        why = agent.said("away")[0]["why"]
        assert "CERTIFICATE_VERIFY_FAILED" in why
        assert "self-signed" in why
        assert "SSL_CERT_FILE" in why
        assert not gateway.tokens


async def test_an_api_key_is_not_shown_to_a_gateway_whose_certificate_nobody_vouches_for(
    tmp_path: Path,
) -> None:
    certificate, key = own_certificate(tmp_path / "tls", SystemClock())
    async with FaultyGateway(tls=server_context(certificate, key)) as gateway:
        agent = Agent(tmp_path, gateway)
        (tmp_path / "token").write_text("of_key")
        async with agent:
            await gateway.until(lambda: agent.said("away"))

        assert "SSL_CERT_FILE" in agent.said("away")[0]["why"]
        assert not gateway.tokens


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_is_told_in_the_gateways_own_words_and_how_to_mend_it(
    tmp_path: Path, status: int
) -> None:
    async with FaultyGateway() as gateway:
        gateway.accepts, gateway.refusal = False, HTTPStatus(status)
        error = {"code": "TOKEN_EXPIRED", "message": "the token\nexpired on Friday"}
        gateway.refusal_body = json.dumps({"error": error})
        async with Agent(tmp_path, gateway) as agent:
            await gateway.until(lambda: agent.said("away"))

        why = agent.said("away")[0]["why"]
        assert f"(HTTP {status}, TOKEN_EXPIRED: the token?expired on Friday)" in why
        assert "onefill admin token create" in why


@pytest.mark.parametrize("body", ["oops", "[]", '{"error": 7}', '{"error": {"code": []}}'])
async def test_a_refusal_that_says_nothing_is_told_by_its_status(tmp_path: Path, body: str) -> None:
    async with FaultyGateway() as gateway:
        gateway.accepts, gateway.refusal_body = False, body
        async with Agent(tmp_path, gateway) as agent:
            await gateway.until(lambda: agent.said("away"))

        assert "(HTTP 401)" in agent.said("away")[0]["why"]


async def test_a_gateway_that_points_elsewhere_is_not_followed(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, FaultyGateway() as elsewhere:
        gateway.accepts, gateway.refusal = False, HTTPStatus.TEMPORARY_REDIRECT
        gateway.points_to = f"{elsewhere.url}/ws/execution"
        async with Agent(tmp_path, gateway) as agent:
            await gateway.until(lambda: agent.said("away"))

        assert "not followed" in agent.said("away")[0]["why"]
        assert not elsewhere.tokens


async def test_what_each_of_two_gateways_says_is_said_once(tmp_path: Path) -> None:
    async with FaultyGateway() as one, FaultyGateway() as other:
        one.accepts = other.accepts = False
        other.refusal = HTTPStatus.FORBIDDEN
        async with Agent(tmp_path, one, other) as agent:
            await one.until(lambda: len(other.tokens) >= 3)

        assert [line["gateway"] for line in agent.said("away")] == [one.url, other.url]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
async def test_a_token_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway:
        agent = Agent(tmp_path, gateway)
        (tmp_path / "token").chmod(0o640)
        await agent.start()
        with pytest.raises(OnefillError, match="chmod 600") as refused:
            await agent.over()

        assert refused.value.code == "TOKEN_EXPOSED"
        assert not gateway.tokens
