"""Conditions of a flow file: `{field: plan, is: pro}`, `{any: [...]}` and so on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import get_args

from relevo.domain.flows.expressions import Template
from relevo.domain.flows.model import (
    Ago,
    AllOf,
    AnyOf,
    Compare,
    CompareAge,
    CompareDate,
    Comparison,
    Condition,
    DateComparison,
    Exists,
    HasLabel,
    HasTag,
    InHours,
    InSegment,
    Not,
)
from relevo.domain.flows.reading import Reader, fixed_text
from relevo.domain.flows.variables import as_moment
from relevo.domain.subscribers import FieldValue
from relevo.domain.yaml_reading import Mapping, Value, did_you_mean, nearest

_COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)
_DATES: tuple[DateComparison, ...] = get_args(DateComparison)
AGES: tuple[Ago, ...] = get_args(Ago)
TESTS = (*_COMPARISONS, "exists", *_DATES, *AGES)
"""What may be said about a field."""
OF_NUMBERS = ("more_than", "at_least", "less_than", "at_most")
_MOMENTS = ("today", "tomorrow", "yesterday", "now")
_EXAMPLE = "for example {field: plan, is: pro}, {tag: vip}, {any: [...]}, {all: [...]} or {not: ...}"


def condition(value: Value, reader: Reader) -> Condition | None:
    """A condition; None when it has mistakes, which are reported."""
    keys = value.mapping(remedy=_EXAMPLE)
    if keys is None:
        return None
    heads = [key for key in KINDS if key in keys]
    if len(heads) == 1:
        return KINDS[heads[0]](keys, reader)
    if heads:
        keys.problem(f"{' and '.join(heads)} in one condition", "combine them with all or any")
    else:
        meant = next((key for key in keys if nearest(key, KINDS)), None)
        keys.problem(f"{value.shown} is no condition", did_you_mean(meant, KINDS) if meant else _EXAMPLE)
    return None


def _field(keys: Mapping, reader: Reader) -> Condition | None:
    keys.only(("field", *TESTS))
    head = keys["field"]
    name = reader.looked_at(head, head.text("write the name of a field"))
    tests = [_test(reader, name or "", key, value) for key, value in keys.items() if key in TESTS]
    if not tests:
        keys.problem("the condition says nothing about the field", f"add one of {', '.join(TESTS)}")
    return tests[0] if len(tests) == 1 else AllOf(tuple(tests))


def _test(reader: Reader, name: str, key: str, value: Value) -> Condition:
    if key == "exists":
        return Exists(name, value.boolean() is True)
    for moment in _DATES:
        if key == moment:
            return CompareDate(name, moment, _date(reader, value))
    for ago in AGES:
        if key == ago:
            return CompareAge(name, ago, value.duration() or timedelta())
    by = next(comparison for comparison in _COMPARISONS if comparison == key)
    return Compare(name, by, _compared_with(reader, name, key, value))


def _compared_with(reader: Reader, name: str, key: str, value: Value) -> FieldValue | Template:
    if key == "one_of":
        if not (items := value.items("write a list: [pro, basic]")) and value.is_list:
            value.problem("one_of is an empty list", "write at least one value")
        return [item.literal() for item in items]
    wanted = reader.field_value(value)
    if value.is_null:
        value.mismatch("a value", "to ask whether there is any, write exists: false")
    elif key in OF_NUMBERS and not isinstance(wanted, int | float | Template | None):
        value.mismatch("a number", "for example 18")
    elif key in ("is", "is_not"):
        reader.check_type(value, name, wanted)
    return wanted


def _date(reader: Reader, value: Value) -> str | Template:
    wanted = reader.template(value)
    if isinstance(wanted, str) and wanted not in _MOMENTS and as_moment(wanted) is None:
        value.mismatch("a date", f"for example 2030-05-17, or {', '.join(_MOMENTS)}")
    return wanted or ""


def _tag(keys: Mapping, reader: Reader) -> Condition | None:
    keys.only(("tag",))
    tag = fixed_text(keys["tag"])
    return None if tag is None else HasTag(tag)


def _label(keys: Mapping, reader: Reader) -> Condition | None:
    keys.only(("label",))
    label = fixed_text(keys["label"])
    return None if label is None else HasLabel(label)


def _segment(keys: Mapping, reader: Reader) -> Condition | None:
    keys.only(("segment",))
    name = fixed_text(keys["segment"])
    return None if name is None else InSegment(name)


def _business_hours(keys: Mapping, reader: Reader) -> Condition | None:
    keys.only(("business_hours",))
    word = keys["business_hours"].one_of(("open", "closed"))
    return None if word is None else InHours(word == "open")


def _all(keys: Mapping, reader: Reader) -> Condition | None:
    keys.only(("all",))
    return AllOf(_several(keys["all"], reader))


def _any(keys: Mapping, reader: Reader) -> Condition | None:
    keys.only(("any",))
    return AnyOf(_several(keys["any"], reader))


def _several(value: Value, reader: Reader) -> tuple[Condition, ...]:
    items = value.items("write a list of conditions")
    if value.is_list and not items:
        value.problem(f"{value.name} has no conditions", _EXAMPLE)
    return tuple(found for item in items if (found := condition(item, reader)) is not None)


def _not(keys: Mapping, reader: Reader) -> Condition | None:
    keys.only(("not",))
    inner = condition(keys["not"], reader)
    return None if inner is None else Not(inner)


KINDS: dict[str, Callable[[Mapping, Reader], Condition | None]] = {
    "field": _field,
    "tag": _tag,
    "label": _label,
    "segment": _segment,
    "business_hours": _business_hours,
    "all": _all,
    "any": _any,
    "not": _not,
}
"""What a condition may begin with."""
