"""Bodies for `/messages` that bring a message to a person:
https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from relevo.domain.errors import UnsupportedContent
from relevo.domain.messages import (
    Button,
    Contact,
    Contacts,
    Content,
    Location,
    Media,
    Other,
    QuickReply,
    Reaction,
    Text,
)

NO_WORDS = "…"
"""For buttons without words: a body is required."""

MOST_BUTTONS, LONGEST_BUTTON = 3, 20
MOST_ROWS, LONGEST_ROW, LONGEST_DESCRIPTION = 10, 24, 72

_FIELDS = {"image": "image", "video": "video", "audio": "audio", "file": "document", "sticker": "sticker"}

Options = Sequence[Button | QuickReply]


def body_for(content: Content, user_id: str, list_button: str, uploaded: str = "") -> dict[str, Any]:
    """The body that says a content; `uploaded`: its file's id, if it lies at Meta already. Raises
    `UnsupportedContent` for what degrading would not have left."""
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **recipient(user_id),
        **_said(content, list_button, uploaded),
    }


def recipient(user_id: str) -> dict[str, str]:
    """A phone number goes into another field than a business-scoped id like US.13491208655302741918."""
    return {"to": user_id} if user_id.isdecimal() else {"recipient": user_id}


def read_up_to(mid: str, *, is_typing: bool) -> dict[str, Any]:
    """The customer's messages up to this one are read; and, for 25 seconds, somebody is typing."""
    typing = {"typing_indicator": {"type": "text"}} if is_typing else {}
    return {"messaging_product": "whatsapp", "status": "read", "message_id": mid, **typing}


def _said(content: Content, list_button: str, uploaded: str) -> dict[str, Any]:
    match content:
        case Text(text=text, buttons=buttons, quick_replies=quick_replies):
            if any(reply.asks for reply in quick_replies):
                return _location_request(text)
            if buttons or quick_replies:
                opened_by = content.list_button[:LONGEST_BUTTON] or list_button
                return _interactive(text, [*buttons, *quick_replies], opened_by)
            return _typed("text", {"body": text, "preview_url": "://" in text})
        case Media():
            return _media(content, list_button, uploaded)
        case Location(latitude=latitude, longitude=longitude, name=name, address=address):
            place = {"latitude": latitude, "longitude": longitude, "name": name, "address": address}
            return _typed("location", {key: value for key, value in place.items() if value != ""})
        case Contacts(contacts=contacts):
            return _typed("contacts", [_card(contact) for contact in contacts])
        case Reaction(emoji=emoji, mid=mid):
            return _typed("reaction", {"message_id": mid, "emoji": emoji})
        case Other(type="template", payload=payload):
            return _typed("template", _template(payload))
        case _:
            raise UnsupportedContent


def _template(payload: dict[str, Any]) -> dict[str, Any]:
    language = {"code": payload["lang"]}
    return {"name": payload["name"], "language": language, "components": payload["components"]}


def _typed(kind: str, value: Any) -> dict[str, Any]:
    return {"type": kind, kind: value}


def _media(media: Media, list_button: str, uploaded: str) -> dict[str, Any]:
    """With buttons, the file is the head of the message."""
    field = _FIELDS[media.type]
    file = {"id": uploaded} if uploaded else {"link": media.url}
    if field == "document" and media.title:
        file["filename"] = media.title
    options: Options = [*media.buttons, *media.quick_replies]
    if options:
        return _interactive(media.caption, options, list_button, header=_typed(field, file))
    return _typed(field, {**file, "caption": media.caption} if media.caption else file)


def _interactive(
    words: str, options: Options, list_button: str, *, header: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Buttons where they are few and short, else a list."""
    short = all(len(option.title) <= LONGEST_BUTTON and not _about(option) for option in options)
    fit = len(options) <= MOST_BUTTONS and short
    shape = _buttons(options) if fit or header else _list(options, list_button)
    head = {"header": header} if header else {}
    return _typed("interactive", {**shape, **head, "body": {"text": words or NO_WORDS}})


def _buttons(options: Options) -> dict[str, Any]:
    replies = [{"id": _id(option), "title": option.title[:LONGEST_BUTTON]} for option in options]
    return {"type": "button", "action": {"buttons": [_typed("reply", reply) for reply in replies]}}


def _list(options: Options, list_button: str) -> dict[str, Any]:
    sections: dict[str, list[dict[str, str]]] = {}
    for option in options:
        title = option.section if isinstance(option, QuickReply) else ""
        sections.setdefault(title[:LONGEST_ROW], []).append(_row(option))
    if len(sections) == 1:
        made = [{**({"title": title} if title else {}), "rows": rows} for title, rows in sections.items()]
    else:  # then each has to have a title
        made = [{"title": title or list_button, "rows": rows} for title, rows in sections.items()]
    return {"type": "list", "action": {"button": list_button, "sections": made}}


def _location_request(words: str) -> dict[str, Any]:
    """A message with nothing but a button that sends where the customer is."""
    shape = {"type": "location_request_message", "action": {"name": "send_location"}}
    return _typed("interactive", {**shape, "body": {"text": words or NO_WORDS}})


def _about(option: Button | QuickReply) -> str:
    return option.about if isinstance(option, QuickReply) else ""


def _row(option: Button | QuickReply) -> dict[str, str]:
    """What is too long for a title stands below it as well, in full."""
    row = {"id": _id(option), "title": option.title[:LONGEST_ROW]}
    if about := _about(option):
        return {**row, "description": about[:LONGEST_DESCRIPTION]}
    is_cut = len(option.title) > LONGEST_ROW
    return {**row, "description": option.title[:LONGEST_DESCRIPTION]} if is_cut else row


def _id(option: Button | QuickReply) -> str:
    return option.id or option.title


def _card(contact: Contact) -> dict[str, Any]:
    """`formatted_name` and one more part of a name are required."""
    first, _, last = contact.name.partition(" ")
    name = {"formatted_name": contact.name, "first_name": first, **({"last_name": last} if last else {})}
    return {
        "name": name,
        "phones": [{"phone": phone, "type": "CELL"} for phone in contact.phones],
        "emails": [{"email": email, "type": "HOME"} for email in contact.emails],
    }
