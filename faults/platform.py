"""A platform's side that can be told how to misbehave, byte by byte."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self

import msgspec

from bench.ledger import Ledger
from bench.processes import CUSTOMERS, SECRET, free_port

HOST = "127.0.0.1"


class Gone(Exception):
    """This connection is over."""


class Request(msgspec.Struct, frozen=True):
    """A webhook, and the connection on which it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    async def answer(self, status: int, *headers: str, body: bytes = b"") -> None:
        """An answer as it should be; the connection stays open."""
        lines = [f"HTTP/1.1 {status} So", f"content-length: {len(body)}", *headers, "", ""]
        await self.write("\r\n".join(lines).encode() + body)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


Behaviour = Callable[["Platform", Request], Awaitable[None]]


async def accept(platform: Platform, request: Request) -> None:
    """As a platform should."""
    platform.take(request)
    await request.answer(200)


class Platform:
    """One endpoint: a port, a ledger, and a behaviour that may be changed at any time."""

    def __init__(self, name: str, *, host: str = HOST, tls: ssl.SSLContext | None = None) -> None:
        self.name, self.port, self._host = name, free_port(), host
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}/hook"
        self.ledger = Ledger(SECRET)
        self.behaviour: Behaviour = accept
        self.requests = 0
        self.strayed = 0
        """Requests at another path than the endpoint's: nobody may ever send one."""
        self.told: defaultdict[str, list[str]] = defaultdict(list)
        """What customers were told, in the order in which it first came: under which ids."""
        self.broken: list[str] = []
        """What a behaviour saw that must not be."""
        self.tls, self.own_tls = tls, tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.come_up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.go_down()

    async def come_up(self) -> None:
        self._server = await asyncio.start_server(self._connected, HOST, self.port, ssl=self.tls)

    async def go_down(self) -> None:
        """Refuse connections, and end those that are open."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take(self, request: Request) -> None:
        """Note a webhook as one that this platform has."""
        self.ledger.take(self.name, request.headers, request.body)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(Gone, OSError, EOFError, ssl.SSLError):
            try:
                while True:
                    await self._answer(await _read(reader, writer))
            finally:
                writer.transport.abort()

    async def _answer(self, request: Request) -> None:
        if request.path == CUSTOMERS:
            said = msgspec.json.decode(request.body)
            self.told[said["content"]].append(said["mid"])
            await request.answer(200)
            return
        self.requests += 1
        if request.path != "/hook":
            self.strayed += 1
        await self.behaviour(self, request)


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(head[0].split(" ")[1], headers, body, writer)
