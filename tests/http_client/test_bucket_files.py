"""Files in a bucket: whole or not at all, in parts and pieces, and never more than one of them in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_address, ip_network

import msgspec
import pytest

from relevo.domain.aws_signing import Credentials
from relevo.domain.errors import TooLarge, Unavailable
from relevo.domain.media_storage import Kept
from relevo.http_client import bucket_files
from relevo.http_client.bucket_files import Bucket, BucketFiles
from relevo.http_client.client import HttpClient
from relevo.http_client.egress_guard import Address, EgressGuard
from relevo.system.clock import SystemClock
from relevo.system.media_files import sniff
from tests.http_client.fake_s3 import KEY_ID, NAME, REGION, SECRET, FakeS3

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 300
PART = 100


@pytest.fixture
async def s3() -> AsyncIterator[FakeS3]:
    async with FakeS3() as s3:
        yield s3


def bucket_of(s3: FakeS3) -> Bucket:
    return Bucket(endpoint=s3.url, name=NAME, prefix="media", credentials=Credentials(KEY_ID, SECRET, REGION))


async def resolve(host: str, port: int) -> list[Address]:
    return [ip_address("127.0.0.1")]


def files_in(bucket: Bucket) -> BucketFiles:
    clock = SystemClock()
    http = HttpClient(EgressGuard([ip_network("127.0.0.0/8")], resolve), clock.monotonic)
    return BucketFiles(bucket, http=http, now=clock.now, sniff=sniff, part=PART)


@pytest.fixture
async def files(s3: FakeS3) -> AsyncIterator[BucketFiles]:
    files = files_in(bucket_of(s3))
    yield files
    await files.close()


async def chunks(body: bytes, size: int = 70) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


async def read(files: BucketFiles, media_id: str, start: int = 0, length: int = 10**9) -> bytes:
    return b"".join([piece async for piece in files.read(media_id, start, length)])


async def test_a_kept_file_lies_under_its_id_and_is_read_back(files: BucketFiles, s3: FakeS3) -> None:
    assert await files.keep("abcd1234", PNG) == "image/png"

    assert s3.files == {"media/ab/abcd1234": PNG}
    assert await files.size("abcd1234") == len(PNG)
    assert await read(files, "abcd1234", 0, len(PNG)) == PNG


async def test_the_name_of_the_bucket_may_stand_before_the_host(s3: FakeS3) -> None:
    by_name = msgspec.structs.replace(
        bucket_of(s3), endpoint=f"http://s3.example:{s3.port}", is_virtual_host=True, prefix=""
    )
    files = files_in(by_name)
    await files.keep("abcd1234", b"x")
    await files.close()

    assert s3.files == {"ab/abcd1234": b"x"}
    assert s3.asked[0].headers["host"] == f"acme.s3.example:{s3.port}"


async def test_a_small_file_goes_at_once_and_a_large_one_in_parts(files: BucketFiles, s3: FakeS3) -> None:
    assert await files.keep_stream("small123", chunks(b"Hello"), limit=1000) == Kept(5, "text/plain")
    assert [asked.method for asked in s3.asked] == ["PUT"]

    assert await files.keep_stream("large123", chunks(PNG), limit=1000) == Kept(len(PNG), "image/png")
    assert s3.files["media/la/large123"] == PNG
    assert s3.uploads == {}
    assert max(len(asked.body) for asked in s3.asked) <= max(PART, 500)


async def test_what_is_too_large_leaves_nothing(files: BucketFiles, s3: FakeS3) -> None:
    with pytest.raises(TooLarge):
        await files.keep_stream("large123", chunks(PNG), limit=250)

    assert (s3.files, s3.uploads) == ({}, {})


async def test_a_sender_who_goes_away_leaves_nothing(files: BucketFiles, s3: FakeS3) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield PNG
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await files.keep_stream("large123", broken(), limit=1000)

    assert (s3.files, s3.uploads) == ({}, {})


async def test_an_error_behind_a_200_is_an_error(files: BucketFiles, s3: FakeS3) -> None:
    s3.breaks_at_the_end = True

    with pytest.raises(Unavailable):
        await files.keep_stream("large123", chunks(PNG), limit=1000)

    assert (s3.files, s3.uploads) == ({}, {})


async def test_a_file_is_read_in_pieces(
    files: BucketFiles, s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_files, "PIECE", 100)
    await files.keep("abcd1234", PNG)

    assert await read(files, "abcd1234", 5, 250) == PNG[5:255]
    assert await read(files, "abcd1234", 300, 1000) == PNG[300:]
    ranges = [asked.headers["range"] for asked in s3.asked if asked.method == "GET"]
    assert ranges[:3] == ["bytes=5-104", "bytes=105-204", "bytes=205-254"]


async def test_what_is_not_there(files: BucketFiles) -> None:
    assert await files.size("abcd1234") is None
    with pytest.raises(FileNotFoundError):
        await read(files, "abcd1234", 0, 5)
    await files.delete("abcd1234")


async def test_a_deleted_file_is_gone(files: BucketFiles, s3: FakeS3) -> None:
    await files.keep("abcd1234", PNG)

    await files.delete("abcd1234")

    assert s3.files == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"credentials": Credentials(KEY_ID, "another secret", REGION)}, "403: SignatureDoesNotMatch"),
        ({"credentials": Credentials("AKIA0", SECRET, REGION)}, "403: InvalidAccessKeyId"),
        ({"credentials": Credentials(KEY_ID, SECRET, "us-east-1")}, "403: AuthorizationHeaderMalformed"),
        ({"name": "elsewhere"}, "404: NoSuchBucket"),
        ({"endpoint": "http://127.0.0.1:1"}, "cannot be reached (refused)"),
    ],
)
async def test_a_wrong_setting_is_told_in_the_buckets_words(
    s3: FakeS3, change: dict[str, object], words: str
) -> None:
    files = files_in(msgspec.structs.replace(bucket_of(s3), **change))

    with pytest.raises(Unavailable) as refused:
        await files.keep("abcd1234", PNG)

    assert words in str(refused.value.facts["cause"])
    await files.close()


async def test_a_bucket_that_is_busy_is_no_missing_file(files: BucketFiles, s3: FakeS3) -> None:
    await files.keep("abcd1234", PNG)
    s3.refusing = (503, "SlowDown")

    with pytest.raises(Unavailable, match="Relevo cannot store"):
        await files.size("abcd1234")


@pytest.mark.parametrize("id_", ["", "../../etc", "a/b/c/d", "ab"])
async def test_what_is_no_id_is_asked_of_nobody(files: BucketFiles, s3: FakeS3, id_: str) -> None:
    with pytest.raises(ValueError, match="not an id of a file"):
        await files.keep(id_, b"x")

    assert s3.asked == []
