"""The demo's page, what it hears, and the switch that takes the platform down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody, QueryParameter
from litestar.response import Redirect, Stream

from relevo.domain.errors import NotFound
from relevo.engine.hub import workspace_topic
from relevo.web.demo.wire import Wire
from relevo.web.routers import OwnRouter
from relevo.web.services import Services
from relevo.web.widget.feed import OPENING, PING, event, heard_within
from relevo.web.widget.visits import AnyRequest

FOLDER = Path(__file__).parent / "static"
TYPES = {"demo.css": "text/css", "demo.js": "text/javascript", "icon.svg": "image/svg+xml"}
PING_EVERY = 15.0  # seconds

CUSTOMER = {"name": "Ana Diaz", "email": "ana@example.com"}
"""Whom the page in the left pane says that its visitor is."""


class Demo:
    """What is shown. `run` tells this demo from an earlier one, whose page may still be open;
    `take_down` has the platform refuse webhooks, or take them again."""

    def __init__(
        self,
        services: Services,
        wire: Wire,
        *,
        channel_key: str,
        desk_url: str,
        take_down: Callable[[bool], Awaitable[None]],
    ) -> None:
        self.services, self.wire, self.take_down = services, wire, take_down
        self.channel_key, self.desk_url = channel_key, desk_url
        self.run = services.chance.object_id()


class Platform(msgspec.Struct, frozen=True):
    is_down: bool


TheDemo = NamedDependency[Demo]


def create_demo(demo: Demo) -> OwnRouter:
    """Everything under `/demo`."""
    return OwnRouter(
        "/demo",
        route_handlers=[page, chat, static, events, switch],
        dependencies={"demo": Provide(lambda: demo, sync_to_thread=False)},
        include_in_schema=False,
    )


@get("/", sync_to_thread=False)
def page(request: AnyRequest, demo: TheDemo) -> Response[str] | Redirect:
    """The page with three panes, at the one address that everything in it belongs to."""
    url = demo.services.edge.public_url
    if request.headers.get("host") != urlsplit(url).netloc:
        return Redirect(f"{url}/demo", status_code=302)
    facts = {"desk_url": demo.desk_url, "run": demo.run}
    return _html("demo.html", facts, _policy(f"frame-src 'self' {demo.desk_url}; img-src 'self'"))


@get("/chat", sync_to_thread=False)
def chat(demo: TheDemo) -> Response[str]:
    """The chat as a page of its own, on a site that knows who its visitor is."""
    facts = {"channel_key": demo.channel_key, **CUSTOMER}
    media = "img-src 'self' data: blob: http: https:; media-src 'self' blob: http: https:"
    answer = _html("chat.html", facts, _policy(f"{media}; frame-ancestors 'self'"))
    answer.headers["x-frame-options"] = "SAMEORIGIN"
    return answer


@get("/static/{name:str}", sync_to_thread=False)
def static(name: str) -> Response[bytes]:
    if name not in TYPES:
        raise NotFound
    content = (FOLDER / name).read_bytes()
    return Response(content, media_type=TYPES[name], headers={"cache-control": "no-cache"})


@get("/events")
async def events(
    demo: TheDemo, request: AnyRequest, after: Annotated[int, QueryParameter(ge=0)] = 0
) -> Stream:
    """What crosses the wire after an entry, as it happens."""
    seen = request.headers.get("last-event-id", "")
    start = max(after, int(seen)) if seen.isdecimal() and len(seen) <= 16 else after
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(_entries(demo, start), media_type="text/event-stream", headers=headers)


@post("/platform", status_code=200)
async def switch(request: AnyRequest, demo: TheDemo, data: JSONBody[Platform]) -> Platform:
    """Take the platform down, or bring it back. Only a page of this server may (JSON from another site
    needs a permission that is given to nobody)."""
    await demo.take_down(data.is_down)
    demo.wire.switch(data.is_down, demo.services.clock.now())
    return data


async def _entries(demo: Demo, after: int) -> AsyncIterator[bytes]:
    yield OPENING
    wire, services = demo.wire, demo.services
    yield event("hello", {"run": demo.run, "is_down": wire.is_down, "last": wire.last_id})
    with services.hub.listen(workspace_topic(wire.workspace_id)) as listener:
        while not listener.closed:
            for entry in wire.after(after):
                after = entry.id
                yield b"id: %d\n" % entry.id + event("entry", entry)
            if not await heard_within(listener, PING_EVERY, services.clock):
                yield PING


def _html(name: str, facts: Mapping[str, str], policy: str) -> Response[str]:
    """A page with facts in the places of `$name`."""
    template = Template((FOLDER / name).read_text())
    return Response(
        template.substitute({key: escape(value) for key, value in facts.items()}),
        media_type=MediaType.HTML,
        headers={"content-security-policy": policy, "cache-control": "no-store"},
    )


def _policy(own: str) -> str:
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'self'; "
        f"style-src 'self' 'unsafe-inline'; connect-src 'self'; {own}"
    )
