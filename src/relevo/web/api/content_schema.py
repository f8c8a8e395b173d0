"""Dynamic content v1 for the OpenAPI document. What is taken is decided in `domain.dynamic_content`; a test
holds the two together."""

from __future__ import annotations

from typing import Any

from relevo.domain.dynamic_content import (
    LONGEST_LABEL,
    LONGEST_NAME,
    LONGEST_TEXT,
    LONGEST_URL,
    MOST_ACTIONS,
    MOST_BUTTONS,
    MOST_CARDS,
    MOST_MESSAGES,
    MOST_QUICK_REPLIES,
)

Json = dict[str, Any]


def _text(description: str = "", longest: int = LONGEST_LABEL) -> Json:
    told: Json = {"description": description} if description else {}
    return {"type": "string", "minLength": 1, "maxLength": longest, **told}


def _url() -> Json:
    return {"type": "string", "format": "uri", "pattern": "^https?://", "maxLength": LONGEST_URL}


def _one(kind: str, parts: Json, *optional: str, named_by: str = "type") -> Json:
    """An object that is told from others by one word in it."""
    required = [named_by, *(name for name in parts if name not in optional)]
    return {
        "type": "object",
        "title": kind,
        "properties": {named_by: {"const": kind}, **parts},
        "required": required,
    }


def _several(kinds: list[Json], most: int) -> Json:
    return {"type": "array", "maxItems": most, "items": {"oneOf": kinds}}


_SUBFLOW = _text("A subflow, by its name or `sub_flow_ns`.")
_LINK = _one("url", {"caption": _text(), "url": _url()})
_NODE = _one("node", {"caption": _text(), "target": _SUBFLOW})

_BUTTONS = _several(
    [_LINK, _one("call", {"caption": _text(), "phone": _text(longest=LONGEST_NAME)}), _NODE], MOST_BUTTONS
)


def _media(kind: str) -> Json:
    words = {"caption": {"type": "string", "maxLength": LONGEST_TEXT}, "title": {"type": "string"}}
    return _one(kind, {"url": _url(), **words, "buttons": _BUTTONS}, "caption", "title", "buttons")


_CARD: Json = {
    "type": "object",
    "properties": {
        "title": _text(),
        "subtitle": {"type": "string"},
        "image_url": _url(),
        "action_url": _url(),
        "buttons": _BUTTONS,
    },
    "required": ["title"],
}
_CARDS = _one(
    "cards",
    {
        "elements": {"type": "array", "minItems": 1, "maxItems": MOST_CARDS, "items": _CARD},
        "image_aspect_ratio": {"enum": ["horizontal", "square"]},
    },
    "image_aspect_ratio",
)
_MESSAGES = [
    _one("text", {"text": _text(longest=LONGEST_TEXT), "buttons": _BUTTONS}, "buttons"),
    *map(_media, ("image", "video", "audio", "file")),
    _CARDS,
]

_TAG = {"tag_name": _text(longest=LONGEST_NAME)}
_FIELD = {"field_name": _text(longest=LONGEST_NAME)}
_VALUE: Json = {"description": "A text, a number, a boolean, or a list of these."}
_ACTIONS = [
    _one("add_tag", _TAG, named_by="action"),
    _one("remove_tag", _TAG, named_by="action"),
    _one("set_field_value", {**_FIELD, "value": _VALUE}, named_by="action"),
    _one("unset_field_value", _FIELD, named_by="action"),
]
_QUICK_REPLIES = [_NODE, _LINK, _one("content", {"caption": _text()})]

_CONTENT: Json = {
    "messages": _several(_MESSAGES, MOST_MESSAGES),
    "actions": _several(_ACTIONS, MOST_ACTIONS),
    "quick_replies": {
        **_several(_QUICK_REPLIES, MOST_QUICK_REPLIES),
        "description": "They stand under the last message.",
    },
    "goto": {**_SUBFLOW, "description": "The subflow to start afterwards, if the bot has control."},
}

CONTENT_SCHEMA: Json = {
    "description": (
        "Dynamic content v1: `{version, content: {messages, actions, quick_replies, goto}}`, or only what is "
        "in `content`."
    ),
    "examples": [
        {"version": "v1", "content": {"messages": [{"type": "text", "text": "Yes, two left."}]}},
    ],
    "extra": {
        "properties": {
            "version": {"const": "v1"},
            "content": {"type": "object", "properties": _CONTENT},
            **_CONTENT,
        }
    },
}
