"""The register of customers' files; the files themselves are in the data folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import insert, select, update

from relevo.domain.ids import ConversationId, WorkspaceId
from relevo.store.database import Connection
from relevo.store.tables import media


class MediaFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a customer sent. `reason` says why it could not be had (state `failed`)."""

    id: str
    workspace_id: WorkspaceId
    conversation_id: ConversationId | None
    source_url: str
    state: Literal["pending", "stored", "failed"]
    name: str
    mime_type: str
    size: int
    reason: str = ""
    created_at: datetime


async def insert_new(connection: Connection, new: Sequence[MediaFile]) -> None:
    if new:
        await connection.execute(insert(media), [msgspec.structs.asdict(one) for one in new])


async def find(connection: Connection, id_: str) -> MediaFile | None:
    row = (await connection.execute(select(media).where(media.c.id == id_))).first()
    return MediaFile(**row._mapping) if row else None


async def settle(connection: Connection, id_: str, **news: Any) -> None:
    """Say what became of fetching it: `state`, and `mime_type`, `size` or `reason`."""
    await connection.execute(update(media).where(media.c.id == id_).values(**news))
