"""Where something stands in a JSON value: `data.items[0].price`, `$.ok`, `["a key"].b`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from relevo.domain.subscribers import FieldValue

LONGEST = 500
LONGEST_TEXT = 20_000
MOST_ITEMS = 1_000
_FIRST_TOO_GREAT = 2**63  # JSON has no limit; what keeps it has this one

_PART = re.compile(r"""\.?([^\W\d][\w-]*)|\[(-?\d{1,6})\]|\[(?:"([^"]+)"|'([^']+)')\]""")
_NAME = re.compile(r"[^\W\d][\w-]*")

Path = tuple[str | int, ...]


class NoPath(ValueError):
    """The text is not a path. Its words say what would be one."""


def parse(text: str) -> Path:
    """Raises NoPath."""
    rest = text.strip()
    if rest.startswith("$"):
        rest = rest[1:]
    if len(text) > LONGEST:
        raise NoPath(f"it has {len(text)} characters, {LONGEST} are possible")
    parts: list[str | int] = []
    at = 0
    while at < len(rest):
        found = _PART.match(rest, at)
        if found is None:
            raise NoPath("write one like data.items[0].price")
        name, index, quoted, single = found.groups()
        parts.append(int(index) if index is not None else name or quoted or single)
        at = found.end()
    return tuple(parts)


def at(value: Any, path: Path) -> Any:
    """What stands there; None when nothing does."""
    for part in path:
        if isinstance(part, str) and isinstance(value, dict):
            value = value.get(part)
        elif isinstance(part, int) and isinstance(value, list) and -len(value) <= part < len(value):
            value = value[part]
        else:
            return None
    return value


def as_field(value: Any) -> FieldValue:
    """A JSON value as a field keeps it: an object as its text, and nothing without bounds."""
    match value:
        case None | bool() | float():
            return value
        case int():
            return value if abs(value) < _FIRST_TOO_GREAT else str(value)
        case str():
            return value.replace("\0", "")[:LONGEST_TEXT]
        case list() if len(msgspec.json.encode(value)) <= LONGEST_TEXT:
            return [as_field(item) for item in value[:MOST_ITEMS]]
        case _:
            return msgspec.json.encode(value).decode()[:LONGEST_TEXT]


def leaves(value: Any, most: int = 100) -> list[tuple[str, Any]]:
    """What is not made of other values, each with its path; of a list only what is in its first item."""
    found: list[tuple[str, Any]] = []
    for path, leaf in _walk(value, ""):
        if len(found) == most:
            break
        found.append((path or "$", leaf))
    return found


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    match value:
        case dict():
            for name, inner in value.items():
                yield from _walk(inner, _below(path, name))
        case [first, *_]:
            yield from _walk(first, f"{path}[0]")
        case []:
            pass
        case _:
            yield path, value


def _below(path: str, name: str) -> str:
    if not _NAME.fullmatch(name):
        return f"{path}['{name}']" if '"' in name else f'{path}["{name}"]'
    return f"{path}.{name}" if path else name
