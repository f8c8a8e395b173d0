"""What endpoints are told, as samples: bodies like the real ones, of a conversation that nobody has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, assert_never

from relevo.domain import live_chat
from relevo.domain.ids import ConversationId, FlowId, MemberId, MessageId, WorkspaceId
from relevo.domain.messages import Message, MessageType, Text
from relevo.domain.workspaces import EventType, Workspace

NOBODY = ConversationId(0)
"""The conversation that samples speak of: `user_ns` ends with `u0`."""

_EPOCH = 1
_MINUTES = 30


def sample_body(
    event_type: EventType, workspace: Workspace, flow_id: FlowId, *, now: datetime, object_id: str, by: str
) -> bytes:
    """The body of an event as it would be posted now. `by`: who wants it sent."""
    about = _about(workspace.id, flow_id, workspace.timezone)
    if event_type is EventType.MESSAGE_RECEIVED:
        said = _message(MessageType.IN, "Is it in stock?", "Ana Diaz", now, object_id)
        return live_chat.message_body(about, said)
    return live_chat.event_body(about, event_type, _data(event_type, about, now, object_id, by))


def _data(
    event_type: EventType, about: live_chat.About, now: datetime, object_id: str, by: str
) -> dict[str, Any]:
    """What the event says besides its type."""
    match event_type:
        case EventType.MESSAGE_RECEIVED | EventType.MESSAGE_SENT:
            said = _message(MessageType.AGENT, "Yes, two left.", "Luis", now, object_id)
            return {"message": live_chat.webhook_message(about, said)}
        case EventType.MESSAGE_UPDATED:
            said = _message(MessageType.IN, "Is it still in stock?", "Ana Diaz", now, object_id)
            return {"change": "edited", "message": live_chat.webhook_message(about, said)}
        case EventType.MESSAGE_STATUS:
            return {"id": 0, "mid": f"sample-{object_id}", "status": "delivered", "error": ""}
        case EventType.HANDOFF_REQUESTED:
            until = (now + timedelta(minutes=_MINUTES)).isoformat()
            return {"reason": "flow", "until": until, "epoch": _EPOCH}
        case EventType.HANDOFF_ACCEPTED:
            return {"agent_id": 0, "agent_name": "Luis", "by": "api", "epoch": _EPOCH}
        case EventType.HANDOFF_RETURNED:
            return {"reason": "time", "epoch": _EPOCH + 1}
        case EventType.CONVERSATION_ASSIGNED:
            return {"agent_id": 0, "agent_name": ""}
        case EventType.TYPING:
            return {}
        case EventType.TEST:
            return {"text": "This is a test. Nobody wrote it.", "sent_by": by}
        case _:
            assert_never(event_type)


def _about(workspace_id: WorkspaceId, flow_id: FlowId, timezone: str) -> live_chat.About:
    return live_chat.About(
        workspace_id=workspace_id,
        flow_id=flow_id,
        conversation_id=NOBODY,
        member_id=None,
        paused_seconds=_MINUTES * 60,
        timezone=timezone,
    )


def _message(type_: MessageType, text: str, username: str, now: datetime, object_id: str) -> Message:
    return Message(
        id=MessageId(0),
        object_id=object_id,
        conversation_id=NOBODY,
        seq=0,
        type=type_,
        content=Text(text),
        created_at=now,
        mid=f"sample-{object_id}",
        member_id=MemberId(0),
        username=username,
    )
