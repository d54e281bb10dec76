"""Ctrl-C where nothing is half done: between two instants of a replay, between two parts of the
demo."""

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


@contextmanager
def held_back() -> Iterator[None]:
    """Ctrl-C within the block raises `KeyboardInterrupt` at its end."""
    pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True

    before = signal.signal(signal.SIGINT, press)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt
