"""What is answered over a port is compared as well: this shows that it is noticed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.web.api.serving import on_a_port


class Answering:
    """The same to everybody."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


@pytest.mark.parametrize(
    ("app", "why"),
    [
        (Answering(200, b'{"data": 1}'), "1 is not of type 'object'"),
        (Answering(418, b'{"message": "No."}'), "answers 418, which is not told"),
        (Answering(401, b'{"message": "No.", "really": 1}'), "'really' was unexpected"),
    ],
)
async def test_an_answer_that_is_not_told_fails_the_test(app: Answering, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        async with on_a_port(app) as url, httpx.AsyncClient(base_url=url) as client:
            await client.get("/api/me")


async def test_what_is_no_operation_is_not_compared() -> None:
    async with on_a_port(Answering(200, b"1")) as url, httpx.AsyncClient(base_url=url) as client:
        for path in ("/", "/api", "/api/openapi.json", "/api/static/reference.js"):
            await client.get(path)
