"""The databases that tests are given."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import asyncpg


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
