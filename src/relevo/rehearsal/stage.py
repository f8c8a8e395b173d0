"""What is set up for a rehearsal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import msgspec

from relevo.channels.registry import adapter_for
from relevo.domain.agent_groups import AgentGroup, GroupId, GroupMember, Staff
from relevo.domain.audiences import audience
from relevo.domain.calls import CallResult
from relevo.domain.conversations import Conversation
from relevo.domain.custom_events import CustomEvent
from relevo.domain.deciding import Surroundings
from relevo.domain.flows.model import Condition, Flow
from relevo.domain.flows.naming import parts_of
from relevo.domain.flows.runs import Frame
from relevo.domain.flows.steps.organising import Assign
from relevo.domain.hours import Hours
from relevo.domain.ids import (
    ChannelId,
    ConversationId,
    CustomEventId,
    EndpointId,
    FlowId,
    FlowVersionId,
    MemberId,
    WorkspaceId,
)
from relevo.domain.subscribers import FieldValue, Profile, Subscriber
from relevo.domain.workspaces import Channel, Endpoint, EventType, LiveChat, LiveChatMode, Workspace

WEDNESDAY_NOON = datetime(2030, 5, 15, 12, 0, tzinfo=UTC)
"""When a rehearsal begins, unless it is said."""
ANA = Profile(name="Ana Diaz")
"""Who writes, unless it is said."""

_WORKSPACE, _FLOW, _CHANNEL, _ENDPOINT = WorkspaceId(1), FlowId(1001), ChannelId(1), EndpointId(1)
_VERSION, _DEFAULTS = FlowVersionId(1), FlowVersionId(2)
AGENT = MemberId(1)
"""Who answers for the company."""


class Answering(msgspec.Struct, frozen=True):
    """What a server answers to calls of URLs like this one, in which `*` is anything."""

    url: str
    result: CallResult

    def is_for(self, url: str) -> bool:
        return fnmatchcase(url, self.url)


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """`answers`: what servers say that nobody is asked about; the first for a URL counts."""

    flow: Flow
    defaults: Flow | None = None
    """What the workspace has for all its flows."""
    channel: str = "web"
    person: Profile = ANA
    fields: dict[str, FieldValue] = {}
    tags: tuple[str, ...] = ()
    begins: datetime = WEDNESDAY_NOON
    timezone: str = "UTC"
    hours: Hours | None = None
    segments: Mapping[str, Condition] = {}
    bot: dict[str, FieldValue] = {}
    answers: tuple[Answering, ...] = ()

    def conversation(self) -> Conversation:
        """Before anything has happened."""
        subscriber = Subscriber(
            user_id="ana",
            profile=self.person,
            fields=dict(self.fields),
            tags=self.tags,
            created_at=self.begins,
        )
        return Conversation(
            id=ConversationId(1),
            workspace_id=_WORKSPACE,
            flow_id=_FLOW,
            channel_id=_CHANNEL,
            subscriber=subscriber,
        )

    def surroundings(self, names: Names, watch: Callable[[Frame], None]) -> Surroundings:
        """At the beginning. Whoever the flow names is there: agents, groups of them, custom events."""
        adapter, channel = adapter_for(self.channel), self._channel()
        groups = _groups(self.flow)
        defaults = {} if self.defaults is None else {_DEFAULTS: self.defaults}
        return Surroundings(
            now=self.begins,
            workspace=Workspace(
                id=_WORKSPACE, name="Rehearsal", timezone=self.timezone, written_hours=self.hours
            ),
            channel=channel,
            audience=audience(channel, (_PLATFORM,)),
            current_version=_VERSION,
            defaults=_DEFAULTS if defaults else None,
            flows={_VERSION: self.flow, **defaults},
            member_names=names.agents,
            limits_of=adapter.limits,
            member_of=names.agent,
            custom_event_of=names.custom_event,
            segments=self.segments,
            bot=self.bot,
            window=adapter.window(channel),
            window_of_humans=adapter.window_of_humans(channel),
            watch=watch,
            groups=groups,
            staff={id_: Staff(0) for id_ in groups},
        )

    def answer_to(self, url: str) -> CallResult | None:
        return next((one.result for one in self.answers if one.is_for(url)), None)

    def _channel(self) -> Channel:
        return Channel(
            id=_CHANNEL,
            workspace_id=_WORKSPACE,
            flow_id=_FLOW,
            name=self.channel,
            type=self.channel,
            key="rehearsal",
            live_chat=LiveChat(LiveChatMode.WEBHOOK, _ENDPOINT),
        )


_PLATFORM = Endpoint(
    id=_ENDPOINT,
    workspace_id=_WORKSPACE,
    name="platform",
    url="https://platform.invalid",
    secrets=(),
    events=frozenset(EventType),
)


def _groups(flow: Flow) -> dict[GroupId, AgentGroup]:
    """Those that the flow names, each with one agent."""
    found = dict.fromkeys(one.group for one in parts_of(flow) if isinstance(one, Assign))
    names = [name for name in found if isinstance(name, str) and name]
    return {
        GroupId(id_): AgentGroup(
            id=GroupId(id_), workspace_id=_WORKSPACE, name=name, members=(GroupMember(AGENT),)
        )
        for id_, name in enumerate(names, 1)
    }


class Names:
    """Whoever is named gets an id, and keeps it."""

    def __init__(self) -> None:
        self.agents = {AGENT: "Agent"}
        self._custom_events: dict[str, CustomEvent] = {}

    def agent(self, workspace_id: WorkspaceId, name: str) -> MemberId:
        known = next((id_ for id_, one in self.agents.items() if one == name), None)
        id_ = known or MemberId(len(self.agents) + 1)
        self.agents[id_] = name
        return id_

    def custom_event(self, flow_id: FlowId, name: str) -> CustomEvent:
        id_ = CustomEventId(len(self._custom_events) + 1)
        return self._custom_events.setdefault(name, CustomEvent(id=id_, flow_id=flow_id, name=name))

    def of_event(self, id_: CustomEventId) -> str:
        return next(one.name for one in self._custom_events.values() if one.id == id_)
