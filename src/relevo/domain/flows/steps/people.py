"""Steps that change what is known of the subscriber."""

from __future__ import annotations

from typing import ClassVar, Self

from relevo.domain.flows.expressions import Template
from relevo.domain.flows.model import Step
from relevo.domain.flows.reading import Reader, fixed_texts
from relevo.domain.flows.shapes import SINGLE, TEXTS, Shape, any_of, by_name, listed
from relevo.domain.flows.walking import Walk
from relevo.domain.subscribers import FieldValue
from relevo.domain.yaml_reading import Mapping, Value


class Set(Step, frozen=True):
    """None clears a field. In order, so that a later value may use an earlier one."""

    values: tuple[tuple[str, FieldValue | Template], ...]

    word: ClassVar[str] = "set"
    about: ClassVar[str] = "Set fields, in order; null clears one."
    shape: ClassVar[Shape] = {**by_name(any_of(SINGLE, listed(SINGLE))), "minProperties": 1}

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        values = keys["set"].mapping(remedy="for example set: {plan: pro}")
        if values is None:
            return None
        if not len(values):
            keys["set"].problem("set sets nothing", "for example set: {plan: pro}")
        return cls(tuple(_value(name, value, reader) for name, value in values.items()))

    def take(self, walk: Walk) -> None:
        for name, value in self.values:
            walk.set_field(name, value)
        walk.advance()


def _value(name: str, value: Value, reader: Reader) -> tuple[str, FieldValue | Template]:
    known = reader.settable_name(value, name) or ""
    if value.is_list:
        given: FieldValue | Template = [item.literal() for item in value.items()]
    else:
        given = reader.field_value(value)
    reader.check_type(value, known, given)
    return known, given


class Tag(Step, frozen=True):
    names: tuple[str, ...]

    word: ClassVar[str] = "tag"
    about: ClassVar[str] = "Give the person a tag, or several."
    shape: ClassVar[Shape] = TEXTS

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        return cls(fixed_texts(keys["tag"]))

    def take(self, walk: Walk) -> None:
        for name in self.names:
            walk.tag(name)
        walk.advance()


class Untag(Step, frozen=True):
    names: tuple[str, ...]

    word: ClassVar[str] = "untag"
    about: ClassVar[str] = "Take tags away."
    shape: ClassVar[Shape] = TEXTS

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        return cls(fixed_texts(keys["untag"]))

    def take(self, walk: Walk) -> None:
        for name in self.names:
            walk.untag(name)
        walk.advance()
