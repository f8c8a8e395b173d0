"""What the widget and the server say to each other, under `/web/{channel_key}`.

| call | body | answer |
|---|---|---|
| `POST session` | `SessionRequest` | `SessionAnswer` |
| `POST open` | `OpenPost` | 200 |
| `POST messages` | `MessagePost` | `MessageAnswer`, after the commit |
| `POST uploads?name=…` | the file itself, with its content type | `UploadAnswer`, or 413 |
| `GET messages?after=SEQ&wait=SECONDS` | | `MessagesAnswer` |
| `GET events?after=SEQ&token=…` | | server-sent events |
| `POST typing` | `{}` | 200 |
| `POST receipts` | `ReceiptPost` | 200 |

The events are `message` (a `WebMessage`; the event's id is its seq), `typing` (`{}`) and `status` (a
`StatusEvent`). All but `session` want `Authorization: Bearer <visitor token>`; `events` has it in its
query, because `EventSource` has no headers.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from relevo.channels.adapter import InboundMessage, InboundReceipt
from relevo.channels.toolkit import ID_LIMIT, Latitude, Longitude
from relevo.domain.errors import ForeignPayload
from relevo.domain.messages import (
    Content,
    Interactive,
    Location,
    Media,
    Message,
    MessageStatus,
    MessageType,
    Text,
    msg_type,
)
from relevo.domain.subscribers import Profile

LONGEST_TEXT = 10_000
UPLOAD_LIMIT = 25 * 1024 * 1024

Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
ClientId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Short = Annotated[str, msgspec.Meta(max_length=ID_LIMIT)]


class VisitorProfile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the website says about its visitor. Nobody has checked it."""

    name: Short = ""
    email: Short = ""
    phone: Short = ""
    locale: Short = ""
    timezone: Short = ""

    def told(self) -> Profile:
        """As the domain has it; of a locale like `en-AU`, `en` is the language."""
        return Profile(
            name=self.name,
            email=self.email,
            phone=self.phone,
            locale=self.locale.replace("-", "_"),
            language=self.locale.replace("_", "-").partition("-")[0],
            timezone=self.timezone,
        )


class SessionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`token` is the one of the last visit, if any: an invalid one is answered with a new visitor's."""

    token: str = ""
    profile: VisitorProfile = VisitorProfile()


class OpenPost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The visitor has opened the chat: the conversation begins here, so it says again who they are."""

    profile: VisitorProfile = VisitorProfile()


class WidgetCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What the widget may use. Without `events` (server-sent events) it polls from the start."""

    events: bool = True


class SessionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`user_ns` is empty until the conversation has begun, with `open` or the first message.
    `after`: show the conversation from that seq on. `title`, `subtitle` and `color` are the
    channel's settings; an empty color is the widget's own."""

    token: str
    user_ns: str
    after: int = 0
    upload_limit: int = UPLOAD_LIMIT
    title: str = ""
    subtitle: str = ""
    color: str = ""
    capabilities: WidgetCapabilities = WidgetCapabilities()


class PressPart(msgspec.Struct, frozen=True):
    """A pressed button: the id that it was sent with."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    id: Short = ""


class LocationPart(msgspec.Struct, frozen=True):
    latitude: Latitude
    longitude: Longitude


class UploadPart(msgspec.Struct, frozen=True):
    """A file that was uploaded before."""

    media_id: Annotated[str, msgspec.Meta(min_length=1, max_length=ID_LIMIT)]


class MessagePost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the visitor says: exactly one of `text`, `press`, `location`, `upload`.

    `id` is made by the widget and the message's `mid`: posting it again does nothing.
    """

    id: ClientId
    text: Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)] | None = None
    press: PressPart | None = None
    location: LocationPart | None = None
    upload: UploadPart | None = None
    caption: Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)] = ""


class MessageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The message is stored, as `seq`. `duplicate`: it was already."""

    seq: int
    duplicate: bool = False
    ok: Literal[True] = True


class UploadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A stored file; `type` says how to show it."""

    media_id: str
    url: str
    type: Literal["image", "video", "audio", "file"]
    mime_type: str
    size: int


class WebMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as the widget shows it. `content` has the form in which the domain keeps it (tagged
    by `kind`); `mid` of the visitor's own messages is the id that the widget gave them."""

    seq: int
    id: int
    mid: str
    type: MessageType
    msg_type: str
    content: Content
    username: str
    ts: int
    status: MessageStatus


class MessagesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`next` is the `after` of the next call; it also passes what the visitor does not see (notes)."""

    messages: tuple[WebMessage, ...]
    next: int


class StatusEvent(msgspec.Struct, frozen=True, kw_only=True):
    """How far the visitor's own messages have come."""

    seqs: tuple[int, ...]
    status: MessageStatus


class ReceiptPost(msgspec.Struct, frozen=True, kw_only=True):
    """Everything up to that seq has been shown (`delivered`) or seen (`read`)."""

    status: Literal["delivered", "read"]
    up_to_seq: Seq


def web_message(message: Message) -> WebMessage:
    """A stored message that the customer may see."""
    return WebMessage(
        seq=message.seq,
        id=message.id,
        mid=message.mid,
        type=message.type,
        msg_type=msg_type(message.content),
        content=message.content,
        username=message.username,
        ts=int(message.created_at.timestamp()),
        status=message.status,
    )


def inbound_message(post: MessagePost, user_id: str) -> InboundMessage:
    """What a visitor said. An uploaded file is known by its id alone until `with_upload`."""
    return InboundMessage(user_id=user_id, content=_content(post), mid=post.id)


def with_upload(message: InboundMessage, stored: UploadAnswer) -> InboundMessage:
    """The message once its uploaded file has been looked up."""
    if not isinstance(message.content, Media):
        return message
    known: dict[str, Any] = {name: getattr(stored, name) for name in stored.__struct_fields__}
    return msgspec.structs.replace(message, content=msgspec.structs.replace(message.content, **known))


def inbound_receipt(post: ReceiptPost, user_id: str) -> InboundReceipt:
    return InboundReceipt(user_id=user_id, status=MessageStatus(post.status), up_to_seq=post.up_to_seq)


def _content(post: MessagePost) -> Content:
    given = [part for part in (post.text, post.press, post.location, post.upload) if part is not None]
    if len(given) != 1:
        raise ForeignPayload(f"needed is exactly one of text, press, location and upload, not {len(given)}")
    match given[0]:
        case PressPart(title=title, id=id_):
            return Interactive(title, id_)
        case LocationPart(latitude=latitude, longitude=longitude):
            return Location(latitude, longitude)
        case UploadPart(media_id=media_id):
            return Media("file", "", media_id=media_id, caption=post.caption)
        case text:
            return _text(text)


def _text(text: str) -> Text:
    if not text.strip():
        raise ForeignPayload("text: empty; expected some words")
    return Text(text)
