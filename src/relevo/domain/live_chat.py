"""The body of the live-chat webhook, exactly (design: *The live-chat webhook*), and its relatives.

Field names and order are UChat's (its page "Inbound Webhook"); what it leaves open is ours.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, assert_never
from zoneinfo import ZoneInfo

import msgspec

from relevo.domain.ids import ConversationId, FlowId, MemberId, WorkspaceId, flow_ns, user_ns
from relevo.domain.messages import (
    Cards,
    Contacts,
    Content,
    Interactive,
    Location,
    Media,
    Message,
    MessageStatus,
    MessageType,
    Other,
    Reaction,
    Text,
    msg_type,
    plain_text,
)
from relevo.domain.workspaces import EventType


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The conversation that a webhook speaks of, as it was when it happened."""

    workspace_id: WorkspaceId
    flow_id: FlowId
    conversation_id: ConversationId
    member_id: MemberId | None
    paused_seconds: int
    timezone: str = "UTC"

    @property
    def user_ns(self) -> str:
        return user_ns(self.flow_id, self.conversation_id)


def message_body(about: About, message: Message) -> bytes:
    """The body of `message.received`: `{meta, message}`."""
    return _encode({"meta": _meta(about), "message": webhook_message(about, message)})


def event_body(about: About, event_type: EventType, data: dict[str, Any]) -> bytes:
    """The body of every other event: `{meta, event: {type, …}}`."""
    return _encode({"meta": _meta(about), "event": {"type": event_type.value, **data}})


def webhook_message(about: About, message: Message) -> dict[str, Any]:
    """A message as the webhook has it."""
    user = about.user_ns
    date, milliseconds = _wire_time(message.created_at, about.timezone)
    return {
        "_id": message.object_id,
        "id": message.id,
        "mid": message.mid,
        "user_ns": user,
        "type": message.type.value,
        "msg_type": msg_type(message.content),
        "sender_id": user if message.type == MessageType.IN else "bot",
        "agent_id": agent_id(message, about.member_id),
        "assigned_agent_id": about.member_id or 0,
        "payload": payload(message),
        "content": plain_text(message.content),
        "username": message.username,
        "date": date,
        "timestamp": milliseconds,
        "ts": milliseconds // 1000,
        "is_delivered": int(
            message.status in (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ)
        ),
        "seen": "",
        "paused_diff_seconds": about.paused_seconds,
    }


def agent_id(message: Message, assigned: MemberId | None) -> int:
    """The agent who said it, or who received it; 0 for nobody."""
    if message.type in (MessageType.AGENT, MessageType.NOTE):
        return message.member_id or 0
    return (assigned or 0) if message.type == MessageType.IN else 0


def payload(message: Message) -> dict[str, Any]:
    """The `payload` of the wire, by content."""
    inner = _payload(message.content)
    return {**inner, "referral": message.referral} if message.referral else inner


def content_payload(content: Content) -> dict[str, Any]:
    """The `payload` of a content alone, where there is no stored message (yet)."""
    return _payload(content)


_WITHOUT_ZONE = len("2026-11-22 10:00:00")


def local_time(at: datetime, timezone: str) -> str:
    """`2026-11-22 10:00:00`, in the workspace's zone: the wire has no zone in it."""
    local = at if timezone == "UTC" else at.astimezone(ZoneInfo(timezone))
    return local.isoformat(" ", "seconds")[:_WITHOUT_ZONE]


@lru_cache(maxsize=64)  # all messages of a batch have the same instant
def _wire_time(at: datetime, timezone: str) -> tuple[str, int]:
    return local_time(at, timezone), int(at.timestamp() * 1000)


def _payload(content: Content) -> dict[str, Any]:
    match content:
        case Text(text=text, buttons=buttons, quick_replies=quick_replies):
            return _with_options({"text": text}, buttons, quick_replies)
        case Media():
            return _media_payload(content)
        case Location():
            return _present(msgspec.structs.asdict(content), always=("latitude", "longitude"))
        case Contacts(contacts=contacts):
            return {"contacts": [{"name": c.name, "phones": c.phones, "emails": c.emails} for c in contacts]}
        case Interactive(title=title, id=id_, written=written):
            return {"text": written or title, "id": id_, "title": title}
        case Reaction(emoji=emoji, mid=mid):
            return {"emoji": emoji, "mid": mid}
        case Cards():
            return {"text": plain_text(content), **msgspec.to_builtins(content)}
        case Other(payload=raw, text=text):
            return {**({"text": text} if text else {}), **raw}
        case _:
            assert_never(content)


def _media_payload(media: Media) -> dict[str, Any]:
    always = {"type": media.type, "url": media.url, "mime_type": media.mime_type, "size": media.size}
    names = ("title", "caption", "transcribed_text", "album", "problem")
    optional = {name: getattr(media, name) for name in names}
    return _with_options(always | _present(optional), media.buttons, media.quick_replies)


def _with_options(inner: dict[str, Any], buttons: Any, quick_replies: Any) -> dict[str, Any]:
    if buttons:
        inner["buttons"] = msgspec.to_builtins(buttons)
    if quick_replies:
        inner["quick_replies"] = msgspec.to_builtins(quick_replies)
    return inner


def _present(fields: dict[str, Any], always: tuple[str, ...] = ()) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value or name in always}


def _meta(about: About) -> dict[str, Any]:
    return {
        "user_ns": about.user_ns,
        "agent_id": about.member_id or 0,
        "flow_ns": flow_ns(about.flow_id),
        "team_id": about.workspace_id,
    }


_encode = msgspec.json.Encoder().encode
