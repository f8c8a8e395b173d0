"""Whether a condition holds."""

from __future__ import annotations

import re
from datetime import date
from typing import assert_never

from relevo.domain.flows.expressions import Template, Variables
from relevo.domain.flows.model import AllOf, AnyOf, Compare, Condition, Exists, HasTag, Not
from relevo.domain.flows.words import folded

_NUMBER = re.compile(r"\s*[-+]?\d{1,15}(\.\d{1,15})?\s*")


def holds(condition: Condition, variables: Variables) -> bool:
    """Raises TemplateFailed, when a template in it cannot be filled in."""
    match condition:
        case Compare():
            return _compare(condition, variables)
        case Exists(field=field, wanted=wanted):
            return (variables.get(field) not in (None, "", [], {})) is wanted
        case HasTag(tag=tag):
            return tag in variables.subscriber.tags
        case AllOf(conditions=conditions):
            return all(holds(each, variables) for each in conditions)
        case AnyOf(conditions=conditions):
            return any(holds(each, variables) for each in conditions)
        case Not(condition=inner):
            return not holds(inner, variables)
        case _:
            assert_never(condition)


def _compare(condition: Compare, variables: Variables) -> bool:
    actual = variables.get(condition.field)
    wanted = condition.value
    if isinstance(wanted, Template):
        wanted = wanted.filled_in(variables)
    match condition.by:
        case "is":
            return _is(actual, wanted)
        case "is_not":
            return not _is(actual, wanted)
        case "contains":
            return _contains(actual, wanted)
        case _:
            return _in_order(condition, as_number(actual), as_number(wanted))


def _in_order(condition: Compare, actual: float | None, wanted: float | None) -> bool:
    """What is no number is neither more nor less than anything."""
    if actual is None or wanted is None:
        return False
    match condition.by:
        case "more_than":
            return actual > wanted
        case "at_least":
            return actual >= wanted
        case "less_than":
            return actual < wanted
        case _:
            return actual <= wanted


def _is(actual: object, wanted: object) -> bool:
    """Two numbers are compared as numbers (a field may hold "42"), everything else as text."""
    if type(wanted) in (int, float):
        return as_number(actual) == wanted
    return folded(as_text(actual)) == folded(as_text(wanted))


def _contains(actual: object, wanted: object) -> bool:
    if isinstance(actual, list | tuple):
        return any(_is(item, wanted) for item in actual)
    return folded(as_text(wanted)) in folded(as_text(actual))


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
