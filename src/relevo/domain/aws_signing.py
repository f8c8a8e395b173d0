"""Signatures of requests to S3 and what speaks like it: AWS Signature Version 4, in a header.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"


class Credentials(msgspec.Struct, frozen=True):
    """Whose request it is, and where."""

    key_id: str
    secret: str
    region: str
    service: str = "s3"

    def __repr__(self) -> str:
        return f"Credentials({self.key_id!r})"


def signed(
    credentials: Credentials,
    method: str,
    host: str,
    path: str,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> dict[str, str]:
    """The headers of a request: `headers`, and what proves whose it is; without `host`, which is signed too.
    `path` is not encoded yet; names of headers are lower case."""
    digest, at = hashlib.sha256(body).hexdigest(), now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    whole = {**headers, "host": host, "x-amz-content-sha256": digest, "x-amz-date": at}
    names = ";".join(sorted(whole))
    scope = f"{at[:8]}/{credentials.region}/{credentials.service}/aws4_request"
    canonical = "\n".join((method, encoded(path), query_text(query), _lines(whole), names, digest))
    to_sign = "\n".join((ALGORITHM, at, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = hmac.new(_key(credentials, at[:8]), to_sign.encode(), hashlib.sha256).hexdigest()
    proof = f"{ALGORITHM} Credential={credentials.key_id}/{scope},SignedHeaders={names},Signature={signature}"
    return {name: value for name, value in whole.items() if name != "host"} | {"authorization": proof}


def encoded(path: str) -> str:
    """A path as it is signed, and has to be sent."""
    return quote(path, safe=f"/{_UNRESERVED}")


def query_text(query: Iterable[tuple[str, str]]) -> str:
    """A query as it is signed, and has to be sent."""
    pairs = sorted((quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in query)
    return "&".join(f"{name}={value}" for name, value in pairs)


def _lines(headers: Mapping[str, str]) -> str:
    return "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))


def _key(credentials: Credentials, day: str) -> bytes:
    key = f"AWS4{credentials.secret}".encode()
    for part in (day, credentials.region, credentials.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return key
