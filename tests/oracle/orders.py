"""A seeded generator of realistic orders of every kind for given ticks.

It keeps a book of its own while it writes, so that a target is alive when it should be and gone
when it should be; nothing it writes is near a border that the rules leave open.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random

from .book import Book
from .drafts import Line
from .ticks import Tick
from .wrong_drafts import WrongDrafts

CROWD = 60  # orders and positions alive from which on no new ones are written

# How often each kind of order is written; the names are those of the drafts' methods.
ENDING = {"close": 10, "close_part": 7, "cancel": 6, "close_all": 1, "close_all_of_symbol": 1}
OPENING = {"market": 25, "limit": 10, "stop": 10, "stop_limit": 8}
CHANGING = {"modify_position": 8, "modify_pending": 6}
WRONG = {
    "wrong_volume": 3,
    "wrong_stops": 3,
    "wrong_price": 3,
    "wrong_limit_price": 1,
    "wrong_expiration": 1,
    "wrong_target": 4,
    "wrong_part": 1,
    "wrong_change_of_position": 1,
    "wrong_change_of_pending": 1,
}


def generate(
    ticks: Sequence[Tick],
    seed: int,
    count: int,
    balance: Decimal = Decimal(100_000),
    currency: str = "USD",
    leverage: int = 100,
) -> list[Line]:
    """Write `count` orders; most lines in order of arrival, some neighbours swapped.

    A key ends with the kind of its order, and has `wrong` in it where it must be refused.
    """
    random = Random(seed)
    book = Book(balance, currency, leverage)
    names = sorted({tick.symbol for tick in ticks})
    arrivals = _arrivals(ticks, random, count)
    drafts = WrongDrafts(book, random, names, arrivals, last_ms=ticks[-1].time_ms)
    lines: list[Line] = []
    seen = 0
    for at_ms in arrivals:
        while seen < len(ticks) and ticks[seen].time_ms <= at_ms:
            book.tick(ticks[seen])
            seen += 1
        drafts.expire(at_ms)
        kind = _choose(book, random, ending=len(lines) < count * 0.9)
        if drafts.just_expired and random.random() < 0.7:
            kind = "wrong_target_by_a_moment"
        draft = getattr(drafts, kind)()
        if draft is None:  # nothing there to close, change or cancel
            kind, draft = "market", drafts.market()
        line = {"client_key": f"{len(lines):04}-{kind}", "at": at_ms, **draft}
        book.order(line)
        lines.append(line)
    for index in range(5, count - 1, 37):
        if lines[index]["at"] != lines[index + 1]["at"]:
            lines[index], lines[index + 1] = lines[index + 1], lines[index]
    return [_with_other_times(line, random) for line in lines]


def write_orders(lines: Sequence[Line], path: Path) -> None:
    """One JSON object per line; a short decimal survives the way through a float."""
    text = "".join(json.dumps(line, default=float) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")


def _arrivals(ticks: Sequence[Tick], random: Random, count: int) -> list[int]:
    """Times on and next to ticks, some shared, some whole seconds; five outside the ticks."""
    first, last = ticks[0].time_ms, ticks[-1].time_ms
    times: list[int] = []
    while len(times) < count - 5:
        if times and random.random() < 0.15:
            times.append(random.choice(times))
        else:
            time_ms = random.choice(ticks).time_ms
            near = random.choice((-1, 0, 0, 0, 1, random.randrange(1000), -time_ms % 1000))
            times.append(min(max(time_ms + near, first), last))
    return sorted([first - 5000, first - 1, first - 1, *times, last, last + 750])


def _choose(book: Book, random: Random, ending: bool) -> str:
    """A kind that suits how much is alive; the last orders leave much of it open."""
    kinds = ENDING if ending else {"close_part": 30}
    if len(book.positions) + len(book.working) < CROWD:
        kinds = kinds | OPENING | CHANGING | WRONG
    return random.choices(list(kinds), list(kinds.values()))[0]


def _with_other_times(line: Line, random: Random) -> Line:
    """Some times in RFC 3339."""
    for field in ("at", "expiration"):
        if field in line and random.random() < 0.2:
            moment = datetime.fromtimestamp(line[field] // 1000, UTC)
            line[field] = f"{moment:%Y-%m-%dT%H:%M:%S}.{line[field] % 1000:03}Z"
    return line
