"""A statement for many rows, compiled once: what SQLAlchemy does for each row costs more than the row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

from sqlalchemy import BindParameter, Dialect, bindparam
from sqlalchemy.sql.dml import UpdateBase

from relevo.store.database import Connection

Row = Mapping[str, Any]

NEW = "new_"
"""Before the name of a column that an UPDATE sets: SQLAlchemy keeps the bare name for itself."""


def setting(*columns: str) -> dict[str, BindParameter[Any]]:
    """The `values` of an UPDATE that sets these columns."""
    return {name: bindparam(f"{NEW}{name}") for name in columns}


class Bulk:
    """An INSERT or UPDATE whose parameters come from rows, by name (`new_` before it left out).

    Types are respected as anywhere else. Rows must have every parameter; nothing else of them is used.
    """

    def __init__(self, statement: UpdateBase, columns: Iterable[str] | None = None) -> None:
        self._statement, self._columns = statement, list(columns) if columns is not None else None
        self._plans: dict[str, _Plan] = {}

    async def run(self, connection: Connection, rows: Iterable[Row]) -> None:
        """Execute it for all rows at once; nothing is done for none."""
        plan = self._plan(connection.dialect)
        parameters = [plan.parameters(row) for row in rows]
        if parameters:
            await connection.exec_driver_sql(plan.sql, parameters)

    def _plan(self, dialect: Dialect) -> _Plan:
        if dialect.name not in self._plans:
            self._plans[dialect.name] = _Plan(self._statement, self._columns, dialect)
        return self._plans[dialect.name]


class _Plan:
    """The statement in one dialect: its text, its parameters' order, and how values become its own."""

    def __init__(self, statement: UpdateBase, columns: list[str] | None, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        self.sql = str(compiled)
        names = compiled.positiontup or []
        self._values: Callable[[Row], tuple[Any, ...]] = itemgetter(
            *(name.removeprefix(NEW) for name in names)
        )
        processors: Mapping[str, Callable[[Any], Any]] = compiled._bind_processors  # type: ignore[assignment]
        self._processors = [(at, processors[name]) for at, name in enumerate(names) if name in processors]

    def parameters(self, row: Row) -> tuple[Any, ...]:
        """The values of a row in the statement's order."""
        values = list(self._values(row))
        for at, process in self._processors:
            values[at] = process(values[at])
        return tuple(values)
