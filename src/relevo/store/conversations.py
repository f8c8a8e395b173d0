"""Conversations and their subscribers as rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, insert, select, union_all, update

from relevo.domain.agent_groups import GroupId
from relevo.domain.cases import Case
from relevo.domain.conversations import Barred, Control, Conversation, Fired, Silence
from relevo.domain.flows.runs import Run
from relevo.domain.handoffs import Pause, Return
from relevo.domain.ids import ChannelId, ConversationId, EndpointId, FlowId, WorkspaceId
from relevo.domain.messages import MessageType, QuickReply
from relevo.domain.subscribers import By, FieldValue, OptIn, Profile, Subscriber
from relevo.store.database import AnyRow, Connection
from relevo.store.statements import Bulk, Query, among, given, setting
from relevo.store.tables import conversations

SEARCHED = 200
"""Characters of a name, phone or email that can be searched for: PostgreSQL refuses a longer index entry,
and with it the message. The profile keeps all of them."""

_rows = conversations.c


class _State(msgspec.Struct, frozen=True, omit_defaults=True):
    """The part of a conversation that nobody searches by."""

    pause: Pause | None = None
    run: Run | None = None
    started: bool = False
    message_seq: int = 0
    webhook_seqs: dict[EndpointId, int] = {}
    barred: Barred = ""
    numbered: tuple[QuickReply, ...] = ()
    heard_at: datetime | None = None
    heard_mid: str = ""
    group_id: GroupId | None = None
    case: Case | None = None
    calls: int = 0
    returned: Return | None = None
    refuses_email: bool = False
    silence: Silence | None = None
    fired: Fired | None = None
    labels: tuple[str, ...] = ()
    opt_ins: dict[By, OptIn] = {}
    no_broadcasts: bool = False
    held: tuple[str, ...] = ()


_encode = msgspec.json.Encoder().encode
_decode_state = msgspec.json.Decoder(_State).decode
_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_fields = msgspec.json.Decoder(dict[str, FieldValue]).decode
_decode_tags = msgspec.json.Decoder(tuple[str, ...]).decode


async def load_and_lock(
    connection: Connection,
    ids: Collection[ConversationId],
    users: Collection[tuple[ChannelId, str]],
) -> list[Conversation]:
    """The named conversations, locked until the transaction ends (in the order of id, so that
    two processes cannot wait for each other). Unknown ones are left out."""
    if not (ids or users):
        return []
    found = await _LOAD_AND_LOCK.rows(connection, ids=[(one,) for one in ids], users=users)
    return [from_row(row) for row in found]


_users = given("users", _rows.channel_id, _rows.user_id).subquery()
_by_user = select(_rows.id).join_from(
    _users, conversations, and_(_rows.channel_id == _users.c.channel_id, _rows.user_id == _users.c.user_id)
)
_LOAD_AND_LOCK = Query(
    select(*(one for one in _rows if one.name not in ("name", "phone", "email", "wake_at")))
    .where(among(_rows.id, union_all(given("ids", _rows.id), _by_user)))
    .order_by(_rows.id)
    .with_for_update()
)


async def find(connection: Connection, id_: ConversationId) -> Conversation | None:
    """One conversation, unlocked: for looking at."""
    row = (await connection.execute(select(conversations).where(_rows.id == id_))).first()
    return from_row(row) if row else None


async def find_by_user(connection: Connection, channel_id: ChannelId, user_id: str) -> Conversation | None:
    """The conversation of a person on a channel, unlocked."""
    query = select(conversations).where(_rows.channel_id == channel_id, _rows.user_id == user_id)
    row = (await connection.execute(query)).first()
    return from_row(row) if row else None


async def find_by_flow_user(connection: Connection, flow_id: FlowId, user_id: str) -> Conversation | None:
    """The most recently active conversation of a person (by the id inside the channel) in a flow."""
    query = (
        select(conversations)
        .where(_rows.flow_id == flow_id, _rows.user_id == user_id)
        .order_by(_rows.last_message_at.desc())
        .limit(1)
    )
    row = (await connection.execute(query)).first()
    return from_row(row) if row else None


async def due(connection: Connection, now: datetime, limit: int) -> list[tuple[ConversationId, datetime]]:
    """Conversations in which something happens by itself by `now`, the longest overdue first."""
    query = select(_rows.id, _rows.wake_at).where(_rows.wake_at <= now).order_by(_rows.wake_at).limit(limit)
    return [(ConversationId(row.id), row.wake_at) for row in (await connection.execute(query)).all()]


async def next_wake_at(connection: Connection) -> datetime | None:
    """When the next conversation wants to be woken."""
    query = select(_rows.wake_at).where(_rows.wake_at.is_not(None)).order_by(_rows.wake_at).limit(1)
    return (await connection.execute(query)).scalar_one_or_none()


async def insert_new(connection: Connection, new: Sequence[Conversation]) -> None:
    """Store conversations that did not exist. `Taken`: another process was faster."""
    await _INSERT.run(connection, (_full_row(one) for one in new))


async def save(
    connection: Connection, changed: Sequence[Conversation], before: Mapping[ConversationId, Conversation]
) -> None:
    """Store the new state of conversations that were loaded and locked; `before`: as they were.

    A person is written only where something about them is new. It rarely is, and people are searched for
    by indexes, which cost more than all the rest.
    """
    await _SAVE.run(connection, ({"the_id": one.id, **_changing_row(one)} for one in changed))
    news = [one for one in changed if _is_news(one.subscriber, before[one.id].subscriber)]
    await _SAVE_PERSON.run(connection, ({"the_id": one.id, **_person_row(one.subscriber)} for one in news))


def _is_news(now: Subscriber, before: Subscriber) -> bool:
    """Told without looking inside: what did not change is the same object."""
    return now.profile is not before.profile or now.fields is not before.fields or now.tags is not before.tags


_CONTROLS = {one.value: one for one in Control}  # a tenth of what it costs to ask the enumeration
_TYPES: Mapping[str | None, MessageType | None] = {None: None, **{one.value: one for one in MessageType}}


def from_row(row: AnyRow) -> Conversation:
    """A row of `conversations` as the domain sees it."""
    state = _decode_state(row.state)
    subscriber = Subscriber(
        user_id=row.user_id,
        profile=_decode_profile(row.profile),
        fields=_decode_fields(row.fields),
        tags=_decode_tags(row.tags),
        labels=state.labels,
        opt_ins=state.opt_ins,
        no_broadcasts=state.no_broadcasts,
        held=state.held,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
    )
    return Conversation(
        id=ConversationId(row.id),
        workspace_id=WorkspaceId(row.workspace_id),
        flow_id=FlowId(row.flow_id),
        channel_id=ChannelId(row.channel_id),
        subscriber=subscriber,
        control=_CONTROLS[row.control],
        epoch=row.epoch,
        pause=state.pause,
        status=row.status,
        member_id=row.member_id,
        run=state.run,
        started=state.started,
        message_seq=state.message_seq,
        webhook_seqs=state.webhook_seqs,
        barred=state.barred,
        numbered=state.numbered,
        heard_at=state.heard_at,
        heard_mid=state.heard_mid,
        group_id=state.group_id,
        case=state.case,
        calls=state.calls,
        returned=state.returned,
        refuses_email=state.refuses_email,
        silence=state.silence,
        fired=state.fired,
        last_message_at=row.last_message_at,
        last_message_type=_TYPES[row.last_message_type],
        bot_spoke_at=row.bot_spoke_at,
    )


def _full_row(one: Conversation) -> dict[str, Any]:
    return {
        "id": one.id,
        "workspace_id": one.workspace_id,
        "flow_id": one.flow_id,
        "channel_id": one.channel_id,
        "user_id": one.subscriber.user_id,
        "created_at": one.subscriber.created_at,
        **_person_row(one.subscriber),
        **_changing_row(one),
    }


def _person_row(one: Subscriber) -> dict[str, Any]:
    return {
        "name": one.display_name[:SEARCHED],
        "phone": one.profile.phone[:SEARCHED],
        "email": one.profile.email[:SEARCHED],
        "profile": _encode(one.profile).decode(),
        "fields": _encode(one.fields).decode(),
        "tags": _encode(one.tags).decode(),
    }


def _changing_row(one: Conversation) -> dict[str, Any]:
    state = _State(
        one.pause,
        one.run,
        one.started,
        one.message_seq,
        one.webhook_seqs,
        one.barred,
        one.numbered,
        one.heard_at,
        one.heard_mid,
        one.group_id,
        one.case,
        one.calls,
        one.returned,
        one.refuses_email,
        one.silence,
        one.fired,
        one.subscriber.labels,
        one.subscriber.opt_ins,
        one.subscriber.no_broadcasts,
        one.subscriber.held,
    )
    return {
        "control": one.control.value,
        "epoch": one.epoch,
        "status": one.status,
        "member_id": one.member_id,
        "state": _encode(state).decode(),
        "last_seen_at": one.subscriber.last_seen_at,
        "last_message_at": one.last_message_at,
        "last_message_type": one.last_message_type.value if one.last_message_type else None,
        "wake_at": one.wake_at,
        "bot_spoke_at": one.bot_spoke_at,
    }


_PERSON = ("name", "phone", "email", "profile", "fields", "tags")
_CHANGING = ("control", "epoch", "status", "member_id", "state", "last_seen_at", "last_message_at",
             "last_message_type", "wake_at", "bot_spoke_at")  # fmt: skip
_INSERT = Bulk(insert(conversations))
_the_one = update(conversations).where(_rows.id == bindparam("the_id"))
_SAVE = Bulk(_the_one.values(setting(*_CHANGING)))
_SAVE_PERSON = Bulk(_the_one.values(setting(*_PERSON)))
