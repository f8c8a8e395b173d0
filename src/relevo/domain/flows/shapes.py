"""JSON Schema in a few words: the forms that values of a flow file have, for editors.

Each step and trigger says its own beside how it is read; `schema.py` puts them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Shape = dict[str, Any]
"""A JSON Schema."""


def ref(name: str) -> Shape:
    return {"$ref": f"#/$defs/{name}"}


TEXT = ref("text")
TEXTS = ref("texts")
WORDS = ref("words")
STEP = ref("step")
STEPS = ref("steps")
DO = ref("do")
SUBFLOW = ref("subflow")
FIELD = ref("field")
CONDITION = ref("condition")
DURATION = ref("duration")
BUTTONS = ref("buttons")
QUICK_REPLIES = ref("quick_replies")
LIST = ref("list")
SINGLE = ref("single")
TAG, LABEL, SEGMENT = ref("tag"), ref("label"), ref("segment")
EVENT, WEBHOOK = ref("event"), ref("webhook")
AGENT, GROUP = ref("agent"), ref("group")
STEP_NAMED = ref("step_name")
ANYTHING: Shape = {}
NOTHING: Shape = {"type": "null"}
BOOLEAN: Shape = {"type": "boolean"}


def mapping(
    properties: Mapping[str, Shape], needs: Iterable[str] = (), *, values: Shape | None = None
) -> Shape:
    """These keys and no others, or, with `values`, others of that shape."""
    needed = list(needs)
    return {
        "type": "object",
        "properties": dict(properties),
        "additionalProperties": False if values is None else values,
        **({"required": needed} if needed else {}),
    }


def by_name(values: Shape, *, of: Shape | None = None) -> Shape:
    """A mapping whose keys are names, `of` this kind."""
    return {**mapping({}, values=values), **({} if of is None else {"propertyNames": of})}


def listed(items: Shape, least: int = 0, most: int | None = None) -> Shape:
    return {
        "type": "array",
        "items": items,
        **({"minItems": least} if least else {}),
        **({} if most is None else {"maxItems": most}),
    }


def one_or_more(shape: Shape) -> Shape:
    return any_of(shape, listed(shape, 1))


def one_of(words: Iterable[str]) -> Shape:
    return {"enum": list(words)}


def whole(least: int, most: int) -> Shape:
    return {"type": "integer", "minimum": least, "maximum": most}


def number(least: float | None = None, most: float | None = None) -> Shape:
    bounds = {"minimum": least, "maximum": most}
    return {"type": "number", **{key: value for key, value in bounds.items() if value is not None}}


def any_of(*shapes: Shape) -> Shape:
    return {"anyOf": list(shapes)}


def explained(text: str, shape: Shape) -> Shape:
    """The shape with words that editors show. What stands beside a `$ref` counts since the draft of 2019."""
    return {"description": text, **shape}
