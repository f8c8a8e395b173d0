from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.http_client.client import HttpClient
from relevo.testing.fake_http import Asked, FakeHttp, Reply, reply

SOON = timedelta(seconds=15)


async def ask(http: HttpClient, path: str = "") -> Reply:
    return await http.request("POST", f"https://desk.test/{path}", {"x-a": "b"}, b"{}", SOON)


async def test_without_a_script_everything_is_answered_with_an_empty_200() -> None:
    http = FakeHttp()

    assert await ask(http) == reply(200)


async def test_what_was_asked_is_remembered() -> None:
    http = FakeHttp()

    await ask(http, "uchat")
    await http.fetch("https://cdn.test/a.png", 10, SOON, {"x-c": "d"})

    assert http.requests == [
        Asked(method="POST", url="https://desk.test/uchat", headers={"x-a": "b"}, body=b"{}", timeout=SOON),
        Asked(method="GET", url="https://cdn.test/a.png", headers={"x-c": "d"}, body=b"", timeout=SOON),
    ]


async def test_a_row_of_replies_is_given_in_order_and_ends_loudly() -> None:
    row: list[Reply] = [reply(503), Unreachable("timeout"), Forbidden("10.0.0.1", "private"), reply(204)]
    http = FakeHttp(row)

    assert [await ask(http) for _ in row] == row
    with pytest.raises(AssertionError, match=r"no reply is left for POST https://desk\.test/more"):
        await ask(http, "more")


async def test_a_function_answers_by_what_was_asked() -> None:
    http = FakeHttp(lambda asked: reply(404 if asked.url.endswith("missing") else 200))

    assert [await ask(http, "here"), await ask(http, "missing")] == [reply(200), reply(404)]


async def test_an_async_function_may_hold_its_answer_back() -> None:
    released = asyncio.Event()

    async def hold(asked: Asked) -> Reply:
        await released.wait()
        return reply(202)

    http = FakeHttp(hold)
    request = asyncio.create_task(ask(http))
    while not http.requests:
        await asyncio.wait([request], timeout=0)
    assert not request.done()
    released.set()

    assert await request == reply(202)


async def test_answers_are_cut_and_files_refused_as_by_the_real_client() -> None:
    http = FakeHttp(lambda _: reply(200, b"a" * 11))

    cut = await http.request("GET", "https://desk.test/", {}, b"", SOON, answer_limit=10)

    assert (getattr(cut, "body", None), getattr(cut, "is_whole", None)) == (b"a" * 10, False)
    assert await http.fetch("https://desk.test/", 10, SOON) == Unreachable("too_large")
    assert await http.fetch("https://desk.test/", 11, SOON) == reply(200, b"a" * 11)
