"""The client for programs without an event loop: the same calls, in one step."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Generator, Iterator
from datetime import timedelta

import pytest

from relevo.sdk import Client, Invalid, RateLimited, SyncClient, Unreachable
from relevo.sdk.transport import Asked, Awaited, Blocking, Told
from tests.sdk.fake_api import HANG_UP, Answer, FakeApi, serving
from tests.sdk.webhooks import ANA


class Naps(Blocking):
    """Does not sleep, and remembers for how long it should have."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "token", timedelta(seconds=15))
        self.taken: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """The fake server in a thread of its own: the client blocks this one."""
    loop, started = asyncio.new_event_loop(), threading.Event()
    found: list[FakeApi] = []
    stop = asyncio.Event()

    async def serve() -> None:
        async with serving() as api:
            found.append(api)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    started.wait()
    yield found[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def calls(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if name[0] != "_"}


def test_it_has_every_call_of_the_other_client() -> None:
    assert calls(SyncClient) == calls(Client)


@pytest.mark.parametrize("name", sorted(calls(Client)))
def test_a_call_gives_itself_and_not_something_to_await(name: str) -> None:
    mine, theirs = getattr(SyncClient, name), getattr(Client, name)

    assert inspect.signature(mine) == inspect.signature(theirs)
    assert inspect.isgeneratorfunction(mine) == ("AsyncIterator" in str(theirs.__annotations__["return"]))


def test_a_call_is_made_and_its_answer_read(api: FakeApi) -> None:
    api.answer("/api/subscriber/get-info", {"data": {"user_ns": ANA, "first_name": "Ana"}})

    with SyncClient(api.url, "the-token") as client:
        assert client.get_info(ANA).first_name == "Ana"

    (asked,) = api.requests
    assert (asked.query, asked.headers["authorization"]) == ({"user_ns": ANA}, "Bearer the-token")


def test_lists_are_asked_for_page_by_page(api: FakeApi) -> None:
    pages = [[{"user_ns": f"f1u{number}"}] for number in (1, 2)]
    api.answer("/api/subscribers", *({"data": page, "meta": {"last_page": 2}} for page in pages))

    with SyncClient(api.url, "token") as client:
        everybody = client.subscribers(limit=1)
        first = next(everybody)
        asked_for_the_first = len(api.requests)
        rest = list(everybody)

    assert [one.user_ns for one in (first, *rest)] == ["f1u1", "f1u2"]
    assert asked_for_the_first == 1


def test_it_repeats_and_gives_up_as_the_other_does(api: FakeApi) -> None:
    api.answer(
        "/api/subscriber/send-text", HANG_UP, Answer(503, headers={"retry-after": "2"}), {"status": "ok"}
    )
    naps = Naps(api.url)

    with SyncClient(api.url, "token", transport=naps) as client:
        client.send_text(ANA, "Hello")

    keys = {request.headers["idempotency-key"] for request in api.asked("/api/subscriber/send-text")}
    assert (len(keys), len(naps.taken), naps.taken[1]) == (1, 2, 2.0)


def test_errors_are_the_same(api: FakeApi) -> None:
    api.answer("/api/me", Answer(422, {"message": "No.", "errors": {"x": ["No."]}}))
    api.answer("/api/subscriber/resume-bot", Answer(429, headers={"retry-after": "60"}))

    with SyncClient(api.url, "token", attempts=1) as client:
        with pytest.raises(Invalid):
            client.me()
        with pytest.raises(RateLimited):
            client.resume_bot(ANA)
        api.answer("/api/me", HANG_UP)
        with pytest.raises(Unreachable):
            client.me()


def test_several_threads_share_one(api: FakeApi) -> None:
    api.answer("/api/me", {"id": 7})
    found: list[int] = []
    with SyncClient(api.url, "token") as client:
        threads = [threading.Thread(target=lambda: found.append(client.me().id)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == [7] * 8


def test_a_transport_that_waits_is_a_mistake_and_says_so() -> None:
    class Waiting(Awaited):
        async def send(self, asked: Asked) -> Told:
            await _suspend()
            return Told(200, None, b"{}")

    transport = Waiting("http://127.0.0.1:1", "token", timedelta(seconds=1))
    client = SyncClient("http://127.0.0.1:1", "token", transport=transport)

    with pytest.raises(RuntimeError, match="must block"):
        client.me()


class _suspend:  # noqa: N801 – it is awaited like a function
    def __await__(self) -> Generator[None, None, None]:
        yield
