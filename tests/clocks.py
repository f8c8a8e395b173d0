"""Time that passes for a process and for its database, whose own clock no test can move."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, select, type_coerce, update

from relevo.store.database import Database
from relevo.store.database_clock import TheTime
from relevo.store.tables import broadcasts, endpoint_notices, flow_schedules
from relevo.testing.clock import FakeClock

_BY_ITS_CLOCK = (broadcasts.c.due_at, endpoint_notices.c.due_at, flow_schedules.c.claimed_until)


async def let_pass(database: Database, clock: FakeClock, by: timedelta) -> None:
    """On PostgreSQL, what waits for a time of the database comes so much earlier instead."""
    clock.advance(by)
    async with database.write() as connection:
        if connection.dialect.name == "postgresql":
            for column in _BY_ITS_CLOCK:
                earlier = type_coerce(column, BigInteger) - by // timedelta(microseconds=1)
                await connection.execute(update(column.table).values({column: earlier}))


async def time_of(database: Database, clock: FakeClock) -> datetime:
    """What the database takes for now."""
    async with database.read() as connection:
        found: datetime = (await connection.execute(select(TheTime(clock.now())))).scalar_one()
    return found
