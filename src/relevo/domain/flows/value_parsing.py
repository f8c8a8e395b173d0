"""What the values of a flow file are made of: templates, names, and what a name may be."""

from __future__ import annotations

import re

from relevo.domain.flows.expressions import (
    MAX_TEXT,
    VARIABLES,
    Template,
    TemplateMistake,
    compiled,
)
from relevo.domain.subscribers import PROFILE_FIELDS, FieldValue
from relevo.domain.yaml_reading import Mapping, Value, did_you_mean, quoted

_SUBFLOW_NAME = re.compile(r"[^\W\d_][\w .-]{0,39}")
_FIELD_NAME = re.compile(r"[^\W\d_][\w -]{0,63}")
_READ_ONLY = tuple(name for name in VARIABLES if name not in PROFILE_FIELDS)
_LIQUID_REMEDY = "check that every {{ has its }} and every {% if %} its {% endif %}"


class Names:
    """The subflows that the file has: what `do`, `go`, `call` and `start` may name."""

    def __init__(self, subflows: Mapping | None) -> None:
        self._subflows = tuple(subflows or ())

    def subflow(self, value: Value) -> str | None:
        """A subflow's name; one that is not there is reported, unless there are none at all."""
        name = value.text("write the name of a subflow")
        if name is None or not self._subflows or name in self._subflows:
            return name
        value.problem(f"there is no subflow {quoted(name)}", did_you_mean(name, self._subflows))
        return None


def is_subflow_name(name: str) -> bool:
    """Short enough for every channel: a button's id is made of it."""
    return _SUBFLOW_NAME.fullmatch(name) is not None


def template(value: Value) -> str | Template | None:
    """A text, compiled if it is Liquid."""
    source = value.text()
    return None if source is None else _compiled(value, source)


def _is_too_long(value: Value, text: str) -> bool:
    if len(text) <= MAX_TEXT:
        return False
    value.problem(f"{value.name} has {len(text):,} characters", f"at most {MAX_TEXT:,} are allowed")
    return True


def _compiled(value: Value, source: str) -> str | Template | None:
    if _is_too_long(value, source):
        return None
    try:
        return compiled(source)
    except TemplateMistake as mistake:
        remedy = did_you_mean(mistake.word, mistake.known) if mistake.known else _LIQUID_REMEDY
        value.problem_in_text(mistake.index, f"this is not Liquid: {mistake.what}", remedy)
        return None


def field_value(value: Value) -> FieldValue | Template:
    """A number, true, false or null as it is; a text, compiled if it is Liquid."""
    literal = value.literal()
    return _compiled(value, literal) if isinstance(literal, str) else literal


def fixed_text(value: Value) -> str | None:
    """A text in which Liquid does not work."""
    text = value.text()
    if text is None or _is_too_long(value, text):
        return None
    if "{{" in text or "{%" in text:
        value.problem(f"Liquid does not work in {value.name}", "write the text as it is to be")
        return None
    return text


def fixed_texts(value: Value) -> tuple[str, ...]:
    """One such text, or a list of them."""
    if not value.is_list:
        alone = fixed_text(value)
        return () if alone is None else (alone,)
    if not (items := value.items()):
        value.problem(f"{value.name} is an empty list", "write at least one text")
    return tuple(text for item in items if (text := fixed_text(item)) is not None)


def field_name(value: Value, name: str | None) -> str | None:
    """The name of a field or variable."""
    if name is None or _FIELD_NAME.fullmatch(name):
        return name
    what = f"{quoted(name)} cannot be the name of a field"
    value.problem(what, "start with a letter; then letters, digits, spaces, _ and -, at most 64")
    return None


def settable_name(value: Value, name: str | None) -> str | None:
    """The name of a field that a flow may change."""
    if name in _READ_ONLY:
        value.problem(f"{quoted(name)} is filled in by Relevo", "choose another name for the field")
        return None
    return field_name(value, name)
