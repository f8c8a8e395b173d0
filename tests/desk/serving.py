"""A desk on a real port, in the test's own loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from litestar import Litestar


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, app: Litestar) -> None:
        super().__init__(uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1))
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    @property
    def url(self) -> str:
        port = self.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"


@asynccontextmanager
async def on_a_port(app: Litestar) -> AsyncIterator[str]:
    """The address; when it ends, the app's own lifespan has ended too."""
    server = _Server(app)
    serving = asyncio.create_task(server.serve())
    await server.listens.wait()
    try:
        yield server.url
    finally:
        app.state.desk.live.close()
        server.should_exit = True
        await serving
