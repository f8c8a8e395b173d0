"""What a flow sends: its messages as data, and how they are read from the file."""

from __future__ import annotations

from typing import Literal

import msgspec

from relevo.domain.flows.expressions import ByLanguage
from relevo.domain.flows.model import Words
from relevo.domain.flows.reading import Reader
from relevo.domain.yaml_reading import Mapping, Value, did_you_mean, nearest, quoted

MAX_BUTTONS = 10
MAX_QUICK_REPLIES = 11

_MEDIA: tuple[Literal["image", "video", "audio", "file"], ...] = ("image", "video", "audio", "file")
_OPENABLE = ("http://", "mailto:", "tel:", "https://")
_CONTENTS = ("text", *_MEDIA, "location")


class FlowButton(msgspec.Struct, frozen=True):
    """A button or a quick reply: it starts a subflow (`do`), opens a `url`, dials (`call`), or,
    with none of them, says its title."""

    title: Words
    do: str = ""
    url: Words = ""
    call: Words = ""


class TextMessage(msgspec.Struct, frozen=True, tag=True):
    text: Words
    buttons: tuple[FlowButton, ...] = ()
    quick_replies: tuple[FlowButton, ...] = ()


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


FlowMessage = TextMessage | MediaMessage | LocationMessage


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
    if found[0] == "text":
        return _text_message(keys, reader)
    return _location(keys, reader) if found[0] == "location" else _media(keys, reader)


def _report_contents(keys: Mapping, found: list[str]) -> None:
    if found:
        keys.problem(f"{' and '.join(found)} in one message", "send each by a step of its own")
    elif meant := next((key for key in keys if nearest(key, _CONTENTS)), None):
        keys.problem_at(meant, f"unknown key {quoted(meant)}", did_you_mean(meant, _CONTENTS))
    else:
        keys.problem("the message has no content", f"add one of: {', '.join(_CONTENTS)}")


def _text_message(keys: Mapping, reader: Reader) -> TextMessage | None:
    keys.only(("text", "buttons", "quick_replies"))
    text = reader.words(keys["text"])
    buttons, quick_replies = buttons_of(keys, reader), quick_replies_of(keys, reader)
    return None if text is None else TextMessage(text, buttons, quick_replies)


def _media(keys: Mapping, reader: Reader) -> MediaMessage | None:
    kind = next(kind for kind in _MEDIA if kind in keys)
    keys.only((kind, "title", "caption", "buttons", "quick_replies"))
    url = _url(keys[kind], reader, ("http://", "https://"))
    title, caption = reader.optional_words(keys, "title"), reader.optional_words(keys, "caption")
    buttons, quick_replies = buttons_of(keys, reader), quick_replies_of(keys, reader)
    return None if url is None else MediaMessage(kind, url, title, caption, buttons, quick_replies)


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


def _button(value: Value, reader: Reader, actions: tuple[str, ...]) -> FlowButton | None:
    if not value.is_mapping or reader.is_by_language(value):
        title = reader.words(value)
        return None if title is None else FlowButton(title)
    keys = value.mapping(("title", *actions))
    assert keys is not None
    title_value = keys.need("title", "add title: the words on it")
    title = reader.words(title_value) if title_value else None
    given = [action for action in actions if action in keys]
    if given[1:]:
        keys.problem_at(given[1], f"one button does several things: {', '.join(given)}", "keep one of them")
    do, url, call = _button_action(keys, reader, given)
    return None if title is None else FlowButton(title, do, url, call)


def _button_action(keys: Mapping, reader: Reader, given: list[str]) -> tuple[str, Words, Words]:
    do = (reader.subflow(keys["do"]) or "") if "do" in given else ""
    url = (
        (_url(keys["url"], reader, ("http://", "mailto:", "tel:", "https://")) or "")
        if "url" in given
        else ""
    )
    call = (reader.template(keys["call"]) or "") if "call" in given else ""
    return do, url, call
