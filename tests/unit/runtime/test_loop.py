"""Which event loop live programs run on."""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing

import pytest

from onefill.runtime.loop import new_event_loop, run


def name_of(loop: asyncio.AbstractEventLoop) -> str:
    return type(loop).__module__.partition(".")[0]


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows")
def test_a_program_runs_on_uvloop_where_it_is_installed() -> None:
    pytest.importorskip("uvloop")

    async def work() -> str:
        return name_of(asyncio.get_running_loop())

    assert run(work()) == "uvloop"


def test_without_uvloop_the_loop_is_asyncios_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with closing(new_event_loop()) as loop:
        assert name_of(loop) == "asyncio"
