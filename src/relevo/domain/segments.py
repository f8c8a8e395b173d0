"""Segments: conditions with a name, by which a flow's subscribers are chosen.

A condition is written as in a flow file.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NewType

import msgspec

from relevo.domain import yaml_reading
from relevo.domain.conversations import Conversation
from relevo.domain.errors import InvalidInput
from relevo.domain.flows.condition_parsing import condition
from relevo.domain.flows.conditions import holds
from relevo.domain.flows.expressions import TemplateFailed, Variables
from relevo.domain.flows.model import Condition
from relevo.domain.flows.reading import Reader
from relevo.domain.flows.runs import Scene
from relevo.domain.hours import Hours
from relevo.domain.ids import ChannelId, FlowId, FlowVersionId, WorkspaceId, flow_ns
from relevo.domain.workspaces import Channel
from relevo.domain.yaml_reading import Problems

SegmentId = NewType("SegmentId", int)

MOST_SEGMENTS = 500
"""Of one flow."""
LONGEST_SOURCE = 10_000
LONGEST_NAME = 200


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """`source` is the condition as it was written."""

    id: SegmentId
    workspace_id: WorkspaceId
    flow_id: FlowId
    name: str
    source: str
    created_at: datetime

    @property
    def ns(self) -> str:
        return segment_ns(self.flow_id, self.id)


def segment_ns(flow: FlowId, segment: int) -> str:
    return f"{flow_ns(flow)}sg{segment}"


# Reading


def read(source: str, *, field: str = "condition") -> Condition:
    """The condition. Raises `InvalidInput`, with all that is wrong with it."""
    problems = Problems("the condition")
    root = yaml_reading.read(source, problems)
    found = condition(root, Reader(None, {})) if root is not None else None
    if problems.found or found is None:
        raise InvalidInput({field: [f"line {one.line}: {one.what}; {one.remedy}" for one in problems.found]})
    return found


def tagged(tags: tuple[str, ...], without: tuple[str, ...] = ()) -> str:
    """The source of: has one of these tags, and none of those."""
    one = {"any": [{"tag": name} for name in tags]}
    parts = [one, *({"not": {"tag": name}} for name in without)]
    return msgspec.json.encode({"all": parts}).decode()


def any_of(sources: list[str]) -> str:
    """The source of: one of these holds."""
    parts = [msgspec.yaml.decode(one) for one in sources]
    return msgspec.json.encode({"any": parts}).decode()


# Whom it holds for


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """The flow whose subscribers are looked at, all channels that it has or had, and what else a condition
    may speak of."""

    flow_id: FlowId
    channels: Mapping[ChannelId, Channel]
    now: datetime
    segments: Mapping[str, Condition] = {}
    hours: Hours | None = None


def fits(condition: Condition, conversation: Conversation, where: Where) -> bool:
    """Whether somebody is in it. What cannot be filled in holds for nobody."""
    scene = scene_of(conversation, where)
    try:
        return holds(condition, Variables(scene, conversation.subscriber))
    except TemplateFailed:
        return False


def scene_of(one: Conversation, where: Where) -> Scene:
    """Somebody as conditions see them, while nothing happens to them."""
    channel = where.channels.get(one.channel_id)
    return Scene(
        now=where.now,
        version_id=FlowVersionId(0),
        epoch=one.epoch,
        user_ns=one.user_ns,
        flow_ns=flow_ns(one.flow_id),
        channel_name=channel.name if channel else "",
        channel_type=channel.type if channel else "",
        subscriber=one.subscriber,
        hours=where.hours,
        segments=where.segments,
        conversation=one.facts,
    )
