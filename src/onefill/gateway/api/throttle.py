"""How much everybody may ask, so that one who floods hurts only himself: token buckets by address,
key and tenant for calls, and how many calls may wait and streams be open at once."""

from __future__ import annotations

import math
from collections import OrderedDict
from ipaddress import ip_address

from onefill.gateway.api.refusal import Refusal
from onefill.gateway.api.settings import ApiSettings, Rate
from onefill.gateway.identity.model import Caller
from onefill.runtime.clock import SteadyClock

_NS = 1_000_000_000


class Throttle:
    """A bucket a name, each refilled at `rate`; the name longest idle is forgotten first.

    To be forgotten is to begin with a full bucket, so the table must be large enough that filling
    it costs an attacker more than he gains: he has as many full buckets as he has names anyway.
    """

    def __init__(self, rate: Rate, most: int, clock: SteadyClock) -> None:
        self._rate = rate
        self._most = most
        self._clock = clock
        #: Name to (tokens left, when that was).
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, name: str, whose: str, count: int = 1) -> None:
        """Take tokens of a name. Raises `Refusal` (429, with when to come back)."""
        left = self._left(name) - count
        if left < 0:
            wait_s = max(1, math.ceil(-left / self._rate.per_s))
            raise Refusal(
                429,
                "TOO_MANY_REQUESTS",
                f"{whose} may make {self._rate.per_s:g} calls a second "
                f"({self._rate.burst} at once); come back in {wait_s} s",
                retry_after_s=wait_s,
            )
        self._put(name, left)

    def spend(self, name: str) -> None:
        """Take a token after the fact, where there is one left."""
        self._put(name, max(0.0, self._left(name) - 1))

    def check(self, name: str, whose: str) -> None:
        """Raises `Refusal` where the name has no token left; takes none."""
        left = self._left(name)
        if left < 1:
            self.take(name, whose)

    def _left(self, name: str) -> float:
        rate = self._rate
        found = self._buckets.get(name)
        if found is None:
            return float(rate.burst)
        tokens, at_ns = found
        return min(float(rate.burst), tokens + (self._clock.now_ns() - at_ns) / _NS * rate.per_s)

    def _put(self, name: str, left: float) -> None:
        buckets = self._buckets
        buckets[name] = (left, self._clock.now_ns())
        buckets.move_to_end(name)
        if len(buckets) > self._most:
            buckets.popitem(last=False)


class Rates:
    """The buckets of everybody."""

    def __init__(self, settings: ApiSettings) -> None:
        clock, most = SteadyClock(), settings.max_remembered
        self.ip = Throttle(settings.per_ip, most, clock)
        self.refused = Throttle(settings.per_ip_refused, most, clock)
        self.key = Throttle(settings.per_key, most, clock)
        self.tenant = Throttle(settings.per_tenant, most, clock)

    def count(self, caller: Caller, calls: int = 1) -> None:
        """Calls of a caller. Raises `Refusal` (429)."""
        self.key.take(f"{caller.tenant}/{caller.key or caller.user}", "a key", calls)
        self.tenant.take(caller.tenant, "a tenant", calls)


class Crowd:
    """How many there are of something, in all and by tenant."""

    def __init__(self) -> None:
        self.total = 0
        self._by_tenant: dict[str, int] = {}

    def room(self, tenant: str, most: int, most_of_tenant: int) -> bool:
        """Whether there is room for one more."""
        return self.total < most and self._by_tenant.get(tenant, 0) < most_of_tenant

    def enter(self, tenant: str) -> None:
        """One more."""
        self.total += 1
        self._by_tenant[tenant] = self._by_tenant.get(tenant, 0) + 1

    def leave(self, tenant: str) -> None:
        """One less."""
        self.total -= 1
        self._by_tenant[tenant] -= 1
        if not self._by_tenant[tenant]:
            del self._by_tenant[tenant]


def address_name(host: str) -> str:
    """What an address counts as: an IPv6 network of 64 bits belongs to one customer."""
    if ":" not in host:
        return host
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped) if mapped else address.packed[:8].hex()
