"""What subscribers of a flow are described by: tags and fields; labels, which a whole workspace has; and a
bot's own fields. A subscriber holds them by name; their numbers are for the outside.

What is `going` was deleted: nobody is shown it, and it is being taken off those who have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NewType, get_args

import msgspec

from relevo.domain.complaints import quoted
from relevo.domain.flows.variables import LONGEST_TEXT, VariableType, converted
from relevo.domain.ids import FlowId, WorkspaceId, tag_ns, var_ns
from relevo.domain.subscribers import PROFILE_FIELDS, FieldValue, Subscriber

LabelId = NewType("LabelId", int)

FieldType = Literal["text", "number", "boolean", "date", "datetime", "array", "longtext"]
FIELD_TYPES: tuple[FieldType, ...] = get_args(FieldType)
Display = Literal["default", "pin", "hidden"]
DISPLAYS: tuple[Display, ...] = get_args(Display)

LONGEST_NAME = 200
LARGEST_VALUE = 64_000
"""Bytes of a value as JSON."""
LONGEST_DESCRIPTION = 1_000


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    flow_id: FlowId
    number: int
    name: str
    going: bool = False

    @property
    def ns(self) -> str:
        return tag_ns(self.flow_id, self.number)


class UserField(msgspec.Struct, frozen=True, kw_only=True):
    """What may be known of a subscriber. `declared`: somebody has said its type; else it is that of the first
    value, and flows are not held to it. What is under one that is `going` moves to `moves_to`, if any."""

    flow_id: FlowId
    number: int
    name: str
    type: FieldType = "text"
    declared: bool = False
    description: str = ""
    display: Display = "default"
    going: bool = False
    moves_to: str = ""

    @property
    def ns(self) -> str:
        return var_ns(self.flow_id, self.number)


class BotField(msgspec.Struct, frozen=True, kw_only=True):
    """What a flow knows by itself, the same for every subscriber: `bot.NAME`. Its number is one of the
    user fields' numbers."""

    flow_id: FlowId
    number: int
    name: str
    type: FieldType = "text"
    description: str = ""
    value: FieldValue = None

    @property
    def ns(self) -> str:
        return var_ns(self.flow_id, self.number)


class Label(msgspec.Struct, frozen=True, kw_only=True):
    id: LabelId
    workspace_id: WorkspaceId
    name: str
    going: bool = False


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """All of a flow's, by name. `bot` is what templates and conditions see; `types` are those of the fields
    whose type somebody has said."""

    tags: Mapping[str, Tag] = {}
    fields: Mapping[str, UserField] = {}
    bot_fields: Mapping[str, BotField] = {}
    bot: Mapping[str, FieldValue] = {}
    types: Mapping[str, FieldType] = {}


NO_WORDS = Vocabulary()


class Names(msgspec.Struct, frozen=True):
    """Tags and fields that are spoken of, the fields with the type that a value suggests."""

    tags: frozenset[str] = frozenset()
    fields: Mapping[str, FieldType] = {}

    def unknown_to(self, known: Vocabulary) -> Names:
        """Those of them that there are not yet."""
        fields = {name: type_ for name, type_ in self.fields.items() if name not in known.fields}
        return Names(
            frozenset(name for name in self.tags - known.tags.keys() if _can_be_kept(name)),
            {name: type_ for name, type_ in fields.items() if _can_be_kept(name)},
        )

    def __or__(self, other: Names) -> Names:
        return Names(self.tags | other.tags, {**other.fields, **self.fields})

    def __bool__(self) -> bool:
        return bool(self.tags or self.fields)


def _can_be_kept(name: str) -> bool:
    """Flows and platforms may name anything; what no row can hold has no number either."""
    return 0 < len(name) <= LONGEST_NAME and "\0" not in name


def names_of(subscriber: Subscriber) -> Names:
    """What a subscriber has."""
    fields = subscriber.fields.items()
    return Names(frozenset(subscriber.tags), {name: type_of(value) for name, value in fields})


def type_of(value: FieldValue) -> FieldType:
    """The type that a field has from its first value on."""
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case list():
            return "array"
        case _:
            return "text" if len(str(value or "")) <= LONGEST_TEXT else "longtext"


def is_own(name: str) -> bool:
    """Whether a field is one that everybody has, and nobody makes."""
    return name in PROFILE_FIELDS


# Values


class WrongValue(Exception):
    """A value that a field cannot have; the text says what would be right: `must be a number; it is 'x'`."""


def typed(type_: FieldType, value: Any) -> FieldValue:
    """The value as a field of this type keeps it. Raises WrongValue."""
    found = converted(_listed(value) if type_ == "array" else value, VARIABLE_TYPES[type_])
    if (
        found is None
        or isinstance(value, dict)
        or (type_ == "array" and not isinstance(_listed(value), list))
    ):
        raise WrongValue(f"must be {WANTED[type_]}; it is {quoted(value)}")
    if (size := len(msgspec.json.encode(found))) > LARGEST_VALUE:
        raise WrongValue(f"must not be greater than {LARGEST_VALUE} bytes of JSON; it has {size}")
    return found


def _listed(value: Any) -> Any:
    """A list that was written as JSON, too."""
    if isinstance(value, str):
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return value
    return value


VARIABLE_TYPES: dict[FieldType, VariableType] = {
    "text": "text",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "array": "array",
    "longtext": "long text",
}
"""What flows call them."""
WANTED: dict[FieldType, str] = {
    "text": f"a text of at most {LONGEST_TEXT} characters",
    "number": "a number like 42 or 9.5",
    "boolean": "true or false",
    "date": "a date like 2026-07-18",
    "datetime": "a date and time like 2026-07-18T09:30:00+00:00",
    "array": 'a list like ["a", "b"]',
    "longtext": "a text",
}
