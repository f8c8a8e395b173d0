"""Customers' files in a bucket of S3, or of what speaks like it (MinIO, Ceph, R2, B2, Spaces).

A file that comes in is sent on in parts, and one that is read is asked for in pieces: of none is more than
one part in memory. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, unescape

import msgspec

from relevo.domain import aws_signing
from relevo.domain.aws_signing import Credentials
from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.domain.errors import TooLarge, Unavailable
from relevo.domain.media_storage import Kept, place_of
from relevo.http_client.client import Answer, HttpClient

PART = 5 * 1024 * 1024
"""Bytes of a part: S3 takes no smaller ones, but for the last."""
PIECE = 1024 * 1024
"""Bytes that are asked for at once."""
TIMEOUT = timedelta(seconds=60)
_HEAD = 16_384  # bytes in which a file's type shows

Query = Sequence[tuple[str, str]]


class Sniff(Protocol):
    """The MIME type that the first bytes of a file speak of; "" when they speak of none."""

    def __call__(self, content: bytes, *, name: str = "", told: str = "") -> str: ...


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """Where the files are. `endpoint` like https://s3.eu-central-1.amazonaws.com. The name stands in the path
    or before the host (`is_virtual_host`); `prefix` before each file's name."""

    endpoint: str
    name: str
    credentials: Credentials
    prefix: str = ""
    is_virtual_host: bool = False

    @property
    def host(self) -> str:
        host = urlsplit(self.endpoint).netloc
        return f"{self.name}.{host}" if self.is_virtual_host else host

    def path(self, media_id: str) -> str:
        inside = "/".join(filter(None, (self.prefix, place_of(media_id))))
        return f"/{inside}" if self.is_virtual_host else f"/{self.name}/{inside}"

    def url(self, path: str, query: Query) -> str:
        base = f"{urlsplit(self.endpoint).scheme}://{self.host}{aws_signing.encoded(path)}"
        return f"{base}?{aws_signing.query_text(query)}" if query else base


class BucketFiles:
    """Keeps files as `<prefix>/<first two characters of the id>/<id>`. `http` goes nowhere but there."""

    def __init__(
        self, bucket: Bucket, *, http: HttpClient, now: Callable[[], datetime], sniff: Sniff, part: int = PART
    ) -> None:
        self._bucket, self._http, self._now, self._sniff, self._part = bucket, http, now, sniff, part

    async def keep(self, media_id: str, body: bytes) -> str:
        path = self._bucket.path(media_id)
        _expect(await self._ask("PUT", path, body=body), 200)
        return self._sniff(body)

    async def keep_stream(
        self, media_id: str, chunks: AsyncIterable[bytes], *, limit: int, name: str = "", told: str = ""
    ) -> Kept:
        upload = _Upload(self._ask, self._bucket.path(media_id), self._part, limit)
        try:
            async for chunk in chunks:
                await upload.take(chunk)
            await upload.finish()
        except BaseException:
            await upload.give_up()
            raise
        return Kept(upload.size, self._sniff(upload.head, name=name, told=told))

    async def size(self, media_id: str) -> int | None:
        answer = await self._ask("HEAD", self._bucket.path(media_id))
        if _is_absent(answer):
            return None
        length = _expect(answer, 200).headers.get("content-length", "")
        if not length.isdigit():
            raise Unavailable(cause="the bucket does not tell how large a file is")
        return int(length)

    async def read(self, media_id: str, start: int, length: int) -> AsyncIterator[bytes]:
        path, end = self._bucket.path(media_id), start + length
        while start < end:
            last = min(start + PIECE, end) - 1
            answer = await self._ask("GET", path, headers={"range": f"bytes={start}-{last}"})
            if _is_absent(answer):
                raise FileNotFoundError(media_id)
            if isinstance(answer, Answer) and answer.status_code == 416:  # it ends before
                return
            body = _expect(answer, 206).body
            if not body:
                return
            yield body
            start += len(body)

    async def delete(self, media_id: str) -> None:
        _expect(await self._ask("DELETE", self._bucket.path(media_id)), 200, 204, 404)

    async def close(self) -> None:
        await self._http.close()

    async def _ask(
        self,
        method: str,
        path: str,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer | Unreachable | Forbidden:
        bucket = self._bucket
        signed = aws_signing.signed(
            bucket.credentials, method, bucket.host, path, query, headers or {}, body, self._now()
        )
        return await self._http.request(method, bucket.url(path, query), signed, body, TIMEOUT, PIECE)


class _Ask(Protocol):
    async def __call__(
        self,
        method: str,
        path: str,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer | Unreachable | Forbidden: ...


class _Upload:
    """A file on its way: at once if it is small, else in parts, which become a file in the end."""

    def __init__(self, ask: _Ask, path: str, part: int, limit: int) -> None:
        self._ask, self._path, self._part, self._limit = ask, path, part, limit
        self._waiting = bytearray()
        self._id = ""
        self._tags: list[str] = []
        self.size, self.head = 0, b""

    async def take(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self._limit:
            raise TooLarge(f"A file may have at most {self._limit} bytes.", limit=self._limit)
        self.head += chunk[: _HEAD - len(self.head)]
        self._waiting += chunk
        while len(self._waiting) >= self._part:
            await self._send(bytes(self._waiting[: self._part]))
            del self._waiting[: self._part]

    async def finish(self) -> None:
        if not self._id:
            _expect(await self._ask("PUT", self._path, body=bytes(self._waiting)), 200)
            return
        if self._waiting:
            await self._send(bytes(self._waiting))
        answer = await self._ask("POST", self._path, [("uploadId", self._id)], body=_list_of(self._tags))
        # S3 begins to answer 200 before it has put the parts together, and may say then that it failed.
        if b"<Error>" in _expect(answer, 200).body:
            raise Unavailable(cause="the bucket could not put the parts of a file together")
        self._id = ""

    async def give_up(self) -> None:
        """Leave no parts behind: they cost money, and nobody sees them."""
        if self._id:
            await self._ask("DELETE", self._path, [("uploadId", self._id)])

    async def _send(self, part: bytes) -> None:
        if not self._id:
            self._id = _found(
                _expect(await self._ask("POST", self._path, [("uploads", "")]), 200), "UploadId"
            )
        query = [("partNumber", str(len(self._tags) + 1)), ("uploadId", self._id)]
        answer = _expect(await self._ask("PUT", self._path, query, body=part), 200)
        self._tags.append(answer.headers.get("etag", ""))


def _list_of(tags: Sequence[str]) -> bytes:
    parts = (
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(tag)}</ETag></Part>"
        for number, tag in enumerate(tags, start=1)
    )
    return f"<CompleteMultipartUpload>{''.join(parts)}</CompleteMultipartUpload>".encode()


def _is_absent(answer: Answer | Unreachable | Forbidden) -> bool:
    return isinstance(answer, Answer) and answer.status_code == 404


def _expect(answer: Answer | Unreachable | Forbidden, *statuses: int) -> Answer:
    if not isinstance(answer, Answer):
        raise Unavailable(cause=f"the bucket cannot be reached ({answer.reason})")
    if answer.status_code not in statuses:
        code = _found(answer, "Code") or "no word that Relevo understands"
        raise Unavailable(cause=f"the bucket answered {answer.status_code}: {code}")
    return answer


def _found(answer: Answer, tag: str) -> str:
    """The text of an element of S3's answers, which are flat enough to need no parser."""
    match = re.search(rf"<{tag}>([^<]{{0,1024}})</{tag}>", answer.body.decode("utf-8", "replace"))
    return unescape(match[1]) if match else ""
