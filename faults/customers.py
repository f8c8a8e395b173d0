"""The customers' side: each writes one message after the other, and each until it is accepted."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from bench.load import Connection, Target

PATIENCE = 10.0  # seconds until a vendor takes an answer for lost
AGAIN_AFTER = 0.05
AT_ONCE = 64
GIVES_UP_AFTER = 120.0


class Customers:
    """`users` conversations on one channel, which any of several servers takes (`targets`)."""

    def __init__(self, name: str, targets: Sequence[Target], *, users: int, pause: float) -> None:
        self.name, self._targets = name, targets
        self._users, self._pause = users, pause
        self.sent: dict[str, float] = {}
        self.accepted: dict[str, float] = {}
        """Message id → monotonic seconds."""
        self._free: defaultdict[str, list[Connection]] = defaultdict(list)
        self._stopping = asyncio.Event()
        self._next = [0] * users

    @property
    def waiting(self) -> int:
        """How many have a message that is not accepted yet."""
        return len(self.sent) - len(self.accepted)

    async def say_hello(self) -> None:
        """One message each: it hands the conversation over, and is not for the platform."""
        few = asyncio.Semaphore(AT_ONCE)

        async def say(user: int) -> None:
            async with few:
                await self._write(user, f"{self.name}-{user}-hello")

        async with asyncio.timeout(GIVES_UP_AFTER):
            await asyncio.gather(*(say(user) for user in range(self._users)))
        self.sent.clear()
        self.accepted.clear()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """They write within; at the end each has its last message accepted."""
        self._stopping.clear()
        tasks = [asyncio.create_task(self._keep_writing(user)) for user in range(self._users)]
        try:
            yield
            self._stopping.set()
            await asyncio.wait(tasks, timeout=GIVES_UP_AFTER)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def write_for(self, seconds: float) -> None:
        """They write for so long."""
        async with self.writing():
            await asyncio.sleep(seconds)

    async def write_each(self, messages: int) -> None:
        """So many messages of each, one after the other."""

        async def write(user: int) -> None:
            for _ in range(messages):
                await self._write_next(user)

        await asyncio.gather(*(write(user) for user in range(self._users)))

    def close(self) -> None:
        for connection in itertools.chain.from_iterable(self._free.values()):
            if connection.transport:
                connection.transport.abort()

    async def _keep_writing(self, user: int) -> None:
        await self._rest(self._pause * user / self._users)  # not all at once
        while not self._stopping.is_set():
            await self._write_next(user)
            await self._rest(self._pause)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _write_next(self, user: int) -> None:
        number, self._next[user] = self._next[user], self._next[user] + 1
        await self._write(user, f"{self.name}-{user}-{number}")

    async def _write(self, user: int, mid: str) -> None:
        self.sent[mid] = time.monotonic()
        first = user % len(self._targets)
        for target in itertools.cycle([*self._targets[first:], *self._targets[:first]]):
            if await self._is_accepted(target, target.request(user, mid, f"Is it in stock? {mid}")):
                self.accepted[mid] = time.monotonic()
                return
            await asyncio.sleep(AGAIN_AFTER)

    async def _is_accepted(self, target: Target, request: bytes) -> bool:
        connection: Connection | None = None
        try:
            async with asyncio.timeout(PATIENCE):
                connection = await self._connection(target.url)
                status = await connection.request(request)
        except (OSError, TimeoutError):
            if connection and connection.transport:
                connection.transport.abort()
            return False
        if status:
            self._free[target.url].append(connection)
        return 200 <= status < 300

    async def _connection(self, url: str) -> Connection:
        while self._free[url]:
            if (connection := self._free[url].pop()).is_open:
                return connection
        host, _, port = urlsplit(url).netloc.partition(":")
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, host, int(port))
        return connection
