"""What processes on one PostgreSQL tell each other: NOTIFY, delivered with the commit that it is part of.

Nothing relies on being heard: whoever misses a notice finds the same by looking, a little later.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Text, column, func, literal_column, select

from relevo.store.database import Connection
from relevo.store.pooled_postgresql import CHANNEL
from relevo.store.statements import Query, given

LONGEST = 7_900
"""Bytes of a notice; PostgreSQL takes less than 8,000."""
CONFIGURED, WORK = "configured", "work"
"""The types of the notices that the configuration has changed, and that something is due."""

_told = given("notices", column("notice", Text)).subquery()
_TELL = Query(select(func.pg_notify(literal_column(f"'{CHANNEL}'"), _told.c.notice)))


async def tell_configured(connection: Connection) -> None:
    """Tell that this transaction changes the configuration. Commands, too, say so."""
    await tell(connection, [f'{{"type":"{CONFIGURED}"}}'])


async def tell_of_work(connection: Connection) -> None:
    """Tell that this transaction makes something due."""
    await tell(connection, [f'{{"type":"{WORK}","node":""}}'])


async def tell(connection: Connection, notices: Sequence[str]) -> None:
    """Tell every process that listens, once this transaction of `Database.write` is committed.

    Commits that tell something go one at a time in the whole of a PostgreSQL server.
    """
    if notices and connection.dialect.name == "postgresql":
        await _TELL.rows(connection, notices=[(one,) for one in notices])
