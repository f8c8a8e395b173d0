"""Messages as rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, bindparam, func, insert, select, text, update

from relevo.domain.conversations import UpdateMessage
from relevo.domain.deciding import StoredMessage
from relevo.domain.ids import ConversationId, FlowId, MemberId, MessageId
from relevo.domain.messages import Content, Message, MessageStatus, MessageType, msg_type
from relevo.store.database import AnyRow, Connection
from relevo.store.statements import Bulk, Query, given, setting
from relevo.store.tables import conversations, messages

_rows = messages.c
_encode = msgspec.json.Encoder().encode
_decode_content = msgspec.json.Decoder(Content).decode

Mid = tuple[ConversationId, str]
"""A vendor's message id is unique within its conversation."""


async def known_mids(connection: Connection, mids: Collection[Mid]) -> dict[Mid, AnyRow]:
    """Which of these messages are stored already: (conversation, mid) → (id, seq)."""
    if not mids:
        return {}
    found = await _KNOWN_MIDS.rows(connection, mids=mids)
    return {(ConversationId(row.conversation_id), row.mid): row for row in found}


_mids = given("mids", _rows.conversation_id, _rows.mid).subquery()
_KNOWN_MIDS = Query(
    select(_rows.conversation_id, _rows.mid, _rows.id, _rows.seq).join_from(
        _mids,
        messages,
        and_(
            text("messages.mid <> ''"),  # as the index says it: SQLite must see the very words to use it
            _rows.mid == _mids.c.mid,
            _rows.conversation_id == _mids.c.conversation_id,
        ),
    )
)


async def insert_new(connection: Connection, new: Sequence[Message]) -> None:
    await _INSERT.run(connection, (_row(message) for message in new))


async def update_statuses(connection: Connection, updates: Sequence[UpdateMessage]) -> None:
    """Apply receipts that were found to be progress."""
    await _SET_STATUS.run(connection, (_status_row(one) for one in updates if not one.mid))
    await _SET_STATUS_AND_MID.run(connection, (_status_row(one) for one in updates if one.mid))


async def for_receipt(
    connection: Connection,
    conversation_id: ConversationId,
    *,
    ids: Collection[MessageId] = (),
    mids: Collection[str] = (),
    up_to_seq: int | None = None,
    up_to: datetime | None = None,
) -> list[StoredMessage]:
    """The messages of ours that a receipt names, as far as they are not at its end already."""
    query = _not_read(conversation_id, MessageType.OUT, MessageType.AGENT)
    if ids:
        query = query.where(_rows.id.in_(ids))
    elif mids:
        query = query.where(_rows.mid.in_(mids), _rows.mid != "")
    elif up_to_seq is not None:
        query = query.where(_rows.seq <= up_to_seq).order_by(_rows.seq.desc()).limit(_RECEIPT_SPAN)
    elif up_to is not None:
        was_taken = _rows.status.in_([MessageStatus.SENT.value, MessageStatus.DELIVERED.value])
        query = query.where(was_taken, _rows.created_at <= up_to)
        query = query.order_by(_rows.seq.desc()).limit(_RECEIPT_SPAN)
    else:
        return []
    return await _stored(connection, query)


async def find_in(
    connection: Connection, conversation_id: ConversationId, *, mid: str = "", id_: MessageId | None = None
) -> Message | None:
    """A message of a conversation, by the vendor's id or by ours."""
    named = _rows.mid == mid if id_ is None else _rows.id == id_
    query = select(messages).where(_rows.conversation_id == conversation_id, named)
    found = await _messages(connection, query)
    return found[0] if found else None


async def replace_contents(connection: Connection, changed: Sequence[Message]) -> None:
    """Store what messages say now."""
    for one in changed:
        values = {"content": _encode(one.content).decode(), "msg_type": msg_type(one.content)}
        await connection.execute(update(messages).where(_rows.id == one.id).values(**values))


async def unread(connection: Connection, conversation_id: ConversationId) -> list[StoredMessage]:
    """The customer's latest messages that no agent has read."""
    query = _not_read(conversation_id, MessageType.IN).order_by(_rows.seq.desc()).limit(_RECEIPT_SPAN)
    return await _stored(connection, query)


def _not_read(conversation_id: ConversationId, *types: MessageType) -> Select[Any]:
    return select(_rows.id, _rows.mid, _rows.status).where(
        _rows.conversation_id == conversation_id,
        _rows.type.in_([type_.value for type_ in types]),
        _rows.status != MessageStatus.READ.value,
    )


async def _stored(connection: Connection, query: Select[Any]) -> list[StoredMessage]:
    rows = (await connection.execute(query)).all()
    return [StoredMessage(MessageId(row.id), row.mid, MessageStatus(row.status)) for row in rows]


_RECEIPT_SPAN = 200  # a receipt "up to here" is not followed further back


async def after(
    connection: Connection, conversation_id: ConversationId, seq: int, limit: int
) -> list[Message]:
    """What the customer may see of a conversation beyond `seq`, in order."""
    query = (
        select(messages)
        .where(_rows.conversation_id == conversation_id, _rows.seq > seq, _rows.type.in_(_SEEN_BY_CUSTOMER))
        .order_by(_rows.seq)
        .limit(limit)
    )
    return await _messages(connection, query)


_SEEN_BY_CUSTOMER = [type_.value for type_ in MessageType if type_.is_seen_by_customer]


async def page(
    connection: Connection,
    conversation_id: ConversationId,
    *,
    types: Collection[MessageType],
    msg_types: Collection[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    before_seq: int | None = None,
    limit: int,
    offset: int = 0,
) -> list[Message]:
    """A page of a conversation, newest first."""
    wanted = _wanted(conversation_id, types, msg_types, since, until)
    if before_seq is not None:
        wanted.append(_rows.seq < before_seq)
    query = select(messages).where(*wanted).order_by(_rows.seq.desc())
    return await _messages(connection, query.limit(limit).offset(offset))


async def count(
    connection: Connection,
    conversation_id: ConversationId,
    *,
    types: Collection[MessageType],
    msg_types: Collection[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> int:
    """How many messages all the pages of a conversation have."""
    wanted = _wanted(conversation_id, types, msg_types, since, until)
    query = select(func.count()).select_from(messages).where(*wanted)
    return int((await connection.execute(query)).scalar_one())


def _wanted(
    conversation_id: ConversationId,
    types: Collection[MessageType],
    msg_types: Collection[str],
    since: datetime | None,
    until: datetime | None,
) -> list[ColumnElement[bool]]:
    parts = [_rows.conversation_id == conversation_id, _rows.type.in_([type_.value for type_ in types])]
    if msg_types:
        parts.append(_rows.msg_type.in_(msg_types))
    if since is not None:
        parts.append(_rows.created_at >= since)
    if until is not None:
        parts.append(_rows.created_at <= until)
    return parts


async def by_mids(connection: Connection, flow_id: FlowId, mids: Collection[str]) -> list[Message]:
    """The messages of a flow with these vendor ids, newest first."""
    query = (
        select(messages)
        .join(conversations, conversations.c.id == _rows.conversation_id)
        .where(conversations.c.flow_id == flow_id, text("mid <> ''"), _rows.mid.in_(mids))
        .order_by(_rows.id.desc())
    )
    return await _messages(connection, query)


async def get_many(connection: Connection, ids: Collection[MessageId]) -> dict[MessageId, Message]:
    found = await _messages(connection, select(messages).where(_rows.id.in_(ids)))
    return {message.id: message for message in found}


def from_row(row: AnyRow) -> Message:
    """A row of `messages` as the domain sees it."""
    return Message(
        id=MessageId(row.id),
        object_id=row.object_id,
        conversation_id=ConversationId(row.conversation_id),
        seq=row.seq,
        type=MessageType(row.type),
        content=_decode_content(row.content),
        created_at=row.created_at,
        mid=row.mid,
        member_id=MemberId(row.member_id) if row.member_id is not None else None,
        username=row.username,
        status=MessageStatus(row.status),
        error=row.error,
        referral=msgspec.json.decode(row.referral) if row.referral else None,
    )


async def _messages(connection: Connection, query: Select[Any]) -> list[Message]:
    return [from_row(row) for row in (await connection.execute(query)).all()]


def _row(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "object_id": message.object_id,
        "conversation_id": message.conversation_id,
        "seq": message.seq,
        "type": message.type.value,
        "msg_type": msg_type(message.content),
        "content": _encode(message.content).decode(),
        "mid": message.mid,
        "member_id": message.member_id,
        "username": message.username,
        "status": message.status.value,
        "error": message.error,
        "referral": _encode(message.referral).decode() if message.referral else None,
        "created_at": message.created_at,
    }


_INSERT = Bulk(insert(messages))
_the_message = update(messages).where(_rows.id == bindparam("the_id"))
_SET_STATUS = Bulk(_the_message.values(setting("status", "error")))
_SET_STATUS_AND_MID = Bulk(_the_message.values(setting("status", "error", "mid")))


def _status_row(one: UpdateMessage) -> dict[str, Any]:
    return {"the_id": one.message_id, "status": one.status.value, "error": one.error, "mid": one.mid}
