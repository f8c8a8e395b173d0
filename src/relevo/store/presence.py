"""Who is online."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from relevo.domain.ids import MemberId
from relevo.store.database import Connection
from relevo.store.tables import presence

_rows = presence.c


async def online(connection: Connection, members: Collection[MemberId], now: datetime) -> frozenset[MemberId]:
    """Those of these who are."""
    if not members:
        return frozenset()
    query = select(_rows.member_id).where(_rows.member_id.in_(sorted(members)), _rows.online_until > now)
    return frozenset(MemberId(id_) for id_ in (await connection.execute(query)).scalars())


async def say_until(connection: Connection, member_id: MemberId, until: datetime) -> None:
    """Have somebody online until then, whatever was said before."""
    await _save(connection, member_id, until, only_later=False)


async def note_seen(connection: Connection, member_id: MemberId, until: datetime) -> None:
    """Have somebody online until then at least."""
    await _save(connection, member_id, until, only_later=True)


async def _save(connection: Connection, member_id: MemberId, until: datetime, *, only_later: bool) -> None:
    inserting = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    query = inserting(presence).values(member_id=member_id, online_until=until)
    new = query.excluded.online_until
    query = query.on_conflict_do_update(
        index_elements=["member_id"],
        set_={"online_until": new},
        where=(new > _rows.online_until) if only_later else None,
    )
    await connection.execute(query)
