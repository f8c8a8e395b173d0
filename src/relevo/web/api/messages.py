"""What was said: a conversation by pages, and messages by the channel's ids."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.domain.conversations import Conversation, paused_seconds
from relevo.domain.errors import InvalidInput
from relevo.domain.ids import ConversationId
from relevo.domain.live_chat import About, webhook_message
from relevo.domain.messages import Message, MessageType
from relevo.store import conversations, messages, subscribers
from relevo.store.database import Connection
from relevo.web.api.answers import Page, PageQuery, page_example
from relevo.web.api.calls import Call, unknown_subscriber
from relevo.web.api.operations import SUBSCRIBER, USER_NS, looks_up, reads

TAG = "Subscriber"

MOST_MIDS = 100
LATEST = 253_402_300_799
"""The last second of the year 9999."""
THAT_SECOND = timedelta(seconds=1) - timedelta(microseconds=1)
"""Whoever says *until 10:00:00* means the whole of it."""

Flag = Literal[0, 1]
MsgType = Literal[
    "text", "image", "video", "audio", "file", "sticker", "location", "contacts", "interactive",
    "reaction", "order", "referral", "feed", "template", "unsupported",
]  # fmt: skip
Seconds = Annotated[int, Meta(ge=0, le=LATEST)]


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One thing said, as the live-chat webhook has it too."""

    object_id: Annotated[
        str, Meta(description="Unique and sortable.", examples=["6921a1b2c3d4e5f601020304"])
    ] = msgspec.field(name="_id")
    id: Annotated[int, Meta(examples=[900001])]
    mid: Annotated[str, Meta(description="The channel's own id; may be empty.", examples=["wamid.AAA1"])]
    user_ns: Annotated[str, Meta(examples=[USER_NS])]
    type: Annotated[
        Literal["in", "out", "agent", "note", "system"],
        Meta(description="Who said it: the customer, the bot, a human, a human for colleagues, Relevo."),
    ]
    msg_type: MsgType
    sender_id: Annotated[str, Meta(description="The subscriber, or `bot` for everybody else.")]
    agent_id: Annotated[int, Meta(description="The human who said it, or received it; 0 is nobody.")]
    assigned_agent_id: int
    payload: Annotated[dict[str, Any], Meta(description="By `msg_type`: see the live-chat webhook.")]
    content: Annotated[str, Meta(examples=["Is it in stock?"])]
    username: Annotated[str, Meta(examples=["Ana Diaz"])]
    date: Annotated[str, Meta(description="In the workspace's zone.", examples=["2026-11-22 10:00:00"])]
    timestamp: Annotated[int, Meta(description="Milliseconds.", examples=[1795341600123])]
    ts: Annotated[int, Meta(description="Seconds.", examples=[1795341600])]
    is_delivered: Flag
    seen: str
    paused_diff_seconds: Annotated[
        int,
        Meta(description="Seconds of pause that were left then; 0: the bot had control; -1: until resumed."),
    ]


class MessagePage(Page[ChatMessage], frozen=True):
    """A page of a conversation, newest first."""


class MessagesAnswer(msgspec.Struct, frozen=True):
    """Messages, newest first."""

    data: list[ChatMessage]
    status: Literal["ok"] = "ok"


class MessagesQuery(PageQuery, frozen=True, kw_only=True):
    user_ns: Annotated[
        str,
        Meta(
            pattern=r"^f[0-9]{1,12}u[0-9]{1,15}$",
            description="The subscriber; or `user_id`.",
            examples=[USER_NS],
        ),
    ] = ""
    user_id: Annotated[str, Meta(max_length=200, description="The id inside the channel.")] = ""
    include_bot: Annotated[Flag, Meta(description="What the bot said, too.", examples=[1])] = 0
    include_note: Annotated[Flag, Meta(description="What agents wrote for colleagues, too.")] = 0
    include_system: Annotated[Flag, Meta(description="What Relevo noted, too.")] = 0
    msg_type: Annotated[MsgType | None, Meta(description="Only of this kind.")] = None
    start_time: Annotated[Seconds | None, Meta(description="Not before; in unix seconds.")] = None
    end_time: Annotated[Seconds | None, Meta(description="Not after; in unix seconds.")] = None


class Mids(msgspec.Struct, frozen=True):
    mids: Annotated[
        list[str],
        Meta(max_length=MOST_MIDS, description="The channel's ids.", examples=[["wamid.AAA1"]]),
    ]


_MESSAGE = {
    "_id": "6921a1b2c3d4e5f601020304",
    "id": 900001,
    "mid": "wamid.AAA1",
    "user_ns": USER_NS,
    "type": "in",
    "msg_type": "text",
    "sender_id": USER_NS,
    "agent_id": 0,
    "assigned_agent_id": 0,
    "payload": {"text": "Is it in stock?"},
    "content": "Is it in stock?",
    "username": "Ana Diaz",
    "date": "2026-11-22 10:00:00",
    "timestamp": 1795341600123,
    "ts": 1795341600,
    "is_delivered": 1,
    "seen": "",
    "paused_diff_seconds": 1800,
}


@reads(
    "/subscriber/chat-messages",
    tag=TAG,
    title="Read a conversation",
    name="listMessages",
    asks=MessagesQuery,
    example=page_example("/subscriber/chat-messages", _MESSAGE),
    about=SUBSCRIBER,
)
async def chat_messages(call: NamedDependency[Call], asked: NamedDependency[MessagesQuery]) -> MessagePage:
    """What the customer and the agents said, newest first; with `include_bot=1` what the bot said, too."""
    paging = call.paging(asked)
    wanted = _wanted(asked)
    async with call.services.database.read() as connection:
        one = await _conversation(call, connection, asked)
        found = await messages.page(connection, one.id, limit=asked.limit, offset=paging.offset, **wanted)
        is_last = len(found) < asked.limit and (found or asked.page == 1)
        total = paging.offset + len(found) if is_last else await messages.count(connection, one.id, **wanted)
    return paging.answer(MessagePage, [_as_told(call, message, one) for message in found], total)


@looks_up(
    "/subscriber/chat-messages-by-mids",
    tag=TAG,
    title="Read messages by the channel's ids",
    name="listMessagesByMids",
    example={"mids": ["wamid.AAA1"]},
    answer={"data": [_MESSAGE], "status": "ok"},
)
async def chat_messages_by_mids(call: NamedDependency[Call], data: JSONBody[Mids]) -> MessagesAnswer:
    """The flow's messages with these ids; unknown ids are left out."""
    mids = {mid for mid in data.mids if mid}
    async with call.services.database.read() as connection:
        found = await messages.by_mids(connection, call.key.flow_id, mids)
        ids = {message.conversation_id for message in found}
        of: Mapping[ConversationId, Conversation] = await subscribers.get_many(connection, ids)
    return MessagesAnswer([_as_told(call, message, of[message.conversation_id]) for message in found])


async def _conversation(call: Call, connection: Connection, asked: MessagesQuery) -> Conversation:
    if asked.user_ns:
        return await call.subscriber(connection, asked.user_ns)
    if not asked.user_id:
        without = "field is required when {} is not present."
        raise InvalidInput(
            {
                "user_ns": [f"The user ns {without.format('user id')}"],
                "user_id": [f"The user id {without.format('user ns')}"],
            }
        )
    found = await conversations.find_by_flow_user(connection, call.key.flow_id, asked.user_id)
    if found is None:
        raise unknown_subscriber(asked.user_id)
    return found


def _wanted(asked: MessagesQuery) -> dict[str, Any]:
    more = {
        MessageType.OUT: asked.include_bot,
        MessageType.NOTE: asked.include_note,
        MessageType.SYSTEM: asked.include_system,
    }
    return {
        "types": [MessageType.IN, MessageType.AGENT, *(type_ for type_, wanted in more.items() if wanted)],
        "msg_types": [asked.msg_type] if asked.msg_type else [],
        "since": instant(asked.start_time),
        "until": instant(asked.end_time, plus=THAT_SECOND),
    }


def instant(seconds: int | None, plus: timedelta = timedelta(0)) -> datetime | None:
    """A time as it was asked for."""
    return datetime.fromtimestamp(seconds, UTC) + plus if seconds is not None else None


def _as_told(call: Call, message: Message, one: Conversation) -> ChatMessage:
    pause = one.pause if one.pause is not None and one.pause.since <= message.created_at else None
    if pause is not None and pause.until is not None and pause.until <= call.services.clock.now():
        pause = None  # it has ended; its timer will say so in a moment
    about = About(
        workspace_id=one.workspace_id,
        flow_id=one.flow_id,
        conversation_id=one.id,
        member_id=one.member_id,
        paused_seconds=paused_seconds(pause, message.created_at),
        timezone=call.workspace.timezone,
    )
    return msgspec.convert(webhook_message(about, message), ChatMessage)
