"""Whatever was dropped, refused or went wrong, as rows that a person can find."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import insert, or_, select

from relevo.domain.ids import ChannelId, ConversationId, EndpointId, FlowId, WorkspaceId
from relevo.store.database import AnyRow, Connection
from relevo.store.searching import has_part
from relevo.store.tables import problems


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """`code` is stable; `detail` is a sentence without message text; `raw` is what came in, if it
    could not be understood."""

    workspace_id: WorkspaceId
    code: str
    detail: str
    at: datetime
    conversation_id: ConversationId | None = None
    channel_id: ChannelId | None = None
    endpoint_id: EndpointId | None = None
    flow_id: FlowId | None = None
    raw: bytes | None = None


async def insert_new(connection: Connection, new: Sequence[Problem]) -> None:
    if new:
        await connection.execute(insert(problems), [_row(one) for one in new])


async def listing(
    connection: Connection,
    workspace_id: WorkspaceId,
    *,
    conversation_id: ConversationId | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> list[AnyRow]:
    """A page, newest first."""
    query = select(problems).where(problems.c.workspace_id == workspace_id)
    if conversation_id is not None:
        query = query.where(problems.c.conversation_id == conversation_id)
    if before_id is not None:
        query = query.where(problems.c.id < before_id)
    return list((await connection.execute(query.order_by(problems.c.id.desc()).limit(limit))).all())


async def of_flow(
    connection: Connection,
    flow_id: FlowId,
    *,
    since: datetime,
    until: datetime,
    conversation_id: ConversationId | None = None,
    search: str = "",
    limit: int,
    offset: int = 0,
) -> list[AnyRow]:
    """Those of one flow within a span, newest first. `search` is any part of the code or the detail."""
    rows = problems.c
    query = select(rows.id, rows.conversation_id, rows.code, rows.detail, rows.created_at)
    query = query.where(rows.flow_id == flow_id, rows.created_at.between(since, until))
    if conversation_id is not None:
        query = query.where(rows.conversation_id == conversation_id)
    if search:
        found = (has_part(column, search) for column in (rows.code, rows.detail))
        query = query.where(or_(*found))
    page = query.order_by(rows.id.desc()).limit(limit).offset(offset)
    return list((await connection.execute(page)).all())


def _row(one: Problem) -> dict[str, Any]:
    row = msgspec.structs.asdict(one)
    row["created_at"] = row.pop("at")
    return row
