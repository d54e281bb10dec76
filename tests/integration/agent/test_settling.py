"""A person's decision at the gateway about an order that the agent has in quarantine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from onefill.contracts.client_config import Settlement
from onefill.contracts.messages import Status
from onefill.journal.journal import Journal
from onefill.model.states import State
from tests.builders import accepted, moved, sending
from tests.integration.agent.gateway import FaultyGateway, opening
from tests.integration.agent.stage import FIRST, Agent
from tests.integration.agent.test_halts import hold_sends
from tests.unit.channels.local.desk import SERVER

ACCOUNT = f"{FIRST}@{SERVER}"


def quarantined(home: Path, key: str) -> None:
    """An order whose outcome the stopped agent could not prove."""
    with Journal.open(home / "agent" / "journal") as journal:
        now_ms = journal.state(ACCOUNT).last_ms
        epoch = journal.take_epoch(ACCOUNT)
        for event in (
            accepted(key),
            sending(key, 5, epoch=epoch),
            moved(key, State.UNKNOWN),
            moved(key, State.QUARANTINED),
        ):
            journal.append(ACCOUNT, event, now_ms)
        journal.flush()


async def test_it_settles_the_agents_books_and_is_told_as_a_result(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.until(lambda: gateway.acked("config/1"))
        await agent.stop()
        quarantined(tmp_path, "doubted")
        await agent.start()
        await gateway.until(lambda: [one for one in gateway.errors if one.code == "QUARANTINED"])
        gateway.settled = (
            Settlement(key="doubted", to=State.NOT_EXECUTED, by="ann", reason="not in the books"),
            Settlement(key="nobody's", to=State.FILLED, by="ann", reason="a slip"),
        )
        version = await gateway.configure(FIRST)
        await gateway.until(lambda: gateway.acked(f"config/{version}"))
        (result,) = await gateway.until(lambda: gateway.results_of("doubted"))
        await gateway.configure(FIRST)  # said again, it is over
        (said,) = agent.said("settled")
        refused = agent.said("not_settled")
        await agent.stop()

    assert (result.status, result.state) == (Status.FAILED, State.NOT_EXECUTED)
    assert said["by"] == "ann at the gateway"
    assert refused[0]["command"] == "nobody's"
    with Journal.open(tmp_path / "agent" / "journal") as journal:
        order = journal.find(ACCOUNT, "doubted")
    assert order is not None
    assert (order.state, order.by, order.message) == (
        State.NOT_EXECUTED,
        "ann at the gateway",
        "not in the books",
    )


async def test_a_decision_that_comes_while_a_configuration_waits_is_not_passed_over(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.until(lambda: gateway.acked("config/1"))
        await agent.stop()
        quarantined(tmp_path, "doubted")
        await agent.start()
        await gateway.until(lambda: [one for one in gateway.errors if one.code == "QUARANTINED"])
        sending_now, answered = asyncio.Event(), asyncio.Event()
        hold_sends(agent.terminal(), sending_now, answered)
        await gateway.say(FIRST, opening("on its way"))
        await sending_now.wait()
        first = await gateway.configure(FIRST)  # waits until that send is answered
        await gateway.until(lambda: first in [line["version"] for line in agent.said("config")])
        await asyncio.sleep(0.05)
        assert not gateway.acked(f"config/{first}")
        gateway.settled = (
            Settlement(key="doubted", to=State.NOT_EXECUTED, by="ann", reason="not in the books"),
        )
        version = await gateway.configure(FIRST)
        await gateway.until(lambda: version in [line["version"] for line in agent.said("config")])
        answered.set()
        await gateway.until(lambda: gateway.acked(f"config/{version}"))
        assert agent.said("settled"), "acknowledged, and not in the books"
        assert await gateway.until(lambda: gateway.results_of("doubted"))
