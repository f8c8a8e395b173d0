"""What a decision may look at besides the conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import msgspec

from relevo.domain.agent_groups import AgentGroup, GroupId, Staff
from relevo.domain.approved_templates import Templates
from relevo.domain.audiences import NOBODY, Audience
from relevo.domain.custom_events import CustomEvent
from relevo.domain.degrading import Limits
from relevo.domain.flows.model import Condition, Flow
from relevo.domain.flows.runs import Frame
from relevo.domain.ids import EndpointId, FlowId, FlowVersionId, MemberId, MessageId, WorkspaceId
from relevo.domain.messages import Message, MessageStatus
from relevo.domain.subscribers import FieldValue
from relevo.domain.vocabulary import FieldType
from relevo.domain.workspaces import Channel, FlowEntry, Workspace


class StoredMessage(msgspec.Struct, frozen=True):
    """What a receipt needs to know of a message that we sent."""

    id: MessageId
    mid: str
    status: MessageStatus


_EVERYTHING = Limits(buttons=1000, quick_replies=1000, cards=True, location=True)


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything besides the conversation that a decision may depend on."""

    now: datetime
    workspace: Workspace
    channel: Channel
    audience: Audience = NOBODY
    current_version: FlowVersionId | None
    defaults: FlowVersionId | None = None
    """The running version of the workspace's flow `DEFAULTS`, if there is one."""
    flows: Mapping[FlowVersionId, Flow]
    entry: FlowEntry | None = None
    """The flow as the workspace lists it: what starts may be set apart from its text."""
    member_names: Mapping[MemberId, str] = {}
    messages: Sequence[StoredMessage] = ()
    """For a receipt: the messages that it names. For `AgentRead`: the customer's that nobody has read."""
    changed: Message | None = None
    """For an edit, or news of a file: the stored message that it is about, if there is one."""
    limits_of: Callable[[Channel], Limits] = lambda _: _EVERYTHING
    """What the channel can carry: tells which buttons the customer will see as numbers."""
    member_of: Callable[[WorkspaceId, str], MemberId | None] = lambda workspace, name: None
    """A member by their e-mail address or, if nobody else has it, their name."""
    custom_event_of: Callable[[FlowId, str], CustomEvent | None] = lambda flow, name: None
    """A custom event by its name."""
    segments: Mapping[str, Condition] = {}
    """Conditions that the workspace has named."""
    chance: int = 0
    """Another number in another decision."""
    templates: Templates = MappingProxyType({})
    """What the channel's vendor has approved."""
    is_down: Callable[[EndpointId], bool] = lambda _: False
    """Whether an endpoint cannot be reached at all now."""
    bot: Mapping[str, FieldValue] = {}
    """The bot's own fields."""
    types: Mapping[str, FieldType] = {}
    """The types of the fields of which somebody has said it."""
    window: timedelta | None = None
    """How long after their last message the channel lets a person be written to; None: at any time."""
    window_of_humans: timedelta | None = None
    """And for how long an agent may write to them."""
    midnight: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """When today began, in the workspace's zone."""
    watch: Callable[[Frame], None] | None = None
    """Whoever looks on while the flow is walked, in a rehearsal."""
    groups: Mapping[GroupId, AgentGroup] = {}
    staff: Mapping[GroupId, Staff] = {}
    """Only of groups that a decision has asked for, with `StaffWanted`."""
