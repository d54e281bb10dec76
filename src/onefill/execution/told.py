"""What a door is told, always after it is durable."""

from __future__ import annotations

from typing import NamedTuple

from onefill.model.events import Alerted
from onefill.model.order import OrderState


class Acknowledged(NamedTuple):
    """The order is accepted and will be carried out or proven not to be."""

    order: OrderState


class Settled(NamedTuple):
    """Where the order stands now: final, working, or waiting for an operator."""

    order: OrderState | None


class KeyReused(NamedTuple):
    """The key belongs to an order with other content; this one was not taken."""

    key: str


class Alarm(NamedTuple):
    """Something a person must hear of."""

    alert: Alerted
