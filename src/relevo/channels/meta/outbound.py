"""The JSON of the Send API that brings a message to a person.

https://developers.facebook.com/docs/messenger-platform/reference/send-api,
https://developers.facebook.com/docs/messenger-platform/reference/templates/button,
https://developers.facebook.com/docs/messenger-platform/reference/templates/generic,
https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/quick-replies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from relevo.channels.adapter import OutgoingMessage
from relevo.channels.toolkit import Fault
from relevo.domain.deliveries import Rejected
from relevo.domain.errors import UnsupportedContent
from relevo.domain.messages import Button, Card, Cards, Content, Media, MessageType, QuickReply, Text

WINDOW = timedelta(hours=24)
"""For how long after the customer's last word anything may be said."""
WINDOW_OF_HUMANS = timedelta(days=7)
"""And for how long a human may still answer."""

LONGEST_LINE = 80
"""Characters of a card's title, and of its subtitle."""
NO_WORDS = "…"
"""For buttons without words: Meta takes no empty text."""


def purpose(message: OutgoingMessage) -> dict[str, str] | Rejected:
    """What the message is to Meta: an answer or, after a day, what a human says; or why it may not be
    said any more. Of whom nobody knows when they were heard, Meta decides."""
    silence = _silence(message)
    if silence <= WINDOW:
        return {"messaging_type": "RESPONSE"}
    days = f"the customer has been silent for {silence.days} days and {silence.seconds // 3600} hours"
    if message.type is not MessageType.AGENT:
        return Rejected(f"{Fault.WINDOW_CLOSED}: {days}; after 24 hours only a human may write to them")
    if silence > WINDOW_OF_HUMANS:
        return Rejected(f"{Fault.WINDOW_CLOSED}: {days}; after 7 days not even a human may write to them")
    return {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}


def _silence(message: OutgoingMessage) -> timedelta:
    now = message.sending_at or message.created_at
    return now - message.heard_at if message.heard_at else timedelta()


def said(content: Content) -> dict[str, Any]:
    """The `message` of a content. Raises `UnsupportedContent` for what degrading would not have left."""
    match content:
        case Text(text=text, buttons=buttons, quick_replies=quick_replies):
            return _words(text or NO_WORDS, buttons) | _quick_replies(quick_replies)
        case Media(type=type_, url=url):
            return {"attachment": {"type": type_, "payload": {"url": url}}}
        case Cards(cards=cards, image_aspect_ratio=ratio, quick_replies=quick_replies):
            elements = [_element(card) for card in cards]
            template = {"template_type": "generic", "elements": elements, **_ratio(ratio)}
            return _template(template) | _quick_replies(quick_replies)
        case _:
            raise UnsupportedContent


def link_instead(media: Media) -> dict[str, Any]:
    """For a file that Meta does not take."""
    return {"text": "\n".join(filter(None, (media.title, media.url)))}


def _words(text: str, buttons: Sequence[Button]) -> dict[str, Any]:
    if not buttons:
        return {"text": text}
    return _template({"template_type": "button", "text": text, "buttons": list(map(_button, buttons))})


def _template(payload: dict[str, Any]) -> dict[str, Any]:
    return {"attachment": {"type": "template", "payload": payload}}


def _ratio(ratio: str) -> dict[str, str]:
    return {"image_aspect_ratio": ratio} if ratio == "square" else {}


def _element(card: Card) -> dict[str, Any]:
    """A card needs more than its title: without anything else it gets a subtitle."""
    element: dict[str, Any] = {"title": _cut(card.title or NO_WORDS, LONGEST_LINE)}
    if card.image_url:
        element["image_url"] = card.image_url
    if card.subtitle or not (card.image_url or card.buttons):
        element["subtitle"] = _cut(card.subtitle or NO_WORDS, LONGEST_LINE)
    if card.action_url:
        element["default_action"] = {"type": "web_url", "url": card.action_url}
    if card.buttons:
        element["buttons"] = list(map(_button, card.buttons))
    return element


def _button(button: Button) -> dict[str, str]:
    match button.kind:
        case "url":
            return {"type": "web_url", "title": button.title, "url": button.target}
        case "call":
            return {"type": "phone_number", "title": button.title, "payload": button.target}
        case "reply":
            return {"type": "postback", "title": button.title, "payload": button.id or button.title}


def _quick_replies(replies: Sequence[QuickReply]) -> dict[str, Any]:
    if not replies:
        return {}
    return {
        "quick_replies": [
            {"content_type": "text", "title": reply.title, "payload": reply.id or reply.title}
            for reply in replies
        ]
    }


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + NO_WORDS
