"""Meta's JSON, as far as it is read here, and its error codes.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events,
https://developers.facebook.com/documentation/business-messaging/instagram-messaging/webhooks,
https://developers.facebook.com/docs/graph-api/webhooks/reference/page (comments),
https://developers.facebook.com/docs/messenger-platform/error-codes.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from relevo.channels.toolkit import Fault, Id, Latitude, Longitude

Words = Annotated[str, msgspec.Meta(max_length=20_000)]
LAST_MOMENT = 253_402_300_799_000
Moment = Annotated[int, msgspec.Meta(ge=0, le=LAST_MOMENT)]
"""Milliseconds since 1970."""


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A person or an account. Who is only known to a plugin of a website has no id."""

    id: Id | None = None
    name: str = ""
    username: str = ""


class Coordinates(msgspec.Struct, frozen=True, kw_only=True):
    lat: Latitude
    long: Longitude


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    url: str | None = None
    title: str | None = None
    sticker_id: Id | None = None
    coordinates: Coordinates | None = None


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """Of a shared link (`fallback`), title and URL stand beside the payload. That is a `Payload`, or
    something else of a type that is new to us."""

    type: str
    title: str | None = None
    url: str | None = None
    payload: dict[str, Any] | None = None


class QuickReply(msgspec.Struct, frozen=True, kw_only=True):
    payload: str = ""


class Story(msgspec.Struct, frozen=True, kw_only=True):
    id: Id | None = None
    url: str = ""


class ReplyTo(msgspec.Struct, frozen=True, kw_only=True):
    story: Story | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What was said: by the customer or, as an echo, by the account itself."""

    mid: Id
    text: Words | None = None
    attachments: tuple[Attachment, ...] = ()
    quick_reply: QuickReply | None = None
    reply_to: ReplyTo | None = None
    referral: dict[str, Any] | None = None
    is_echo: bool = False
    is_deleted: bool = False
    is_unsupported: bool = False


class MessageEdit(msgspec.Struct, frozen=True, kw_only=True):
    mid: Id
    text: Words


class Postback(msgspec.Struct, frozen=True, kw_only=True):
    """A pressed button, an entry of the menu, an ice breaker."""

    title: str = ""
    payload: str = ""
    mid: Id | None = None
    referral: dict[str, Any] | None = None


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """`action` is `react` or `unreact`."""

    mid: Id
    action: str
    emoji: str = ""
    reaction: str = ""


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """Messenger names a moment, Instagram a message."""

    watermark: Moment | None = None
    mid: Id | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    watermark: Moment | None = None
    mids: tuple[Id, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: one of the fields besides the first three is there."""

    sender: Party = Party()
    recipient: Party = Party()
    timestamp: Id = 0
    message: Message | None = None
    message_edit: MessageEdit | None = None
    postback: Postback | None = None
    reaction: Reaction | None = None
    read: Read | None = None
    delivery: Delivery | None = None
    referral: dict[str, Any] | None = None


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """The picture or film of Instagram that a comment is about."""

    id: Id | None = None
    media_product_type: str = ""


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment: on Facebook `item`, `verb`, `comment_id`, `post_id` and `message`; on Instagram `id`,
    `media` and `text`."""

    from_: Party = msgspec.field(name="from", default=Party())
    item: str = ""
    verb: str = ""
    comment_id: Id | None = None
    post_id: Id | None = None
    parent_id: Id | None = None
    message: Words = ""
    photo: str = ""
    id: Id | None = None
    text: Words = ""
    media: Media | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    field: str
    value: Any = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one account. What another app is in charge of (`standby`) is not read."""

    id: Id
    messaging: tuple[Event, ...] = ()
    changes: tuple[Change, ...] = ()


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    object: str
    entry: tuple[Entry, ...] = ()


# Answers of the Graph API


class Error(msgspec.Struct, frozen=True, kw_only=True):
    message: str = ""
    code: int = 0
    error_subcode: int = 0
    is_transient: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Of a message that was taken: `message_id`; of a list: `data`; of the account: `id` and its name."""

    error: Error | None = None
    message_id: str = ""
    data: Any = None
    id: str = ""
    name: str = ""
    user_id: Id | None = None
    username: str = ""
    instagram_business_account: Party | None = None


SUBCODES: dict[int, Fault] = {
    **dict.fromkeys((2018065, 2018278, 2534022), Fault.WINDOW_CLOSED),
    **dict.fromkeys((1545041, 2018001, 2018108), Fault.INVALID_RECIPIENT),
    2018022: Fault.RATE_LIMITED,
}
CODES: dict[int, Fault] = {
    **dict.fromkeys((4, 17, 32, 613, 80006), Fault.RATE_LIMITED),
    **dict.fromkeys((1, 2, 1200), Fault.VENDOR_DOWN),
    **dict.fromkeys((3, 10, 102, 190, 200, 230), Fault.AUTH),
    551: Fault.INVALID_RECIPIENT,
}
"""A subcode goes before its code; every other code is `rejected`."""

FILE_SUBCODES = frozenset({2018008, 2018047, 2018294})
"""Meta could not fetch the file, or takes none of its kind."""
