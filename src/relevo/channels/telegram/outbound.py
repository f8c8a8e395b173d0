"""Calls of the Bot API that bring a message to a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from relevo.domain.degrading import card_words
from relevo.domain.errors import UnsupportedContent
from relevo.domain.messages import Button, Cards, Content, Location, Media, QuickReply, Text

Call = tuple[str, dict[str, Any]]
"""A method and its parameters."""

NO_WORDS = "…"
"""For buttons without words: Telegram takes no empty text."""

_MEDIA = {
    "image": ("sendPhoto", "photo"),
    "video": ("sendVideo", "video"),
    "audio": ("sendAudio", "audio"),
    "file": ("sendDocument", "document"),
    "sticker": ("sendSticker", "sticker"),
}


def call_for(content: Content, chat_id: str) -> Call:
    """The call that says a content. Raises `UnsupportedContent` for what degrading would not have left."""
    method, parameters = _call_for(content)
    return method, {"chat_id": chat_id, **parameters}


def link_instead(media: Media, chat_id: str) -> Call:
    """For a file that Telegram does not fetch: by URL it takes documents only as PDF, ZIP or GIF, and
    films only as MP4."""
    words = "\n".join(filter(None, (media.caption or media.title, media.url)))
    parameters = {"chat_id": chat_id, "text": words, **_keyboard(media.buttons, media.quick_replies)}
    return "sendMessage", parameters


def _call_for(content: Content) -> Call:
    match content:
        case Text(text=text, buttons=buttons, quick_replies=quick_replies):
            return "sendMessage", {"text": text or NO_WORDS, **_keyboard(buttons, quick_replies)}
        case Media():
            return _media(content)
        case Location(latitude=latitude, longitude=longitude, name=name, address=address):
            place = {"latitude": latitude, "longitude": longitude}
            if not name:
                return "sendLocation", place
            return "sendVenue", {**place, "title": name, "address": address or name}
        case Cards(cards=cards):
            pictures = [
                {"type": "photo", "media": card.image_url, "caption": card_words(card)} for card in cards
            ]
            return "sendMediaGroup", {"media": pictures}
        case _:
            raise UnsupportedContent


def _media(media: Media) -> Call:
    method, field = _MEDIA[media.type]
    if media.mime_type == "audio/ogg":
        method, field = "sendVoice", "voice"
    words = {"caption": media.caption} if media.caption else {}
    return method, {field: media.url, **words, **_keyboard(media.buttons, media.quick_replies)}


def _keyboard(buttons: Sequence[Button], quick_replies: Sequence[QuickReply]) -> dict[str, Any]:
    """Buttons one below the other, quick replies in pairs. Quick replies are inline buttons too: those of
    a reply keyboard would come back as a mere text, without their id."""
    if any(reply.asks for reply in quick_replies):
        return _requests(quick_replies)
    rows = [[_button(button)] for button in buttons]
    replies = [
        {"text": reply.title, "callback_data": reply.id or reply.title[:16]} for reply in quick_replies
    ]
    rows += [replies[at : at + 2] for at in range(0, len(replies), 2)]
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}


def _requests(quick_replies: Sequence[QuickReply]) -> dict[str, Any]:
    """Only a reply keyboard can ask for something; it goes away once it is used."""
    rows = [[{"text": reply.title, **_ASKS[reply.asks]}] for reply in quick_replies]
    return {"reply_markup": {"keyboard": rows, "resize_keyboard": True, "one_time_keyboard": True}}


_ASKS: dict[str, dict[str, bool]] = {
    "": {},
    "location": {"request_location": True},
    "contact": {"request_contact": True},
}


def _button(button: Button) -> dict[str, str]:
    if button.kind == "url":
        return {"text": button.title, "url": button.target}
    return {"text": button.title, "callback_data": button.id or button.title[:16]}
