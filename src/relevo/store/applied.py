"""What was already done under a key, and how it was answered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import delete, insert, select, update

from relevo.store.database import AnyRow, Connection
from relevo.store.tables import applied


class Applied(msgspec.Struct, frozen=True):
    """The first answer under a key, as JSON, and what it answered (`fingerprint`)."""

    key: str
    fingerprint: str
    result: str


async def find(connection: Connection, keys: Collection[str]) -> dict[str, Applied]:
    if not keys:
        return {}
    rows: Sequence[AnyRow] = (
        await connection.execute(select(applied).where(applied.c.key.in_(sorted(keys))))
    ).all()
    return {row.key: Applied(row.key, row.fingerprint, row.result) for row in rows}


async def insert_new(connection: Connection, new: Sequence[Applied], now: datetime) -> None:
    if new:
        # In one order: two who note the same keys do not wait for each other.
        ordered = sorted(new, key=lambda one: one.key)
        rows = [{**msgspec.structs.asdict(one), "created_at": now} for one in ordered]
        await connection.execute(insert(applied), rows)


async def take(connection: Connection, key: str, fingerprint: str, now: datetime) -> None:
    """Take a key before its work is done, with `answer` to follow. Whoever else wants it waits until this
    transaction has ended. Raises `Taken`."""
    await insert_new(connection, [Applied(key, fingerprint, "")], now)


async def answer(connection: Connection, key: str, result: str) -> None:
    """What the work of a taken key came to."""
    await connection.execute(update(applied).where(applied.c.key == key).values(result=result))


async def forget(connection: Connection, before: datetime) -> None:
    """Forget keys of before an instant: they may be used again."""
    await connection.execute(delete(applied).where(applied.c.created_at < before))
