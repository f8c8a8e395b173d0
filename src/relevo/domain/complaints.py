"""How the API says that a value is wrong: in the words of Laravel's validator, which UChat's clients know
(seen: `The user ns format is invalid.`), followed by what was given and what would be right.

A field is named as it is: `user_ns`, or, inside of something, by its path: `data.content.messages.0.url`.
"""

from __future__ import annotations

from collections.abc import Iterable

LONGEST_QUOTE = 60


def shown(field: str) -> str:
    """A field's name in a sentence: Laravel takes the underscores out, but not out of a path."""
    return field if "." in field else field.replace("_", " ")


def quoted(value: object) -> str:
    """What was given, shortened."""
    text = repr(value)
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"


def required(field: str) -> str:
    return f"The {shown(field)} field is required."


def must_be(field: str, kind: str, given: object) -> str:
    """`kind` with its article: `a string`, `an integer`, `an array` (which for Laravel is an object too)."""
    return f"The {shown(field)} must be {kind}; it is {quoted(given)}."


def bad_format(field: str) -> str:
    return f"The {shown(field)} format is invalid."


def must_be_url(field: str, given: object) -> str:
    return (
        f"The {shown(field)} must be a valid URL that begins with http:// or https://; it is {quoted(given)}."
    )


def none_of(field: str, given: object, allowed: Iterable[object]) -> str:
    known = ", ".join(str(one) for one in allowed)
    return f"{invalid(field)[:-1]}: {quoted(given)} is none of {known}."


def unknown(field: str, given: object, what: str) -> str:
    """`what` there is none of: `agent of this workspace`."""
    return f"{invalid(field)[:-1]}: there is no {what} {quoted(given)}."


def invalid(field: str) -> str:
    return f"The selected {shown(field)} is invalid."


def too_small(field: str, least: float, given: float) -> str:
    return f"The {shown(field)} must be at least {least}; it is {quoted(given)}."


def too_great(field: str, most: float, given: float) -> str:
    return f"The {shown(field)} must not be greater than {most}; it is {quoted(given)}."


def too_long(field: str, most: int, length: int) -> str:
    return f"The {shown(field)} must not be greater than {most} characters; it has {length}."


def too_many(field: str, most: int, count: int) -> str:
    return f"The {shown(field)} must not have more than {most} items; it has {count}."


def not_supported(field: str, why: str) -> str:
    """For what UChat takes and Relevo does not: leaving it out silently would do something else."""
    return f"The {shown(field)} is not supported: {why}"
