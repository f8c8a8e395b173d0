"""Who writes, who answers them, and what they carry."""

from __future__ import annotations

from typing import Any

import msgspec


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the token belongs to, and which flow it is of."""

    id: int = 0
    name: str = ""
    email: str = ""
    flow_ns: str = ""
    flow_name: str = ""
    team_id: int = 0
    team_name: str = ""
    scopes: tuple[str, ...] = ()


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """A human who may be given conversations."""

    id: int
    name: str = ""
    email: str = ""
    image: str = ""
    role: str = ""
    is_online: bool = False


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    tag_ns: str = ""


class Label(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    id: int = 0


class UserField(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    var_ns: str = ""
    var_type: str = "text"
    description: str = ""
    value: Any = None


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A person who writes to the flow.

    Times are as on the wire: `YYYY-MM-DD HH:MM:SS` in the workspace's zone (UTC unless it was set), empty
    when it has not happened. `paused_diff_seconds` is the rest of the pause in seconds, 0 when the bot has
    control, -1 for a pause without end. `agent_id` 0 is nobody.
    """

    user_ns: str
    user_id: str = ""
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    gender: str = ""
    email: str = ""
    phone: str = ""
    locale: str = ""
    language: str = ""
    timezone: str = ""
    profile_pic: str = ""
    channel: str = ""
    status: str = ""
    agent_id: int = 0
    agent_name: str = ""
    agent_email: str = ""
    subscribed: str = ""
    opted_in_email: str = ""
    opted_in_sms: str = ""
    opted_in_through: str = ""
    last_interaction: str = ""
    last_seen: str = ""
    last_message_at: str = ""
    last_message_type: str = ""
    last_agent_action_at: str = ""
    allow_send_message: bool = True
    allow_send_seconds: int = -1
    allow_bot_seconds: int = -1
    paused_diff_seconds: int = 0
    tags: tuple[Tag, ...] = ()
    labels: tuple[Label, ...] = ()
    user_fields: tuple[UserField, ...] = ()

    @property
    def is_paused(self) -> bool:
        """Whether an agent has control."""
        return self.paused_diff_seconds != 0
