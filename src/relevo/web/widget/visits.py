"""Who asks: a visitor of one channel, known by a signed token."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request

from relevo.channels.adapter import HookRequest
from relevo.channels.web import adapter as web_chat
from relevo.channels.web import visitor_tokens
from relevo.domain.conversations import Conversation
from relevo.domain.errors import BadSignature, NotFound
from relevo.domain.events import ByUser
from relevo.domain.workspaces import Channel
from relevo.store import conversations
from relevo.web.addresses import network_of
from relevo.web.buckets import Buckets, Limit
from relevo.web.front_door import note
from relevo.web.services import Services

VISITOR_ID_BYTES = 16

AnyRequest = Request[Any, Any, Any]


class Limits:
    """How often visitors may ask; by address more, for the many people behind one."""

    def __init__(self, services: Services) -> None:
        def buckets(kind: str, a_second: float, burst: int) -> Buckets:
            return services.buckets(f"widget {kind}", Limit(a_second, burst))

        self.sessions_of_address = buckets("sessions", 1, 60)
        self.calls_of_address = buckets("address", 50, 500)
        self.calls_of_visitor = buckets("visitor", 5, 60)
        self.uploads_of_visitor = buckets("uploads", 0.2, 20)


class Visit(msgspec.Struct, frozen=True):
    """A request of a visitor. `visitor_id` is the subscriber's `user_id`."""

    services: Services
    channel: Channel
    visitor_id: str

    @property
    def to(self) -> ByUser:
        return ByUser(self.channel.id, self.visitor_id)

    async def conversation(self) -> Conversation | None:
        """What there is of the conversation; None before it has begun."""
        async with self.services.database.read() as connection:
            return await conversations.find_by_user(connection, self.channel.id, self.visitor_id)


async def channel_of(services: Services, key: str) -> Channel:
    """The web channel with this key, and a secret for its visitors' tokens: its own, if it has one."""
    channel = await services.catalog.channel("web", key)
    if channel is None:
        raise NotFound("There is no web chat with this key. The channel's page shows the right one.")
    secret = channel.config.get("secret") or services.visitor_key.hex()
    return msgspec.structs.replace(channel, config={**channel.config, "secret": secret})


async def visit_of(request: AnyRequest, services: Services, limits: Limits, key: str) -> Visit:
    """Who makes this request. Raises `NotFound`, `BadSignature` or `TooManyRequests`."""
    limits.calls_of_address.take(network_of(request.scope["state"]["address"]))
    channel = await channel_of(services, key)
    visitor = web_chat.visitor(hook_request(request, services), channel)
    limits.calls_of_visitor.take(f"{channel.id} {visitor.id}")
    note(request.scope, channel=channel.id)
    return Visit(services, channel, visitor.id)


def hook_request(request: AnyRequest, services: Services, body: bytes = b"") -> HookRequest:
    """The request as the channel reads it."""
    return HookRequest(
        method=request.method,
        url=request.url.path,
        query=dict(request.query_params.items()),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        now=services.clock.now(),
    )


def renewed(services: Services, channel: Channel, token: str) -> tuple[str, str]:
    """The visitor of the last visit's token, or a new one when there is none that is good; and a fresh
    token for them."""
    key, now = web_chat.visitor_key(channel), services.clock.now()
    try:
        visitor_id = visitor_tokens.read_token(key, token, channel_key=channel.key, now=now).id
    except BadSignature:
        visitor_id = services.chance.token(VISITOR_ID_BYTES)
    fresh = visitor_tokens.make_token(key, channel_key=channel.key, visitor_id=visitor_id, now=now)
    return visitor_id, fresh
