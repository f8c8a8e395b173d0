"""Two numbers about each of many names: known to this process alone, or to all that share a file."""

from __future__ import annotations

import fcntl
import mmap
import struct
from collections import OrderedDict
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeAlias

MOST_NAMES = 20_000

Note: TypeAlias = tuple[float, float]
"""What is known of a name, and when it was written."""


class Notes(Protocol):
    """Nobody else writes in a `with` block. Of names there is a bound: what was not written for longest is
    forgotten."""

    def __enter__(self) -> Notes: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def read(self, name: str) -> Note | None: ...
    def write(self, name: str, note: Note) -> None: ...


class OwnNotes:
    """In the memory of this process."""

    def __init__(self, most: int = MOST_NAMES) -> None:
        self._most = most
        self._notes: OrderedDict[str, Note] = OrderedDict()

    def __enter__(self) -> OwnNotes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def read(self, name: str) -> Note | None:
        return self._notes.get(name)

    def write(self, name: str, note: Note) -> None:
        self._notes[name] = note
        self._notes.move_to_end(name)
        if len(self._notes) > self._most:
            self._notes.popitem(last=False)

    def __len__(self) -> int:
        return len(self._notes)


_PLACE = struct.Struct("16sdd")
_PLACES_A_ROW, _ROWS = 8, 8192
_ROW = _PLACE.size * _PLACES_A_ROW


class SharedNotes:
    """In a file that each process maps into its memory: no system call but the lock's, which the kernel takes
    from whoever is killed. A name has one of eight places, by a hash with a key: nobody can choose whom they
    displace."""

    @staticmethod
    def make(path: Path) -> None:
        """An empty file. It is written: where there is no room for it, that must be known now."""
        path.write_bytes(bytes(_ROW * _ROWS))

    def __init__(self, path: Path, key: bytes) -> None:
        self._key = key
        self._file = path.open("r+b")
        self._memory = mmap.mmap(self._file.fileno(), _ROW * _ROWS)

    def __enter__(self) -> SharedNotes:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def read(self, name: str) -> Note | None:
        place = self._find(self._digest(name))
        if place < 0:
            return None
        _, what, at = _PLACE.unpack_from(self._memory, place)
        return what, at

    def write(self, name: str, note: Note) -> None:
        digest = self._digest(name)
        place = self._find(digest)
        if place < 0:
            row = _row(digest)
            place = min(range(row, row + _ROW, _PLACE.size), key=self._written_at)
        _PLACE.pack_into(self._memory, place, digest, *note)

    def close(self) -> None:
        self._memory.close()
        self._file.close()

    def _digest(self, name: str) -> bytes:
        return blake2b(name.encode(errors="surrogatepass"), digest_size=16, key=self._key).digest()

    def _find(self, digest: bytes) -> int:
        """Where its note is; -1 if there is none."""
        row = _row(digest)
        return self._memory.find(digest, row, row + _ROW)

    def _written_at(self, place: int) -> float:
        """An empty place was written at the beginning of time."""
        _, _, at = _PLACE.unpack_from(self._memory, place)
        return float(at)


def _row(digest: bytes) -> int:
    return int.from_bytes(digest[:4]) % _ROWS * _ROW
