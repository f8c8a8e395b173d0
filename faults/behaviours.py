"""What platforms do instead of answering 200."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from faults.platform import Behaviour, Gone, Platform, Request, accept

GIGABYTE = 1_000_000_000
_PIECE = bytes(1_000_000)


def sometimes(bad: Behaviour, *, share: float, chance: random.Random) -> Behaviour:
    """Misbehave at a share of the requests."""

    async def behave(platform: Platform, request: Request) -> None:
        await (bad if chance.random() < share else accept)(platform, request)

    return behave


def slow(chance: random.Random, seconds: float) -> Behaviour:
    """Take it some time later, within `seconds`; whoever does not wait so long sends it again."""

    async def behave(platform: Platform, request: Request) -> None:
        await asyncio.sleep(chance.uniform(0, seconds))
        await accept(platform, request)

    return behave


async def hang_after_headers(platform: Platform, request: Request) -> None:
    """Take it, say 200, and never send the body."""
    platform.take(request)
    await request.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
    await asyncio.sleep(60)


def refuse(status: int, *headers: str) -> Behaviour:
    async def behave(_: Platform, request: Request) -> None:
        await request.answer(status, *headers)

    return behave


def ask_to_wait(*, as_date: bool) -> Behaviour:
    """429 at the first attempt, and look whether the wait (a second at most) was heeded."""
    asked: dict[str, float] = {}

    async def behave(platform: Platform, request: Request) -> None:
        until = asked.pop(request.id, None)
        if until is None:
            now = datetime.now(UTC)
            when = (
                (now + timedelta(seconds=1)).replace(microsecond=0) if as_date else now + timedelta(seconds=1)
            )
            asked[request.id] = time.monotonic() + (when - now).total_seconds()
            await request.answer(429, f"retry-after: {format_datetime(when, usegmt=True) if as_date else 1}")
            return
        if (early := until - time.monotonic()) > 0.05:
            platform.broken.append(f"retried {early:.2f} s too early")
        await accept(platform, request)

    return behave


def redirect(chance: random.Random) -> Behaviour:
    """To a place on the same platform, where nobody may ever come."""

    async def behave(platform: Platform, request: Request) -> None:
        status = chance.choice([301, 302, 303, 307, 308])
        await request.answer(status, f"location: http://127.0.0.1:{platform.port}/elsewhere")

    return behave


def talk_garbage(chance: random.Random) -> Behaviour:
    """What is no HTTP, or stops being it."""
    kinds = [
        b"\x00\xff\xfe garbage\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzzz\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 1_000_000,
        b"",
    ]

    async def behave(_: Platform, request: Request) -> None:
        await request.write(chance.choice(kinds))
        raise Gone

    return behave


def send_a_gigabyte(chance: random.Random) -> Behaviour:
    """Take it, and answer with more than anybody wants; with its length, in chunks, or a lie of it."""

    framings = [f"content-length: {GIGABYTE}", f"content-length: {10**15}", "transfer-encoding: chunked"]

    async def behave(platform: Platform, request: Request) -> None:
        platform.take(request)
        framing = chance.choice(framings)
        piece = b"%x\r\n%b\r\n" % (len(_PIECE), _PIECE) if framing.endswith("chunked") else _PIECE
        await request.write(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode())
        for _ in range(GIGABYTE // len(_PIECE)):
            await request.write(piece)
        raise Gone

    return behave
