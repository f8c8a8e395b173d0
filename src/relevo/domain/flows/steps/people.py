"""Steps that change what is known of the subscriber."""

from __future__ import annotations

from typing import ClassVar, Literal, Self, get_args

from relevo.domain.flows.expressions import Template
from relevo.domain.flows.model import Step
from relevo.domain.flows.reading import Reader, fixed_texts
from relevo.domain.flows.runs import (
    AddLabel,
    AddTag,
    Naming,
    OptsIn,
    OptsOut,
    RemoveLabel,
    RemoveTag,
    WantsBroadcasts,
)
from relevo.domain.flows.shapes import (
    FIELD,
    LABEL,
    SINGLE,
    TAG,
    Shape,
    any_of,
    by_name,
    listed,
    one_of,
    one_or_more,
)
from relevo.domain.flows.walking import Walk
from relevo.domain.subscribers import FieldValue
from relevo.domain.yaml_reading import Mapping, Value


class Set(Step, frozen=True):
    """None clears a field. In order, so that a later value may use an earlier one."""

    values: tuple[tuple[str, FieldValue | Template], ...]

    word: ClassVar[str] = "set"
    about: ClassVar[str] = "Set fields, in order; null clears one."
    shape: ClassVar[Shape] = {**by_name(any_of(SINGLE, listed(SINGLE)), of=FIELD), "minProperties": 1}

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


class _Giving(Step, frozen=True):
    """Has something done for each of its names."""

    names: tuple[str, ...]

    act: ClassVar[type[Naming]]

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        return cls(fixed_texts(keys[cls.word]))

    def take(self, walk: Walk) -> None:
        for name in self.names:
            walk.apply(self.act(name))
        walk.advance()


class Tag(_Giving, frozen=True):
    word: ClassVar[str] = "tag"
    about: ClassVar[str] = "Give the person a tag, or several."
    shape: ClassVar[Shape] = one_or_more(TAG)
    act: ClassVar[type[Naming]] = AddTag


class Untag(_Giving, frozen=True):
    word: ClassVar[str] = "untag"
    about: ClassVar[str] = "Take tags away."
    shape: ClassVar[Shape] = one_or_more(TAG)
    act: ClassVar[type[Naming]] = RemoveTag


class Label(_Giving, frozen=True):
    word: ClassVar[str] = "label"
    about: ClassVar[str] = "Give the person a label of the workspace, or several."
    shape: ClassVar[Shape] = one_or_more(LABEL)
    act: ClassVar[type[Naming]] = AddLabel


class Unlabel(_Giving, frozen=True):
    word: ClassVar[str] = "unlabel"
    about: ClassVar[str] = "Take labels away."
    shape: ClassVar[Shape] = one_or_more(LABEL)
    act: ClassVar[type[Naming]] = RemoveLabel


Way = Literal["broadcasts", "email", "sms"]
_WAYS: tuple[Way, ...] = get_args(Way)
_SHAPE = any_of(one_of(_WAYS), listed(one_of(_WAYS), 1))


class OptIn(Step, frozen=True):
    """The person wants to be written to in these ways."""

    ways: tuple[Way, ...]

    word: ClassVar[str] = "opt_in"
    about: ClassVar[str] = "The person agrees to broadcasts, e-mail or text messages."
    shape: ClassVar[Shape] = _SHAPE

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        return cls(_ways(keys["opt_in"]))

    def take(self, walk: Walk) -> None:
        for way in self.ways:
            walk.do(WantsBroadcasts(True) if way == "broadcasts" else OptsIn(way, "flow"))
        walk.advance()


class OptOut(Step, frozen=True):
    """The person does not want to be written to in these ways."""

    ways: tuple[Way, ...]

    word: ClassVar[str] = "opt_out"
    about: ClassVar[str] = "The person wants no broadcasts, e-mail or text messages any more."
    shape: ClassVar[Shape] = _SHAPE

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        return cls(_ways(keys["opt_out"]))

    def take(self, walk: Walk) -> None:
        for way in self.ways:
            walk.do(WantsBroadcasts(False) if way == "broadcasts" else OptsOut(way))
        walk.advance()


def _ways(value: Value) -> tuple[Way, ...]:
    items = value.items() if value.is_list else [value]
    if not items:
        value.problem(f"{value.name} is an empty list", f"write one of: {', '.join(_WAYS)}")
    words = [item.one_of(_WAYS) for item in items]
    return tuple(way for way in _WAYS if way in words)
