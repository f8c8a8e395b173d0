"""Inbound webhooks as rows, and the requests to them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, delete, insert, literal, or_, select, update

from relevo.domain.conversations import Conversation
from relevo.domain.ids import ChannelId, ConversationId, FlowId, InboundWebhookId
from relevo.domain.inbound_webhooks import InboundWebhook
from relevo.store import directory
from relevo.store.conversations import from_row
from relevo.store.database import AnyRow, Connection
from relevo.store.tables import conversations, inbound_calls, inbound_webhooks

_rows, _calls = inbound_webhooks.c, inbound_calls.c
# In the statement itself, as the partial indexes have it: a bound value would not be known to fit.
_EMPTY = literal("", literal_execute=True)
_CHUNK = 1000  # rows in one transaction: others must not wait long


class InboundCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request, and what became of it. `code` is "" for one that was taken; `wrongs` say what was not, or
    why none of it was."""

    webhook_id: InboundWebhookId
    status: int
    code: str = ""
    wrongs: tuple[str, ...] = ()
    mapped: dict[str, Any] = {}
    conversation_id: ConversationId | None = None
    size: int
    body: str
    at: datetime
    id: int = 0


async def save(connection: Connection, webhook: InboundWebhook, now: datetime) -> InboundWebhook:
    """Keep it; one without an id gets one."""
    row = _row(webhook)
    if webhook.id:
        await connection.execute(update(inbound_webhooks).where(_rows.id == webhook.id).values(row))
        id_ = webhook.id
    else:
        query = insert(inbound_webhooks).values({**row, "created_at": now}).returning(_rows.id)
        id_ = InboundWebhookId((await connection.execute(query)).scalar_one())
    await directory.touch(connection)
    return msgspec.structs.replace(webhook, id=id_)


async def remove(connection: Connection, id_: InboundWebhookId) -> None:
    """Forget it, and the requests to it."""
    await connection.execute(delete(inbound_calls).where(_calls.webhook_id == id_))
    await connection.execute(delete(inbound_webhooks).where(_rows.id == id_))
    await directory.touch(connection)


def _row(webhook: InboundWebhook) -> dict[str, Any]:
    row = msgspec.structs.asdict(webhook)
    del row["id"]
    return row | {
        "mappings": msgspec.json.encode(webhook.mappings).decode(),
        "tags": msgspec.json.encode(webhook.tags).decode(),
    }


# Requests


async def note(connection: Connection, call: InboundCall) -> None:
    row = msgspec.structs.asdict(call)
    del row["id"]
    row["created_at"] = row.pop("at")
    row["wrongs"] = msgspec.json.encode(call.wrongs).decode()
    row["mapped"] = msgspec.json.encode(call.mapped).decode()
    await connection.execute(insert(inbound_calls).values(row))


async def calls(
    connection: Connection, id_: InboundWebhookId, *, before_id: int | None = None, limit: int = 50
) -> list[InboundCall]:
    """A page of the log, newest first."""
    query = select(inbound_calls).where(_calls.webhook_id == id_)
    if before_id is not None:
        query = query.where(_calls.id < before_id)
    rows = (await connection.execute(query.order_by(_calls.id.desc()).limit(limit))).all()
    return [_call(row) for row in rows]


async def latest_readable(connection: Connection, id_: InboundWebhookId) -> InboundCall | None:
    """The last request with a body that could be read: the sample that a mapping is made from."""
    is_readable = _calls.code.not_in(("not_json", "too_large"))
    query = select(inbound_calls).where(_calls.webhook_id == id_, is_readable)
    row = (await connection.execute(query.order_by(_calls.id.desc()).limit(1))).first()
    return _call(row) if row else None


def _call(row: AnyRow) -> InboundCall:
    return InboundCall(
        id=row.id,
        webhook_id=InboundWebhookId(row.webhook_id),
        status=row.status,
        code=row.code,
        wrongs=tuple(msgspec.json.decode(row.wrongs)),
        mapped=msgspec.json.decode(row.mapped),
        conversation_id=ConversationId(row.conversation_id) if row.conversation_id is not None else None,
        size=row.size,
        body=row.body,
        at=row.created_at,
    )


async def forget_calls(connection: Connection, *, before: datetime) -> int:
    """Forget requests that came before an instant, the oldest first: one chunk. How many there were."""
    query = select(_calls.id, _calls.created_at).order_by(_calls.id).limit(_CHUNK)
    old = [row.id for row in (await connection.execute(query)).all() if row.created_at < before]
    if old:
        await connection.execute(delete(inbound_calls).where(_calls.id.in_(old)))
    return len(old)


# Whom a request is about


async def find_person(
    connection: Connection,
    flow_id: FlowId,
    *,
    phones: Collection[str] = (),
    email: str = "",
    channel_id: ChannelId | None = None,
) -> Conversation | None:
    """The subscriber with one of these phones, or this address: on the channel, if there is one, else who
    wrote last."""
    people = conversations.c
    wanted: ColumnElement[bool]
    if phones:
        wanted = and_(or_(*(people.phone == phone for phone in sorted(phones))), people.phone != _EMPTY)
    else:
        wanted = and_(people.email == email, people.email != _EMPTY)
    query = select(conversations).where(people.flow_id == flow_id, wanted)
    here = (people.channel_id == (channel_id or 0)).desc()
    row = (await connection.execute(query.order_by(here, people.last_message_at.desc()).limit(1))).first()
    return from_row(row) if row else None
