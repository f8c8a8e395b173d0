"""What docs/how-to/backups.md promises of a SQLite file and its write-ahead log."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from relevo.store import directory, schema
from relevo.store.backups import CannotCopy, copy_sqlite
from relevo.store.database import Database
from relevo.testing.builders import World, make_engine
from tests.conftest import sqlite_url

FRAME = 24 + 4096
"""Bytes of one page in the log: https://www.sqlite.org/fileformat2.html#the_write_ahead_log"""


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
async def world(migrated_database_url: str) -> AsyncIterator[World]:
    database = Database(migrated_database_url)
    async with make_engine(database) as world:
        yield world
    await database.close()


async def words(file: Path) -> list[str]:
    """What the customer has said, according to this file, if it is a sound database of this version."""
    database = Database(sqlite_url(file))
    try:
        assert await schema.is_current(database)
        async with database.read() as connection:
            assert (await connection.execute(text("PRAGMA integrity_check"))).scalar_one() == "ok"
            rows = await connection.execute(
                text("SELECT content FROM messages WHERE type = 'in' ORDER BY seq")
            )
            return [str(row).split('"text":"')[1].split('"')[0] for row in rows.scalars()]
    finally:
        await database.close()


def restored(live: Path, folder: Path, *, log_bytes: int | None = None) -> Path:
    """A copy of both files as they are now, the log maybe cut."""
    folder.mkdir()
    shutil.copy(live, folder / "relevo.db")
    log = live.with_name("relevo.db-wal").read_bytes()
    (folder / "relevo.db-wal").write_bytes(log[:log_bytes])
    return folder / "relevo.db"


async def test_a_copy_is_taken_while_the_server_writes(world: World, tmp_path: Path) -> None:
    for number in range(5):
        await world.says(f"before {number}")
    copy_sqlite(tmp_path / "relevo.db", tmp_path / "copy.db")
    await world.says("after")

    assert await words(tmp_path / "copy.db") == [f"before {number}" for number in range(5)]


async def test_the_file_and_its_log_together_are_the_database(world: World, tmp_path: Path) -> None:
    """As a snapshot of the file system has them; the file alone lacks what is in the log."""
    for number in range(5):
        await world.says(f"said {number}")
    both = restored(tmp_path / "relevo.db", tmp_path / "both")
    alone = restored(tmp_path / "relevo.db", tmp_path / "alone", log_bytes=0)

    assert await words(both) == [f"said {number}" for number in range(5)]
    assert await words(alone) == []


async def test_a_log_that_is_cut_restores_the_database_to_the_moment_of_the_cut(
    world: World, tmp_path: Path
) -> None:
    log, lengths = tmp_path / "relevo.db-wal", []
    for number in range(6):
        await world.says(f"said {number}")
        lengths.append(log.stat().st_size)

    for number, length in enumerate(lengths):
        then = restored(tmp_path / "relevo.db", tmp_path / f"then-{number}", log_bytes=length)
        assert await words(then) == [f"said {earlier}" for earlier in range(number + 1)]
        # In the middle of a commit there is none of it.
        torn = restored(tmp_path / "relevo.db", tmp_path / f"torn-{number}", log_bytes=length - FRAME // 2)
        assert await words(torn) == [f"said {earlier}" for earlier in range(number)]


async def test_what_was_restored_goes_on(world: World, tmp_path: Path) -> None:
    await world.says("before")
    file = restored(tmp_path / "relevo.db", tmp_path / "again")
    database = Database(sqlite_url(file))
    async with database.write() as connection:
        before = await directory.version(connection)
        await directory.touch(connection)
    await database.close()

    again = Database(sqlite_url(file))
    async with again.read() as connection:
        assert await directory.version(connection) == before + 1
    await again.close()


def test_nothing_is_overwritten_and_nothing_is_made_up(tmp_path: Path) -> None:
    with pytest.raises(CannotCopy, match="no database"):
        copy_sqlite(tmp_path / "none.db", tmp_path / "copy.db")
    (tmp_path / "relevo.db").write_bytes(b"")
    (tmp_path / "copy.db").write_bytes(b"precious")
    with pytest.raises(CannotCopy, match="already"):
        copy_sqlite(tmp_path / "relevo.db", tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_bytes() == b"precious"
