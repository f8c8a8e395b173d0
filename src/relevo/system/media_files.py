"""Customers' files on disk: each is there as a whole, durably, or not at all."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import puremagic

from relevo.domain.errors import TooLarge, Unavailable
from relevo.domain.media_storage import Kept, place_of

_HEAD = 16_384  # bytes in which a file's type shows
_CHUNK = 262_144  # bytes that are read or written at once: each costs a hop to a thread


class MediaFiles:
    """Keeps files as `<folder>/<first two characters of the id>/<id>`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, media_id: str) -> Path:
        """Where a file is, or would be. ValueError for what cannot be an id of ours."""
        return self._folder / place_of(media_id)

    async def keep(self, media_id: str, body: bytes) -> str:
        """Keep a file that is in memory; its type as sniffed, "" when unknown. Raises `Unavailable`
        when the disk does not take it."""
        with _disk_faults_as_unavailable():
            await asyncio.to_thread(_write_whole, self.path(media_id), body)
        return sniff(body)

    async def keep_stream(
        self, media_id: str, chunks: AsyncIterable[bytes], *, limit: int, name: str = "", told: str = ""
    ) -> Kept:
        """Keep a file as it comes in. `name` and `told`, its name and type as somebody says, only help
        where the content leaves a choice.

        Raises `TooLarge` as soon as there are more than `limit` bytes, and `Unavailable` when the disk
        does not take them; then, and when `chunks` raises, nothing is left.
        """
        with _disk_faults_as_unavailable():
            draft = await asyncio.to_thread(_Draft, self.path(media_id))
            try:
                await _fill(draft, chunks, limit)
                await asyncio.to_thread(draft.finish)
            except BaseException:
                await asyncio.to_thread(draft.discard)
                raise
        return Kept(draft.size, sniff(draft.head, name=name, told=told))

    async def size(self, media_id: str) -> int | None:
        """How many bytes it has; None when it is not there."""
        try:
            return (await asyncio.to_thread(self.path(media_id).stat)).st_size
        except FileNotFoundError:
            return None

    async def read(self, media_id: str, start: int, length: int) -> AsyncIterator[bytes]:
        """`length` bytes from `start` on, in pieces. FileNotFoundError when there is no such file."""
        file = await asyncio.to_thread(self.path(media_id).open, "rb")
        try:
            await asyncio.to_thread(file.seek, start)
            while length > 0 and (chunk := await asyncio.to_thread(file.read, min(length, _CHUNK))):
                length -= len(chunk)
                yield chunk
        finally:
            file.close()

    async def delete(self, media_id: str) -> None:
        """Have it gone; one that is not there is."""
        with _disk_faults_as_unavailable():
            await asyncio.to_thread(self.path(media_id).unlink, missing_ok=True)

    async def close(self) -> None:
        """There is nothing to close."""


def sniff(content: bytes, *, name: str = "", told: str = "") -> str:
    """The MIME type that the first bytes of a file speak of; "" when they speak of none."""
    head = content[:_HEAD]
    if not head:
        return ""
    try:
        matches = puremagic.magic_string(head, name or None)
    except (puremagic.PureError, ValueError):
        return "text/plain" if _is_text(head) else ""
    sniffed = next((match.mime_type for match in matches if match.mime_type), "")
    return _with_sound_or_pictures(_CONTAINERS.get(sniffed, sniffed), told)


_CONTAINERS = {"application/ogg": "audio/ogg", "audio/wave": "audio/wav", "audio/x-wav": "audio/wav"}


def _with_sound_or_pictures(sniffed: str, told: str) -> str:
    """Whether a container holds a film or only its sound does not show in its first bytes: there, and
    only there, the sender's word counts."""
    kind, _, container = told.partition(";")[0].strip().lower().partition("/")
    is_either = container in ("webm", "mp4", "ogg") and kind in ("audio", "video")
    return f"{kind}/{container}" if is_either and sniffed.endswith(f"/{container}") else sniffed


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # a character that was cut in two is still text
            return False
        text = head[: error.start].decode()
    return not any(character < " " and character not in "\t\n\r\f" for character in text)


# Writing


class _Draft:
    """A file under a name that nobody reads, until it is complete."""

    def __init__(self, path: Path) -> None:
        self._path, self._draft = path, path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        self.size, self.head = 0, b""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.fdopen(os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def put(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self.size += len(chunk)
        self.head += chunk[: _HEAD - len(self.head)]

    def finish(self) -> None:
        """Durable before it has its name, and the name durable before anybody is told of it."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.rename(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self) -> None:
        with suppress(OSError):
            self._file.close()
        self._draft.unlink(missing_ok=True)


def _write_whole(path: Path, body: bytes) -> None:
    draft = _Draft(path)
    try:
        draft.put(body)
        draft.finish()
    except BaseException:
        draft.discard()
        raise


async def _fill(draft: _Draft, chunks: AsyncIterable[bytes], limit: int) -> None:
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        if draft.size + len(waiting) > limit:
            raise TooLarge(f"A file may have at most {limit} bytes.", limit=limit)
        if len(waiting) >= _CHUNK:
            await asyncio.to_thread(draft.put, bytes(waiting))
            waiting.clear()
    await asyncio.to_thread(draft.put, bytes(waiting))


@contextmanager
def _disk_faults_as_unavailable() -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise Unavailable(cause=fault.strerror or type(fault).__name__) from fault
