"""A receiver in a web framework: a few lines each, and none of them imported before it is used.

All of them answer alike: 200 after your function has returned (or when the webhook came before), the error's
own status when it is not genuine, 413 when it is too large. When your function raises, the webhook is
forgotten, your framework answers with its 500, and Relevo tries again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

from relevo.sdk.receiver import Received, ReceiveError, Receiver

LARGEST_BODY = 1_000_000
"""Bytes. Relevo's own largest is well below it."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class TooLarge(ReceiveError):
    """Longer than anything that Relevo posts."""

    status = 413


class NotAPost(ReceiveError):
    """Somebody looked at the address with a browser."""

    status = 405


class ASGIWebhook:
    """An ASGI application that takes webhooks: a route of Litestar, FastAPI or Starlette, or run as it is."""

    def __init__(self, receiver: Receiver, handle: Callable[[Received], Awaitable[None]]) -> None:
        self._receiver, self._handle = receiver, handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"webhooks come over http, not {scope['type']}")
        try:
            received = await self._read(scope, receive)
        except ReceiveError as error:
            await _answer(send, error.status, str(error))
            return
        if not received.duplicate:
            with _forgotten_on_failure(self._receiver, received):
                await self._handle(received)
        await _answer(send, 200, "")

    async def _read(self, scope: Scope, receive: Receive) -> Received:
        if scope["method"] != "POST":
            raise NotAPost("webhooks are posted")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return self._receiver.receive(headers, await _body(receive))


def flask_webhook(receiver: Receiver, handle: Callable[[Received], None]) -> Callable[[], tuple[str, int]]:
    """A view for Flask: `app.post("/webhook")(flask_webhook(receiver, handle))`."""

    def webhook() -> tuple[str, int]:
        from flask import request

        return _answered(receiver, handle, dict(request.headers), request.content_length, request.get_data)

    return webhook


def django_webhook(receiver: Receiver, handle: Callable[[Received], None]) -> Callable[[Any], Any]:
    """A view for Django: `path("webhook", django_webhook(receiver, handle))`. It needs no CSRF token: the
    signature says who it is."""
    from django.http import HttpResponse
    from django.views.decorators.csrf import csrf_exempt
    from django.views.decorators.http import require_POST

    def webhook(request: Any) -> Any:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        text, status = _answered(receiver, handle, request.headers, length, lambda: request.body)
        return HttpResponse(text, status=status, content_type="text/plain")

    view: Callable[[Any], Any] = csrf_exempt(require_POST(webhook))
    return view


def _answered(
    receiver: Receiver,
    handle: Callable[[Received], None],
    headers: Mapping[str, str],
    length: int | None,
    body: Callable[[], bytes],
) -> tuple[str, int]:
    try:
        _check_length(length or 0)
        received = receiver.receive(headers, body())
    except ReceiveError as error:
        return str(error), error.status
    if not received.duplicate:
        with _forgotten_on_failure(receiver, received):
            handle(received)
    return "", 200


@contextmanager
def _forgotten_on_failure(receiver: Receiver, received: Received) -> Iterator[None]:
    """What was not done is new when it comes again."""
    try:
        yield
    except BaseException:
        receiver.forget(received)
        raise


def _check_length(length: int) -> None:
    if length > LARGEST_BODY:
        raise TooLarge(f"the body has {length} bytes; {LARGEST_BODY} are the most that is read")


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        _check_length(len(body))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return bytes(body)


async def _answer(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
