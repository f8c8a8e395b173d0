"""What a company has set up: the workspace, its flows, channels, endpoints and people."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

import msgspec

from relevo.domain.hours import Hours
from relevo.domain.ids import (
    ApiKeyId,
    ChannelId,
    EndpointId,
    FlowId,
    FlowVersionId,
    MemberId,
    WorkspaceId,
)


class PausedAutomation(StrEnum):
    """UChat's *paused automation option*: what may still be sent while an agent has control."""

    AGENT_ONLY = "agent_only"  # only messages from agents
    AGENT_TRIGGERS_AND_DELAYS = "agent_triggers_and_delays"  # flows that wait, and keywords, go on


class LiveChatMode(StrEnum):
    """Where the customer's messages go while the bot is paused."""

    NONE = "none"
    INBOX = "inbox"  # Relevo's own console
    WEBHOOK = "webhook"  # the company's platform


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    AGENT = "agent"


class Scope(StrEnum):
    """What a token may do, in UChat's words."""

    MANAGE_FLOW = "Manage Flow"
    MANAGE_TEAM = "Manage Team"
    SEND_MESSAGE = "Send Message"


class EventType(StrEnum):
    """What an endpoint may be told. `message.received` is the live-chat webhook itself: where a
    channel's live chat goes, it is always sent. All else is for endpoints that opt in to it."""

    MESSAGE_RECEIVED = "message.received"
    MESSAGE_SENT = "message.sent"
    MESSAGE_STATUS = "message.status"
    MESSAGE_UPDATED = "message.updated"
    HANDOFF_REQUESTED = "handoff.requested"
    HANDOFF_ACCEPTED = "handoff.accepted"
    HANDOFF_RETURNED = "handoff.returned"
    CONVERSATION_ASSIGNED = "conversation.assigned"
    TYPING = "typing"
    TEST = "test"  # only ever sent by a person's wish to try an endpoint


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """One company's separate world. `id` is `team_id` on the wire."""

    id: WorkspaceId
    name: str
    timezone: str = "UTC"
    agent_reply_pauses_for: timedelta = timedelta(minutes=30)
    paused_automation: PausedAutomation = PausedAutomation.AGENT_ONLY
    written_hours: Hours | None = None
    """When somebody is there, as it was written; None: nobody has said, and it is open."""
    operations_url: str = ""
    """Where it is told what becomes of its endpoints; "" for nowhere."""
    channels_off: frozenset[str] = frozenset()
    """Types of channel that nobody is offered here."""
    sidebar: frozenset[str] = frozenset()
    """What the list of conversations hides or shows: the flags of UChat's live-chat sidebar that are on."""

    @property
    def hours(self) -> Hours | None:
        """When somebody is there, with the zone that they are in."""
        hours = self.written_hours
        if hours is None or hours.zone:
            return hours
        return msgspec.structs.replace(hours, zone=self.timezone)


Listening = frozenset[ChannelId] | Literal["all"]
"""Channels of the workspace, whatever their live chat is."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A URL of the platform. Header values and secrets are plain here and encrypted at rest.

    `secrets` sign every request, newest first: `signing_secrets`. `old_secret_until` is when the second
    of them stops, None where it signs until somebody says otherwise. `events` is what it is told of
    the channels whose live chat goes to it, and of `channels`, which it listens to besides.
    `max_in_flight` and `max_per_second` are how many attempts are made at a time, and begun in a second,
    by all processes together; 0 is no limit but Relevo's own. `disabled_reason` is empty while the
    endpoint is in use.
    """

    id: EndpointId
    workspace_id: WorkspaceId
    name: str
    url: str
    headers: dict[str, str] = {}
    secrets: tuple[str, ...]
    events: frozenset[EventType] = frozenset()
    channels: Listening = frozenset()
    old_secret_until: datetime | None = None
    max_in_flight: int = 0
    max_per_second: int = 0
    disabled_reason: str = ""

    def signing_secrets(self, now: datetime) -> tuple[str, ...]:
        """Those that sign at this moment: one, or two during a rotation."""
        is_over = self.old_secret_until is not None and self.old_secret_until <= now
        return self.secrets[:1] if is_over else self.secrets

    def __repr__(self) -> str:
        return f"Endpoint(id={self.id}, name={self.name!r}, url={self.url!r})"


class LiveChat(msgspec.Struct, frozen=True):
    mode: LiveChatMode = LiveChatMode.NONE
    endpoint_id: EndpointId | None = None


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One number, page, bot or site. `key` is the unguessable part of its hook URL;
    `config` is the channel type's own (credentials in it are encrypted at rest)."""

    id: ChannelId
    workspace_id: WorkspaceId
    flow_id: FlowId
    name: str
    type: str
    key: str
    live_chat: LiveChat = LiveChat()
    config: dict[str, Any] = {}
    disabled_reason: str = ""

    def __repr__(self) -> str:
        return f"Channel(id={self.id}, name={self.name!r}, type={self.type!r})"


class FlowEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A flow as the workspace lists it; its text is in its versions."""

    id: FlowId
    workspace_id: WorkspaceId
    name: str
    version_id: FlowVersionId
    subflows: dict[str, int] = {}
    """Name → number (the `s3` of `f1001s3`); a number is never given to another name."""
    start: str = ""
    """The subflow that starts instead of the text's own `start`; "" is that one."""
    widget_start: str = ""
    """The same for whoever opens the web chat."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A person: signs in to the console, answers on the platform, or both. `id` is `agent_id`."""

    id: MemberId
    workspace_id: WorkspaceId
    name: str
    email: str
    role: Role = Role.AGENT


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it is known after it was shown once: by its hash's row, never by its text.
    What is said with it is said in the name of `member_id`, where there is one."""

    id: ApiKeyId
    workspace_id: WorkspaceId
    flow_id: FlowId
    name: str
    scopes: frozenset[Scope]
    member_id: MemberId | None = None
    created_at: datetime
