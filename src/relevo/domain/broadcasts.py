"""A broadcast: one thing said to many, at a rate, once to each; and how far it has got."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, NewType

import msgspec

from relevo.domain.ids import ConversationId, FlowId, WorkspaceId, flow_ns
from relevo.domain.messages import Content
from relevo.domain.subscribers import By, FieldValue

BroadcastId = NewType("BroadcastId", int)

MOST_LISTED = 200
"""People, where each is named."""
MOST_CHOSEN = 10
"""Tags, segments or fields of one broadcast."""
USUAL_RATE, HIGHEST_RATE = 60, 60_000
"""People a minute."""

Kind = Literal["", "EMAIL", "SMS", "WHATSAPP_TEMPLATE", "FACEBOOK_NOTIFICATION"]
"""UChat's types; "": whoever is on any channel."""

CHANNELS_OF: dict[Kind, str] = {
    "SMS": "sms",
    "WHATSAPP_TEMPLATE": "whatsapp",
    "FACEBOOK_NOTIFICATION": "messenger",
}
"""The type of channel that a kind is for: people on others are passed over."""

OPTED_IN_BY: dict[Kind, By] = {"EMAIL": "email", "SMS": "sms"}
"""What people have to have agreed to for a kind."""


class BroadcastState(StrEnum):
    SCHEDULED = "scheduled"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


Outcome = Literal[
    "sent",
    "agent_has_control",
    "opted_out",
    "blocked",
    "window_closed",
    "another_channel",
    "channel_disabled",
    "no_email",
    "not_opted_in",
    "no_such_subflow",
    "unknown",
    "failed",
]
"""What became of one person. `unknown`: there is nobody of this id; `failed`: a fault of ours, which is
among the problems."""


class Listed(msgspec.Struct, frozen=True, tag="listed"):
    """These people; `unknown` of those who were named are not there."""

    ids: tuple[ConversationId, ...]
    unknown: int = 0


class Matching(msgspec.Struct, frozen=True, tag="matching"):
    """Whoever a condition holds for when their turn comes; `source` is its text, as a flow file has it."""

    source: str
    named: str = ""
    """What it is, in a person's words: `tag vip`, `segment Regulars`."""


Recipients = Listed | Matching


class Says(msgspec.Struct, frozen=True, omit_defaults=True):
    """What everybody is told: a subflow, or something as it is. `fields` are set before; `bot_fields` when
    the broadcast begins."""

    subflow: str = ""
    contents: tuple[Content, ...] = ()
    fields: dict[str, FieldValue] = {}
    bot_fields: dict[str, FieldValue] = {}


class Broadcast(msgspec.Struct, frozen=True, kw_only=True):
    """`due_at` is when somebody is told next, or, while a process is at it, when another may take over;
    None when it is over. `looked_at` is the last conversation that was dealt with, `total` None until
    they are counted."""

    id: BroadcastId
    workspace_id: WorkspaceId
    flow_id: FlowId
    name: str
    asked_by: str
    kind: Kind
    to: Recipients
    says: Says
    per_minute: int
    state: BroadcastState
    due_at: datetime | None
    scheduled_at: datetime | None
    total: int | None
    looked_at: int
    counts: dict[Outcome, int]
    created_at: datetime
    started_at: datetime | None
    worked_at: datetime
    stopped_by: str = ""

    @property
    def ns(self) -> str:
        return broadcast_ns(self.flow_id, self.id)

    @property
    def is_over(self) -> bool:
        return self.state in (BroadcastState.DONE, BroadcastState.CANCELLED)

    @property
    def sent(self) -> int:
        return self.counts.get("sent", 0)

    @property
    def passed_over(self) -> int:
        """To how many it could not be said, whatever the reason."""
        return self.dealt_with - self.sent

    @property
    def dealt_with(self) -> int:
        return sum(self.counts.values())

    @property
    def time_left(self) -> timedelta | None:
        """How long it takes at least; None while nobody can say, and when it is over."""
        if self.is_over or self.total is None:
            return None
        return timedelta(minutes=max(self.total - self.dealt_with, 0) / self.per_minute)


def broadcast_ns(flow: FlowId, broadcast: int) -> str:
    return f"{flow_ns(flow)}b{broadcast}"


def parse_ns(text: str) -> tuple[FlowId, BroadcastId] | None:
    """`f1001b7` → (1001, 7); None when the text does not have that form."""
    flow, found, number = text.removeprefix("f").partition("b")
    if not found or not (flow.isdecimal() and number.isdecimal()) or len(flow) > 12 or len(number) > 15:
        return None
    return FlowId(int(flow)), BroadcastId(int(number))
