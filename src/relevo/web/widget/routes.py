"""What the widget asks, under `/web/{channel_key}`: see `relevo.channels.web.wire`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from relevo.channels import toolkit
from relevo.channels.adapter import Inbound, InboundMessage
from relevo.channels.registry import adapter_for
from relevo.channels.web.wire import MessageAnswer, SessionAnswer, SessionRequest
from relevo.domain.errors import TooLarge
from relevo.domain.events import ByConversation, SubscriberChanged
from relevo.domain.media_storage import MediaStorage
from relevo.domain.subscribers import Profile
from relevo.engine.batches import Result
from relevo.web.addresses import network_of
from relevo.web.front_door import note
from relevo.web.inbound import event_of
from relevo.web.services import Services
from relevo.web.widget import feed, uploads
from relevo.web.widget.visits import AnyRequest, Limits, Visit, channel_of, hook_request, renewed, visit_of


class Widget(msgspec.Struct, frozen=True):
    """What the widget's calls share."""

    services: Services
    limits: Limits
    streams: feed.Streams
    files: MediaStorage

    async def visit(self, request: AnyRequest) -> Visit:
        return await visit_of(request, self.services, self.limits, request.path_params["channel_key"])


def create_widget(services: Services) -> Widget:
    return Widget(services, Limits(services), feed.Streams(), services.files)


def _widget(request: AnyRequest) -> Widget:
    widget: Widget = request.app.state.widget
    return widget


@post("/session", status_code=200)
async def begin_session(request: AnyRequest) -> Response[bytes]:
    """The visitor of the last visit again, or a new one. The conversation begins with `open` or the first
    message; until then `user_ns` is empty."""
    widget, services = _widget(request), _widget(request).services
    widget.limits.sessions_of_address.take(network_of(request.scope["state"]["address"]))
    channel = await channel_of(services, request.path_params["channel_key"])
    asked = toolkit.read_json(await request.body(), SessionRequest)
    visitor_id, token = renewed(services, channel, asked.token)
    visit = Visit(services, channel, visitor_id)
    answer = SessionAnswer(
        token=token,
        user_ns=await _remembered(visit, asked.profile.told()),
        upload_limit=services.edge.max_upload,
        title=channel.config.get("title") or "",
        subtitle=channel.config.get("subtitle") or "",
        color=channel.config.get("color") or "",
    )
    note(request.scope, channel=channel.id)
    return _json(answer)


async def _remembered(visit: Visit, profile: Profile) -> str:
    """The `user_ns` of somebody who has been here, and what is new about them; "" for anybody else."""
    conversation = await visit.conversation()
    if conversation is None:
        return ""
    if conversation.subscriber.met(profile) != conversation.subscriber:
        event = SubscriberChanged(to=ByConversation(conversation.id), profile=profile, by_channel=True)
        await visit.services.engine.submit(event)
    return conversation.user_ns


@post(["/open", "/typing", "/receipts"], status_code=200)
async def tell(request: AnyRequest) -> Response[bytes]:
    """The visitor opened the chat, is typing, or has seen what we said."""
    visit = await _widget(request).visit(request)
    await _submit(request, visit, await _read(request, visit))
    return _json({"ok": True})


@post("/messages", status_code=200)
async def say(request: AnyRequest) -> Response[bytes]:
    """The visitor says something: answered once it is stored."""
    visit = await _widget(request).visit(request)
    item = await _read(request, visit)
    assert isinstance(item, InboundMessage)
    result = await _submit(request, visit, await uploads.completed(visit, item))
    assert result is not None
    return _json(MessageAnswer(seq=result.seqs[0], duplicate=result.duplicate))


async def _read(request: AnyRequest, visit: Visit) -> Inbound:
    adapter = adapter_for("web")
    posted = hook_request(request, visit.services, await request.body())
    return adapter.parse(posted, visit.channel).items[0]


async def _submit(request: AnyRequest, visit: Visit, item: Inbound) -> Result | None:
    event = await event_of(item, visit.channel, visit.services.database)
    if event is None:
        return None
    result = await visit.services.engine.submit(event)
    note(request.scope, conversation=result.conversation_id)
    return result


@post("/uploads", status_code=200, request_max_body_size=None)
async def upload(request: AnyRequest, name: FromQuery[str] = "") -> Response[bytes]:
    """A file, as the body: streamed to disk, and refused as soon as it is too large."""
    widget = _widget(request)
    visit = await widget.visit(request)
    widget.limits.uploads_of_visitor.take(f"{visit.channel.id} {visit.visitor_id}")
    _check_length(request, widget.services.edge.max_upload)
    told = request.headers.get("content-type", "")
    answer = await uploads.keep(visit, widget.files, request.stream(), name=name, told=told)
    return _json(answer)


def _check_length(request: AnyRequest, limit: int) -> None:
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > limit:
        raise TooLarge(f"A file may have at most {limit} bytes.", limit=limit)


After = Annotated[int, QueryParameter(ge=0, le=2**53)]


@get("/messages")
async def fetch(
    request: AnyRequest, after: After = 0, wait: Annotated[float, QueryParameter(ge=0)] = 0
) -> Response[bytes]:
    """What has been said after a seq; without anything, what is said within `wait` seconds."""
    visit = await _widget(request).visit(request)
    return _json(await feed.poll(visit, after, wait))


@get("/events")
async def listen(request: AnyRequest, after: After = 0) -> Stream:
    """What is said after a seq, as it is said."""
    widget = _widget(request)
    visit = await widget.visit(request)
    widget.streams.check(visit)
    seen = request.headers.get("last-event-id", "")
    start = max(after, int(seen)) if seen.isdecimal() and len(seen) <= 16 else after
    return Stream(
        widget.streams.stream(visit, start),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


def _json(value: object) -> Response[bytes]:
    return Response(_encode(value), media_type="application/json", headers={"cache-control": "no-store"})


_encode = msgspec.json.Encoder().encode

ROUTER = Router(
    "/web/{channel_key:str}",
    route_handlers=[begin_session, tell, say, upload, fetch, listen],
    include_in_schema=False,
)
