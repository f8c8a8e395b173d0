"""Making and upgrading the tables."""

from __future__ import annotations

from sqlalchemy import insert, select

from relevo.store import tables
from relevo.store.database import Database


async def migrate(database: Database) -> None:
    """Bring an empty or older database to this version's tables; harmless when it is there already."""
    async with database.engine.begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
        if (await connection.execute(select(tables.configuration.c.id))).first() is None:
            await connection.execute(insert(tables.configuration).values(id=1, version=1))
