"""Variables that a flow declares: what they hold, and what they are before anybody has said."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Literal, assert_never, get_args

import msgspec

from relevo.domain.subscribers import FieldValue

VariableType = Literal["text", "number", "boolean", "date", "datetime", "array", "long text"]
TYPES: tuple[VariableType, ...] = get_args(VariableType)
LONGEST_TEXT = 255
"""Characters of a `text`; a `long text` may have more."""

EXAMPLES: dict[VariableType, str] = {
    "text": f"write a text of at most {LONGEST_TEXT} characters",
    "number": "for example 12",
    "boolean": "write true or false",
    "date": "for example 2030-05-17",
    "datetime": "for example 2030-05-17T12:30:00Z",
    "array": "write a list: [red, blue]",
    "long text": "write a text",
}
"""What would be right, by type."""

_NUMBER = re.compile(r"\s*[-+]?\d{1,15}(\.\d{1,15})?\s*")
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Variable(msgspec.Struct, frozen=True):
    """A declared variable. `default` None: it is empty until it is set."""

    name: str
    type: VariableType
    default: FieldValue = None
    about: str = ""


def converted(value: FieldValue, to: VariableType) -> FieldValue:
    """The value as one of this type; None when it is none."""
    match to:
        case "text":
            text = as_text(value)
            return text if len(text) <= LONGEST_TEXT else None
        case "long text":
            return as_text(value)
        case "number":
            return as_number(value)
        case "boolean":
            return value if isinstance(value, bool) else _TRUTHS.get(as_text(value).strip().lower())
        case "date":
            moment = as_moment(value)
            return moment.date().isoformat() if moment else None
        case "datetime":
            moment = as_moment(value)
            return moment.isoformat() if moment else None
        case "array":
            return value if isinstance(value, list) else [value]
        case _:
            assert_never(to)


def as_number(value: object) -> int | float | None:
    """A number, also one that is written as text; None for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return None


def as_text(value: object) -> str:
    """How a value reads: `true`, `5` for 5.0, nothing for nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case date():
            return value.isoformat()
        case list() | tuple():
            return ", ".join(as_text(item) for item in value)
        case _:
            return str(value)


def as_moment(value: object) -> datetime | None:
    """A date (its midnight) or an instant, also one that is written as ISO 8601; None for anything else.
    What names no zone is UTC."""
    moment = _written(value) if isinstance(value, str) else value
    if isinstance(moment, date) and not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if not isinstance(moment, datetime):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _written(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None
