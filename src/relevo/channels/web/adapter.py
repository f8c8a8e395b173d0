"""Web chat: what its widget posts. The customer's side fetches what we say, so nothing is sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from relevo.channels import toolkit
from relevo.channels.adapter import (
    Adapter,
    Capabilities,
    Dialogue,
    HookRequest,
    Inbound,
    InboundOpened,
    InboundTyping,
    Option,
    OutgoingMessage,
    Parsed,
)
from relevo.channels.web import visitor_tokens, wire
from relevo.domain.deliveries import Accepted
from relevo.domain.errors import BadSignature, ForeignPayload
from relevo.domain.workspaces import Channel

OPTIONS = (
    Option("title", "Title", "text", "The name at the top of the chat. The channel's name if left empty."),
    Option("subtitle", "Subtitle", "text", "A line under it, such as “We answer within the hour”."),
    Option(
        "color",
        "Colour",
        "color",
        "The main colour, like #2f5bea.",
        placeholder="#2f5bea",
    ),
    Option(
        "secret",
        "Visitors' secret",
        "secret",
        "Signs the visitors' tokens. Made for you; a new one makes every visitor a stranger.",
    ),
)
LONGEST_TITLE = 80
SHORTEST_SECRET = 32

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


class WebChat(Adapter):
    type = "web"
    title = "Web chat"
    summary = "A chat on your website, by one line of HTML, or on a page of its own."
    options = OPTIONS
    capabilities = Capabilities(
        is_pulled=True,
        media=frozenset({"image", "video", "audio", "file", "sticker"}),
        buttons=20,
        quick_replies=20,
        cards=True,
        location=True,
        text_limit=20_000,
        typing=True,
        receipts=True,
    )

    def check_config(self, config: dict[str, Any]) -> dict[str, str]:
        problems = toolkit.unknown_options(config, (option.name for option in OPTIONS))
        for option in ("title", "subtitle"):
            value = config.get(option, "")
            if not isinstance(value, str) or len(value) > LONGEST_TITLE:
                problems[option] = f"{value!r} is not a text of at most {LONGEST_TITLE} characters"
        color = config.get("color") or "#000000"
        if not isinstance(color, str) or _COLOR.fullmatch(color) is None:
            problems["color"] = f'{color!r} is not a colour; write one like "#2f5bea"'
        secret = config.get("secret") or "-" * SHORTEST_SECRET
        if not isinstance(secret, str) or len(secret) < SHORTEST_SECRET:
            problems["secret"] = f"The secret must have at least {SHORTEST_SECRET} characters"
        return problems

    def verify(self, request: HookRequest, channel: Channel) -> None:
        visitor(request, channel)

    def parse(self, request: HookRequest, channel: Channel) -> Parsed:
        place = request.url.partition("?")[0].rstrip("/").rpartition("/")[2]
        read = POSTS.get(place)
        if read is None:
            raise ForeignPayload(f"{place[:80]!r} is not something a visitor posts: {', '.join(POSTS)} are")
        return Parsed(items=(read(request.body, visitor(request, channel).id),))

    def send(self, message: OutgoingMessage, channel: Channel) -> Dialogue:
        """Nothing to do: the widget fetches it by its sequence number."""
        yield from ()
        return Accepted(200)


def visitor(request: HookRequest, channel: Channel) -> visitor_tokens.Visitor:
    """Who makes this request. Raises `BadSignature` when the token is not of this channel."""
    token = toolkit.bearer_token(request.headers) or request.query.get("token", "")
    return visitor_tokens.read_token(visitor_key(channel), token, channel_key=channel.key, now=request.now)


def visitor_key(channel: Channel) -> bytes:
    """The key of the channel's visitor tokens."""
    secret = channel.config.get("secret")
    if not secret:
        raise BadSignature(reason="the channel has no secret")
    return str(secret).encode()


class _Nothing(msgspec.Struct, frozen=True):
    """`{}`: that it was posted says it all."""


def _message(body: bytes, user_id: str) -> Inbound:
    return wire.inbound_message(toolkit.read_json(body, wire.MessagePost), user_id)


def _opened(body: bytes, user_id: str) -> Inbound:
    post = toolkit.read_json(body, wire.OpenPost)
    return InboundOpened(user_id=user_id, profile=post.profile.told())


def _typing(body: bytes, user_id: str) -> Inbound:
    toolkit.read_json(body, _Nothing)
    return InboundTyping(user_id=user_id)


def _receipt(body: bytes, user_id: str) -> Inbound:
    return wire.inbound_receipt(toolkit.read_json(body, wire.ReceiptPost), user_id)


POSTS: dict[str, Callable[[bytes, str], Inbound]] = {
    "messages": _message,
    "open": _opened,
    "typing": _typing,
    "receipts": _receipt,
}
