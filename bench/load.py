"""The customers' side: hooks at a given rate (open loop) or as fast as they are accepted (closed loop)."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import msgspec


class Sent(msgspec.Struct):
    """One run of load. Times are monotonic seconds by message id; `accepted` holds 2xx only."""

    started: dict[str, float]
    accepted: dict[str, float]
    refused: int = 0
    ended_at: float = 0.0


class Connection(asyncio.Protocol):
    """A keep-alive connection that speaks just enough HTTP/1.1: one request at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[int] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(0)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        if len(self._buffer) < end + 4 + length:
            return
        status = int(self._buffer[9:12])
        self._buffer = self._buffer[end + 4 + length :]
        if self._answer and not self._answer.done():
            self._answer.set_result(status)

    @property
    def is_open(self) -> bool:
        """Servers close connections that were idle for some seconds."""
        return self.transport is not None and not self.transport.is_closing()

    async def request(self, data: bytes) -> int:
        """Send a request; its status, 0 when the connection broke."""
        self._answer = asyncio.get_running_loop().create_future()
        assert self.transport is not None
        self.transport.write(data)
        return await self._answer


class Target(msgspec.Struct, frozen=True):
    """Where hooks go, and what they carry besides a message."""

    url: str
    token: str = ""

    def request(self, user: int, mid: str, text: str) -> bytes:
        """A hook of the apichat channel as it goes over the wire."""
        parts = urlsplit(self.url)
        body = msgspec.json.encode(
            {
                "event": "message_created",
                "message_type": "incoming",
                "content": text,
                "id": mid,
                "conversation_id": user,
                "sender": {"id": f"user-{user}", "name": f"Customer {user}", "type": "contact"},
            }
        )
        head = (
            f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {self.token}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class Load:
    """Messages of `users` conversations, taken in turn, over `connections` connections."""

    def __init__(self, target: Target, *, users: int, connections: int = 64, prefix: str) -> None:
        self._target, self._users, self._prefix = target, users, prefix
        self._count = connections
        self._free: deque[Connection] = deque()
        self._numbers = self._mids()

    async def connect(self) -> None:
        parts = urlsplit(self._target.url)
        loop = asyncio.get_running_loop()
        for _ in range(self._count):
            _, connection = await loop.create_connection(Connection, parts.hostname or "", parts.port or 80)
            self._free.append(connection)

    async def closed_loop(self, seconds: float, *, in_flight: int) -> Sent:
        """As many as are accepted."""
        sent, until = Sent({}, {}), time.monotonic() + seconds
        await self._workers(sent, in_flight, lambda: time.monotonic() < until)
        return sent

    async def each_once(self, *, in_flight: int = 32) -> Sent:
        """One message of every conversation."""
        sent, left = Sent({}, {}), iter(range(self._users))
        await self._workers(sent, in_flight, lambda: next(left, None) is not None)
        return sent

    async def open_loop(self, rate: float, seconds: float) -> Sent:
        """`rate` a second, whatever the server does: arrivals do not wait for answers."""
        sent, tasks = Sent({}, {}), set()
        begin = time.monotonic()
        for number in range(int(rate * seconds)):
            due = begin + number / rate
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            task = asyncio.create_task(self._one(sent, started=due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        if tasks:
            await asyncio.wait(tasks, timeout=60)
        sent.ended_at = time.monotonic()
        return sent

    async def _workers(self, sent: Sent, count: int, goes_on: Callable[[], bool]) -> None:
        async def work() -> None:
            while goes_on():
                await self._one(sent)

        await asyncio.gather(*(work() for _ in range(count)))
        sent.ended_at = time.monotonic()

    async def _one(self, sent: Sent, started: float | None = None) -> None:
        user, mid = next(self._numbers)
        connection = await self._connection()
        sent.started[mid] = started if started is not None else time.monotonic()
        status = await connection.request(self._target.request(user, mid, f"Is it in stock? {mid}"))
        if 200 <= status < 300:
            sent.accepted[mid] = time.monotonic()
        else:
            sent.refused += 1
        if status:
            self._free.append(connection)

    async def _connection(self) -> Connection:
        while self._free:
            connection = self._free.popleft()
            if connection.is_open:
                return connection
        parts = urlsplit(self._target.url)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, parts.hostname or "", parts.port or 80)
        return connection

    def _mids(self) -> Iterator[tuple[int, str]]:
        number = 0
        while True:
            scrambled = number * 2654435761 % 2**32  # vendors' ids come in no order
            yield number % self._users, f"{self._prefix}-{scrambled:08x}{number}"
            number += 1
