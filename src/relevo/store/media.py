"""The register of customers' files; the files themselves are in the data folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, and_, delete, func, insert, literal, not_, or_, select, text, update

from relevo.domain.ids import ChannelId, ConversationId, MemberId, WorkspaceId
from relevo.store.database import Connection
from relevo.store.tables import conversations, media, messages


class MediaFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a customer sent, or that `member_id` put into the library. `reason` says why it could not
    be had (state `failed`); `used_at` is when an upload was found to be named by a message."""

    id: str
    workspace_id: WorkspaceId
    conversation_id: ConversationId | None
    source_url: str
    state: Literal["pending", "stored", "failed"]
    name: str
    mime_type: str
    size: int
    reason: str = ""
    origin: Literal["upload", "library"] | None = None
    member_id: MemberId | None = None
    used_at: datetime | None = None
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


# The library

Kind = Literal["image", "audio", "video", "file"]
_SHOWN = ("image", "audio", "video")


class Shelf(msgspec.Struct, frozen=True):
    """A page of the library, and how many files there are on all pages."""

    files: list[MediaFile]
    total: int


async def library(
    connection: Connection,
    workspace_id: WorkspaceId,
    *,
    member_id: MemberId | Literal[0] | None = None,
    kind: Kind | None = None,
    limit: int,
    offset: int,
) -> Shelf:
    """The stored files of a workspace, newest first: of one member, or (0) of customers and the bot."""
    wanted = [media.c.workspace_id == workspace_id, media.c.state == "stored"]
    if member_id is not None:
        wanted.append(media.c.member_id.is_(None) if member_id == 0 else media.c.member_id == member_id)
    if kind is not None:
        wanted.append(_of_kind(kind))
    query = select(media).where(*wanted).order_by(media.c.created_at.desc(), media.c.id)
    rows = (await connection.execute(query.limit(limit).offset(offset))).all()
    counted = select(func.count()).select_from(media).where(*wanted)
    total = int((await connection.execute(counted)).scalar_one())
    return Shelf([MediaFile(**row._mapping) for row in rows], total)


def _of_kind(kind: Kind) -> ColumnElement[bool]:
    if kind == "file":
        return not_(or_(*(media.c.mime_type.startswith(f"{one}/") for one in _SHOWN)))
    return media.c.mime_type.startswith(f"{kind}/")


async def take_out(connection: Connection, workspace_id: WorkspaceId, id_: str) -> bool:
    """Forget a file of the library. Whether there was one."""
    wanted = and_(media.c.id == id_, media.c.workspace_id == workspace_id, media.c.origin == "library")
    return (await connection.execute(delete(media).where(wanted))).rowcount > 0


# Uploads that came to nothing


async def never_named(connection: Connection, *, before: datetime, limit: int) -> list[MediaFile]:
    """Uploads from before an instant of which it is not known that a message names them."""
    query = select(media).where(text("origin = 'upload' AND used_at IS NULL"), media.c.created_at < before)
    rows = (await connection.execute(query.order_by(media.c.created_at).limit(limit))).all()
    return [MediaFile(**row._mapping) for row in rows]


async def is_named(connection: Connection, file: MediaFile, channel_id: ChannelId, user_id: str) -> bool:
    """Whether a message of the person who uploaded a file names it. Nobody else may send it."""
    whose = select(conversations.c.id).where(
        conversations.c.channel_id == channel_id, conversations.c.user_id == user_id
    )
    query = select(literal(1)).where(
        messages.c.conversation_id.in_(whose.scalar_subquery()),
        messages.c.content.contains(file.id, autoescape=True),
    )
    return (await connection.execute(query.limit(1))).first() is not None


async def forget(connection: Connection, id_: str) -> None:
    await connection.execute(delete(media).where(media.c.id == id_))
