"""`/media/{id}?s=…`: customers' files, for whoever has been given the signed link.

Anything may be in them, so nothing in them may run: never guessed at, sandboxed, and shown in the
browser only where showing is harmless.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, route
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from relevo.domain.errors import NotFound, Unavailable
from relevo.domain.media_links import is_signed
from relevo.store import media
from relevo.store.media import MediaFile
from relevo.web.services import Services

SHOWN = re.compile(r"(image|audio|video)/(?!svg)[\w.+-]+")
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


class BeingFetched(Unavailable):
    """This file is still being fetched. Ask again in a moment."""

    code = "being_fetched"
    retry_after = 1


class Part(msgspec.Struct, frozen=True):
    """So many bytes of a file, from `start` on. `is_whole`: nobody asked for less."""

    start: int
    length: int
    is_whole: bool = True


@route("/media/{media_id:str}", http_method=["GET", "HEAD"], include_in_schema=False)
async def file(
    request: Request[Any, Any, Any], media_id: FromPath[str], s: FromQuery[str] = ""
) -> Response[Any]:
    services: Services = request.app.state.services
    if not is_signed(media_id, s, services.media_key):
        raise NotFound("There is no such file, or the link to it is not complete.")
    found = await _stored(services, media_id)
    files = services.files
    size = await files.size(media_id)
    if size is None:
        raise NotFound("This file is no longer there.")
    part = part_of(request.headers.get("range", ""), size)
    headers = _headers(found, size, part)
    if part is None:
        return Response(b"", status_code=416, headers=headers)
    status = 200 if part.is_whole else 206
    type_ = found.mime_type
    if request.method == "HEAD":
        return Response(b"", status_code=status, headers=headers, media_type=type_)
    chunks = files.read(media_id, part.start, part.length)
    return Stream(chunks, status_code=status, headers=headers, media_type=type_)


async def _stored(services: Services, media_id: str) -> MediaFile:
    async with services.database.read() as connection:
        found = await media.find(connection, media_id)
    if found is None:
        raise NotFound("There is no such file.")
    if found.state == "pending":
        raise BeingFetched
    if found.state == "failed":
        raise NotFound(f"This file could not be fetched: {found.reason or 'for no known reason'}.")
    return found


def part_of(asked: str, size: int) -> Part | None:
    """What a `Range` header asks of a file; the whole for what we do not serve (several ranges); None for
    what is not in the file."""
    match = _RANGE.fullmatch(asked.strip())
    if match is None or match[0] == "bytes=-":
        return Part(0, size)
    first, last = match[1], match[2]
    if not first:
        length = min(int(last), size)
        return Part(size - length, length, is_whole=False) if length else None
    start, stop = int(first), min(int(last) + 1, size) if last else size
    return Part(start, stop - start, is_whole=False) if start < stop else None


def _headers(found: MediaFile, size: int, part: Part | None) -> dict[str, str]:
    headers = {
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable",
        "content-disposition": disposition(found),
    }
    if part is None:
        return headers | {"content-range": f"bytes */{size}"}
    if not part.is_whole:
        headers["content-range"] = f"bytes {part.start}-{part.start + part.length - 1}/{size}"
    return headers | {"content-length": str(part.length)}


def disposition(found: MediaFile) -> str:
    """Shown in place, or saved; with its name, in the form for old readers and in UTF-8 (RFC 6266)."""
    kind = "inline" if SHOWN.fullmatch(found.mime_type) else "attachment"
    name = found.name or found.id
    plain = re.sub(r"[^ !#-\[\]-~]", "_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
