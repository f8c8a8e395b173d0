"""Where customers' files are kept: what is promised of it, on disk or in a bucket."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator
from typing import Protocol

import msgspec

_ID = re.compile(r"[A-Za-z0-9_-]{4,64}")


class Kept(msgspec.Struct, frozen=True):
    """A file that was kept. `size` in bytes; `mime_type` as its content says, "" when it says nothing."""

    size: int
    mime_type: str


class MediaStorage(Protocol):
    """Each file is there as a whole, durably, or not at all. Raises `Unavailable` where it cannot be told."""

    async def keep(self, media_id: str, body: bytes) -> str:
        """Keep a file that is in memory; its type as sniffed, "" when unknown."""
        ...

    async def keep_stream(
        self, media_id: str, chunks: AsyncIterable[bytes], *, limit: int, name: str = "", told: str = ""
    ) -> Kept:
        """Keep a file as it comes in. `name` and `told`, its name and type as somebody says, only help
        where the content leaves a choice. Raises `TooLarge` as soon as there are more than `limit` bytes;
        then, and when `chunks` raises, nothing is left."""
        ...

    async def size(self, media_id: str) -> int | None:
        """How many bytes it has; None when it is not there."""
        ...

    def read(self, media_id: str, start: int, length: int) -> AsyncIterator[bytes]:
        """`length` bytes from `start` on, in pieces. FileNotFoundError when there is no such file."""
        ...

    async def delete(self, media_id: str) -> None:
        """Have it gone; one that is not there is."""
        ...

    async def close(self) -> None:
        """At the end."""
        ...


def place_of(media_id: str) -> str:
    """The name under which a file is kept. ValueError for what cannot be an id of ours."""
    if _ID.fullmatch(media_id) is None:
        raise ValueError(f"{media_id!r} is not an id of a file: 4 to 64 letters, digits, - and _")
    return f"{media_id[:2]}/{media_id}"
