"""What Meta's notifications say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from relevo.channels import toolkit
from relevo.channels.adapter import Inbound, InboundEdit, InboundMessage, InboundReceipt, Parsed
from relevo.channels.meta import wire
from relevo.domain.errors import ForeignPayload
from relevo.domain.messages import (
    Content,
    Interactive,
    Location,
    Media,
    MessageStatus,
    Other,
    Reaction,
    Text,
)
from relevo.domain.subscribers import Profile

Found = Inbound | str
"""What happened or, as a mere text, the name of what is new to us."""

MEDIA: dict[str, Any] = {
    **{kind: kind for kind in ("image", "video", "audio", "file", "sticker")},
    **dict.fromkeys(("reel", "ig_reel"), "video"),
    "story_mention": "file",
}
LINKS = frozenset({"fallback", "share", "post", "ig_post"})
EMOJI = {"love": "❤", "like": "👍", "dislike": "👎", "smile": "😆", "sad": "😢", "wow": "😮", "angry": "😠"}
"""Where Meta names a reaction without its emoji."""

DELETED = Other("unsupported", {"type": "deleted"})
"""What a message says that its author has taken back: Meta wants it gone."""


def parse(body: bytes, *, object_: str, account_id: str) -> Parsed:
    """What a notification says about the account. What is told of another account of the same app is
    named, and kept."""
    notification = toolkit.read_json(body, wire.Notification)
    if notification.object != object_:
        raise ForeignPayload(f"object: {toolkit.short(notification.object)!r} is not {object_!r}")
    found = [one for entry in notification.entry for one in _entry(entry, account_id)]
    return Parsed(
        items=tuple(one for one in found if not isinstance(one, str)),
        unsupported=tuple(dict.fromkeys(one for one in found if isinstance(one, str))),
    )


def _entry(entry: wire.Entry, account_id: str) -> Iterator[Found]:
    if str(entry.id) != account_id:
        yield f"the account {entry.id}"
        return
    for event in entry.messaging:
        yield from _event(event)
    for change in entry.changes:
        yield from _change(change, account_id)


def _event(event: wire.Event) -> Iterator[Found]:
    user_id = toolkit.id_text(event.sender.id)
    if event.message is not None and event.message.is_echo:
        return
    if not user_id:
        yield "an event of nobody"
    elif event.message is not None:
        yield from _message(event.message, user_id, _moment(event.timestamp))
    elif event.message_edit is not None:
        edit = event.message_edit
        yield InboundEdit(user_id=user_id, mid=str(edit.mid), content=Text(edit.text))
    else:
        yield _sign(event, user_id)


def _sign(event: wire.Event, user_id: str) -> Found:
    if event.postback is not None:
        return _pressed(event.postback, user_id, event.timestamp)
    if event.reaction is not None:
        return _reaction(event.reaction, user_id, event.timestamp)
    if event.read is not None:
        mids = (event.read.mid,) if event.read.mid is not None else ()
        return _receipt(user_id, MessageStatus.READ, mids, event.read.watermark)
    if event.delivery is not None:
        return _receipt(user_id, MessageStatus.DELIVERED, event.delivery.mids, event.delivery.watermark)
    if event.referral is not None:
        content = Other("referral", event.referral)
        mid = f"referral:{event.timestamp}"
        return InboundMessage(
            user_id=user_id,
            content=content,
            mid=mid,
            referral=event.referral,
            said_at=_moment(event.timestamp),
        )
    return "an event without anything that is known"


# Messages


def _message(message: wire.Message, user_id: str, at: datetime | None) -> Iterator[Found]:
    if message.is_deleted:
        yield InboundEdit(user_id=user_id, mid=str(message.mid), content=DELETED)
        return
    contents = list(_contents(message))
    referral = message.referral or _story(message.reply_to)
    for number, content in enumerate(contents):
        mid = f"{message.mid}.{number}" if number else str(message.mid)
        yield InboundMessage(
            user_id=user_id, content=content, mid=toolkit.short(mid), referral=referral, said_at=at
        )
    yield from (
        str(content.payload["type"])
        for content in contents
        if isinstance(content, Other) and content.type == "unsupported"
    )


def _contents(message: wire.Message) -> Iterator[Content]:
    """Files one by one; the words with the first of them."""
    words = message.text or ""
    if message.quick_reply is not None:
        yield Interactive(words, message.quick_reply.payload)
        return
    attachments = list(_without_doubles(message.attachments))
    if words and any(one.type in LINKS for one in attachments):
        attachments = [one for one in attachments if one.type not in LINKS]
    if not attachments:
        yield Text(words) if words else Other("unsupported", {"type": _kind(message)})
    album = toolkit.short(str(message.mid)) if len(attachments) > 1 else ""
    for number, attachment in enumerate(attachments):
        yield _content(attachment, "" if number else words, album)


def _without_doubles(attachments: Iterable[wire.Attachment]) -> Iterator[wire.Attachment]:
    """Until August 2026 a sticker comes a second time, as a picture."""
    attachments = tuple(attachments)
    has_sticker = any(one.type == "sticker" for one in attachments)
    for one in attachments:
        if not (has_sticker and one.type == "image" and "sticker_id" in (one.payload or {})):
            yield one


def _content(attachment: wire.Attachment, words: str, album: str) -> Content:
    payload = toolkit.read_value(attachment.payload or {}, wire.Payload, "attachment.payload")
    url = payload.url or attachment.url or ""
    kind: Any = "sticker" if payload.sticker_id is not None else MEDIA.get(attachment.type)
    if kind and url.startswith(("https://", "http://")):
        title = toolkit.short(payload.title or attachment.title or "")
        return Media(type=kind, url=url, title=title, caption=words, album=album)
    if attachment.type == "location" and payload.coordinates is not None:
        where = payload.coordinates
        return Location(where.lat, where.long, toolkit.short(attachment.title or ""))
    lines = "\n".join(filter(None, (words, payload.title or attachment.title, url)))
    if attachment.type in LINKS and lines:
        return Text(lines)
    raw = attachment.payload or {}
    return Other("unsupported", {"type": toolkit.short(attachment.type), "raw": raw}, words)


def _kind(message: wire.Message) -> str:
    return "a message that Meta hands to nobody" if message.is_unsupported else "a message without content"


def _story(reply_to: wire.ReplyTo | None) -> dict[str, Any] | None:
    """An answer to a story of ours."""
    if reply_to is None or reply_to.story is None:
        return None
    return {"source": "story", "ref": toolkit.id_text(reply_to.story.id), "url": reply_to.story.url}


def _pressed(postback: wire.Postback, user_id: str, timestamp: int | str) -> InboundMessage:
    return InboundMessage(
        user_id=user_id,
        content=Interactive(postback.title or postback.payload, postback.payload),
        mid=toolkit.id_text(postback.mid) or toolkit.short(f"postback:{timestamp}"),
        referral=postback.referral,
        said_at=_moment(timestamp),
    )


def _reaction(reaction: wire.Reaction, user_id: str, timestamp: int | str) -> InboundMessage:
    emoji = reaction.emoji or EMOJI.get(reaction.reaction, "👍")
    return InboundMessage(
        user_id=user_id,
        content=Reaction(emoji if reaction.action == "react" else "", str(reaction.mid)),
        mid=toolkit.short(f"reaction:{timestamp}"),
        said_at=_moment(timestamp) if reaction.action == "react" else None,
    )


def _moment(timestamp: int | str) -> datetime | None:
    """When it was, by Meta's clock; None, where that is no time."""
    if not isinstance(timestamp, int) or not 0 < timestamp <= wire.LAST_MOMENT:
        return None
    return datetime.fromtimestamp(timestamp / 1000, UTC)


def _receipt(
    user_id: str, status: MessageStatus, mids: tuple[int | str, ...], watermark: int | None
) -> InboundReceipt:
    if mids:
        return InboundReceipt(user_id=user_id, status=status, mids=tuple(map(str, mids)))
    up_to = datetime.fromtimestamp((watermark or 0) / 1000, UTC)
    return InboundReceipt(user_id=user_id, status=status, up_to=up_to)


# Comments


def _change(change: wire.Change, account_id: str) -> Iterator[Found]:
    """Of what is told about posts, only comments of others are heard."""
    if change.field not in ("feed", "comments", "live_comments"):
        yield f"a change of {toolkit.short(change.field)}"
        return
    comment = toolkit.read_value(change.value, wire.Comment, "value")
    user_id = toolkit.id_text(comment.from_.id)
    if (change.field == "feed" and comment.item != "comment") or user_id == account_id:
        return
    comment_id = toolkit.id_text(comment.comment_id or comment.id)
    if not user_id or not comment_id:
        yield "a comment of nobody"
        return
    yield _comment(comment, user_id, comment_id, change.field)


def _comment(comment: wire.Comment, user_id: str, comment_id: str, field: str) -> Inbound:
    """The bot does not answer: what is said in public opens no conversation of two."""
    words = comment.message or comment.text
    about = {
        "text": words,
        "item": "comment",
        "comment_id": comment_id,
        "post_id": toolkit.id_text(comment.post_id or (comment.media.id if comment.media else None)),
        "parent_id": toolkit.id_text(comment.parent_id),
        "photo": comment.photo,
        "live": field == "live_comments",
    }
    content = Other("feed", {name: value for name, value in about.items() if value}, words)
    if comment.verb in ("edit", "edited"):
        return InboundEdit(user_id=user_id, mid=comment_id, content=content)
    if comment.verb in ("remove", "delete"):
        return InboundEdit(user_id=user_id, mid=comment_id, content=DELETED)
    name = toolkit.short(comment.from_.name or comment.from_.username)
    return InboundMessage(
        user_id=user_id, content=content, mid=comment_id, profile=Profile(name=name), for_bot=False
    )
