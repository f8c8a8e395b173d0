"""The databases that tests are given."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import asyncpg
import pytest

from relevo.store import directory, tables
from relevo.store.database import Database
from relevo.testing.clock import NOON


async def table_names(url: str) -> list[str]:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            names = [str(row[0]) for row in file.execute("SELECT name FROM sqlite_master")]
            file.execute("CREATE TABLE leftover (id int)")
            return names
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        await connection.execute("CREATE TABLE leftover (id int)")
    finally:
        await connection.close()
    return [str(row[0]) for row in rows]


async def test_a_database_is_empty_and_usable(database_url: str) -> None:
    assert await table_names(database_url) == []


async def test_no_test_finds_what_another_left(database_url: str) -> None:
    assert await table_names(database_url) == []


@pytest.mark.parametrize("name", ["first", "second"])
async def test_nothing_is_left_in_the_database_that_is_used_again(database: Database, name: str) -> None:
    """Both find an empty one, and the same ids."""
    row = {"name": name, "timezone": "UTC", "agent_reply_pauses_for_seconds": 1, "paused_automation": "x"}
    insert = tables.workspaces.insert().values(row | {"created_at": NOON}).returning(tables.workspaces.c.id)
    async with database.write() as connection:
        assert (await connection.execute(insert)).scalar_one() == 1
        await directory.touch(connection)
        assert await directory.version(connection) == 2
