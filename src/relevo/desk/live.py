"""Tells every open page of every change, as server-sent events.

A page that reads too slowly loses its backlog and is told everything anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import msgspec

from relevo.desk.book import Change, Conversation

BACKLOG = 500
HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that nothing on the way thinks us dead."""


class Everything(msgspec.Struct, frozen=True, tag="everything"):
    """What a page needs when it has nothing. `now` is the desk's clock, in milliseconds."""

    now: int
    conversations: list[Conversation]


class Live:
    """The pages that listen."""

    def __init__(self) -> None:
        self._pages: set[asyncio.Queue[bytes | None]] = set()

    def publish(self, change: Change) -> None:
        event = _event(change)
        for page in self._pages:
            _hand_over(page, event)

    def close(self) -> None:
        """End the stream of every page."""
        for page in self._pages:
            _empty(page)
            page.put_nowait(None)

    async def follow(
        self, everything: Callable[[], Everything], heartbeat: float = HEARTBEAT
    ) -> AsyncGenerator[bytes, None]:
        """Everything first, then each change; everything again after a backlog was lost."""
        page: asyncio.Queue[bytes | None] = asyncio.Queue(BACKLOG)
        self._pages.add(page)
        try:
            yield b"retry: 1000\n\n" + _event(everything())
            while (event := await _next(page, heartbeat)) is not None:
                yield event or _event(everything())
        finally:
            self._pages.discard(page)


def _event(value: Change | Everything) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def _hand_over(page: asyncio.Queue[bytes | None], event: bytes) -> None:
    """Past its backlog, a page gets the empty event: begin anew."""
    if page.full():
        _empty(page)
        event = b""
    page.put_nowait(event)


def _empty(page: asyncio.Queue[bytes | None]) -> None:
    while not page.empty():
        page.get_nowait()


async def _next(page: asyncio.Queue[bytes | None], heartbeat: float) -> bytes | None:
    try:
        return await asyncio.wait_for(page.get(), heartbeat)
    except TimeoutError:
        return b": still here\n\n"
