"""The public names of things: `f1001`, `f1001u34`, … and how they are taken apart.

The numbers are row ids. The forms are UChat's (its clients route on
`user_ns.startswith(flow_ns + "u")`), so they must not change.
"""

from __future__ import annotations

import re
from typing import NewType

WorkspaceId = NewType("WorkspaceId", int)
FlowId = NewType("FlowId", int)
FlowVersionId = NewType("FlowVersionId", int)
ChannelId = NewType("ChannelId", int)
EndpointId = NewType("EndpointId", int)
MemberId = NewType("MemberId", int)
ApiKeyId = NewType("ApiKeyId", int)
ConversationId = NewType("ConversationId", int)
"""A conversation has the number of its subscriber: there is exactly one of each for the other."""
MessageId = NewType("MessageId", int)
DeliveryId = NewType("DeliveryId", int)
CustomEventId = NewType("CustomEventId", int)
InboundWebhookId = NewType("InboundWebhookId", int)

FIRST_FLOW_ID = 1001
"""Known clients accept only flow numbers of three digits or more."""

_FLOW_NS = re.compile(r"f(\d{1,12})")
_USER_NS = re.compile(r"f(\d{1,12})u(\d{1,15})")
_EVENT_NS = re.compile(r"f(\d{1,12})e(\d{1,15})")


def flow_ns(flow: FlowId) -> str:
    return f"f{flow}"


def user_ns(flow: FlowId, conversation: ConversationId) -> str:
    return f"f{flow}u{conversation}"


def sub_flow_ns(flow: FlowId, number: int) -> str:
    return f"f{flow}s{number}"


STEPS_OF_A_SUBFLOW = 999
"""So many of its steps have a name of their own."""


def node_ns(flow: FlowId, subflow: int, step: int) -> str:
    """A step, counted from 1, of the subflow with a number: `f1001n3002` is the second of `f1001s3`."""
    return f"f{flow}n{subflow}{step:03d}"


def tag_ns(flow: FlowId, number: int) -> str:
    return f"f{flow}t{number}"


def var_ns(flow: FlowId, number: int) -> str:
    return f"f{flow}v{number}"


def event_ns(flow: FlowId, event: CustomEventId) -> str:
    return f"f{flow}e{event}"


def parse_flow_ns(text: str) -> FlowId | None:
    """`f1001` → 1001; None when the text does not have that form."""
    match = _FLOW_NS.fullmatch(text)
    return FlowId(int(match[1])) if match else None


def parse_user_ns(text: str) -> tuple[FlowId, ConversationId] | None:
    """`f1001u34` → (1001, 34); None when the text does not have that form."""
    match = _USER_NS.fullmatch(text)
    return (FlowId(int(match[1])), ConversationId(int(match[2]))) if match else None


def parse_event_ns(text: str) -> tuple[FlowId, CustomEventId] | None:
    """`f1001e5` → (1001, 5); None when the text does not have that form."""
    match = _EVENT_NS.fullmatch(text)
    return (FlowId(int(match[1])), CustomEventId(int(match[2]))) if match else None
