"""The broker's misbehaviour, seeded: each draw belongs to an order's key and attempt, or, where a
request has no key, to its number in the broker's book.

| name | what happens to a request |
|---|---|
| `disconnect` | not carried out (10031 or -10004); then no call is, for up to `offline_max_ms` |
| `hang` | no answer ever; carried out in half of the cases |
| `lost_reply` | carried out; the answer is -10002, or never comes |
| `late_execution` | answered 10012 or -10005, and carried out up to `late_max_ms` later |
| `requote` | a deal is answered 10004 |
| `reject` | answered 10006 |
| `requote_storm` | every deal is answered 10004, for up to `storm_max_ms` |
| `terminal_restart` | the terminal closes and comes back: as `disconnect`; calls under way end |
| `autotrading_off` | answered 10027, and so are all, for up to `trouble_max_ms` |
| `wrong_account` | another account is logged in, which has nothing, for up to `trouble_max_ms` |
| `clock_skew` | the server's told time is off by up to `skew_max_ms`, for up to `trouble_max_ms` |
| `early_cancel` | a market order is taken (10009) and cancelled without a fill |
| `partial` | an immediate-or-cancel order fills in part (10010); a pending one fills in parts |
| `activation_reject` | a pending order is rejected when it is due |
| `rewritten_comment` | the broker puts a comment of its own in the place of the client's |
| `stale_history` | history misses the order's end for up to `stale_max_ms`, or two looks |

Of the first eleven, the first that strikes is the one that happens. `ipc_timeout` is drawn for any
call, looking ones too: it is answered -10005, and nothing was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from onefill.model.errors import OnefillError
from onefill.model.resolved import BrokerRequest
from onefill.runtime.draws import Draws
from onefill.terminal import port
from onefill.terminal.simulator.entries import NO_FATE, Fate

_ALL = frozenset(
    {port.ACTION_DEAL, port.ACTION_PENDING, port.ACTION_SLTP, port.ACTION_MODIFY,
     port.ACTION_REMOVE, port.ACTION_CLOSE_BY}
)  # fmt: skip
_DEAL, _PENDING = frozenset({port.ACTION_DEAL}), frozenset({port.ACTION_PENDING})

#: What befalls the request; the first that strikes does.
_OF_REQUEST = {
    "disconnect": _ALL,
    "hang": _ALL,
    "lost_reply": _ALL,
    "late_execution": _ALL,
    "requote": _DEAL,
    "reject": _ALL,
    "requote_storm": _DEAL,
    "terminal_restart": _ALL,
    "autotrading_off": _ALL,
    "wrong_account": _ALL,
    "clock_skew": _ALL,
}
#: Which of them last, and the setting that says how long at most.
LASTING = {
    "disconnect": "offline_max_ms",
    "requote_storm": "storm_max_ms",
    "terminal_restart": "offline_max_ms",
    "autotrading_off": "trouble_max_ms",
    "wrong_account": "trouble_max_ms",
    "clock_skew": "trouble_max_ms",
}
_OF_CALL = "ipc_timeout"
#: What befalls the order that comes of it.
_OF_ORDER = {
    "early_cancel": _DEAL,
    "partial": _DEAL | _PENDING,
    "activation_reject": _PENDING,
    "rewritten_comment": _DEAL | _PENDING,
    "stale_history": _DEAL | _PENDING,
}
KINDS = (*_OF_REQUEST, *_OF_ORDER, _OF_CALL)

#: Settings, their defaults and the least they can be (ms).
_SETTINGS = {"late_max_ms": (20_000, 500), "offline_max_ms": (15_000, 1_000),
             "stale_max_ms": (5_000, 500), "storm_max_ms": (10_000, 500),
             "trouble_max_ms": (15_000, 1_000), "skew_max_ms": (60_000, 1)}  # fmt: skip


class Mishap(NamedTuple):
    """What befalls one request. `kind` empty: nothing but what `fate` says."""

    kind: str = ""
    carried_out: bool = True
    #: The answer never comes.
    silent: bool = False
    #: Of two ways to answer, the second.
    other: bool = False
    delay_ms: int = 0
    #: By how much the server's clock is off.
    skew_ms: int = 0
    fate: Fate = NO_FATE


NO_MISHAP = Mishap()


class FaultPlan:
    """Rates by kind, and the draws that say whom they strike."""

    def __init__(self, rates: dict[str, float], settings: dict[str, int], seed: int) -> None:
        self.rates = rates
        self.settings = settings
        self._draws = Draws(seed)

    def text(self) -> str:
        """The same for equal plans, without the seed."""
        changed = {
            name: value for name, value in self.settings.items() if value != _SETTINGS[name][0]
        }
        words = [f"{name}={self.rates[name]:g}" for name in sorted(self.rates)]
        return ",".join([*words, *(f"{name}={changed[name]}" for name in sorted(changed))])

    def mishap(self, request: BrokerRequest, key: str, attempt: int) -> Mishap:
        """What befalls a request, made for an order's key as its attempt."""

        def draw(what: str) -> float:
            return self._draws.uniform(what, key, attempt)

        kind = self._first(_OF_REQUEST, request.action, draw)
        fate = self._fate(request, draw)
        if kind == "":
            return NO_MISHAP if fate is NO_FATE else Mishap(fate=fate)
        return Mishap(
            kind=kind,
            carried_out=kind != "hang" or draw("hang carried out") < 0.5,
            silent=kind == "hang" or (kind == "lost_reply" and draw("lost silent") < 0.5),
            other=kind in ("disconnect", "late_execution") and draw(f"{kind} answer") < 0.5,
            delay_ms=self._delay_ms(kind, draw),
            skew_ms=self._skew_ms(draw) if kind == "clock_skew" else 0,
            fate=fate,
        )

    def _first(
        self, kinds: dict[str, frozenset[int]], action: int, draw: Callable[[str], float]
    ) -> str:
        for kind, actions in kinds.items():
            if self._strikes(kind, actions, action, draw):
                return kind
        return ""

    def _strikes(
        self, kind: str, actions: frozenset[int], action: int, draw: Callable[[str], float]
    ) -> bool:
        rate = self.rates.get(kind, 0.0)
        return rate > 0.0 and action in actions and draw(kind) < rate

    def _delay_ms(self, kind: str, draw: Callable[[str], float]) -> int:
        name = "late_max_ms" if kind == "late_execution" else LASTING.get(kind)
        if name is None:
            return 0
        least, most = _SETTINGS[name][1], self.settings[name]
        return least + int(draw(f"{kind} delay") * (most - least + 1))

    def _skew_ms(self, draw: Callable[[str], float]) -> int:
        most = self.settings["skew_max_ms"]
        return (1 + int(draw("skew") * most)) * (1 if draw("skew side") < 0.5 else -1)

    def times_out(self, call: str, now_ms: int, number: int) -> bool:
        """Whether a call is not answered, the `number`th that was made in that millisecond."""
        rate = self.rates.get(_OF_CALL, 0.0)
        return rate > 0.0 and self._draws.uniform(_OF_CALL, call, now_ms, number) < rate

    def _fate(self, request: BrokerRequest, draw: Callable[[str], float]) -> Fate:
        struck = {
            kind
            for kind, actions in _OF_ORDER.items()
            if self._strikes(kind, actions, request.action, draw)
        }
        if not struck:
            return NO_FATE
        comment: str | None = None
        parts: tuple[float, ...] = ()
        hide_ms = 0
        if "rewritten_comment" in struck:
            comment = "" if draw("comment") < 0.5 else "by broker"
        if "partial" in struck:
            count = 1 if draw("parts") < 0.5 else 2
            parts = tuple(draw(f"part {number}") for number in range(count))
        if "stale_history" in struck:
            least, most = _SETTINGS["stale_max_ms"][1], self.settings["stale_max_ms"]
            hide_ms = least + int(draw("stale delay") * (most - least + 1))
        nothing = "early_cancel" in struck or "activation_reject" in struck
        return Fate(comment=comment, nothing=nothing, parts=parts, hide_ms=hide_ms)


def parse_faults(text: str, seed: int = 0) -> FaultPlan:
    """A plan from words such as `lost_reply=0.2,hang=0.02,late_max_ms=5000`.

    Raises `OnefillError` (`FAULTS_INVALID`).
    """
    rates: dict[str, float] = {}
    settings = {name: default for name, (default, _) in _SETTINGS.items()}
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (part.strip() for part in word.partition("="))
        if name in rates:
            raise _invalid(word, "is given twice")
        if name in KINDS:
            rates[name] = _rate(word, value)
        elif name in settings:
            settings[name] = _milliseconds(word, value, _SETTINGS[name][1])
        else:
            known = ", ".join((*KINDS, *_SETTINGS))
            raise _invalid(word, f"names no fault; there are {known}")
        assert equals, word
    return FaultPlan(rates, settings, seed)


def plan_of(table: Mapping[str, float], seed: int = 0) -> FaultPlan | None:
    """The plan in a profile's [faults] table; None where it is empty.

    Raises `OnefillError` (`FAULTS_INVALID`).
    """
    if not table:
        return None
    return parse_faults(",".join(f"{name}={value:.17g}" for name, value in table.items()), seed)


def _rate(word: str, value: str) -> float:
    try:
        rate = float(value)
    except ValueError:
        rate = -1.0
    if not 0.0 <= rate <= 1.0:
        raise _invalid(word, "needs a rate from 0 to 1, such as hang=0.02")
    return rate


def _milliseconds(word: str, value: str, least: int) -> int:
    if not value.isdecimal() or not least <= int(value) <= 86_400_000:
        raise _invalid(word, f"needs whole milliseconds from {least} to 86400000")
    return int(value)


def _invalid(word: str, what: str) -> OnefillError:
    return OnefillError("FAULTS_INVALID", f"fault {word!r} {what}")
