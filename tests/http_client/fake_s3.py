"""A bucket on this machine that checks signatures and refuses as S3's documentation says
(https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). It computes signatures by itself, from
the request as it came over the wire. Nobody has compared it with Amazon's own."""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import parse_qsl, unquote

import msgspec

from tests.channels.vendor_server import Asked, Said, VendorServer

KEY_ID, SECRET, REGION, NAME = (
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "eu-x-1",
    "acme",
)
LEAST_PART = 64
"""Bytes; S3 has 5 MiB."""


class Uploading(msgspec.Struct):
    path: str
    parts: dict[int, bytes]


class FakeS3(VendorServer):
    """One bucket, `acme`. `refusing`: answer everything with this status and code."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.uploads: dict[str, Uploading] = {}
        self.refusing: tuple[int, str] | None = None
        self.breaks_at_the_end = False

    def answer(self, asked: Asked) -> Said:
        if self.refusing:
            return _error(*self.refusing)
        if wrong := _wrongly_signed(asked):
            return _error(403, wrong)
        path = self._path(asked)
        if path is None:
            return _error(404, "NoSuchBucket")
        query = dict(parse_qsl(asked.query, keep_blank_values=True))
        if "uploads" in query or "uploadId" in query:
            return self._upload(asked, path, query)
        return self._object(asked, path)

    def _path(self, asked: Asked) -> str | None:
        """Inside the bucket, which is named before the host or in the path."""
        path = unquote(asked.path)
        if asked.headers["host"].startswith(f"{NAME}."):
            return path.removeprefix("/")
        inside = path.removeprefix(f"/{NAME}/")
        return inside if inside != path else None

    def _object(self, asked: Asked, path: str) -> Said:
        if asked.method == "PUT":
            self.files[path] = asked.body
            return Said(headers={"etag": _tag(asked.body)})
        if asked.method == "DELETE":
            self.files.pop(path, None)
            return Said(status=204)
        if path not in self.files:
            return _error(404, "NoSuchKey")
        return _part(self.files[path], asked)

    def _upload(self, asked: Asked, path: str, query: dict[str, str]) -> Said:
        if "uploads" in query:
            id_ = f"up+load/{len(self.uploads)}"
            self.uploads[id_] = Uploading(path, {})
            return Said(f"<R><UploadId>{id_}</UploadId></R>".encode())
        upload = self.uploads.get(query["uploadId"])
        if upload is None or upload.path != path:
            return _error(404, "NoSuchUpload")
        if asked.method == "DELETE":
            del self.uploads[query["uploadId"]]
            return Said(status=204)
        if asked.method == "PUT":
            upload.parts[int(query["partNumber"])] = asked.body
            return Said(headers={"etag": _tag(asked.body)})
        return self._complete(asked, upload, query["uploadId"])

    def _complete(self, asked: Asked, upload: Uploading, id_: str) -> Said:
        told = re.findall(r"<PartNumber>(\d+)</PartNumber><ETag>(.*?)</ETag>", asked.body.decode())
        bodies = [upload.parts[int(number)] for number, _ in told]
        if [tag.replace("&quot;", '"') for _, tag in told] != [_tag(body) for body in bodies]:
            return _error(400, "InvalidPart")
        if any(len(body) < LEAST_PART for body in bodies[:-1]):
            return _error(400, "EntityTooSmall")
        if self.breaks_at_the_end:
            return Said(b"<?xml?><Error><Code>InternalError</Code></Error>")
        self.files[upload.path] = b"".join(bodies)
        del self.uploads[id_]
        return Said(b"<CompleteMultipartUploadResult/>")


def _part(body: bytes, asked: Asked) -> Said:
    match = re.fullmatch(r"bytes=(\d+)-(\d+)", asked.headers.get("range", ""))
    if asked.method == "HEAD" or match is None:
        return Said(body)
    start, last = int(match[1]), int(match[2])
    return Said(body[start : last + 1], status=206) if start < len(body) else _error(416, "InvalidRange")


def _error(status: int, code: str) -> Said:
    return Said(f"<Error><Code>{code}</Code></Error>".encode(), status=status, content_type="application/xml")


def _tag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'


_PROOF = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\S+?)/(\d{8})/(\S+?)/s3/aws4_request,"
    r"SignedHeaders=(\S+?),Signature=(\w+)"
)


def _wrongly_signed(asked: Asked) -> str:
    """The code of the refusal; "" when all is well."""
    match = _PROOF.fullmatch(asked.headers.get("authorization", ""))
    if match is None:
        return "AccessDenied"
    key_id, day, region, names, given = match.groups()
    if key_id != KEY_ID:
        return "InvalidAccessKeyId"
    if region != REGION:
        return "AuthorizationHeaderMalformed"
    digest = hashlib.sha256(asked.body).hexdigest()
    if asked.headers["x-amz-content-sha256"] != digest:
        return "XAmzContentSHA256Mismatch"
    lines = "".join(f"{name}:{asked.headers[name]}\n" for name in names.split(";"))
    query = "&".join(sorted(asked.query.split("&"))) if asked.query else ""
    request = f"{asked.method}\n{asked.path}\n{query}\n{lines}\n{names}\n{digest}"
    scope = f"{day}/{region}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", asked.headers["x-amz-date"], scope, _sha(request)))
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return "" if hmac.new(key, text.encode(), "sha256").hexdigest() == given else "SignatureDoesNotMatch"


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
