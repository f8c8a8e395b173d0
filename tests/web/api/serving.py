"""An application on a real port, in the test's own loop, where the engine runs. What its API answers is
compared with the OpenAPI document at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from tests.web.api.validating import our_document
from tests.web.api.watching import Given, Watched, compare


@asynccontextmanager
async def on_a_port(app: Any) -> AsyncIterator[str]:
    listens = asyncio.Event()
    given: list[Given] = []

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            listens.set()

    server = Server(uvicorn.Config(Watched(app, given.append), port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    await listens.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving
    compare(our_document(), given)
