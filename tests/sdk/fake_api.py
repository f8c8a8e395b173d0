"""A server that answers as a test tells it, over real HTTP on loopback, and keeps what it was asked."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

OK = {"status": "ok"}


class Request(msgspec.Struct, frozen=True):
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    json: Any


class Answer(msgspec.Struct, frozen=True):
    status: int = 200
    json: Any = msgspec.field(default_factory=lambda: OK)
    headers: dict[str, str] = {}
    text: str | None = None


HANG_UP = Answer(status=0)
"""The connection is cut without an answer."""


class FakeApi:
    """Answers each path with what `answer` queued for it; the last one stays. Everything else gets `OK`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[Request] = []
        self._answers: dict[str, list[Answer]] = defaultdict(list)
        self._held: dict[str, asyncio.Event] = {}
        self._arrivals: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def answer(self, path: str, *answers: Answer | Any) -> None:
        self._answers[path] = [
            given if isinstance(given, Answer) else Answer(json=given) for given in answers
        ]

    def hold(self, path: str) -> asyncio.Event:
        """Answer nothing at `path` until the event is set."""
        return self._held.setdefault(path, asyncio.Event())

    async def arrival(self, path: str) -> None:
        """Wait until somebody has asked at `path`."""
        await self._arrivals[path].wait()

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    def bodies(self, path: str) -> list[Any]:
        return [request.json for request in self.asked(path)]

    async def next_answer(self, request: Request) -> Answer:
        self.requests.append(request)
        self._arrivals[request.path].set()
        if request.path in self._held:
            await self._held[request.path].wait()
        queued = self._answers[request.path]
        if not queued:
            return Answer()
        return queued.pop(0) if len(queued) > 1 else queued[0]


@asynccontextmanager
async def serving() -> AsyncIterator[FakeApi]:
    api = FakeApi("")
    server = await asyncio.start_server(lambda r, w: _converse(api, r, w), "127.0.0.1", 0)
    api.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield api


async def _converse(api: FakeApi, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    answer = await api.next_answer(await _read_request(reader))
    if answer is not HANG_UP:
        writer.write(_bytes_of(answer))
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def _read_request(reader: asyncio.StreamReader) -> Request:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    url = urlsplit(target)
    return Request(
        method, url.path, dict(parse_qsl(url.query)), headers, msgspec.json.decode(body or b"null")
    )


def _bytes_of(answer: Answer) -> bytes:
    body = answer.text.encode() if answer.text is not None else msgspec.json.encode(answer.json)
    headers = {"content-length": str(len(body)), "connection": "close", **answer.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {answer.status} Because\r\n{lines}\r\n".encode() + body
