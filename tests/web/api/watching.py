"""Answers of the API that go to somebody else than the test, over a port: kept as they pass, and compared
with the OpenAPI document afterwards, like those that a test asks for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from httpx import Response

from tests.web.api.validating import Told

PAGES = ("/api", "/api/", "/api/docs", "/api/openapi.json")
"""What is served there besides operations; and what the page needs."""


class Given(msgspec.Struct, frozen=True):
    """An answer, and what it was given to."""

    method: str
    path: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def response(self) -> Response:
        return Response(self.status, headers=self.headers, content=self.body)


class Watched:
    """An application that is served; every answer of an operation of its API is handed to `keep`."""

    def __init__(self, app: Any, keep: Callable[[Given], object]) -> None:
        self._app, self._keep = app, keep

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not _is_operation(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        sent: list[Any] = []

        async def keeping(message: Any) -> None:
            sent.append(message)
            await send(message)

        await self._app(scope, receive, keeping)
        if sent and not sent[-1].get("more_body"):  # else the client had enough before the end
            self._keep(_given(scope, sent))


def compare(told: Told, given: Iterable[Given]) -> None:
    """Fail with everything that the document does not tell."""
    wrong = [f"{one.method} {one.path}: {why}" for one in given for why in _complaints(told, one)]
    assert not wrong, "\n".join(wrong[:20])


def _is_operation(method: str, path: str) -> bool:
    is_page = path in PAGES or path.startswith("/api/static/")
    return path.startswith("/api/") and not is_page and method != "OPTIONS"


def _given(scope: Any, sent: list[Any]) -> Given:
    start, *rest = sent
    headers = [(name.decode(), value.decode()) for name, value in start["headers"]]
    body = b"".join(part.get("body", b"") for part in rest)
    return Given(scope["method"], scope["path"], start["status"], headers, body)


def _complaints(told: Told, given: Given) -> list[str]:
    try:
        told.check(given.method, given.path.removeprefix("/api"), given.response())
    except AssertionError as error:
        return [str(error)[:1500]]
    return []
