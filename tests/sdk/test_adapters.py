"""Each framework takes webhooks alike: the examples run, and answer as the adapters' page says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from relevo.sdk import Received, Receiver
from relevo.sdk.adapters import LARGEST_BODY, ASGIWebhook
from relevo.system.clock import SystemClock
from tests.sdk.webhooks import ANA, SECRET, event_body, headers, message_body

EXAMPLES = Path(__file__).parents[2] / "examples" / "platforms"
FRAMEWORKS = sorted(path.stem.removesuffix("_platform") for path in EXAMPLES.glob("*_platform.py"))


class Said:
    """Stands in for the client of an example, async or not: what it said, and under which key."""

    def __init__(self, *, awaited: bool) -> None:
        self._awaited = awaited
        self.calls: list[tuple[str, str, str]] = []
        self.fails = False

    def send_text(self, user_ns: str, text: str, *, idempotency_key: str) -> Any:
        if self.fails:
            raise ConnectionError("Relevo is away")
        self.calls.append((user_ns, text, idempotency_key))
        return _nothing() if self._awaited else None


async def _nothing() -> None:
    pass


@pytest.fixture(params=FRAMEWORKS)
def platform(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    settings = {"URL": "http://127.0.0.1:1", "TOKEN": "token", "SECRET": SECRET}
    for name, value in settings.items():
        monkeypatch.setenv(f"RELEVO_{name}", value)
    monkeypatch.setenv("SEEN", str(tmp_path / "seen.db"))
    monkeypatch.setenv("DJANGO_SECRET", "only-for-tests")
    return load(request.param)


def load(framework: str) -> ModuleType:
    """The example as a module. Django finds its routes by that name, and is set up once a process."""
    name = f"{framework}_platform"
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    if framework == "django":
        from django.urls import clear_url_caches

        clear_url_caches()
    return module


@pytest.fixture
def said(platform: ModuleType) -> Said:
    said = Said(awaited=is_asgi(platform))
    vars(platform)["client"] = said
    return said


def is_asgi(platform: ModuleType) -> bool:
    return platform.__name__ not in ("flask_platform", "django_platform")


async def post(platform: ModuleType, body: bytes, given: dict[str, str], method: str = "POST") -> int:
    """The status; a failure of the example itself counts as the 500 that its server would say."""
    if not is_asgi(platform):
        return post_by_wsgi(platform, body, given, method)
    transport: Any = httpx.ASGITransport(platform.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://platform.test") as http:
        return (await http.request(method, "/webhook", content=body, headers=given)).status_code


def post_by_wsgi(platform: ModuleType, body: bytes, given: dict[str, str], method: str) -> int:
    with httpx.Client(transport=httpx.WSGITransport(platform.app), base_url="http://platform.test") as http:
        return http.request(method, "/webhook", content=body, headers=given).status_code


def signed(body: bytes, id_: str = "msg_1", seq: int = 1) -> dict[str, str]:
    return headers(body, id_=id_, seq=seq, at=SystemClock().now())


async def test_what_a_customer_says_is_answered(platform: ModuleType, said: Said) -> None:
    body = message_body()

    assert await post(platform, body, signed(body)) == 200
    assert said.calls == [(ANA, "You said: Is it in stock?", "msg_1")]


async def test_what_came_before_is_answered_once(platform: ModuleType, said: Said) -> None:
    body = message_body()

    statuses = [await post(platform, body, signed(body)) for _ in range(3)]

    assert (statuses, len(said.calls)) == ([200, 200, 200], 1)


async def test_other_events_are_taken_as_well(platform: ModuleType, said: Said) -> None:
    body = event_body("handoff.returned", reason="time")

    assert (await post(platform, body, signed(body)), said.calls) == (200, [])


async def test_a_stranger_is_turned_away(platform: ModuleType, said: Said) -> None:
    body = message_body()

    assert await post(platform, message_body(content="other"), signed(body)) == 401
    assert await post(platform, body, {}) == 400
    assert said.calls == []


async def test_a_body_longer_than_any_webhook_is_not_read(platform: ModuleType, said: Said) -> None:
    body = b"x" * (LARGEST_BODY + 1)

    assert await post(platform, body, signed(body)) == 413


async def test_looking_at_the_address_with_a_browser_is_no_webhook(platform: ModuleType, said: Said) -> None:
    assert await post(platform, b"", {}, method="GET") == 405


async def test_what_failed_is_new_when_it_comes_again(platform: ModuleType, said: Said) -> None:
    body = message_body()
    said.fails = True
    try:
        assert await post(platform, body, signed(body)) == 500
    except ConnectionError:
        assert not is_asgi(platform)  # under WSGI the server says so
    said.fails = False

    assert await post(platform, body, signed(body)) == 200
    assert len(said.calls) == 1


# Without a framework


async def test_a_body_in_pieces_is_one_body() -> None:
    heard: list[Received] = []
    body = message_body()

    async def handle(received: Received) -> None:
        heard.append(received)

    pieces: list[dict[str, Any]] = [
        {"type": "http.request", "body": body[:9], "more_body": True},
        {"type": "http.request", "body": body[9:]},
    ]
    statuses = await run(ASGIWebhook(receiver(), handle), body, pieces)

    assert (statuses, len(heard)) == ([200], 1)


async def test_a_client_that_went_away_has_not_said_anything() -> None:
    async def handle(_: Received) -> None:
        raise AssertionError

    body = message_body()
    first: dict[str, Any] = {"type": "http.request", "body": body[:9], "more_body": True}
    pieces = [first, {"type": "http.disconnect"}]

    assert await run(ASGIWebhook(receiver(), handle), body, pieces) == [401]


async def test_only_http_is_spoken() -> None:
    with pytest.raises(ValueError, match="websocket"):
        await ASGIWebhook(receiver(), lambda _: _nothing())({"type": "websocket"}, None, None)  # type: ignore[arg-type]


def receiver() -> Receiver:
    return Receiver(SECRET)


async def run(app: ASGIWebhook, body: bytes, pieces: list[dict[str, Any]]) -> list[int]:
    told: list[Any] = []
    given = [(name.encode(), value.encode()) for name, value in signed(body).items()]
    waiting = iter(pieces)

    async def receive() -> Any:
        return next(waiting)

    async def send(message: Any) -> None:
        told.append(message)

    await app({"type": "http", "method": "POST", "headers": given}, receive, send)
    return [message["status"] for message in told if "status" in message]
