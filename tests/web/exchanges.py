"""Requests to an application in this very event loop, where the engine runs: whole ones with a client, and
ones in pieces, answered in pieces, as a server makes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from httpx import ASGITransport, AsyncClient

Client = AsyncClient


def client_of(app: Any) -> Client:
    """A client of an application. (The framework's own test client runs the application in a thread.)"""
    return AsyncClient(transport=ASGITransport(app), base_url="https://relevo.example.com")


class Exchange:
    """One request. `pieces` is the body as it arrives; the rest of the answer comes as it is sent."""

    def __init__(
        self,
        app: Any,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        pieces: Iterable[bytes] = (b"",),
        ends: bool = True,
        client: tuple[str, int] | None = ("203.0.113.7", 1),
    ) -> None:
        path, _, query = path.partition("?")
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
            "client": client,
            "server": ("relevo.example.com", 443),
        }
        self._app = app
        self._pieces = list(pieces)
        self._ends = ends
        self._sent: asyncio.Queue[Any] = asyncio.Queue()
        self._gone = asyncio.Event()
        self.taken = 0
        """How many pieces of the body were asked for."""

    async def run(self) -> None:
        try:
            await self._app(self.scope, self.receive, self._sent.put)
        finally:
            self._sent.put_nowait(None)

    def leave(self) -> None:
        """The client closes the connection."""
        self._gone.set()

    async def start(self) -> tuple[int, dict[str, str]]:
        """The status and the headers."""
        message = await self._sent.get()
        assert message is not None, "there was no answer"
        return message["status"], {name.decode(): value.decode() for name, value in message["headers"]}

    async def piece(self) -> bytes | None:
        """The next piece of the answer's body; None after the last."""
        message = await self._sent.get()
        if message is None or (not message["body"] and not message["more_body"]):
            return None
        return bytes(message["body"])

    async def body(self) -> bytes:
        pieces = []
        while (piece := await self.piece()) is not None:
            pieces.append(piece)
        return b"".join(pieces)

    async def receive(self) -> dict[str, Any]:
        if self.taken < len(self._pieces):
            self.taken += 1
            more = self.taken < len(self._pieces) or not self._ends
            return {"type": "http.request", "body": self._pieces[self.taken - 1], "more_body": more}
        await self._gone.wait()
        return {"type": "http.disconnect"}


@asynccontextmanager
async def exchanging(app: Any, method: str, path: str, **about: Any) -> AsyncIterator[Exchange]:
    """An exchange under way; at the end of the block the client is gone and the application has noticed."""
    exchange = Exchange(app, method, path, **about)
    task = asyncio.create_task(exchange.run())
    try:
        yield exchange
    finally:
        exchange.leave()
        with suppress(asyncio.CancelledError):
            await task
