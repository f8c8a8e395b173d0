"""The statements of the hot path find their rows by an index, in SQLite's own words."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from types import ModuleType

import pytest
from sqlalchemy import create_engine
from sqlalchemy.dialects import sqlite

from relevo.store import applied, conversations, deliveries, media, messages, tables, traits
from relevo.store.statements import Bulk, Query

MODULES: tuple[ModuleType, ...] = (applied, conversations, deliveries, media, messages, traits)


def statements() -> Iterator[tuple[str, Query | Bulk]]:
    for module in MODULES:
        for name, one in vars(module).items():
            if isinstance(one, Query | Bulk):
                yield f"{module.__name__.rpartition('.')[2]}.{name}", one


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    """An empty database with all tables and indexes."""
    engine = create_engine("sqlite://")
    tables.metadata.create_all(engine)
    with engine.connect() as open_one:
        yield open_one.connection.driver_connection  # type: ignore[misc]
    engine.dispose()


@pytest.mark.parametrize("name", [name for name, _ in statements()])
def test_no_table_is_gone_through_from_end_to_end(name: str, connection: sqlite3.Connection) -> None:
    plan = dict(statements())[name]._plan(sqlite.dialect())
    given = ['[["1", "1", "1", "1"]]'] * len(plan._names)
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {plan.sql}", given)]
    scanned = {found[1] for step in steps if (found := re.match(r"SCAN (\w+)", step))}
    assert scanned.isdisjoint(tables.metadata.tables), steps


def test_there_are_statements_to_look_at() -> None:
    assert len(dict(statements())) > 10
