"""A workspace's conversations as people look through them: found, filtered, the latest first."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text, tuple_

from relevo.domain.agent_groups import GroupId
from relevo.domain.conversations import Control, Conversation, Status
from relevo.domain.ids import ChannelId, ConversationId, MemberId, WorkspaceId, parse_user_ns
from relevo.domain.messages import Message
from relevo.store.conversations import from_row
from relevo.store.database import Connection
from relevo.store.messages import from_row as message_from_row
from relevo.store.searching import has_part
from relevo.store.tables import assignments, conversations, messages

LONGEST_SEARCH = 200

_rows = conversations.c
_WITH_AGENT = text("control = 'agent'")  # in the very words of the partial index


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to list; what is left out does not matter.

    `search` is a `user_ns`, or any part of a name, a phone number or an e-mail address.
    `assigned_to` 0: to nobody.
    """

    workspace_id: WorkspaceId
    search: str = ""
    status: Status | None = None
    control: Control | None = None
    channel_id: ChannelId | None = None
    assigned_to: MemberId | None = None
    group_id: GroupId | None = None
    without_channels: tuple[ChannelId, ...] = ()
    without_spam: bool = False


class Mark(NamedTuple):
    """The last conversation of a page: the next page begins behind it."""

    last_message_at: datetime | None
    id: ConversationId


def mark_of(conversation: Conversation) -> Mark:
    return Mark(conversation.last_message_at, conversation.id)


async def page(
    connection: Connection, wanted: Wanted, *, behind: Mark | None = None, limit: int
) -> list[Conversation]:
    """A page: where something was said last comes first, those without a message come last."""
    query = select(conversations).where(*_conditions(wanted))
    found: list[Conversation] = []
    if behind is None or behind.last_message_at is not None:
        found = await _run(connection, _spoken(query, behind).limit(limit))
        behind = None
    if len(found) == limit:
        return found
    return found + await _run(connection, _silent(query, behind).limit(limit - len(found)))


def _spoken(query: Select[Any], behind: Mark | None) -> Select[Any]:
    at = _rows.last_message_at
    query = query.where(at.is_not(None)).order_by(at.desc(), _rows.id.desc())
    if behind is None:
        return query
    return query.where(
        or_(at < behind.last_message_at, and_(at == behind.last_message_at, _rows.id < behind.id))
    )


def _silent(query: Select[Any], behind: Mark | None) -> Select[Any]:
    query = query.where(_rows.last_message_at.is_(None)).order_by(_rows.id.desc())
    return query if behind is None else query.where(_rows.id < behind.id)


async def last_messages(
    connection: Connection, of: Collection[Conversation]
) -> dict[ConversationId, Message]:
    """The latest message of each that has one."""
    latest = [(one.id, one.message_seq) for one in of if one.message_seq]
    if not latest:
        return {}
    query = select(messages).where(tuple_(messages.c.conversation_id, messages.c.seq).in_(latest))
    found = map(message_from_row, (await connection.execute(query)).all())
    return {message.conversation_id: message for message in found}


async def count_with_agents(connection: Connection, workspace_id: WorkspaceId) -> int:
    """In how many conversations an agent has control."""
    query = select(func.count()).select_from(conversations)
    query = query.where(_rows.workspace_id == workspace_id, _WITH_AGENT)
    return int((await connection.execute(query)).scalar_one())


async def _run(connection: Connection, query: Select[Any]) -> list[Conversation]:
    return [from_row(row) for row in (await connection.execute(query)).all()]


def _conditions(wanted: Wanted) -> list[Any]:
    parts: list[Any] = [_rows.workspace_id == wanted.workspace_id]
    if wanted.search:
        parts.append(_found(wanted.search))
    if wanted.status is not None:
        parts.append(_rows.status == wanted.status)
    if wanted.control is not None:
        parts.append(_WITH_AGENT if wanted.control is Control.AGENT else _rows.control == wanted.control)
    if wanted.channel_id is not None:
        parts.append(_rows.channel_id == wanted.channel_id)
    if wanted.assigned_to is not None:
        parts.append(_assigned(wanted.assigned_to))
    if wanted.group_id is not None:
        parts.append(_rows.id.in_(_of(assignments.c.group_id == wanted.group_id)))
    if wanted.without_channels:
        parts.append(_rows.channel_id.not_in(wanted.without_channels))
    if wanted.without_spam:
        parts.append(_rows.status != "spam")
    return parts


def _found(search: str) -> ColumnElement[bool]:
    named = parse_user_ns(search)
    if named is not None:
        return and_(_rows.flow_id == named[0], _rows.id == named[1])
    part, columns = search[:LONGEST_SEARCH], (_rows.name, _rows.phone, _rows.email)
    return or_(*(has_part(column, part) for column in columns))


def _assigned(to: MemberId) -> ColumnElement[bool]:
    return _rows.id.in_(_of(assignments.c.member_id == to)) if to else _rows.member_id.is_(None)


def _of(whose: ColumnElement[bool]) -> Select[Any]:
    return select(assignments.c.conversation_id).where(whose)
