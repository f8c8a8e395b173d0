"""A row of an answer as a value."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def told(row: Any, into: type[T]) -> T:
    """`row` as a value of `into`. Raises msgspec.ValidationError, which names the path."""
    return msgspec.convert(without_nulls(row), into, strict=False)


def without_nulls(row: Any) -> Any:
    if not isinstance(row, dict):
        return row
    return {name: value for name, value in row.items() if value is not None}
