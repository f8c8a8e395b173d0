"""Finding a part of a text, ASCII letters in either case."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

_ESCAPED = str.maketrans({one: f"/{one}" for one in "/%_"})


def has_part(column: ColumnElement[str], words: str) -> ColumnElement[bool]:
    """Whether these words stand somewhere in it.

    `LIKE` of SQLite takes either case by itself: two to three times as fast as comparing small letters.
    """
    return _HasPart(column, f"%{words.translate(_ESCAPED)}%")


class _HasPart(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


@compiles(_HasPart, "sqlite")
def _like(element: _HasPart, compiler: Any, **about: Any) -> str:
    column, pattern = (compiler.process(one, **about) for one in element.clauses)
    return f"{column} LIKE {pattern} ESCAPE '/'"


@compiles(_HasPart, "postgresql")
def _ilike(element: _HasPart, compiler: Any, **about: Any) -> str:
    column, pattern = (compiler.process(one, **about) for one in element.clauses)
    return f"{column} ILIKE {pattern} ESCAPE '/'"
