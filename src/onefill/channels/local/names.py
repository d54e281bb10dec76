"""A symbol by the broker's name for it: by the user's map, exactly, or by one prefix and suffix;
never by guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from onefill.model.errors import OnefillError

#: What brokers put before a name (`mEURUSD`, `#EURUSD`) and after it (`EURUSD.m`, `EURUSD-ECN`,
#: `EURUSDm`, `EURUSD_i`): letters run on only where they are small.
_BEFORE = r"(?:[#.!_-]|[a-z]{1,3}[._-]?)"
_AFTER = r"(?:[#.!+_-][A-Za-z0-9_.+-]{0,8}|[a-z]{1,4}|[#!+])"


def broker_name(
    wanted: str, offered: Iterable[str], mapped: Mapping[str, str] | None = None
) -> str:
    """The broker's name of `wanted`. Raises `OnefillError`: `SYMBOL_UNKNOWN`, `SYMBOL_AMBIGUOUS`
    (which names every candidate), `SYMBOL_MAP_INVALID`."""
    names = set(offered)
    if mapped and wanted in mapped:
        if mapped[wanted] not in names:
            raise OnefillError(
                "SYMBOL_MAP_INVALID",
                f"the symbol map says {wanted} is {mapped[wanted]!r}, which the broker does not "
                "offer",
            )
        return mapped[wanted]
    if wanted in names:
        return wanted
    form = re.compile(f"{_BEFORE}?{re.escape(wanted)}{_AFTER}?")
    found = sorted(name for name in names if form.fullmatch(name))
    if len(found) == 1:
        return found[0]
    if not found:
        raise OnefillError(
            "SYMBOL_UNKNOWN",
            f"the broker offers no {wanted}, with or without a prefix or suffix; look at its "
            "Market Watch, or name it in the symbol map",
        )
    raise OnefillError(
        "SYMBOL_AMBIGUOUS",
        f"{wanted} may be {' or '.join(found)} at this broker; say which in the symbol map",
    )
