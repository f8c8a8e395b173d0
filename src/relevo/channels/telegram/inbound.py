"""What Telegram's updates say."""

from __future__ import annotations

from typing import Any

import msgspec

from relevo.channels import toolkit
from relevo.channels.adapter import (
    HookAnswer,
    InboundEdit,
    InboundMessage,
    InboundReach,
    Parsed,
)
from relevo.channels.telegram import wire
from relevo.domain.messages import (
    Contact,
    Contacts,
    Content,
    Interactive,
    Location,
    Media,
    Other,
    Reaction,
    Text,
)
from relevo.domain.subscribers import Profile

FILE = "telegram:"
"""Before a file's id: the reference that `fetch` understands."""

_encode = msgspec.json.Encoder().encode


def parse(body: bytes, bot: str) -> Parsed:
    """What an update says. Only private chats are customers: what comes from groups is named, and kept.

    `bot` is the bot's id: another bot in its place counts its messages from 1 again.
    """
    update = toolkit.read_json(body, wire.Update)
    if update.message is not None:
        return _message(update.message, body, bot)
    if update.edited_message is not None:
        return _edited(update.edited_message, body, bot)
    if update.callback_query is not None:
        return _pressed(update.callback_query)
    if update.my_chat_member is not None:
        return _membership(update.my_chat_member)
    if update.message_reaction is not None:
        return _reaction(update.message_reaction, update.update_id, bot)
    return Parsed(unsupported=(f"update {_kind(body, set(wire.Update.__struct_fields__))}",))


def mid(bot: str, message_id: int | str) -> str:
    """The id of a message of a bot's."""
    return f"{bot}:{message_id}"


# Updates


def _message(message: wire.Message, body: bytes, bot: str) -> Parsed:
    if message.chat.type != "private":
        return _elsewhere(message.chat)
    content = _content(message, body, "message")
    item = InboundMessage(
        user_id=str(message.chat.id),
        content=content,
        mid=mid(bot, message.message_id),
        profile=_profile(message.from_),
        referral=_deep_link(message.text or ""),
    )
    return Parsed(items=(item,), unsupported=_unsupported(content))


def _edited(message: wire.Message, body: bytes, bot: str) -> Parsed:
    if message.chat.type != "private":
        return _elsewhere(message.chat)
    content = _content(message, body, "edited_message")
    of = mid(bot, message.message_id)
    edit = InboundEdit(user_id=str(message.chat.id), mid=of, content=content)
    return Parsed(items=(edit,), unsupported=_unsupported(content))


def _pressed(query: wire.CallbackQuery) -> Parsed:
    """The button turns until the query is answered, so the answer to the request does that (documented
    under "Making requests when getting updates")."""
    answer = HookAnswer(
        content_type="application/json",
        body=_encode({"method": "answerCallbackQuery", "callback_query_id": query.id}),
    )
    chat = query.message.chat if query.message else wire.Chat(id=query.from_.id)
    if chat.type != "private" or query.data is None:
        return Parsed(unsupported=("callback_query of a group or a game",), answer=answer)
    item = InboundMessage(
        user_id=str(chat.id),
        content=Interactive(_title_of(query, query.data), query.data),
        mid=f"callback:{query.id}",
        profile=_profile(query.from_),
    )
    return Parsed(items=(item,), answer=answer)


def _title_of(query: wire.CallbackQuery, data: str) -> str:
    """What stands on the pressed button; its data, where the message is too old to be told."""
    markup = query.message.reply_markup if query.message else None
    rows = markup.inline_keyboard if markup else ()
    return next((button.text for row in rows for button in row if button.callback_data == data), data)


def _membership(change: wire.MembershipChange) -> Parsed:
    """Blocked by the person, or not any more. A bot that is added to a group hears of it the same way."""
    before, after = change.old_chat_member.status, change.new_chat_member.status
    if change.chat.type != "private" or "kicked" not in (before, after):
        return Parsed()
    user_id = str(change.chat.id)
    return Parsed(items=(InboundReach(user_id=user_id, barred="blocked" if after == "kicked" else ""),))


def _reaction(change: wire.ReactionChange, update_id: int, bot: str) -> Parsed:
    if change.chat.type != "private":
        return _elsewhere(change.chat)
    emoji = change.new_reaction[-1].emoji if change.new_reaction else ""
    if change.new_reaction and not emoji:
        return Parsed(unsupported=("reaction with a custom emoji",))
    item = InboundMessage(
        user_id=str(change.chat.id),
        content=Reaction(emoji, mid(bot, change.message_id)),
        mid=mid(bot, f"reaction:{update_id}"),
        profile=_profile(change.user),
    )
    return Parsed(items=(item,))


def _elsewhere(chat: wire.Chat) -> Parsed:
    return Parsed(unsupported=(f"message in a {toolkit.short(chat.type)}",))


# Contents


def _content(message: wire.Message, body: bytes, place: str) -> Content:
    if message.text is not None:
        return Text(message.text)
    if media := _media(message):
        return media
    if message.venue is not None:
        where = message.venue.location
        return Location(where.latitude, where.longitude, message.venue.title, message.venue.address)
    if message.location is not None:
        return Location(message.location.latitude, message.location.longitude)
    if message.contact is not None:
        return Contacts((_contact(message.contact),))
    if message.dice is not None:
        return Text(f"{message.dice.emoji} {message.dice.value}")
    raw: dict[str, Any] = toolkit.read_json(body, dict[str, Any])[place]
    return Other("unsupported", {"type": _kind_of(raw), "raw": raw}, message.caption)


def _media(message: wire.Message) -> Media | None:
    """A film without sound comes as an animation and, for old readers, as a document too."""
    if message.photo:
        largest = max(message.photo, key=lambda size: (size.file_size, size.width))
        return _file(message, "image", largest, "image/jpeg")
    if film := message.animation or message.video or message.video_note:
        return _file(message, "video", film, "video/mp4")
    if sound := message.audio or message.voice:
        return _file(message, "audio", sound, "audio/ogg" if message.voice else "")
    if message.sticker is not None:
        return _sticker(message, message.sticker)
    return _file(message, "file", message.document, "") if message.document else None


def _file(message: wire.Message, kind: Any, file: wire.File, usual: str) -> Media:
    return Media(
        type=kind,
        url=FILE + file.file_id,
        mime_type=file.mime_type or usual,
        size=file.file_size,
        title=toolkit.short(file.file_name),
        caption=message.caption,
        album=toolkit.short(message.media_group_id),
    )


def _sticker(message: wire.Message, sticker: wire.File) -> Media:
    moving = "application/x-tgsticker" if sticker.is_animated else "video/webm"
    still = not (sticker.is_animated or sticker.is_video)
    return _file(message, "sticker", sticker, "image/webp" if still else moving)


def _contact(contact: wire.Contact) -> Contact:
    name = f"{contact.first_name} {contact.last_name}".strip()
    return Contact(name or contact.phone_number, (contact.phone_number,))


def _unsupported(content: Content) -> tuple[str, ...]:
    return (str(content.payload["type"]),) if isinstance(content, Other) else ()


_ALWAYS = {
    *("message_id", "message_thread_id", "date", "edit_date", "chat", "from", "sender_chat", "caption"),
    *("reply_to_message", "forward_origin", "has_protected_content", "is_from_offline", "via_bot"),
}


def _kind_of(raw: dict[str, Any]) -> str:
    """What Telegram calls a content that is new to us."""
    return next((toolkit.short(name) for name in raw if name not in _ALWAYS), "empty")


def _kind(body: bytes, known: set[str]) -> str:
    update = toolkit.read_json(body, dict[str, Any])
    return next((toolkit.short(name) for name in update if name not in known), "empty")


# People


def _profile(user: wire.User | None) -> Profile:
    if user is None:
        return Profile()
    names = (toolkit.short(user.first_name), toolkit.short(user.last_name))
    return Profile(
        name=" ".join(filter(None, names)) or toolkit.short(user.username),
        first_name=names[0],
        last_name=names[1],
        language=toolkit.short(user.language_code).partition("-")[0],
        locale=toolkit.short(user.language_code).replace("-", "_"),
    )


def _deep_link(text: str) -> dict[str, Any] | None:
    """`t.me/bot?start=spring` opens the chat with `/start spring`."""
    command, _, parameter = text.partition(" ")
    return (
        {"source": "deep_link", "ref": toolkit.short(parameter)}
        if command == "/start" and parameter
        else None
    )
