"""UChat's dynamic content, version 1, read into contents and acts: what `send-content` takes.

Its form is that of UChat's pages "Dynamic content". What goes beyond them here: media may have a `caption`
and a `title`, `node` buttons start a subflow, and a quick reply of type `content` says its caption.
Everything that is wrong is named at once, by its path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from relevo.domain import complaints
from relevo.domain.errors import InvalidInput
from relevo.domain.flows.runs import AddTag, RemoveTag, SetField
from relevo.domain.flows.saying import say_id, start_id
from relevo.domain.messages import Button, Card, Cards, Content, Media, QuickReply, Text
from relevo.domain.subscribers import FieldValue

MOST_MESSAGES, MOST_QUICK_REPLIES, MOST_ACTIONS = 10, 11, 5
"""UChat's limits."""
MOST_CARDS, MOST_BUTTONS = 10, 10
ContentAct = SetField | AddTag | RemoveTag
"""What dynamic content does to a subscriber's data."""

LONGEST_TEXT, LONGEST_URL, LONGEST_LABEL, LONGEST_NAME = 20_000, 4096, 1000, 100
"""In characters: what is said, where it is, what stands beside it, and what tags and fields are called."""

_FIRST_TOO_GREAT = 2**63  # JSON has no limit; what keeps it has this one

T = TypeVar("T")


class DynamicContent(msgspec.Struct, frozen=True):
    """What to say, what to do to the subscriber's data, and the subflow to go to ("" for none)."""

    contents: tuple[Content, ...] = ()
    acts: tuple[ContentAct, ...] = ()
    go_to: str = ""


def read(data: object, subflows: Mapping[str, str], *, path: str = "data") -> DynamicContent:
    """What `data` says. `subflows` has the names of the flow's subflows, by name and by `sub_flow_ns`.

    `{version, content: {…}}`, and what clients send as well: the same without `version`, or only what
    is in `content`. `path` is where it stood. Raises InvalidInput with everything that is wrong.
    """
    reading = _Reading(subflows)
    found = _content(_Value(reading, data, path))
    if reading.errors:
        raise InvalidInput(reading.errors)
    return found


class _Reading:
    """What one call of `read` collects."""

    def __init__(self, subflows: Mapping[str, str]) -> None:
        self.subflows = subflows
        self.errors: dict[str, list[str]] = {}


class _Value:
    """A part of the JSON, and its path. It answers whatever it is asked for; what is wrong is noted."""

    def __init__(self, reading: _Reading, raw: object, path: str) -> None:
        self.reading, self.raw, self.path = reading, raw, path

    def __getitem__(self, name: str | int) -> _Value:
        inner: object = None
        if isinstance(self.raw, dict) and isinstance(name, str):
            inner = self.raw.get(name)
        elif isinstance(self.raw, list) and isinstance(name, int):
            inner = self.raw[name]
        return _Value(self.reading, inner, f"{self.path}.{name}" if self.path else str(name))

    def wrong(self, sentence: str) -> None:
        self.reading.errors.setdefault(self.path, []).append(sentence)

    @property
    def is_given(self) -> bool:
        return self.raw not in (None, "", [], {})

    def is_object(self) -> bool:
        """Whether it is one; something else is wrong, nothing at all too."""
        if isinstance(self.raw, dict):
            return True
        given = complaints.must_be(self.path, "an array", self.raw)
        self.wrong(given if self.is_given else complaints.required(self.path))
        return False

    def items(self, most: int) -> Iterator[_Value]:
        """Its parts; none when it is left out."""
        if not self.is_given:
            return
        if not isinstance(self.raw, list):
            return self.wrong(complaints.must_be(self.path, "an array", self.raw))
        if len(self.raw) > most:
            return self.wrong(complaints.too_many(self.path, most, len(self.raw)))
        for index in range(len(self.raw)):
            yield self[index]

    def optional_text(self, longest: int = LONGEST_LABEL) -> str:
        """A text, "" when it is left out."""
        if self.raw is None:
            return ""
        if not isinstance(self.raw, str):
            self.wrong(complaints.must_be(self.path, "a string", self.raw))
        elif len(self.raw) > longest:
            self.wrong(complaints.too_long(self.path, longest, len(self.raw)))
        elif "\0" in self.raw:
            self.wrong(complaints.must_be(self.path, "without NUL characters", self.raw))
        else:
            return self.raw
        return ""

    def text(self, longest: int = LONGEST_LABEL) -> str:
        """A text with something in it."""
        if self.raw is None or (isinstance(self.raw, str) and not self.raw.strip()):
            self.wrong(complaints.required(self.path))
            return ""
        return self.optional_text(longest)

    def url(self) -> str:
        return self._checked_url(self.text(LONGEST_URL))

    def optional_url(self) -> str:
        return self._checked_url(self.optional_text(LONGEST_URL))

    def _checked_url(self, url: str) -> str:
        if url and not _is_web_address(url):
            self.wrong(complaints.must_be_url(self.path, url))
        return url

    def choice(self, table: Mapping[str, T]) -> T | None:
        """What the table has under this text; None when there is nothing."""
        name = self.text()
        if name and name not in table:
            self.wrong(complaints.none_of(self.path, name, table))
        return table.get(name)

    def subflow(self) -> str:
        """The name of the subflow that is meant: by its name or its `sub_flow_ns`."""
        given = self.text(LONGEST_LABEL)
        name = self.reading.subflows.get(given, "")
        if given and not name:
            self.wrong(complaints.unknown(self.path, given, "subflow"))
        return name


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not set(url) & set(' \r\n\t<>"')
    except ValueError:
        return False


# The whole


def _content(data: _Value) -> DynamicContent:
    if not data.is_object():
        return DynamicContent()
    if data["version"].is_given:
        data["version"].choice({"v1": None})
    content = data["content"] if data["content"].raw is not None else data
    if not content.is_object():
        return DynamicContent()
    contents = [said for item in content["messages"].items(MOST_MESSAGES) if (said := _message(item))]
    acts = [act for item in content["actions"].items(MOST_ACTIONS) if (act := _action(item))]
    go_to = content["goto"].subflow() if content["goto"].is_given else ""
    _put_under_the_last(content["quick_replies"], contents)
    if not (contents or acts or go_to or data.reading.errors):
        content["messages"].wrong(complaints.required(content["messages"].path))
    return DynamicContent(tuple(contents), tuple(acts), go_to)


def _by(value: _Value, key: str, readers: Mapping[str, Callable[[_Value], T]]) -> T | None:
    """An object, read by the reader that is named in it."""
    if not value.is_object():
        return None
    reader = value[key].choice(readers)
    return reader(value) if reader else None


# Messages


def _message(value: _Value) -> Content | None:
    return _by(value, "type", _MESSAGES)


def _text(value: _Value) -> Text:
    return Text(value["text"].text(LONGEST_TEXT), _buttons(value))


def _media(type_: Literal["image", "video", "audio", "file"]) -> Callable[[_Value], Content]:
    def read_media(value: _Value) -> Media:
        return Media(
            type=type_,
            url=value["url"].url(),
            title=value["title"].optional_text(),
            caption=value["caption"].optional_text(LONGEST_TEXT),
            buttons=_buttons(value),
        )

    return read_media


def _cards(value: _Value) -> Cards:
    elements = value["elements"]
    if not elements.is_given:
        elements.wrong(complaints.required(elements.path))
    ratio = value["image_aspect_ratio"]
    shape = ratio.choice(_RATIOS) if ratio.is_given else None
    cards = (_card(item) for item in elements.items(MOST_CARDS) if item.is_object())
    return Cards(tuple(cards), shape or "horizontal")


_RATIOS: Mapping[str, Literal["horizontal", "square"]] = {"horizontal": "horizontal", "square": "square"}


def _card(value: _Value) -> Card:
    return Card(
        title=value["title"].text(),
        subtitle=value["subtitle"].optional_text(),
        image_url=value["image_url"].optional_url(),
        action_url=value["action_url"].optional_url(),
        buttons=_buttons(value),
    )


_MESSAGES: Mapping[str, Callable[[_Value], Content]] = {
    "text": _text,
    "image": _media("image"),
    "video": _media("video"),
    "audio": _media("audio"),
    "file": _media("file"),
    "cards": _cards,
}


# Buttons


def _buttons(message: _Value) -> tuple[Button, ...]:
    return tuple(one for item in message["buttons"].items(MOST_BUTTONS) if (one := _button(item)))


def _button(value: _Value) -> Button | None:
    return _by(value, "type", _BUTTONS)


def _url_button(value: _Value) -> Button:
    return Button(value["caption"].text(), kind="url", target=value["url"].url())


def _call_button(value: _Value) -> Button:
    return Button(value["caption"].text(), kind="call", target=value["phone"].text(LONGEST_NAME))


def _node_button(value: _Value) -> Button:
    return Button(value["caption"].text(), id=start_id(value["target"].subflow()))


def _callback(value: _Value) -> None:
    why = "a button of Relevo calls nobody. Send the buttons that you would have answered with."
    value["type"].wrong(complaints.not_supported(value["type"].path, f"dynamic_block_callback – {why}"))


_BUTTONS: Mapping[str, Callable[[_Value], Button | None]] = {
    "url": _url_button,
    "call": _call_button,
    "node": _node_button,
    "dynamic_block_callback": _callback,
}


# Quick replies


def _put_under_the_last(value: _Value, contents: list[Content]) -> None:
    """Quick replies stand under the last message. One with a link becomes a button: no channel has others."""
    replies = [one for item in value.items(MOST_QUICK_REPLIES) if (one := _quick_reply(item))]
    if not replies:
        return
    if not contents:
        return value.wrong(f"The {value.path} need a message to stand under; content.messages has none.")
    picks = tuple(one for one in replies if isinstance(one, QuickReply))
    links = tuple(one for one in replies if isinstance(one, Button))
    last = contents[-1]
    if isinstance(last, Text | Media):
        contents[-1] = msgspec.structs.replace(last, quick_replies=picks, buttons=last.buttons + links)
    elif isinstance(last, Cards) and not links:
        contents[-1] = msgspec.structs.replace(last, quick_replies=picks)
    else:
        value.wrong(complaints.not_supported(value.path, "a url cannot stand under cards. Put it on a card."))


def _quick_reply(value: _Value) -> QuickReply | Button | None:
    return _by(value, "type", _QUICK_REPLIES)


def _node_reply(value: _Value) -> QuickReply:
    return QuickReply(value["caption"].text(), start_id(value["target"].subflow()))


def _content_reply(value: _Value) -> QuickReply:
    caption = value["caption"].text()
    return QuickReply(caption, say_id(caption))


_QUICK_REPLIES: Mapping[str, Callable[[_Value], QuickReply | Button | None]] = {
    "node": _node_reply,
    "url": _url_button,
    "content": _content_reply,
    "dynamic_block_callback": _callback,
}


# Actions


def _action(value: _Value) -> ContentAct | None:
    return _by(value, "action", _ACTIONS)


def _set_field(value: _Value) -> SetField:
    return SetField(value["field_name"].text(LONGEST_NAME), _field_value(value["value"]))


def _field_value(value: _Value) -> FieldValue:
    """A text, a number, a yes or no, or a list of these."""
    raw = value.raw
    if raw is None:
        value.wrong(complaints.required(value.path))
    elif isinstance(raw, str):
        return value.optional_text(LONGEST_TEXT)
    elif isinstance(raw, bool | float) or (isinstance(raw, int) and abs(raw) < _FIRST_TOO_GREAT):
        return raw
    elif isinstance(raw, list) and all(isinstance(item, str | bool | int | float) for item in raw):
        return [_field_value(item) for item in value.items(LONGEST_LABEL)]
    else:
        value.wrong(complaints.must_be(value.path, "a string, a number, a boolean or a list of these", raw))
    return None


_ACTIONS: Mapping[str, Callable[[_Value], ContentAct]] = {
    "add_tag": lambda value: AddTag(value["tag_name"].text(LONGEST_NAME)),
    "remove_tag": lambda value: RemoveTag(value["tag_name"].text(LONGEST_NAME)),
    "set_field_value": _set_field,
    "unset_field_value": lambda value: SetField(value["field_name"].text(LONGEST_NAME), None),
}
