"""A subscriber who is deleted leaves nothing behind: in no table that there is, or will be."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, Double, LargeBinary, String, Table, Text, func, select
from sqlalchemy.types import TypeDecorator

from relevo.domain.ids import ConversationId
from relevo.store import erasing, retention, tables
from relevo.store.database import Database
from relevo.testing.clock import NOON

ANA, BO = ConversationId(7001), ConversationId(7002)
WHOSE = ("conversation_id", "delivery_id", "user_id")
"""What says whose a row is: the subscriber, a delivery to them, or their id on a channel."""
THEIRS = [
    one
    for one in tables.metadata.sorted_tables
    if any(name in one.c for name in WHOSE) and one is not tables.erasures
]
_OTHERS_NUMBERS = {"channel_id": 1, "broadcast_id": 1, "event_id": 1}


def row_of(table: Table, whose: ConversationId) -> dict[str, Any]:
    """A row of this table that is theirs, with anything in its other columns."""
    return {column.name: _value(column, whose, table) for column in table.columns if not _is_left_out(column)}


def _is_left_out(column: Column[Any]) -> bool:
    return bool(column.nullable) and column.name not in WHOSE


def _value(column: Column[Any], whose: ConversationId, table: Table) -> Any:
    if column.name in ("conversation_id", "delivery_id") or (column.name == "id" and column.primary_key):
        return f"{whose}" if isinstance(column.type, String) else whose
    if column.name in _OTHERS_NUMBERS:
        return _OTHERS_NUMBERS[column.name]
    if isinstance(column.type, (String, Text)):
        return f"u{whose}"
    if isinstance(column.type, LargeBinary):
        return b""
    if isinstance(column.type, TypeDecorator):
        return NOON
    return 1.0 if isinstance(column.type, Double) else 1


async def rows(database: Database, table: Table) -> int:
    async with database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


@pytest.fixture
async def both(database: Database) -> Database:
    """A row of Ana's and one of Bo's in every table that has anybody's."""
    async with database.write() as connection:
        flow = {"workspace_id": 1, "name": "x", "created_at": NOON}
        for table in (tables.workspaces, tables.flows, tables.broadcasts, tables.custom_events):
            await connection.execute(table.insert().values({**row_of(table, ANA), **_parent(table, flow)}))
        for table in THEIRS:
            for whose in (ANA, BO):
                await connection.execute(table.insert().values(row_of(table, whose)))
    return database


def _parent(table: Table, values: dict[str, Any]) -> dict[str, Any]:
    known = {"id": 1, "flow_id": 1, **values}
    return {name: value for name, value in known.items() if name in table.c}


async def test_nothing_of_a_deleted_subscriber_is_left_in_any_table(both: Database) -> None:
    assert {await rows(both, one) for one in THEIRS} == {2}

    async with both.write() as connection:
        await erasing.begin(connection, ANA, NOON)
    more = True
    while more:
        async with both.write() as connection:
            more = await erasing.go_on(connection, ANA)
            files = await erasing.files(connection, ANA)
            await erasing.forget_files(connection, files)

    left = {one.name: await rows(both, one) for one in THEIRS}
    assert left == {one.name: 1 for one in THEIRS}


async def test_old_work_is_forgotten_and_later_work_kept(
    both: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_CHUNK", 1)
    async with both.write() as connection:
        later = NOON.replace(year=NOON.year + 1)
        await connection.execute(tables.cases.update().where(tables.cases.c.id == BO).values(closed_at=later))
    more = True
    while more:
        async with both.write() as connection:
            more = await retention.forget_work(connection, before=later)

    assert (await rows(both, tables.cases), await rows(both, tables.activities)) == (1, 0)
