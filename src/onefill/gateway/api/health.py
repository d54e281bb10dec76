"""Whether the gateway lives, whether it takes decisions, and its numbers for Prometheus."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from starlette.responses import Response

from onefill.contracts.rest import Health
from onefill.gateway.api.door import Answered, Call, Door, Way
from onefill.gateway.identity.model import Right
from onefill.journal.errors import JournalFailed
from onefill.journal.record import Record
from onefill.model.events import Accepted, Dispatched, Reported
from onefill.model.states import State

_log = logging.getLogger("onefill.gateway.api")
MOST_TIMED = 50_000
"""Orders whose times are held until their result is told."""
_ABOUT = {
    "journal_appended_seq": "Number of the journal's last record",
    "journal_durable_seq": "Number of the journal's last record that is durable",
    "event_streams": "Event streams that are open",
    "waiting_calls": "Calls that wait for an outcome",
    "clients_connected": "Clients that are connected",
    "client_frames_in": "Frames that clients sent",
    "client_frames_out": "Frames sent to clients",
    "client_handshakes_refused": "Handshakes of clients that were refused",
    "client_frames_rejected": "Frames of clients that were answered with an error",
    "client_connections_closed": "Connections of clients that the gateway ended",
}
_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)


async def healthz(call: Call) -> Answered:
    """It lives: it answers."""
    return Answered(Health(status="ok"))


async def readyz(call: Call) -> Answered:
    """Whether decisions are taken."""
    problems = list(call.door.standing.problems())
    try:
        call.door.journal.epoch("")  # reads the file
        call.door.journal.state("")  # raises once a write has failed
    except JournalFailed as failed:
        _log.error("not ready: %s", failed.message)
        problems.append("the journal cannot be written or read; the gateway's log says why")
    if call.door.feed.ended:
        problems.append("the gateway is about to stop")
    return Answered(
        Health(status="not ready" if problems else "ready", problems=problems),
        503 if problems else 200,
    )


async def metrics(call: Call) -> Response:
    """Numbers, without anybody's name."""
    body = generate_latest(call.door.numbers.registry)
    return Response(body, 200, {"cache-control": "no-store"}, CONTENT_TYPE_PLAIN_0_0_4)


class Numbers:
    """What `/metrics` shows: latencies as records come, all else as it stands when asked."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._dispatched = Histogram(
            "onefill_decision_to_dispatch_seconds",
            "From an accepted decision to its command on the way to the client",
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._told = Histogram(
            "onefill_dispatch_to_result_seconds",
            "From a command on its way to the first result of its client",
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        #: (account, key) to when it was accepted, then when it was dispatched.
        self._since: OrderedDict[tuple[str, str], int] = OrderedDict()

    def watch(self, door: Door) -> None:
        """Show this gateway's numbers."""
        self.registry.register(_Standing(door))
        door.feed.hearers.append(self.hear)

    def hear(self, record: Record) -> None:
        """A record became durable."""
        event, since = record.event, self._since
        if isinstance(event, Accepted):
            since[record.account, event.key] = record.at_ms
            if len(since) > MOST_TIMED:
                since.popitem(last=False)
        elif isinstance(event, Dispatched):
            place = (record.account, event.key)
            began_ms = since.get(place)
            if began_ms is not None:
                self._dispatched.observe(max(0, record.at_ms - began_ms) / 1_000)
                since[place] = record.at_ms
        elif isinstance(event, Reported):
            began_ms = since.pop((record.account, event.key), None)
            if began_ms is not None:
                self._told.observe(max(0, record.at_ms - began_ms) / 1_000)


class _Standing:
    """Numbers of the moment, read when they are asked for."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def collect(self) -> Iterator[Metric]:
        """As `prometheus_client` asks."""
        door = self._door
        counts = dict.fromkeys(State, 0)
        for name in door.journal.accounts():
            for state, count in door.journal.state(name).counts.items():
                counts[state] += count
        orders = GaugeMetricFamily("onefill_orders", "Orders by state", labels=["state"])
        for state, count in counts.items():
            orders.add_metric([state.value], count)
        yield orders
        gauges = {
            "journal_appended_seq": door.journal.appended_seq,
            "journal_durable_seq": door.journal.durable_seq,
            "event_streams": door.streams.total,
            "waiting_calls": door.waiting.total,
            **door.standing.gauges(),
        }
        for name, value in gauges.items():
            yield GaugeMetricFamily(f"onefill_{name}", _ABOUT[name], value)
        for name, value in door.standing.counters().items():
            yield CounterMetricFamily(f"onefill_{name}", _ABOUT[name], value)


def metrics_way(*, is_open: bool) -> Way:
    """The way to the numbers; where it is not open it needs the right to operate."""
    return Way(
        method="GET",
        path="/metrics",
        handler=metrics,
        summary="Numbers for Prometheus, without anybody's name",
        right=Right.OPERATE,
        open=is_open,
        tag="health",
    )


WAYS = (
    Way(
        method="GET",
        path="/healthz",
        handler=healthz,
        summary="Whether the gateway lives",
        right=None,
        open=True,
        tag="health",
        gives={200: (Health,)},
    ),
    Way(
        method="GET",
        path="/readyz",
        handler=readyz,
        summary="Whether decisions are taken, and why not",
        right=None,
        open=True,
        tag="health",
        gives={200: (Health,), 503: (Health,)},
    ),
)
