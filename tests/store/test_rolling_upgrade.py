"""Two versions on one PostgreSQL while one replaces the other: the newer migrates under the older's load."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from relevo.domain.ids import ConversationId
from relevo.store import schema
from relevo.store.database import Database
from relevo.testing.builders import World, make_engine
from relevo.testing.fake_http import Asked, Reply, reply
from tests.couriers.carrying import carrying

EXPAND = '''
"""What the next version adds."""
from alembic import op
import sqlalchemy as sa

revision = "9000"
down_revision = "{newest}"


def upgrade():
    op.add_column("conversations", sa.Column("mood", sa.Text(), nullable=False, server_default="calm"))
    op.add_column("deliveries", sa.Column("ends_at", sa.DateTime(timezone=True)))
    op.create_index("ix_deliveries_ends_at", "deliveries", ["ends_at"])
    op.create_table("moods", sa.Column("name", sa.Text(), primary_key=True))
    # Wider is more. Statements that asyncpg has prepared no longer fit, and PostgreSQL says so.
    op.alter_column("conversations", "epoch", type_=sa.BigInteger())
    op.alter_column("messages", "seq", type_=sa.BigInteger())
    op.alter_column("deliveries", "seq", type_=sa.BigInteger())
'''

USERS, MESSAGES = 10, 12


@pytest.fixture(params=[pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def older(migrated_database_url: str) -> AsyncIterator[Database]:
    opened = Database(migrated_database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def newer(migrated_database_url: str) -> AsyncIterator[Database]:
    opened = Database(migrated_database_url)
    yield opened
    await opened.close()


@contextmanager
def next_version(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The code of a version that has one migration more."""
    shutil.copytree(schema.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "9000_moods.py").write_text(EXPAND.replace("{newest}", schema.newest_revision()))
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", folder)
        schema.newest_revision.cache_clear()
        yield
    schema.newest_revision.cache_clear()


async def column(database: Database, query: str) -> list[object]:
    async with database.read() as connection:
        return list((await connection.execute(text(query))).scalars())


async def test_the_older_version_goes_on_while_the_newer_migrates_and_afterwards(
    older: Database, newer: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted: list[list[str]] = []

    def answer(asked: Asked) -> Reply:
        posted.append(asked.body.decode().split("said-")[1].split('"')[0].split("-"))
        return reply()

    async with carrying(older, answer) as here:
        await asyncio.gather(*(here.world.says("agent", user_id=f"u{user}") for user in range(USERS)))
        await write(here.world, part=0)
        writing = asyncio.create_task(write(here.world, part=1))
        with next_version(tmp_path / "next", monkeypatch):
            await schema.migrate(newer)
            assert await schema.is_current(newer)
        await writing
        async with newer.write() as connection:
            await connection.execute(text("UPDATE conversations SET mood = 'glad'"))
        await write(here.world, part=2)
        await here.world.says("agent", user_id="somebody new")
        await here.settle_down()

        for user in range(USERS):
            said = [int(number) for name, number in posted if name == str(user)]
            assert said == list(range(3 * MESSAGES))
        moods = await column(newer, "SELECT mood FROM conversations ORDER BY id")
        assert moods == ["glad"] * USERS + ["calm"]
        assert await schema.is_served(older)
        assert not await schema.is_current(older)


async def write(world: World, part: int) -> None:
    """Every customer, one message after the other; a refused one would raise here."""

    async def one(user: int) -> None:
        for number in range(part * MESSAGES, (part + 1) * MESSAGES):
            await world.says(f"said-{user}-{number}", user_id=f"u{user}")

    running: asyncio.Future[Any] = asyncio.gather(*(one(user) for user in range(USERS)))
    while not running.done():  # the engine rests before it tries again, on a clock that stands still
        sleeping: asyncio.Future[Any] = asyncio.ensure_future(world.clock.until_sleeping())
        await asyncio.wait({running, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        sleeping.cancel()
        if not running.done():
            world.clock.advance(timedelta(seconds=1))
    await running


async def test_a_migration_that_has_to_wait_lets_the_others_pass(
    older: Database, newer: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "LOCK_TIMEOUT", 50)
    async with make_engine(older) as world:
        first = await world.says("Hello")
        with next_version(tmp_path / "next", monkeypatch):
            async with older.read() as somebody:  # a report that takes long
                await somebody.execute(text("SELECT count(*) FROM conversations"))
                migrating = asyncio.create_task(schema.migrate(newer))
                for number in range(5):
                    await world.says(f"Still there? {number}")
                assert not migrating.done()
            await migrating
            assert await schema.is_current(newer)

        conversation = await world.conversation(ConversationId(first.conversation_id))
        assert conversation.message_seq >= 6
