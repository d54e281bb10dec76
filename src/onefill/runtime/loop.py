"""The event loop of every live program: uvloop where it is installed, asyncio's own elsewhere.

A round trip to another process costs about three times as much on asyncio's own loop.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop that nobody runs yet; whoever asks for it closes it."""
    if sys.platform != "win32":
        try:
            import uvloop
        except ImportError:
            pass  # no wheel for this Python: slower, otherwise the same
        else:
            return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def run(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on such a loop, for a program's main thread."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)
