"""Files are kept as a whole or not at all, and are what their content says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relevo.domain.errors import TooLarge, Unavailable
from relevo.system.media_files import MediaFiles, sniff

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
WEBM = bytes.fromhex("1A45DFA39F4286810142F7810142F2810442F381084282847765626D") + bytes(40)


@pytest.fixture
def files(tmp_path: Path) -> MediaFiles:
    return MediaFiles(tmp_path / "media")


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(files: MediaFiles, media_id: str, start: int = 0, length: int = 10**9) -> bytes:
    return b"".join([chunk async for chunk in files.read(media_id, start, length)])


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def test_a_kept_file_lies_under_its_id_and_is_read_back(files: MediaFiles, tmp_path: Path) -> None:
    assert await files.keep("abcdef", PNG) == "image/png"

    assert (tmp_path / "media" / "ab" / "abcdef").read_bytes() == PNG
    assert await read(files, "abcdef") == PNG
    assert left(tmp_path) == ["abcdef"]


async def test_a_file_can_be_kept_as_it_comes_in(files: MediaFiles) -> None:
    body = bytes(range(256)) * 4096

    chunks = stream(body[:1], body[1:300_000], body[300_000:])
    kept = await files.keep_stream("abcdef", chunks, limit=len(body))

    assert kept.size == len(body)
    assert await read(files, "abcdef") == body


async def test_a_part_of_a_file_is_read(files: MediaFiles) -> None:
    await files.keep("abcdef", b"0123456789")

    assert await read(files, "abcdef", 2, 3) == b"234"
    assert await read(files, "abcdef", 8, 100) == b"89"


async def test_the_size_of_a_file_is_known_and_none_has_none(files: MediaFiles) -> None:
    await files.keep("abcdef", b"0123456789")

    assert await files.size("abcdef") == 10
    assert await files.size("abcdeg") is None


async def test_a_file_over_the_limit_is_given_up_at_once_and_leaves_nothing(
    files: MediaFiles, tmp_path: Path
) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(1000)

    with pytest.raises(TooLarge, match="10000 bytes"):
        await files.keep_stream("abcdef", endless(), limit=10_000)

    assert taken == 11
    assert left(tmp_path) == []


async def test_a_sender_who_goes_away_leaves_nothing(files: MediaFiles, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield PNG
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError):
        await files.keep_stream("abcdef", broken(), limit=10_000)

    assert left(tmp_path) == []


async def test_a_disk_that_takes_nothing_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    files = MediaFiles(tmp_path / "file")

    with pytest.raises(Unavailable):
        await files.keep("abcdef", PNG)
    with pytest.raises(Unavailable):
        await files.keep_stream("abcdef", stream(PNG), limit=10_000)


@pytest.mark.parametrize("id_", ["", "..", "../../etc/passwd", "ab/cdef", "ab\0cd", "x" * 65, "abc\n"])
def test_what_is_no_id_has_no_path(files: MediaFiles, id_: str) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        files.path(id_)


@pytest.mark.parametrize(
    ("content", "name", "told", "type_"),
    [
        (PNG, "", "", "image/png"),
        (PNG, "page.html", "text/html", "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(40), "", "", "image/jpeg"),
        (b"%PDF-1.4\n" + bytes(40), "", "", "application/pdf"),
        (b"PK\3\4" + bytes(40), "all.zip", "", "application/zip"),
        (b"<!doctype html><html><script>", "cat.png", "image/png", "text/html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "", "", "image/svg+xml"),
        (WEBM, "", "", "video/webm"),
        (WEBM, "", "audio/webm;codecs=opus", "audio/webm"),
        (WEBM, "", "text/html", "video/webm"),
        (b"OggS\0\2" + bytes(40), "voice.oga", "", "audio/ogg"),
        (b"ID3\x03\0\0" + bytes(40), "", "", "audio/mpeg"),
        (b"RIFF\0\0\0\0WAVEfmt ", "", "", "audio/wav"),
        ("Grüße\n".encode(), "", "", "text/plain"),
        ("é".encode() * 8191 + b"ab" + "é".encode(), "", "", "text/plain"),
        (b"\1\2\3\4", "", "image/png", ""),
        (b"", "", "image/png", ""),
    ],
)
def test_a_file_is_what_its_content_says(content: bytes, name: str, told: str, type_: str) -> None:
    assert sniff(content, name=name, told=told) == type_
