"""What was already done under a key, and how it was answered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from relevo.store.tables import applied


class Applied(msgspec.Struct, frozen=True):
    """The first answer under a key, as JSON, and what it answered (`fingerprint`)."""

    key: str
    fingerprint: str
    result: str


async def find(connection: AsyncConnection, keys: Collection[str]) -> dict[str, Applied]:
    if not keys:
        return {}
    rows: Sequence[Row[Any]] = (
        await connection.execute(select(applied).where(applied.c.key.in_(sorted(keys))))
    ).all()
    return {row.key: Applied(row.key, row.fingerprint, row.result) for row in rows}


async def insert_new(connection: AsyncConnection, new: Sequence[Applied], now: datetime) -> None:
    if new:
        rows = [{**msgspec.structs.asdict(one), "created_at": now} for one in new]
        await connection.execute(insert(applied), rows)


async def forget(connection: AsyncConnection, before: datetime) -> None:
    """Forget keys of before an instant: they may be used again."""
    await connection.execute(delete(applied).where(applied.c.created_at < before))
