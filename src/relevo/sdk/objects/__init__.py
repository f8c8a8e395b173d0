"""What the API answers with, as values.

Everything that a server may leave out has a default, and unknown fields are ignored: a newer
or a merely compatible server is not an error. `null` counts as left out.
"""

from __future__ import annotations

from relevo.sdk.objects.broadcasts import Broadcast, Segment, SegmentCount
from relevo.sdk.objects.counting import (
    AgentActivity,
    AgentSummary,
    ConversationData,
    CustomEvent,
    CustomEventSummary,
    EventCount,
    FlowSummary,
    LoggedEvent,
)
from relevo.sdk.objects.deliveries import (
    Answer,
    Attempt,
    Deed,
    Delivery,
    PostedEvent,
    Redelivery,
    Request,
    Selected,
)
from relevo.sdk.objects.flow import (
    BotField,
    ClosingNote,
    ErrorLog,
    InboundWebhook,
    MediaFile,
    Shortcut,
    Subflow,
    WhatsAppTemplate,
)
from relevo.sdk.objects.people import Agent, Label, Subscriber, Tag, User, UserField
from relevo.sdk.objects.reading import told
from relevo.sdk.objects.team import AgentGroup, Flow, GroupMember, Team

__all__ = [
    "Agent",
    "AgentActivity",
    "AgentGroup",
    "AgentSummary",
    "Answer",
    "Attempt",
    "BotField",
    "Broadcast",
    "ClosingNote",
    "ConversationData",
    "CustomEvent",
    "CustomEventSummary",
    "Deed",
    "Delivery",
    "ErrorLog",
    "EventCount",
    "Flow",
    "FlowSummary",
    "GroupMember",
    "InboundWebhook",
    "Label",
    "LoggedEvent",
    "MediaFile",
    "PostedEvent",
    "Redelivery",
    "Request",
    "Segment",
    "SegmentCount",
    "Selected",
    "Shortcut",
    "Subflow",
    "Subscriber",
    "Tag",
    "Team",
    "User",
    "UserField",
    "WhatsAppTemplate",
    "told",
]
