"""The desk as a web application: the webhook, the page, and what the page asks for."""

from __future__ import annotations

import hmac
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from litestar import Litestar, Request, Response, Router, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import ResponseHeader, State
from litestar.di import NamedDependency, Provide
from litestar.exceptions import (
    ClientException,
    HTTPException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    ServiceUnavailableException,
)
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.response import Stream

from relevo.desk.book import Conversation, Line, UnknownConversation
from relevo.desk.desk import Desk
from relevo.sdk import Agent, Client, ClientError, ReceiveError, Receiver

LOCAL_ORIGINS = ("http://localhost:*", "http://127.0.0.1:*")
"""Who may show the desk in a frame: pages of this machine, as the demo is one."""

BIGGEST_BODY = 1_000_000
TYPES = {
    "index.html": "text/html",
    "desk.js": "text/javascript",
    "desk.css": "text/css",
    "icon.svg": "image/svg+xml",
}
STATIC = files("relevo.desk") / "static"

log = logging.getLogger("relevo.desk")


class ReplyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to say; `id` is the page's own. Empty `text` and `image_url` send a failed one again."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    text: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    image_url: Annotated[str, msgspec.Meta(max_length=2_000, pattern=r"^(https?://\S+)?$")] = ""


class AssignRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`agent_id` 0 takes the conversation from whoever has it."""

    agent_id: int
    name: str = ""


class Outage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the desk plays a platform that is down, and answers every webhook with 503."""

    is_down: bool


class Thread(msgspec.Struct, frozen=True):
    conversation: Conversation
    lines: list[Line]


TheDesk = NamedDependency[Desk]
InPath = FromPath[str]

# What the page asks for


@get("/", sync_to_thread=False)
def page() -> Response[bytes]:
    return _file("index.html")


@get("/static/{name:str}", sync_to_thread=False)
def static(name: InPath) -> Response[bytes]:
    if name not in TYPES:
        raise NotFoundException(detail=f"there is no {name!r}; there are {', '.join(TYPES)}")
    return _file(name)


def _file(name: str) -> Response[bytes]:
    content = (STATIC / name).read_bytes()
    return Response(content, media_type=TYPES[name], headers={"cache-control": "no-cache"})


@get("/live")
async def live(desk: TheDesk) -> Stream:
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(desk.follow(), media_type="text/event-stream", headers=headers)


@get("/conversations/{user_ns:str}")
async def thread(desk: TheDesk, user_ns: InPath) -> Thread:
    return Thread(desk.book.get(user_ns), desk.book.lines(user_ns))


@get("/agents")
async def agents(desk: TheDesk) -> list[Agent]:
    return await desk.agents()


@post("/conversations/{user_ns:str}/replies", status_code=200)
async def reply(desk: TheDesk, user_ns: InPath, data: JSONBody[ReplyRequest]) -> Line:
    if not desk.knows(user_ns, data.id) and not (data.text.strip() or data.image_url):
        raise ClientException(detail="the reply is empty: write something, or give the address of an image")
    return await desk.reply(user_ns, data.id, text=data.text, image_url=data.image_url)


@post("/conversations/{user_ns:str}/assign", status_code=200)
async def assign(desk: TheDesk, user_ns: InPath, data: JSONBody[AssignRequest]) -> Conversation:
    return await desk.assign(user_ns, data.agent_id, data.name)


@post("/conversations/{user_ns:str}/pause", status_code=200)
async def pause(desk: TheDesk, user_ns: InPath) -> Conversation:
    return await desk.pause(user_ns)


@post("/conversations/{user_ns:str}/accept", status_code=200)
async def accept(desk: TheDesk, user_ns: InPath) -> Conversation:
    return await desk.accept(user_ns)


@post("/conversations/{user_ns:str}/resolve", status_code=200)
async def resolve(desk: TheDesk, user_ns: InPath) -> Conversation:
    return await desk.resolve(user_ns)


@post("/conversations/{user_ns:str}/check-pause", status_code=200)
async def check_pause(desk: TheDesk, user_ns: InPath) -> Conversation:
    return await desk.check_pause(user_ns)


@post("/conversations/{user_ns:str}/history", status_code=202)
async def history(desk: TheDesk, user_ns: InPath) -> None:
    desk.load(user_ns)


@post("/outage", status_code=200)
async def outage(request: Request[Any, Any, Any], data: JSONBody[Outage]) -> Outage:
    request.app.state.is_down = data.is_down
    return data


@post("/conversations/{user_ns:str}/typing", status_code=202)
async def typing(desk: TheDesk, user_ns: InPath) -> None:
    desk.typing(user_ns)


@post("/conversations/{user_ns:str}/read", status_code=202)
async def read(desk: TheDesk, user_ns: InPath) -> None:
    desk.read(user_ns)


OURS = [thread, agents, live, reply, assign, pause, accept, resolve, check_pause, history, typing, read]


def only_from_our_page(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """The desk asks nobody to sign in, so another site's page must not act in its name."""
    origin = connection.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != connection.headers.get("host"):
        raise PermissionDeniedException(detail=f"a page of {origin} may not act here")


# What Relevo posts


@post("/uchat", status_code=200)
async def webhook(
    request: Request[Any, Any, Any], desk: TheDesk, custom_header: NamedDependency[tuple[str, str] | None]
) -> dict[str, str]:
    if request.app.state.is_down:
        raise ServiceUnavailableException(detail="the platform is down")
    if custom_header is not None:
        name, value = custom_header
        if not hmac.compare_digest(request.headers.get(name, "").encode(), value.encode()):
            raise NotAuthorizedException(detail=f"the header {name} is missing or has another value")
    desk.webhook(request.headers, await request.body())
    return {"status": "ok"}


# How


def create_desk(
    base_url: str,
    token: str,
    webhook_secret: str,
    *,
    custom_header: tuple[str, str] | None = None,
    frame_ancestors: Sequence[str] = LOCAL_ORIGINS,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    can_be_down: bool = False,
) -> Litestar:
    """A desk for the flow of `token`. Point the endpoint of the workspace at its `/uchat`.

    `custom_header` is a name and a value that every webhook must carry besides its signature.
    `frame_ancestors` may show the desk in a frame. One that `can_be_down` plays a failure when it is
    told to at `/outage`. Raises ValueError for a base URL or a secret
    that cannot be one.
    """
    desk = Desk(Client(base_url, token), Receiver(webhook_secret), clock)
    ours = [*OURS, outage] if can_be_down else OURS

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await desk.close()

    return Litestar(
        route_handlers=[page, static, webhook, Router("/", route_handlers=ours, guards=[only_from_our_page])],
        dependencies={
            "desk": Provide(lambda: desk, sync_to_thread=False),
            "custom_header": Provide(lambda: custom_header, sync_to_thread=False),
        },
        lifespan=[lifespan],
        response_headers=_headers(frame_ancestors),
        exception_handlers={
            ReceiveError: _refused,
            ClientError: _not_done,
            UnknownConversation: _unknown,
            HTTPException: _wrong,
            Exception: _broken,
        },
        request_max_body_size=BIGGEST_BODY,
        openapi_config=None,
        logging_config=None,
        state=State({"desk": desk, "is_down": False}),
    )


def _headers(frame_ancestors: Sequence[str]) -> list[ResponseHeader]:
    """What customers send is shown from wherever it is kept; scripts and styles are only ours."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data: http: https:",
        "media-src": "http: https:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": " ".join(["'self'", *frame_ancestors]),
    }
    text = "; ".join(f"{name} {sources}" for name, sources in policy.items())
    return [
        ResponseHeader(name="content-security-policy", value=text),
        ResponseHeader(name="x-content-type-options", value="nosniff"),
        ResponseHeader(name="referrer-policy", value="no-referrer"),
    ]


AnyRequest = Request[Any, Any, Any]


def _told(message: str, status: int) -> Response[dict[str, str]]:
    return Response({"message": message}, status_code=status)


def _refused(_: AnyRequest, error: ReceiveError) -> Response[dict[str, str]]:
    log.warning("desk.webhook_refused reason=%s", error)
    return _told(str(error), error.status)


def _not_done(request: AnyRequest, error: ClientError) -> Response[dict[str, str]]:
    desk: Desk = request.app.state.desk
    return _told(desk.reason(error), 502)


def _unknown(_: AnyRequest, error: UnknownConversation) -> Response[dict[str, str]]:
    return _told(str(error), 404)


def _wrong(_: AnyRequest, error: HTTPException) -> Response[dict[str, str]]:
    return _told(error.detail, error.status_code)


def _broken(_: AnyRequest, error: Exception) -> Response[dict[str, str]]:
    log.error("desk.broken", exc_info=error)
    return _told("The desk made a mistake; its log says which.", 500)
