"""The Bot API's JSON, as far as it is read here: https://core.telegram.org/bots/api (version 9)."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from relevo.channels.toolkit import Latitude, Longitude

Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Size = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
FileId = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class User(msgspec.Struct, frozen=True, kw_only=True):
    id: Number
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language_code: str = ""


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """`type` is `private`, `group`, `supergroup` or `channel`."""

    id: Number
    type: str = "private"


class File(msgspec.Struct, frozen=True, kw_only=True):
    """PhotoSize, Video, Animation, Audio, Voice, Document, VideoNote or Sticker: what they share."""

    file_id: FileId
    file_name: str = ""
    mime_type: str = ""
    file_size: Size = 0
    width: Size = 0
    emoji: str = ""
    is_animated: bool = False
    is_video: bool = False


class Place(msgspec.Struct, frozen=True, kw_only=True):
    latitude: Latitude
    longitude: Longitude


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    location: Place
    title: str = ""
    address: str = ""


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    phone_number: str
    first_name: str = ""
    last_name: str = ""


class Dice(msgspec.Struct, frozen=True, kw_only=True):
    emoji: str
    value: Number


class InlineButton(msgspec.Struct, frozen=True, kw_only=True):
    text: str = ""
    callback_data: str = ""


class InlineKeyboard(msgspec.Struct, frozen=True, kw_only=True):
    inline_keyboard: tuple[tuple[InlineButton, ...], ...] = ()


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wrote, or (in a callback query) what they pressed a button of."""

    message_id: Number
    chat: Chat
    from_: User | None = msgspec.field(name="from", default=None)
    text: str | None = None
    caption: str = ""
    photo: tuple[File, ...] = ()
    video: File | None = None
    animation: File | None = None
    audio: File | None = None
    voice: File | None = None
    video_note: File | None = None
    document: File | None = None
    sticker: File | None = None
    venue: Venue | None = None
    location: Place | None = None
    contact: Contact | None = None
    dice: Dice | None = None
    media_group_id: str = ""
    reply_markup: InlineKeyboard | None = None


class CallbackQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A pressed inline button; `data` is the one that we gave it."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    from_: User = msgspec.field(name="from")
    message: Message | None = None
    data: str | None = None


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    status: str


class MembershipChange(msgspec.Struct, frozen=True, kw_only=True):
    """In a private chat: `kicked` is blocked by the person, `member` is not."""

    chat: Chat
    old_chat_member: Membership
    new_chat_member: Membership


class ReactionKind(msgspec.Struct, frozen=True, kw_only=True):
    """`emoji` is missing of custom and paid ones."""

    emoji: str = ""


class ReactionChange(msgspec.Struct, frozen=True, kw_only=True):
    chat: Chat
    message_id: Number
    user: User | None = None
    new_reaction: tuple[ReactionKind, ...] = ()


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: exactly one of the fields besides `update_id` is there."""

    update_id: Number
    message: Message | None = None
    edited_message: Message | None = None
    callback_query: CallbackQuery | None = None
    my_chat_member: MembershipChange | None = None
    message_reaction: ReactionChange | None = None


UPDATES = ("message", "edited_message", "callback_query", "my_chat_member", "message_reaction")
"""What the bot asks to be told of: `allowed_updates`."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    retry_after: Annotated[int, msgspec.Meta(ge=0, le=10**6)] | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Every answer of the Bot API. `description` is for people, and there is no other code of an error."""

    ok: bool = False
    description: str = ""
    result: Any = None
    parameters: Parameters | None = None
