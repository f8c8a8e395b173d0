"""What a flow sends: its messages as data, and how they are read from the file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from relevo.domain.flows.expressions import ByLanguage
from relevo.domain.flows.model import Words
from relevo.domain.flows.reading import Reader
from relevo.domain.flows.shapes import (
    BUTTONS,
    LIST,
    QUICK_REPLIES,
    TEXT,
    WORDS,
    any_of,
    listed,
    mapping,
    number,
    one_of,
)
from relevo.domain.yaml_reading import Mapping, Value, did_you_mean, nearest, quoted

MAX_BUTTONS = 10
MAX_QUICK_REPLIES = 11
MAX_ROWS = 30
"""Entries of a list."""
MAX_CARDS = 10

_MEDIA: tuple[Literal["image", "video", "audio", "file"], ...] = ("image", "video", "audio", "file")
_OPENABLE = ("http://", "mailto:", "tel:", "https://")
_CONTENTS = ("text", *_MEDIA, "location", "cards")


_OPTIONS = {"buttons": BUTTONS, "quick_replies": QUICK_REPLIES}
_CARD = mapping({"title": WORDS, "text": WORDS, "image": TEXT, "url": TEXT, "buttons": BUTTONS}, ("title",))
_PLACE = mapping(
    {"latitude": number(-90, 90), "longitude": number(-180, 180), "name": WORDS, "address": WORDS},
    ("latitude", "longitude"),
)
MESSAGE = any_of(
    WORDS,
    mapping({"text": WORDS, **_OPTIONS, "list": LIST}, ("text",)),
    *(mapping({kind: TEXT, "title": WORDS, "caption": WORDS, **_OPTIONS}, (kind,)) for kind in _MEDIA),
    mapping({"location": _PLACE}, ("location",)),
    mapping(
        {
            "cards": listed(_CARD, 1, MAX_CARDS),
            "shape": one_of(("horizontal", "square")),
            "quick_replies": QUICK_REPLIES,
        },
        ("cards",),
    ),
)
"""The forms of a message in a file."""


class FlowButton(msgspec.Struct, frozen=True):
    """A button, a quick reply or an entry of a list: it starts a subflow (`do`), opens a `url`, dials
    (`call`), or, with none of them, says its title. `about` and `section` are a list's."""

    title: Words
    do: str = ""
    url: Words = ""
    call: Words = ""
    about: Words = ""
    section: Words = ""


class TextMessage(msgspec.Struct, frozen=True, tag=True):
    text: Words
    buttons: tuple[FlowButton, ...] = ()
    quick_replies: tuple[FlowButton, ...] = ()
    list_button: Words = ""


class MediaMessage(msgspec.Struct, frozen=True, tag=True):
    kind: Literal["image", "video", "audio", "file"]
    url: Words
    title: Words = ""
    caption: Words = ""
    buttons: tuple[FlowButton, ...] = ()
    quick_replies: tuple[FlowButton, ...] = ()


class LocationMessage(msgspec.Struct, frozen=True, tag=True):
    latitude: float
    longitude: float
    name: Words = ""
    address: Words = ""


class FlowCard(msgspec.Struct, frozen=True):
    title: Words
    text: Words = ""
    image: Words = ""
    url: Words = ""
    buttons: tuple[FlowButton, ...] = ()


class CardsMessage(msgspec.Struct, frozen=True, tag=True):
    """Cards side by side. `shape` is that of their pictures."""

    cards: tuple[FlowCard, ...]
    shape: Literal["horizontal", "square"] = "horizontal"
    quick_replies: tuple[FlowButton, ...] = ()


FlowMessage = TextMessage | MediaMessage | LocationMessage | CardsMessage


class Choice(msgspec.Struct, frozen=True):
    """`value` is what is saved; the title, unless the file says otherwise."""

    title: Words
    value: str

    @property
    def titles(self) -> tuple[str, ...]:
        """In every language."""
        texts = self.title.texts.values() if isinstance(self.title, ByLanguage) else (self.title,)
        return tuple(text for text in texts if isinstance(text, str))


def message(value: Value, reader: Reader) -> FlowMessage | None:
    if not value.is_mapping or reader.is_by_language(value):
        text = reader.words(value)
        return None if text is None else TextMessage(text)
    keys = value.mapping()
    assert keys is not None
    found = [key for key in _CONTENTS if key in keys]
    if len(found) != 1:
        _report_contents(keys, found)
        return None
    return _READERS.get(found[0], _media)(keys, reader)


def _report_contents(keys: Mapping, found: list[str]) -> None:
    if found:
        keys.problem(f"{' and '.join(found)} in one message", "send each by a step of its own")
    elif meant := next((key for key in keys if nearest(key, _CONTENTS)), None):
        keys.problem_at(meant, f"unknown key {quoted(meant)}", did_you_mean(meant, _CONTENTS))
    else:
        keys.problem("the message has no content", f"add one of: {', '.join(_CONTENTS)}")


def _text_message(keys: Mapping, reader: Reader) -> TextMessage | None:
    keys.only(("text", "buttons", "quick_replies", "list"))
    text = reader.words(keys["text"])
    made = with_options(text or "", keys, reader)
    return None if text is None else made


def with_options(text: Words, keys: Mapping, reader: Reader) -> TextMessage:
    """A text with what these keys offer to press: `buttons`, `quick_replies`, or a `list`."""
    buttons, quick_replies = buttons_of(keys, reader), quick_replies_of(keys, reader)
    if "list" not in keys:
        return TextMessage(text, buttons, quick_replies)
    if quick_replies:
        keys.problem_at("list", "quick_replies and a list in one message", "keep one of them")
    rows, opened_by = _list(keys["list"], reader)
    return TextMessage(text, buttons, rows, opened_by)


def _list(value: Value, reader: Reader) -> tuple[tuple[FlowButton, ...], Words]:
    """The rows, and what stands on the button that opens the list."""
    if value.is_list:
        return _rows(value, reader, ""), ""
    keys = value.mapping(("button", "rows", "sections"), "write a list of rows, or {button: …, rows: [...]}")
    if keys is None:
        return (), ""
    opened_by = reader.optional_words(keys, "button")
    if "sections" not in keys:
        rows = keys.need("rows", "add rows: and a list of them")
        return (_rows(rows, reader, "") if rows else ()), opened_by
    sections = (_section(item, reader) for item in keys["sections"].items())
    return _bounded(keys["sections"], tuple(row for rows in sections for row in rows)), opened_by


def _section(value: Value, reader: Reader) -> tuple[FlowButton, ...]:
    keys = value.mapping(("title", "rows"), "for example {title: Pizza, rows: [...]}")
    rows = keys.need("rows", "add rows: and a list of them") if keys else None
    title = keys.need("title", "add title: what stands above the rows") if keys else None
    return _rows(rows, reader, (reader.words(title) or "") if title else "") if rows else ()


def _rows(value: Value, reader: Reader, section: Words) -> tuple[FlowButton, ...]:
    rows = (_button(item, reader, ("do",), ("about",)) for item in value.items("write a list of rows"))
    found = tuple(msgspec.structs.replace(row, section=section) for row in rows if row is not None)
    return _bounded(value, found)


def _bounded(value: Value, rows: tuple[FlowButton, ...]) -> tuple[FlowButton, ...]:
    if not 1 <= len(rows) <= MAX_ROWS and value.is_list:
        value.problem(f"a list of {len(rows)} rows", f"write 1 to {MAX_ROWS}")
    return rows


def _media(keys: Mapping, reader: Reader) -> MediaMessage | None:
    kind = next(kind for kind in _MEDIA if kind in keys)
    keys.only((kind, "title", "caption", "buttons", "quick_replies"))
    url = _url(keys[kind], reader, ("http://", "https://"))
    title, caption = reader.optional_words(keys, "title"), reader.optional_words(keys, "caption")
    buttons, quick_replies = buttons_of(keys, reader), quick_replies_of(keys, reader)
    return None if url is None else MediaMessage(kind, url, title, caption, buttons, quick_replies)


def _cards(keys: Mapping, reader: Reader) -> CardsMessage | None:
    keys.only(("cards", "shape", "quick_replies"))
    items = keys["cards"].items("write a list of cards")
    if keys["cards"].is_list and not 1 <= len(items) <= MAX_CARDS:
        keys["cards"].problem(f"{len(items)} cards", f"write 1 to {MAX_CARDS}")
    cards = tuple(card for item in items if (card := _card(item, reader)) is not None)
    shape = keys["shape"].one_of(("horizontal", "square")) if "shape" in keys else ""
    quick_replies = quick_replies_of(keys, reader)
    return CardsMessage(cards, "square" if shape == "square" else "horizontal", quick_replies)


def _card(value: Value, reader: Reader) -> FlowCard | None:
    remedy = "for example {title: Pro, text: For teams, image: https://example.com/pro.png}"
    keys = value.mapping(("title", "text", "image", "url", "buttons"), remedy)
    title_value = keys.need("title", "add title: what stands on the card") if keys else None
    title = reader.words(title_value) if title_value else None
    if keys is None or title is None:
        return None
    image, url = (
        (_url(keys[key], reader, ("http://", "https://")) or "") if key in keys else ""
        for key in ("image", "url")
    )
    return FlowCard(title, reader.optional_words(keys, "text"), image, url, buttons_of(keys, reader))


def _location(keys: Mapping, reader: Reader) -> LocationMessage | None:
    keys.only(("location",))
    place = keys["location"].mapping(("latitude", "longitude", "name", "address"))
    if place is None:
        return None
    latitude, longitude = _degrees(place, "latitude", 90), _degrees(place, "longitude", 180)
    name, address = reader.optional_words(place, "name"), reader.optional_words(place, "address")
    if latitude is None or longitude is None:
        return None
    return LocationMessage(latitude, longitude, name, address)


def _degrees(place: Mapping, key: str, most: int) -> float | None:
    value = place.need(key, f"add {key}: degrees from -{most} to {most}")
    number = value.number() if value else None
    if value is None or number is None:
        return None
    if abs(number) > most:
        value.mismatch(f"from -{most} to {most} degrees", "north and east are positive")
        return None
    return float(number)


def _url(value: Value, reader: Reader, schemes: tuple[str, ...]) -> Words | None:
    url = reader.template(value)
    if isinstance(url, str) and not url.lower().startswith(schemes):
        value.mismatch("a URL", f"start it with {schemes[-1]}")
        return None
    return url


_READERS: dict[str, Callable[[Mapping, Reader], FlowMessage | None]] = {
    "text": _text_message,
    "location": _location,
    "cards": _cards,
}

# Buttons


def buttons_of(keys: Mapping, reader: Reader) -> tuple[FlowButton, ...]:
    return _pressables(keys.get("buttons"), reader, ("do", "url", "call"), MAX_BUTTONS)


def quick_replies_of(keys: Mapping, reader: Reader) -> tuple[FlowButton, ...]:
    return _pressables(keys.get("quick_replies"), reader, ("do",), MAX_QUICK_REPLIES)


def _pressables(
    value: Value | None, reader: Reader, actions: tuple[str, ...], most: int
) -> tuple[FlowButton, ...]:
    if value is None:
        return ()
    items = value.items()
    if len(items) > most:
        value.problem(f"{len(items)} {value.name}", f"at most {most} fit under a message")
    return tuple(button for item in items if (button := _button(item, reader, actions)) is not None)


def _button(
    value: Value, reader: Reader, actions: tuple[str, ...], others: tuple[str, ...] = ()
) -> FlowButton | None:
    if not value.is_mapping or reader.is_by_language(value):
        title = reader.words(value)
        return None if title is None else FlowButton(title)
    keys = value.mapping(("title", *others, *actions))
    assert keys is not None
    title_value = keys.need("title", "add title: the words on it")
    title = reader.words(title_value) if title_value else None
    given = [action for action in actions if action in keys]
    if given[1:]:
        keys.problem_at(given[1], f"one button does several things: {', '.join(given)}", "keep one of them")
    do, url, call = _button_action(keys, reader, given)
    about = reader.optional_words(keys, "about")
    return None if title is None else FlowButton(title, do, url, call, about)


def _button_action(keys: Mapping, reader: Reader, given: list[str]) -> tuple[str, Words, Words]:
    do = (reader.subflow(keys["do"]) or "") if "do" in given else ""
    url = (
        (_url(keys["url"], reader, ("http://", "mailto:", "tel:", "https://")) or "")
        if "url" in given
        else ""
    )
    call = (reader.template(keys["call"]) or "") if "call" in given else ""
    return do, url, call
