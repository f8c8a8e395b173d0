"""What a flow file is made of: steps, templates, names, and what a name may be."""

from __future__ import annotations

import re
from collections.abc import Mapping as Mappable

from relevo.domain.flows.expressions import (
    MAX_TEXT,
    VARIABLES,
    Template,
    TemplateMistake,
    compiled,
)
from relevo.domain.flows.model import Step, Steps, Words
from relevo.domain.subscribers import PROFILE_FIELDS, FieldValue
from relevo.domain.yaml_reading import Mapping, Value, did_you_mean, nearest, quoted

Kinds = Mappable[str, type[Step]]
"""The steps that there are, by their words."""

_SUBFLOW_NAME = re.compile(r"[^\W\d_][\w .-]{0,39}")
_FIELD_NAME = re.compile(r"[^\W\d_][\w -]{0,63}")
_READ_ONLY = tuple(name for name in VARIABLES if name not in PROFILE_FIELDS)
_LIQUID_REMEDY = "check that every {{ has its }} and every {% if %} its {% endif %}"


class Reader:
    """What the reading of one file knows: its subflows, and which steps there are."""

    def __init__(self, subflows: Mapping | None, kinds: Kinds) -> None:
        self._subflows = tuple(subflows or ())
        self._kinds = kinds

    def subflow(self, value: Value) -> str | None:
        """A subflow's name; one that is not there is reported, unless there are none at all."""
        name = value.text("write the name of a subflow")
        if name is None or not self._subflows or name in self._subflows:
            return name
        value.problem(f"there is no subflow {quoted(name)}", did_you_mean(name, self._subflows))
        return None

    def words(self, value: Value) -> Words | None:
        """Text for the customer, compiled if it is Liquid."""
        return self.template(value)

    def optional_words(self, keys: Mapping, key: str) -> Words:
        """Text for the customer that may be left out: then it is empty."""
        value = keys.get(key)
        return (self.words(value) or "") if value else ""

    def template(self, value: Value) -> str | Template | None:
        """A text for machines (a URL, a header), compiled if it is Liquid."""
        source = value.text()
        return None if source is None else _compiled(value, source)

    def field_value(self, value: Value) -> FieldValue | Template:
        """A number, true, false or null as it is; a text, compiled if it is Liquid."""
        literal = value.literal()
        return _compiled(value, literal) if isinstance(literal, str) else literal

    def field_name(self, value: Value, name: str | None) -> str | None:
        """The name of a field or variable."""
        if name is None or _FIELD_NAME.fullmatch(name):
            return name
        what = f"{quoted(name)} cannot be the name of a field"
        value.problem(what, "start with a letter; then letters, digits, spaces, _ and -, at most 64")
        return None

    def settable_name(self, value: Value, name: str | None) -> str | None:
        """The name of a field that a flow may change."""
        if name in _READ_ONLY:
            value.problem(f"{quoted(name)} is filled in by Relevo", "choose another name for the field")
            return None
        return self.field_name(value, name)

    def optional_field(self, keys: Mapping, key: str) -> str:
        """The name of a field that is to keep something; "" where none is given."""
        value = keys.get(key)
        name = value.text("write the name of a field") if value else None
        return (self.settable_name(value, name) or "") if value else ""

    def steps(self, value: Value) -> Steps:
        """A list of steps, at least one."""
        items = value.items("write a list of steps, each on a line that starts with -")
        if value.is_list and not items:
            value.problem(f"{value.name} has no steps", "add one, or leave it out")
        return tuple(step for item in items if (step := self._step(item)) is not None)

    def _step(self, item: Value) -> Step | None:
        if not item.is_mapping:
            return self._bare_step(item)
        keys = item.mapping()
        assert keys is not None
        found = [key for key in keys if key in self._kinds]
        if len(found) != 1:
            self._report_step(keys, found)
            return None
        kind = self._kinds[found[0]]
        _check_beside(keys, kind)
        return kind.read(keys, self)

    def _report_step(self, keys: Mapping, found: list[str]) -> None:
        if found:
            what = f"one step does several things: {', '.join(found)}"
            keys.problem_at(found[1], what, "start each with a - of its own")
        elif len(keys):
            first = next(iter(keys))
            keys.problem_at(first, f"there is no step {quoted(first)}", did_you_mean(first, self._kinds))
        else:
            keys.problem("an empty step", f"write one of: {', '.join(self._kinds)}")

    def _bare_step(self, item: Value) -> Step | None:
        """A step that is a word alone: `- end`."""
        word = item.text(f"write one of: {', '.join(self._kinds)}")
        if word is None:
            return None
        kind = self._kinds.get(word)
        step = kind.alone() if kind else None
        if kind is None:
            item.problem(f"there is no step {quoted(word)}", did_you_mean(word, self._kinds))
        elif step is None:
            item.problem(f"{word} says nothing", f"write {word}: and what it is to do")
        return step


def _check_beside(keys: Mapping, kind: type[Step]) -> None:
    word, beside = kind.word, kind.beside
    for key in keys:
        if key not in (word, *beside):
            inside = f"write it inside: {word}: {{{key}: …}}"
            remedy = did_you_mean(key, beside) if nearest(key, beside) else inside
            keys.problem_at(key, f"{quoted(key)} does not belong beside {word}", remedy)


def is_subflow_name(name: str) -> bool:
    """Short enough for every channel: a button's id is made of it."""
    return _SUBFLOW_NAME.fullmatch(name) is not None


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
