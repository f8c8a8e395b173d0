"""A desk with a fake Relevo behind it, and a clock that stands at noon."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import count
from typing import Any

import httpx
import pytest
from litestar import Litestar

from relevo.desk import create_desk
from relevo.desk.desk import Desk
from tests.sdk.fake_api import FakeApi, serving
from tests.sdk.webhooks import ANA, NOON, SECRET, event_body, headers, message_body


class Clock:
    """Stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def talking_to(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """Litestar's own test client runs the app on a thread of its own; this one keeps to the test's loop.

    It does not run the app's lifespan, whose task group cannot be left in another task.
    """
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar narrows the ASGI messages
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as http:
        yield http
    await app.state.desk.close()


class Relevo:
    """Posts webhooks to the desk, as Relevo would: signed, numbered, under an epoch."""

    def __init__(self, http: httpx.AsyncClient, desk: Desk) -> None:
        self._http = http
        self._desk = desk
        self._numbers = count(1)

    async def post(
        self, body: bytes, *, id_: str = "", epoch: int = 1, changed: Mapping[str, str] = {}
    ) -> int:
        number = next(self._numbers)
        sent = headers(body, id_=id_ or f"msg_{number}", seq=number)
        sent |= {"Relevo-Epoch": str(epoch), **changed}
        response = await self._http.post("/uchat", content=body, headers=sent)
        await self._desk.settled()
        return response.status_code

    async def message(self, *, epoch: int = 1, **changes: Any) -> int:
        return await self.post(message_body(**changes), epoch=epoch)

    async def event(self, type_: str, **data: Any) -> int:
        return await self.post(event_body(type_, **data))


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with serving() as api:
        api.answer(
            "/api/subscriber/get-info", {"data": {"user_ns": ANA, "name": "Ana Diaz", "channel": "web"}}
        )
        api.answer("/api/subscriber/chat-messages", {"data": []})
        yield api


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(api: FakeApi, clock: Clock) -> Litestar:
    return create_desk(api.url, "token", SECRET, clock=clock)


@pytest.fixture
async def http(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with talking_to(app) as http:
        yield http


@pytest.fixture
def desk(app: Litestar) -> Desk:
    found = app.state.desk
    assert isinstance(found, Desk)
    return found


@pytest.fixture
def relevo(http: httpx.AsyncClient, desk: Desk) -> Relevo:
    return Relevo(http, desk)
