"""What can be said: contents, messages and their receipts.

The same values serve every channel, in and out. Their JSON form (tagged by `kind`)
is what the database keeps; the forms of the webhook and of the API are made from
them in `live_chat.py`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import msgspec

from relevo.domain.ids import ConversationId, MemberId, MessageId


class Button(msgspec.Struct, frozen=True, omit_defaults=True):
    """A button under a message.

    `reply` comes back to us as `Interactive(id, title)`; `url` opens `target`;
    `call` dials `target`.
    """

    title: str
    id: str = ""
    kind: Literal["reply", "url", "call"] = "reply"
    target: str = ""


class QuickReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """A suggested answer that disappears once one is chosen; comes back as `Interactive`.

    `about` stands below the title, and `section` above the first of several, where replies are shown as a
    list. One that `asks` has the customer send where they are (`Location`) or who they are (`Contacts`).
    """

    title: str
    id: str = ""
    about: str = ""
    section: str = ""
    asks: Literal["", "location", "contact"] = ""


class Text(msgspec.Struct, frozen=True, omit_defaults=True, tag="text", tag_field="kind"):
    text: str
    buttons: tuple[Button, ...] = ()
    quick_replies: tuple[QuickReply, ...] = ()
    list_button: str = ""
    """What opens the quick replies where they are shown as a list."""


class Media(msgspec.Struct, frozen=True, omit_defaults=True, tag="media", tag_field="kind"):
    """A picture, film, sound, document or sticker.

    `url` is where the other side may fetch it. For what customers send it is our own
    signed link (`media_id` names the stored copy). `size` is in bytes, 0 when unknown.
    `album` is the same for files that were sent together; `problem` says why a customer's file
    could not be had.
    """

    type: Literal["image", "video", "audio", "file", "sticker"]
    url: str
    mime_type: str = ""
    size: int = 0
    title: str = ""
    caption: str = ""
    transcribed_text: str = ""
    media_id: str = ""
    buttons: tuple[Button, ...] = ()
    quick_replies: tuple[QuickReply, ...] = ()
    album: str = ""
    problem: str = ""


class Location(msgspec.Struct, frozen=True, omit_defaults=True, tag="location", tag_field="kind"):
    """A place: degrees, north and east positive."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


class Contact(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


class Contacts(msgspec.Struct, frozen=True, omit_defaults=True, tag="contacts", tag_field="kind"):
    contacts: tuple[Contact, ...]


class Interactive(msgspec.Struct, frozen=True, omit_defaults=True, tag="interactive", tag_field="kind"):
    """A pressed button or a chosen list entry; `id` is the one that we gave it when we sent it.
    `written` is what the customer wrote instead, where buttons had become numbered text."""

    title: str
    id: str = ""
    written: str = ""


class Reaction(msgspec.Struct, frozen=True, omit_defaults=True, tag="reaction", tag_field="kind"):
    """An emoji put on the message `mid`; an empty emoji takes it back."""

    emoji: str
    mid: str


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    title: str
    subtitle: str = ""
    image_url: str = ""
    action_url: str = ""
    buttons: tuple[Button, ...] = ()


class Cards(msgspec.Struct, frozen=True, omit_defaults=True, tag="cards", tag_field="kind"):
    cards: tuple[Card, ...]
    image_aspect_ratio: Literal["horizontal", "square"] = "horizontal"
    quick_replies: tuple[QuickReply, ...] = ()


class Other(msgspec.Struct, frozen=True, omit_defaults=True, tag="other", tag_field="kind"):
    """What has a name on the wire but no use in a flow: orders, comments (`feed`), ad referrals
    without words, `template` (of WhatsApp's: see `templates.py`), and `unsupported`, which keeps the vendor's
    own type and data."""

    type: Literal["order", "referral", "feed", "template", "unsupported"]
    payload: dict[str, Any] = {}
    text: str = ""


Content = Text | Media | Location | Contacts | Interactive | Reaction | Cards | Other


class MessageType(StrEnum):
    """Who said it."""

    IN = "in"  # the customer
    OUT = "out"  # the bot
    AGENT = "agent"  # a human on the platform
    NOTE = "note"  # a human, for colleagues only
    SYSTEM = "system"  # Relevo itself, about the conversation

    @property
    def is_seen_by_customer(self) -> bool:
        return self in (MessageType.IN, MessageType.OUT, MessageType.AGENT)


class MessageStatus(StrEnum):
    """How far an outgoing message has come. Receipts only ever move it forward."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


_RANK = {status: rank for rank, status in enumerate(("queued", "sent", "failed", "delivered", "read"))}


def is_progress(old: MessageStatus, new: MessageStatus) -> bool:
    """Whether a receipt moves a message forward: vendors repeat receipts and reorder them."""
    return _RANK[new] > _RANK[old]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One thing said in a conversation, as stored.

    `seq` counts 1, 2, 3 … within the conversation in the order of commit: it, and not the
    id, is the order of messages. `object_id` is the `_id` of the wire: 24 hex digits,
    sortable. `mid` is the channel's own id, empty until the channel gives one.
    """

    id: MessageId
    object_id: str
    conversation_id: ConversationId
    seq: int
    type: MessageType
    content: Content
    created_at: datetime
    mid: str = ""
    member_id: MemberId | None = None
    username: str = ""
    status: MessageStatus = MessageStatus.SENT
    error: str = ""
    referral: dict[str, Any] | None = None


def msg_type(content: Content) -> str:
    """The `msg_type` of the wire (design section 6)."""
    match content:
        case Text() | Cards():
            return "text"
        case Media(type=type_) | Other(type=type_):
            return type_
        case Location():
            return "location"
        case Contacts():
            return "contacts"
        case Interactive():
            return "interactive"
        case Reaction():
            return "reaction"


def plain_text(content: Content) -> str:
    """What a person would read: the `content` of the wire, and what triggers look at."""
    match content:
        case Text(text=text) | Other(text=text):
            return text
        case Media(caption=caption):
            return caption
        case Location(latitude=latitude, longitude=longitude, name=name):
            return name or f"{latitude},{longitude}"
        case Contacts(contacts=contacts):
            return ", ".join(contact.name for contact in contacts)
        case Interactive(title=title):
            return title
        case Reaction(emoji=emoji):
            return emoji
        case Cards(cards=cards):
            return "\n".join(card.title for card in cards)
