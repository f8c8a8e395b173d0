"""Numbers for new rows, taken from the database in blocks: no round trip per row.

A number that was taken and not used (a restart, a failed batch) is never given again: ids are
unique and mostly ascending, and nothing may rely on them having no gaps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from sqlalchemy import text

from relevo.domain.ids import FIRST_FLOW_ID
from relevo.store.database import Connection, Database

BLOCKS: Mapping[str, int] = {"conversations": 20, "messages": 1000, "deliveries": 1000}
FIRST: Mapping[str, int] = {"flows": FIRST_FLOW_ID}


class IdsUsedUp(Exception):
    """More numbers were taken than reserved."""


class IdBlocks:
    """Hands out numbers; `reserve` beforehand as many as a batch may need."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._free: dict[str, deque[int]] = {name: deque() for name in BLOCKS}

    async def reserve(self, name: str, count: int) -> None:
        """Make sure that `count` numbers can be taken without waiting."""
        missing = count - len(self._free[name])
        if missing > 0:
            size = max(missing, BLOCKS[name])
            async with self._database.write() as connection:
                first = await take(connection, name, size)
            self._free[name].extend(range(first, first + size))

    def take(self, name: str) -> int:
        """The next number. Raises `IdsUsedUp` when too few were reserved."""
        free = self._free[name]
        if not free:
            raise IdsUsedUp(name)
        return free.popleft()


async def take(connection: Connection, name: str, count: int = 1) -> int:
    """The first of `count` numbers that are ours from now on."""
    first = FIRST.get(name, 1)
    values = {"name": name, "count": count, "after_first": first + count}
    return int((await connection.execute(_TAKE, values)).scalar_one()) - count


_TAKE = text(
    "INSERT INTO counters (name, next) VALUES (:name, :after_first) "
    "ON CONFLICT (name) DO UPDATE SET next = counters.next + :count RETURNING next"
)
