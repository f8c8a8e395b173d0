"""Rows that another process changes while their lock is waited for, on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Table, text, update

from relevo.domain.deliveries import Lane
from relevo.domain.ids import ConversationId
from relevo.store import conversations, deliveries, tables
from relevo.store.database import Database
from relevo.testing.builders import World, make_engine
from tests.couriers.test_two_processes import until_one_waits

USERS = [f"user-{number}" for number in range(5)]
MANY = 60_000
"""So many rows, and PostgreSQL plans as it does for large tables."""


@pytest.fixture(params=[pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with make_engine(database) as world:
        yield world


async def fill(database: Database, table: Table, **other: str) -> None:
    """Have many rows in a table, all like its first but for their keys and what else is given as SQL."""
    given = {"id": "id + 1000000 + g", **other}
    values = ", ".join(given.get(one.name, one.name) for one in table.c)
    names = ", ".join(one.name for one in table.c)
    async with database.write() as connection:
        first = f"(SELECT * FROM {table.name} ORDER BY id LIMIT 1) AS first"
        many = f"SELECT {values} FROM {first}, generate_series(1, {MANY}) AS g"
        await connection.execute(text(f"INSERT INTO {table.name} ({names}) {many}"))
        await connection.execute(text(f"ANALYZE {table.name}"))


async def test_a_head_that_somebody_has_just_claimed_is_there(world: World, database: Database) -> None:
    """Else its lane would look empty, and what comes now would overtake all that waits in it."""
    everybody = [(await world.says("agent", user_id=user)).conversation_id for user in USERS]
    await fill(database, tables.deliveries, conversation_id="g", webhook_id="'w' || g", state="'done'")

    async def lock() -> set[Lane]:
        async with database.write() as connection:
            return deliveries.busy_lanes(await deliveries.lock_heads(connection, (), everybody))

    before = await lock()
    async with database.write() as other:
        await other.execute(
            update(tables.deliveries)
            .where(tables.deliveries.c.conversation_id == everybody[2])
            .values(claimed_by="somebody")
        )
        locking = asyncio.create_task(lock())
        await until_one_waits(database)

    assert await locking == before
    assert before


@pytest.mark.parametrize("by_user", [True, False])
async def test_a_conversation_that_somebody_has_just_changed_is_there(
    world: World, database: Database, by_user: bool
) -> None:
    """Else an event of somebody who is well known would find nobody."""
    everybody = [(await world.says("agent", user_id=user)).conversation_id for user in USERS]
    await fill(database, tables.conversations, user_id="'u' || g")
    ids, users = ([], [(world.company.web.id, user) for user in USERS]) if by_user else (everybody, [])

    async def lock() -> list[ConversationId]:
        async with database.write() as connection:
            return [one.id for one in await conversations.load_and_lock(connection, ids, users)]

    async with database.write() as other:
        await other.execute(
            update(tables.conversations).where(tables.conversations.c.id == everybody[2]).values(name="Ana")
        )
        locking = asyncio.create_task(lock())
        await until_one_waits(database)

    assert await locking == everybody
