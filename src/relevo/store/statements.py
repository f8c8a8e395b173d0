"""Statements of the hot path: compiled once, and run by the driver itself.

What SQLAlchemy does for each execution costs several times what the statement costs (measured on SQLite:
100 µs around a SELECT that takes 10), and a batch has eight. So these are written with SQLAlchemy, and
from there on there are only their text, their parameters' order, and how values become the driver's own.

Only for transactions of `Database.write`.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Dialect,
    Select,
    String,
    bindparam,
    column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeEngine

from relevo.store.database import Connection, driver_of

Row = Mapping[str, Any]
Processors = list[tuple[int, Callable[[Any], Any]]]

NEW = "new_"
"""Before the name of a column that an UPDATE sets: SQLAlchemy keeps the bare name for itself."""
_AS_JSON = "json_"
_encode = msgspec.json.Encoder().encode


def setting(*columns: str) -> dict[str, BindParameter[Any]]:
    """The `values` of an UPDATE that sets these columns."""
    return {name: bindparam(f"{NEW}{name}") for name in columns}


class _Statement:
    def __init__(self, statement: Select[Any] | UpdateBase) -> None:
        self._statement = statement
        self._plans: dict[str, _Plan] = {}

    def _plan(self, dialect: Dialect) -> _Plan:
        plan = self._plans.get(dialect.name)
        if plan is None:
            plan = self._plans[dialect.name] = _Plan(self._statement, dialect)
        return plan


class Query(_Statement):
    """A statement that gives rows back: each a named tuple of its columns.

    Lists that it is given (`given`) go as one parameter, so that its text is always the same.
    """

    async def rows(self, connection: Connection, **values: Any) -> list[Any]:
        """Execute it; what was `given("x", …)` is a list of tuples here."""
        plan = self._plan(connection.dialect)
        found = await driver_of(connection).rows(plan.sql, plan.parameters(values))
        return [plan.row(one) for one in found]


class Bulk(_Statement):
    """An INSERT or UPDATE whose parameters come from rows, by name (`new_` before it left out).

    Types are respected as anywhere else. Rows must have every parameter; nothing else of them is used.
    """

    async def run(self, connection: Connection, rows: Iterable[Row]) -> None:
        """Execute it for all rows at once; nothing is done for none."""
        plan = self._plan(connection.dialect)
        parameters = [plan.parameters(row) for row in rows]
        if parameters:
            await driver_of(connection).many(plan.sql, parameters)


# Lists as one parameter


class _JsonRows(FunctionElement[str]):
    """A JSON list as a table with the column `value`."""

    name, inherit_cache = "json_rows", True


class _JsonAt(FunctionElement[Any]):
    """One item of a JSON list, as a value of a type."""

    name, inherit_cache = "json_at", False  # which item is not among what SQLAlchemy's cache compares

    def __init__(self, value: ColumnElement[Any], at: int, type_: TypeEngine[Any]) -> None:
        self.at, self.type = at, type_
        super().__init__(value)


@compiles(_JsonRows, "sqlite")
def _json_rows_sqlite(element: _JsonRows, compiler: Any, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_JsonRows, "postgresql")
def _json_rows_postgresql(element: _JsonRows, compiler: Any, **kw: Any) -> str:
    return f"jsonb_array_elements(({compiler.process(element.clauses, **kw)})::text::jsonb)"


@compiles(_JsonAt, "sqlite")
def _json_at_sqlite(element: _JsonAt, compiler: Any, **kw: Any) -> str:
    return f"json_extract({compiler.process(element.clauses, **kw)}, '$[{element.at}]')"


@compiles(_JsonAt, "postgresql")
def _json_at_postgresql(element: _JsonAt, compiler: Any, **kw: Any) -> str:
    value = f"({compiler.process(element.clauses, **kw)} ->> {element.at})"
    return f"CAST({value} AS {compiler.dialect.type_compiler_instance.process(element.type)})"


def given(name: str, *columns: ColumnElement[Any]) -> Select[Any]:
    """A list of tuples that comes with the execution, as rows with the names and types of `columns`."""
    rows = _JsonRows(bindparam(f"{_AS_JSON}{name}", type_=String)).table_valued(column("value"))
    items = (_JsonAt(rows.c.value, at, one.type).label(one.name) for at, one in enumerate(columns))
    return select(*items)


# What is to be locked


class _Among(FunctionElement[Any]):
    name, inherit_cache = "among", True
    type = NullType()  # of a boolean SQLite would be asked whether it is 1, and scan the table for that


def among(one: ColumnElement[Any], wanted: Select[Any] | CompoundSelect[Any]) -> ColumnElement[bool]:
    """`one IN (wanted)`, for rows that are to be locked.

    PostgreSQL looks at a row again that somebody changed while its lock was waited for. As a join, which
    it makes of IN in a large table, it may then find no partner for the row and leave it out; as a list that
    is made once it does not.
    """
    return _Among(one, wanted.scalar_subquery())


@compiles(_Among, "sqlite")
def _in_list(element: _Among, compiler: Any, **kw: Any) -> str:
    one, wanted = element.clauses
    return f"{compiler.process(one, **kw)} IN {compiler.process(wanted, **kw)}"


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: Any, **kw: Any) -> str:
    one, wanted = element.clauses
    return f"{compiler.process(one, **kw)} = ANY (ARRAY{compiler.process(wanted, **kw)})"


# Compiling


class _Plan:
    """A statement in one dialect: its text, its parameters' order, and how values change on both ways."""

    def __init__(self, statement: Select[Any] | UpdateBase, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        names: Sequence[str] = compiled.positiontup or []
        self._names = [name.removeprefix(NEW).removeprefix(_AS_JSON) for name in names]
        self._values = itemgetter(*self._names) if len(names) > 1 else None
        self._in: Processors = [
            (at, _encode_text if name.startswith(_AS_JSON) else compiled._bind_processors[name])
            for at, name in enumerate(names)
            if name.startswith(_AS_JSON) or name in compiled._bind_processors
        ]
        returned = _returned(statement)
        self._make = _named_tuple([one.name for one in returned])
        self._out: Processors = [
            (at, process)
            for at, one in enumerate(returned)
            if (process := one.type.dialect_impl(dialect).result_processor(dialect, None))
        ]

    def parameters(self, row: Row) -> list[Any]:
        """The values of a row in the statement's order."""
        values = list(self._values(row)) if self._values else [row[name] for name in self._names]
        for at, process in self._in:
            values[at] = process(values[at])
        return values

    def row(self, found: Sequence[Any]) -> Any:
        """What the driver found, as a row."""
        if not self._out:
            return self._make(found)
        values = list(found)
        for at, process in self._out:
            values[at] = process(values[at])
        return self._make(values)


def _named_tuple(names: Sequence[str]) -> Callable[[Iterable[Any]], Any]:
    made: Any = namedtuple("Found", names)  # type: ignore[misc]
    make: Callable[[Iterable[Any]], Any] = made._make
    return make


def _returned(statement: Select[Any] | UpdateBase) -> list[Any]:
    if isinstance(statement, Select):
        return list(statement.selected_columns)
    return list(getattr(statement, "_returning", ()))


def _encode_text(values: Iterable[Sequence[Any]]) -> str:
    return _encode(list(values)).decode()
