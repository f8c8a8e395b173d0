"""Messages as they are shown: whose they are, what kind, and where a day or a speaker begins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import assert_never

import msgspec
from markupsafe import Markup, escape

from relevo.domain.flows.variables import as_text
from relevo.domain.messages import (
    Cards,
    Contacts,
    Content,
    Interactive,
    Location,
    Media,
    Message,
    MessageType,
    Other,
    Reaction,
    Text,
    plain_text,
)
from relevo.domain.subscribers import FieldValue
from relevo.web.console.times import When

LONGEST_PREVIEW = 120
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")
_SPEAKERS_WORDS = {MessageType.OUT: "Bot: ", MessageType.AGENT: "Agent: ", MessageType.NOTE: "Note: "}


class Bubble(msgspec.Struct, frozen=True, kw_only=True):
    """A message to show. `new_day` is the day's name, if the one before was of another day."""

    message: Message
    kind: str
    new_day: str = ""
    starts: bool = True
    """Somebody else spoke before, or a while ago."""


def bubbles(messages: Iterable[Message], when: When, before: Message | None = None) -> list[Bubble]:
    """Messages in order as bubbles; `before` is the one that is shown already."""
    shown = []
    for message in messages:
        shown.append(_bubble(message, when, before))
        before = message
    return shown


def _bubble(message: Message, when: When, before: Message | None) -> Bubble:
    is_new_day = before is None or when.day(before.created_at) != when.day(message.created_at)
    same = before is not None and (before.type, before.username) == (message.type, message.username)
    return Bubble(
        message=message,
        kind=kind_of(message.content),
        new_day=when.day_name(message.created_at) if is_new_day else "",
        starts=is_new_day or not same,
    )


def kind_of(content: Content) -> str:
    """Which part of the template shows it."""
    match content:
        case Text():
            return "text"
        case Media(type=type_):
            return type_
        case Location():
            return "location"
        case Contacts():
            return "contacts"
        case Interactive():
            return "interactive"
        case Reaction():
            return "reaction"
        case Cards():
            return "cards"
        case Other():
            return "other"
        case _:
            assert_never(content)


def preview(message: Message) -> str:
    """A message in one short line, for lists."""
    text = " ".join(plain_text(message.content).split()) or _unsaid(message.content)
    text = text if len(text) <= LONGEST_PREVIEW else f"{text[:LONGEST_PREVIEW]}…"
    return _SPEAKERS_WORDS.get(message.type, "") + text


def _unsaid(content: Content) -> str:
    match content:
        case Media(type=type_) | Other(type=type_):
            return f"[{type_}]"
        case _:
            return f"[{kind_of(content)}]"


def linked(text: str) -> Markup:
    """Text with its web addresses as links, everything else escaped."""
    pieces, end = [], 0
    for match in _LINK.finditer(text):
        pieces += [escape(text[end : match.start()]), _link(match[0])]
        end = match.end()
    return Markup("").join([*pieces, escape(text[end:])])


def _link(url: str) -> Markup:
    return Markup('<a href="{0}" rel="noopener noreferrer nofollow" target="_blank">{0}</a>').format(url)


def safe_url(url: str) -> str:
    """A link that a browser may follow; nothing for any that would run something."""
    return url if url.startswith(("https://", "http://", "/")) else ""


def initials(name: str) -> str:
    """`AD` for Ana Diaz."""
    words = [word for word in re.split(r"[\s@._-]+", name) if word]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"


def field_text(value: FieldValue) -> str:
    """What a field holds, as it may be written into a form: a list as JSON."""
    return msgspec.json.encode(value).decode() if isinstance(value, list) else as_text(value)
