"""Whether a condition holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TypeVar, assert_never
from zoneinfo import ZoneInfo

from relevo.domain.flows.expressions import Template, Variables
from relevo.domain.flows.folding import folded
from relevo.domain.flows.model import (
    AllOf,
    AnyOf,
    Compare,
    CompareAge,
    CompareDate,
    Condition,
    Exists,
    HasLabel,
    HasTag,
    InHours,
    InSegment,
    Not,
)
from relevo.domain.flows.variables import as_moment, as_number, as_text
from relevo.domain.hours import is_open

Moment = TypeVar("Moment", date, datetime)

_DAYS = {"today": 0, "tomorrow": 1, "yesterday": -1}
_MOST_SEGMENTS_WITHIN = 10
"""Segments that name one another: deeper, a condition is taken not to hold."""


def holds(condition: Condition, variables: Variables, *, depth: int = 0) -> bool:
    """Raises TemplateFailed, when a template in it cannot be filled in."""
    match condition:
        case Compare():
            return _compare(condition, variables)
        case CompareDate():
            return _compare_date(condition, variables)
        case CompareAge():
            return _compare_age(condition, variables)
        case Exists(field=field, wanted=wanted):
            return (variables.get(field) not in (None, "", [], {})) is wanted
        case HasTag(tag=tag):
            return tag in variables.subscriber.tags
        case HasLabel(label=label):
            return label in variables.subscriber.labels
        case InSegment(segment=segment):
            named = variables.scene.segments.get(segment)
            within_bounds = named is not None and depth < _MOST_SEGMENTS_WITHIN
            return within_bounds and named is not None and holds(named, variables, depth=depth + 1)
        case InHours(is_open=wanted):
            hours = variables.scene.hours
            return (hours is None or is_open(hours, variables.scene.now)) is wanted
        case AllOf(conditions=conditions):
            return all(holds(each, variables, depth=depth) for each in conditions)
        case AnyOf(conditions=conditions):
            return any(holds(each, variables, depth=depth) for each in conditions)
        case Not(condition=inner):
            return not holds(inner, variables, depth=depth)
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
        case "starts_with":
            return folded(as_text(actual)).startswith(folded(as_text(wanted)))
        case "ends_with":
            return folded(as_text(actual)).endswith(folded(as_text(wanted)))
        case "one_of":
            return isinstance(wanted, list) and any(_is(actual, one) for one in wanted)
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


# Dates


def _compare_date(condition: CompareDate, variables: Variables) -> bool:
    zone = _zone(variables)
    wanted = condition.value
    if isinstance(wanted, Template):
        wanted = wanted.filled_in(variables).strip()
    actual = variables.get(condition.field)
    if wanted == "now" or not ((day := _day_named(wanted, variables.scene.now, zone)) or _is_day(wanted)):
        moment = variables.scene.now if wanted == "now" else as_moment(wanted)
        return _in_time(condition, _instant(actual, zone), moment)
    return _in_time(condition, _day_of(actual, zone), day or date.fromisoformat(wanted))


def _in_time(condition: CompareDate, actual: Moment | None, wanted: Moment | None) -> bool:
    if actual is None or wanted is None:
        return False
    match condition.by:
        case "before":
            return actual < wanted
        case "after":
            return actual > wanted
        case "on":
            return actual == wanted
        case _:
            assert_never(condition.by)


def _compare_age(condition: CompareAge, variables: Variables) -> bool:
    actual, now = _instant(variables.get(condition.field), _zone(variables)), variables.scene.now
    if actual is None:
        return False
    match condition.by:
        case "in_last":
            return now - condition.length <= actual <= now
        case "in_next":
            return now <= actual <= now + condition.length
        case "longer_ago":
            return actual < now - condition.length
        case _:
            assert_never(condition.by)


def _zone(variables: Variables) -> tzinfo:
    hours = variables.scene.hours
    return ZoneInfo(hours.zone) if hours else UTC


def _day_named(wanted: str, now: datetime, zone: tzinfo) -> date | None:
    ahead = _DAYS.get(wanted)
    return None if ahead is None else now.astimezone(zone).date() + timedelta(days=ahead)


def _is_day(text: str) -> bool:
    """Whether it is a date without a time."""
    return len(text) == 10 and as_moment(text) is not None


def _day_of(value: object, zone: tzinfo) -> date | None:
    if type(value) is date:
        return value
    if isinstance(value, str) and _is_day(value.strip()):
        return date.fromisoformat(value.strip())
    moment = as_moment(value)
    return moment.astimezone(zone).date() if moment else None


def _instant(value: object, zone: tzinfo) -> datetime | None:
    """The instant; of a date without a time its midnight there."""
    if type(value) is date or (isinstance(value, str) and _is_day(value.strip())):
        day = _day_of(value, zone)
        return datetime(day.year, day.month, day.day, tzinfo=zone) if day else None
    return as_moment(value)
