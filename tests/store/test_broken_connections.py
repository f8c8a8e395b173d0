"""PostgreSQL says that it ends a connection before it does: what asks in between is told to ask again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from relevo.store.database import Connection, Database, Transient, driver_of
from relevo.store.pooled_postgresql import PooledDriver

GOODBYE = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
"""https://www.postgresql.org/docs/current/protocol-error-fields.html"""


@pytest.fixture
def database_kind() -> str:
    return "postgresql"


def below_of(connection: Connection) -> asyncpg.Connection[Any]:
    driver = driver_of(connection)
    assert isinstance(driver, PooledDriver)
    return driver.connection


def say_goodbye(below: asyncpg.Connection[Any]) -> None:
    """As the server does; the end of the connection has not come yet."""
    below._protocol.data_received(b"E" + (len(GOODBYE) + 4).to_bytes(4) + GOODBYE)
    assert not below.is_closed()


@pytest.fixture
async def database(migrated_database_url: str) -> AsyncIterator[Database]:
    """With one connection in its pool, of which the server has taken leave."""
    database = Database(migrated_database_url)
    async with database.write() as connection:
        below = below_of(connection)
    say_goodbye(below)
    yield database
    await database.close()


@contextmanager
def told_to_ask_again() -> Iterator[None]:
    with pytest.raises(Transient) as told:
        yield
    assert "another operation (2) is in progress" in str(told.value.facts["cause"])


async def version(connection: Connection) -> int:
    return int((await connection.execute(text("SELECT version FROM configuration"))).scalar_one())


async def test_a_transaction_that_writes_may_be_tried_again(database: Database) -> None:
    with told_to_ask_again():
        async with database.write():
            pass

    async with database.write() as connection:
        assert await version(connection)


async def test_a_transaction_that_reads_may_be_tried_again(database: Database) -> None:
    with told_to_ask_again():
        async with database.read() as connection:
            await version(connection)

    async with database.read() as connection:
        assert await version(connection)


async def test_a_line_that_listens_may_be_made_again(database: Database) -> None:
    with told_to_ask_again():
        async with database.listen(lambda _: None, lambda: None):
            pass

    async with database.listen(lambda _: None, lambda: None) as line:
        assert line.is_open


async def test_nothing_is_kept_of_a_transaction_whose_end_is_not_taken_any_more(database: Database) -> None:
    with told_to_ask_again():
        async with database.write():
            pass
    with told_to_ask_again():
        async with database.write() as connection:
            await connection.execute(text("UPDATE configuration SET version = 1000"))
            broken = below_of(connection)
            say_goodbye(broken)

    assert broken.is_closed()
    async with database.write() as connection:
        assert await version(connection) < 1000
