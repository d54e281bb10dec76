"""Ctrl-C in the middle of a replay: it ends between two instants, when nothing is half done."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ending_between_instants(progress: Callable[[int], None]) -> Iterator[Callable[[int], None]]:
    """`progress`, which is called between two instants, and there raises `KeyboardInterrupt` where
    Ctrl-C was pressed. Pressed again, it ends at once."""
    pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    def checked(now_ms: int) -> None:
        if pressed:
            raise KeyboardInterrupt
        progress(now_ms)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield checked
    finally:
        signal.signal(signal.SIGINT, before)
