"""The REST door behind a real uvicorn in a thread of its own, which can be stopped and started
again over the same journal."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import uvicorn

from onefill.gateway.api.settings import ApiSettings
from tests.own_port import own_port
from tests.unit.gateway.api.world import World, world


class Served:
    """A gateway's door on a port of this machine."""

    def __init__(self, directory: Path, settings: ApiSettings | None = None) -> None:
        self._directory = directory
        self._settings = settings
        self.port = own_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.world: World | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(20)

    def stop(self) -> None:
        if self._server is None or self._loop is None or self._thread is None:
            return
        assert self.world is not None
        self._loop.call_soon_threadsafe(self.world.app.state.feed.end_streams)
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()
        self._server = None

    def __enter__(self) -> Served:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        async with world(self._directory, self._settings, lifespan=False) as made:
            self.world = made
            config = uvicorn.Config(
                made.app,
                host="127.0.0.1",
                port=self.port,
                log_level="critical",
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=5,
            )
            self._server = uvicorn.Server(config)
            serving = asyncio.create_task(self._server.serve())
            while not self._server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.005)
            ready.set()
            await serving
