"""Requests and answers without a framework, for what is asked thousands of times a second."""

from __future__ import annotations

from litestar.types import HTTPScope, Receive, ReceiveMessage, Send

from relevo.domain.errors import TooLarge

JSON = b"application/json"

RawHeaders = tuple[tuple[bytes, bytes], ...]


class ClientGone(Exception):
    """The client went away before it had said everything."""


def header(scope: HTTPScope, name: bytes) -> str:
    """The first header of this (lower-case) name; "" when there is none."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


async def read_body(scope: HTTPScope, receive: Receive, limit: int) -> bytes:
    """The body. Raises `TooLarge` as soon as it is known to have more than `limit` bytes: before it is
    read whole, and before it is read at all if it says so itself."""
    told = header(scope, b"content-length")
    if told.isdecimal():
        _check_size(int(told), limit)
    message = await receive()
    if message["type"] == "http.request" and not message["more_body"]:
        _check_size(len(message["body"]), limit)
        return message["body"]
    return await _read_on(message, receive, limit)


async def _read_on(message: ReceiveMessage, receive: Receive, limit: int) -> bytes:
    body = bytearray()
    while message["type"] == "http.request":
        body += message["body"]
        _check_size(len(body), limit)
        if not message["more_body"]:
            return bytes(body)
        message = await receive()
    raise ClientGone


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(f"A request here may have at most {limit} bytes.", limit=limit)


async def answer(
    send: Send, status: int, body: bytes, content_type: bytes = JSON, headers: RawHeaders = ()
) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(body)).encode())
    start = [(b"content-type", content_type), length, *headers]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body, "more_body": False})
