"""What every route has in common: rates, sizes, content types, unknown paths, health, numbers."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from onefill.gateway.api.settings import ApiSettings, Rate
from onefill.gateway.api.throttle import Throttle, address_name
from onefill.gateway.delivery.counters import Counters
from onefill.journal.errors import JournalFailed
from onefill.runtime.clock import SteadyClock

from .world import World, ask, order, world


class _Clock(SteadyClock):
    def __init__(self) -> None:
        self.at_ns = 0

    def now_ns(self) -> int:
        return self.at_ns


def test_a_bucket_refills_and_forgets_the_longest_idle() -> None:
    clock = _Clock()
    throttle = Throttle(Rate(2.0, 3), 2, clock)
    for _ in range(3):
        throttle.take("a", "x")
    with pytest.raises(Exception, match="come back in 1 s"):
        throttle.take("a", "x")
    clock.at_ns += 500_000_000
    throttle.take("a", "x")
    throttle.take("b", "x")
    throttle.take("c", "x")
    assert len(throttle) == 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
    ],
)
def test_an_ipv6_network_counts_as_one_address(one: str, other: str, same: bool) -> None:
    assert (address_name(one) == address_name(other)) is same


SLOW = Rate(0.001, 3)


@pytest.mark.parametrize("which", ["per_ip", "per_key", "per_tenant"])
async def test_who_floods_is_told_when_to_come_back_and_a_neighbour_is_not(
    tmp_path: Path, which: str
) -> None:
    settings = msgspec.structs.replace(ApiSettings(), **{which: SLOW})
    async with world(tmp_path / "j", settings) as door:
        statuses = [(await ask(door.app, "GET", "/v1/halts")).status for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        told = await ask(door.app, "GET", "/v1/halts")
        assert told.code == "TOO_MANY_REQUESTS"
        assert int(told.headers["retry-after"]) >= 1
        neighbour = await ask(door.app, "GET", "/v1/halts", key="stranger", client="10.9.9.9")
        assert neighbour.status == 200
        if which == "per_key":
            assert (await ask(door.app, "GET", "/v1/halts", key="reader")).status == 200


async def test_a_batch_counts_as_many_calls_as_it_has_decisions(tmp_path: Path) -> None:
    async with world(tmp_path / "j", ApiSettings(per_key=SLOW)) as door:
        batch = [order(str(n)) for n in range(4)]
        assert (await ask(door.app, "POST", "/v1/decisions", batch)).status == 429
        assert not list(door.journal.records())


async def test_guessing_keys_is_slowed_by_address(tmp_path: Path) -> None:
    async with world(tmp_path / "j", ApiSettings(per_ip_refused=SLOW)) as door:
        seen = [(await ask(door.app, "GET", "/v1/halts", key=f"k{n}")).status for n in range(5)]
        assert seen == [401, 401, 401, 429, 429]
        assert (await ask(door.app, "GET", "/v1/halts", client="10.9.9.9")).status == 200


async def test_a_body_over_the_limit_is_not_read(tmp_path: Path) -> None:
    async with world(tmp_path / "j", ApiSettings(max_body=1_000)) as door:
        told = await ask(door.app, "POST", "/v1/decisions", b" " * 1_001)
        assert (told.status, told.code) == (413, "TOO_LARGE")
        told = await ask(
            door.app, "POST", "/v1/decisions", b"{}", headers={"content-length": "9" * 30}
        )
        assert told.status == 413


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": ""},
        {"content-encoding": "gzip"},
    ],
)
async def test_anything_but_json_is_refused(door: World, headers: dict[str, str]) -> None:
    told = await ask(door.app, "POST", "/v1/decisions", order("a"), headers=headers)
    assert (told.status, told.code) == (415, "NOT_JSON")


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/orders", "/v1/orders/", "/docs", "/v1/%00"])
async def test_an_unknown_path_is_a_404_like_any_other(door: World, path: str) -> None:
    told = await ask(door.app, "GET", path)
    assert (told.status, told.code) == (404, "NOT_FOUND")


async def test_a_wrong_method_says_which_is_right(door: World) -> None:
    told = await ask(door.app, "DELETE", "/v1/decisions")
    assert (told.status, told.code) == (405, "METHOD_NOT_ALLOWED")
    assert told.headers["allow"] == "POST"


async def test_a_foreign_page_gets_no_leave_to_read(door: World) -> None:
    told = await ask(door.app, "GET", "/v1/halts", headers={"origin": "https://evil.example"})
    assert not [name for name in told.headers if name.startswith("access-control")]
    asked = await ask(
        door.app, "OPTIONS", "/v1/decisions", headers={"origin": "https://evil.example"}
    )
    assert asked.status == 405


async def test_readiness_says_why_not(door: World) -> None:
    assert (await ask(door.app, "GET", "/readyz", key=None)).json == {
        "status": "ready",
        "problems": [],
    }
    door.standing.why_not = ["shutting down"]
    told = await ask(door.app, "GET", "/readyz", key=None)
    assert (told.status, told.json["problems"]) == (503, ["shutting down"])
    assert (await ask(door.app, "GET", "/healthz", key=None)).status == 200


async def test_a_journal_that_failed_is_a_503_without_its_whereabouts(tmp_path: Path) -> None:
    async def look() -> None:
        async with world(tmp_path / "j") as door:
            door.journal.fail(OSError("disk gone"))
            told = await ask(door.app, "GET", "/readyz", key=None)
            assert (told.status, told.json["status"]) == (503, "not ready")
            assert str(tmp_path).encode() not in told.body
            told = await ask(door.app, "POST", "/v1/decisions", order("a"))
            assert (told.status, told.code) == (503, "JOURNAL_FAILED")
            assert str(tmp_path).encode() not in told.body
            assert told.headers["retry-after"] == "5"

    with pytest.raises(JournalFailed):  # which is what the world ends with, too
        await look()


async def test_a_fault_of_ours_tells_nothing_of_the_inside(
    door: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(account_id: str) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(door.desk, "positions", broken)
    told = await ask(door.app, "GET", "/v1/positions")
    assert (told.status, told.code) == (500, "INTERNAL")
    assert b"secret" not in told.body


async def test_numbers_name_nobody(door: World) -> None:
    await ask(door.app, "POST", "/v1/decisions", order("a"))
    await door.app.state.feed.grown(5.0)
    text = (await ask(door.app, "GET", "/metrics", key=None)).body.decode()
    assert 'onefill_orders{state="filled"} 1.0' in text
    assert "onefill_decision_to_dispatch_seconds_count 1.0" in text
    assert "onefill_dispatch_to_result_seconds_count 1.0" in text
    assert "onefill_clients_connected 1.0" in text
    assert "north" not in text
    assert "111" not in text


async def test_numbers_are_as_prometheus_reads_them_and_the_documents_name_each(
    door: World,
) -> None:
    await ask(door.app, "POST", "/v1/decisions", order("a"))
    await door.app.state.feed.grown(5.0)
    text = (await ask(door.app, "GET", "/metrics", key=None)).body.decode()
    families = {one.name: one for one in text_string_to_metric_families(text)}
    kinds: dict[str, set[str]] = {}
    for family in families.values():
        assert family.documentation
        kinds.setdefault(family.type, set()).add(family.name)
    assert kinds["counter"] == {f"onefill_{name}" for name in Counters().counters()}
    assert families["onefill_client_frames_in"].samples[0][:3] == (
        "onefill_client_frames_in_total",
        {},
        3.0,
    )
    told = families["onefill_dispatch_to_result_seconds"]
    assert told.type == "histogram"
    buckets = [one.value for one in told.samples if one.name.endswith("_bucket")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 1.0
    documented = (Path(__file__).parents[4] / "docs" / "gateway.md").read_text(encoding="utf-8")
    for family in families.values():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert f"`{name}" in documented or name.endswith("_created"), name


async def test_every_answer_of_the_document_has_a_shape_and_every_route_is_in_it(
    door: World,
) -> None:
    told = json.loads((await ask(door.app, "GET", "/openapi.json", key=None)).body)
    described = {(method.upper(), path) for path, ways in told["paths"].items() for method in ways}
    assert described == {
        (way.method, way.path.replace(":path}", "}")) for way in door.app.state.ways
    }
    for ways in told["paths"].values():
        for operation in ways.values():
            for status, answer in operation["responses"].items():
                assert answer["content"], (operation["operationId"], status)
    for name in ("DecisionLine", "Order"):
        fields = told["components"]["schemas"][name]["properties"]
        unsaid = {one for one, what in fields.items() if not {"description", "$ref"} & what.keys()}
        assert unsaid <= {"side", "reason"}, "what they mean is said by their types"
    follow = told["paths"]["/v1/events"]["get"]["parameters"]
    assert ("header", "Last-Event-ID") in {(one["in"], one["name"]) for one in follow}
    decision = told["paths"]["/v1/decisions"]["post"]
    assert {"open", "close", "batch"} <= decision["requestBody"]["content"]["application/json"][
        "examples"
    ].keys()
