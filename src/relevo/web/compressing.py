"""Answers of text, smaller for those who say that they can read gzip.

Only an answer that is sent in one piece is compressed: streams stay streams.
"""

from __future__ import annotations

import gzip

from litestar.types import HTTPResponseStartEvent, HTTPScope, Message, Send

from relevo.web.asgi import header

LEAST_SIZE = 1000
"""Bytes below which compressing costs more than it saves."""
_LEVEL = 5
_TEXTS = (b"text/", b"application/json", b"application/javascript", b"image/svg+xml")


def compressing(scope: HTTPScope, send: Send) -> Send:
    """`send`, with a compressor before it if the client takes gzip."""
    return Compressor(send) if accepts_gzip(header(scope, b"accept-encoding")) else send


def accepts_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` names gzip, and not with `q=0`."""
    for coding in accepted.lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


class Compressor:
    """Holds the start of an answer back until its first piece tells whether it is the only one."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: HTTPResponseStartEvent | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is not None and message["type"] == "http.response.body":
            start, self._start = self._start, None
            headers = list(start["headers"])
            if _is_text(headers):
                headers.append((b"vary", b"accept-encoding"))
                if not message["more_body"] and len(message["body"]) >= LEAST_SIZE:
                    message = {**message, "body": gzip.compress(message["body"], _LEVEL, mtime=0)}
                    headers = _compressed(headers, len(message["body"]))
            await self._send({**start, "headers": headers})
        await self._send(message)


def _is_text(headers: list[tuple[bytes, bytes]]) -> bool:
    named = {name.lower(): value for name, value in headers}
    type_ = named.get(b"content-type", b"").lower()
    return type_.startswith(_TEXTS) and b"content-encoding" not in named


def _compressed(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    rest = [(name, value) for name, value in headers if name.lower() != b"content-length"]
    return [*rest, (b"content-encoding", b"gzip"), (b"content-length", str(length).encode())]
