"""Whether the tables are those of this version, and making them so."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from relevo.store.database import Database, Transient

MIGRATIONS = Path(__file__).with_name("migrations")

LOCK_TIMEOUT = 1_000
"""Milliseconds that a migration waits for a table that is in use."""
_TRIES = 30
_LOCK = 0x52454C45564F  # any number that nobody else locks: "RELEVO"


class TooNew(Exception):
    """The database was made by a newer Relevo than this one."""


async def migrate(database: Database) -> None:
    """Bring an empty or older database to the newest tables: all of it or nothing.

    Harmless when it is there already, and when several processes do it at once. Raises `TooNew`
    for a database that a newer Relevo has migrated.
    """
    _make_folder(database)
    if await is_current(database):
        return
    for _ in range(_TRIES - 1):
        with suppress(Transient):
            return await _migrate(database)
    await _migrate(database)


async def _migrate(database: Database) -> None:
    async with database.write() as connection:
        await _wait_for_others(connection, database)
        await connection.run_sync(_upgrade)


async def is_current(database: Database) -> bool:
    """Whether the tables are those of this version."""
    return await current_revision(database) == newest_revision()


async def is_served(database: Database) -> bool:
    """Whether this version can work with the tables. Those of the next one are good, too: migrations only
    add, so that processes of two versions may run side by side while one replaces the other."""
    revision = await current_revision(database)
    return revision is not None and revision >= newest_revision()


async def current_revision(database: Database) -> str | None:
    """The newest migration that this database has; None when it has none, or is no file yet."""
    if _is_missing(database):
        return None
    async with database.read() as connection:
        return await connection.run_sync(_revision)


@cache
def newest_revision() -> str:
    """The newest migration that this version knows: the number that its file's name begins with."""
    return max(path.name for path in MIGRATIONS.glob("[0-9]*.py"))[:4]


def _is_missing(database: Database) -> bool:
    return database.is_sqlite and not Path(database.url.database or "").exists()


def _make_folder(database: Database) -> None:
    if database.is_sqlite and database.url.database:
        Path(database.url.database).parent.mkdir(parents=True, exist_ok=True)


async def _wait_for_others(connection: AsyncConnection, database: Database) -> None:
    """One process at a time, until the transaction ends. SQLite's transactions do so by themselves.

    A change of a table waits for whoever uses it, and everybody else behind it: so it waits for a moment
    only, lets them pass, and tries again.
    """
    if not database.is_sqlite:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        await connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT}"))


def _upgrade(connection: Connection) -> None:
    # Here, because most starts find nothing to do and loading Alembic takes longer than the rest.
    from relevo.store import upgrading

    revision, known = _revision(connection), upgrading.revisions(MIGRATIONS)
    if revision is not None and revision not in known:
        raise TooNew(
            f"The database has the tables of a newer Relevo (migration {revision}); this one knows them up "
            f"to {newest_revision()}. Install the newer version, or use another database."
        )
    upgrading.upgrade(connection, MIGRATIONS)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
