"""API Chat's JSON: what the other system posts to us, and what we post to it.

UChat documents only the text message and says that a button press is "the same with a payload"
(its wiki, pages 951943173 and 987234341). The rest is ours, in the shapes of Chatwoot's webhooks, whose
field names UChat's sample has; and whatever we send as `content_type` and `payload`, we also read.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from relevo.channels.adapter import OutgoingMessage
from relevo.channels.toolkit import Id, Latitude, Longitude, WebUrl
from relevo.domain.live_chat import content_payload
from relevo.domain.messages import MessageStatus, MessageType, msg_type, plain_text

MediaKind = Literal["image", "video", "audio", "file", "sticker"]

MEDIA_KINDS: dict[str, MediaKind] = {
    "image": "image",
    "photo": "image",
    "video": "video",
    "audio": "audio",
    "voice": "audio",
    "file": "file",
    "document": "file",
    "sticker": "sticker",
}

STATUSES = {
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "seen": MessageStatus.READ,
    "failed": MessageStatus.FAILED,
}

INCOMING: frozenset[str | int | None] = frozenset({"incoming", 0, None})
OUTGOING: frozenset[str | int | None] = frozenset({"outgoing", 1})
"""Chatwoot writes the direction as a word in webhooks and as a number in its API."""

Size = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """`sender` (or `contact`): who writes. Everything but the id is optional and may be null."""

    id: Id
    name: str | None = None
    email: str | None = None
    phone_number: str | None = None
    avatar: str | None = None
    thumbnail: str | None = None
    locale: str | None = None


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file or a place, in our names and in Chatwoot's."""

    type: str | None = None
    file_type: str | None = None
    url: WebUrl | None = None
    data_url: WebUrl | None = None
    mime_type: str | None = None
    size: Size | None = None
    file_size: Size | None = None
    title: str | None = None
    name: str | None = None
    fallback_title: str | None = None
    caption: str | None = None
    address: str | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    coordinates_lat: Latitude | None = None
    coordinates_long: Longitude | None = None

    @property
    def kind(self) -> str:
        """As it is named, else as its MIME type says; "" when nothing tells."""
        named = (self.type or self.file_type or "").lower()
        return named or (self.mime_type or "").partition("/")[0].lower()

    @property
    def link(self) -> str | None:
        return self.url or self.data_url

    @property
    def label(self) -> str:
        return self.title or self.name or self.fallback_title or ""

    @property
    def place(self) -> tuple[float, float] | None:
        latitude = self.coordinates_lat if self.latitude is None else self.latitude
        longitude = self.coordinates_long if self.longitude is None else self.longitude
        return None if latitude is None or longitude is None else (latitude, longitude)


class SubmittedValue(msgspec.Struct, frozen=True, kw_only=True):
    """A choice, as Chatwoot has it: `value` is the id."""

    title: str | None = None
    value: Id | None = None


class ContentAttributes(msgspec.Struct, frozen=True, kw_only=True):
    submitted_values: tuple[SubmittedValue, ...] | None = None


class Press(msgspec.Struct, frozen=True, kw_only=True):
    """`payload` of a button press."""

    id: Id | None = None
    title: str | None = None


class Emoji(msgspec.Struct, frozen=True, kw_only=True):
    """`payload` of a reaction."""

    emoji: str
    mid: Id


class PersonCard(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


class PersonCards(msgspec.Struct, frozen=True, kw_only=True):
    """`payload` of shared contacts."""

    contacts: Annotated[tuple[PersonCard, ...], msgspec.Meta(min_length=1, max_length=100)]


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that we read of a request. `payload` is read once `content_type` tells what it is."""

    event: str | None = None
    message_type: str | int | None = None
    content: str | None = None
    content_type: str | None = None
    sender: Person | None = None
    contact: Person | None = None
    mid: Id | None = None
    id: Id | None = None
    source_id: Id | None = None
    attachments: Annotated[tuple[Attachment, ...], msgspec.Meta(max_length=30)] | None = None
    payload: Any = None
    content_attributes: ContentAttributes | None = None
    referral: dict[str, Any] | None = None
    status: str | None = None
    mids: Annotated[tuple[Id, ...], msgspec.Meta(max_length=1000)] | None = None
    error: str | None = None


class Speaker(msgspec.Struct, frozen=True, kw_only=True):
    """Who says it to the customer. `id` is the agent's, 0 for the bot."""

    type: Literal["bot", "agent"]
    id: int
    name: str


class Receiver(msgspec.Struct, frozen=True, kw_only=True):
    """The customer; `id` is the `sender.id` under which they wrote."""

    id: str
    name: str


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """The body of what we post. `conversation_id` is ours (the number in `user_ns`); `mid` is the name of
    the message in receipts, unless the answer gives it another."""

    event: Literal["message_created"] = "message_created"
    message_type: Literal["outgoing"] = "outgoing"
    content: str
    content_type: str
    payload: dict[str, Any]
    sender: Speaker
    conversation_id: int
    contact: Receiver
    mid: str
    ts: int


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The other system's answer, if it gives our message an id of its own."""

    mid: Id | None = None
    id: Id | None = None
    source_id: Id | None = None


def outbound(message: OutgoingMessage) -> Outbound:
    by_agent = message.type is MessageType.AGENT
    return Outbound(
        content=plain_text(message.content),
        content_type=msg_type(message.content),
        payload=content_payload(message.content),
        sender=Speaker(
            type="agent" if by_agent else "bot",
            id=(message.member_id or 0) if by_agent else 0,
            name=message.username,
        ),
        conversation_id=message.conversation_id,
        contact=Receiver(id=message.user_id, name=message.contact_name),
        mid=message.object_id,
        ts=int(message.created_at.timestamp()),
    )
