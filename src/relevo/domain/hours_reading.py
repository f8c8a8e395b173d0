"""Business hours as people write them: `09:00-12:00, 13:00-17:00`, and holidays, a line each."""

from __future__ import annotations

from collections.abc import Iterable

from relevo.domain.hours import MOST_HOLIDAYS, MOST_SPANS, Holiday, Span, is_day, read_span
from relevo.domain.yaml_reading import quoted


class NoHours(ValueError):
    """They cannot be read. The text says what is wrong, and what would be right."""


def spans(text: str) -> tuple[Span, ...]:
    """The hours of a day; none for no text, and for `closed`. Raises NoHours."""
    if text.strip().lower() in ("", "closed"):
        return ()
    return spans_of(text.split(","))


def spans_of(texts: Iterable[str]) -> tuple[Span, ...]:
    """The same, one by one. Raises NoHours."""
    found = []
    for text in texts:
        span = read_span(text)
        if span is None:
            raise NoHours(f"{quoted(text.strip())} is no span of hours; write it like 09:00-17:00")
        found.append(span)
    if len(found) > MOST_SPANS:
        raise NoHours(f"{len(found)} spans of hours in one day; at most {MOST_SPANS} are possible")
    return tuple(sorted(found, key=lambda span: span.start))


def holidays(text: str) -> tuple[Holiday, ...]:
    """`12-25 Christmas`, `2026-12-24 09:00-12:00 Early closing`: a line each. Raises NoHours."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_HOLIDAYS:
        raise NoHours(f"{len(lines)} holidays; at most {MOST_HOLIDAYS} are possible")
    return tuple(_holiday(line) for line in lines)


def _holiday(line: str) -> Holiday:
    day, _, rest = line.partition(" ")
    hours = []
    while (first := rest.strip().partition(" "))[0] and read_span(first[0].rstrip(",")):
        hours.append(first[0].rstrip(","))
        rest = first[2]
    return holiday(day, rest.strip(), spans_of(hours))


def holiday(day: str, name: str, hours: tuple[Span, ...] = ()) -> Holiday:
    """Raises NoHours."""
    if not is_day(day):
        raise NoHours(f"{quoted(day)} is no day; write 2026-12-25, or 12-25 for every year")
    return Holiday(day, name, hours)


def in_words(hours: tuple[Span, ...]) -> str:
    """As `spans` reads them."""
    return ", ".join(map(str, hours))


def holidays_in_words(found: Iterable[Holiday]) -> str:
    """As `holidays` reads them."""
    lines = (" ".join(filter(None, (one.day, *map(str, one.spans), one.name))) for one in found)
    return "\n".join(lines)
