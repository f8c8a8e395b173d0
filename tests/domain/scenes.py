"""Ana, who writes on a web channel whose live chat is a webhook."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from relevo.domain.audiences import audience
from relevo.domain.conversations import Conversation
from relevo.domain.deciding import Surroundings
from relevo.domain.flows.model import Flow
from relevo.domain.flows.parsing import parse
from relevo.domain.ids import (
    ChannelId,
    ConversationId,
    EndpointId,
    FlowId,
    FlowVersionId,
    MemberId,
    WorkspaceId,
)
from relevo.domain.subscribers import Profile, Subscriber
from relevo.domain.workspaces import Channel, Endpoint, EventType, LiveChat, LiveChatMode, Workspace
from relevo.testing.clock import NOON

WORKSPACE = Workspace(id=WorkspaceId(1), name="Acme")
ENDPOINT = Endpoint(
    id=EndpointId(3),
    workspace_id=WORKSPACE.id,
    name="desk",
    url="https://desk.example.com/uchat",
    secrets=("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",),
    events=frozenset(EventType),
)
CHANNEL = Channel(
    id=ChannelId(2),
    workspace_id=WORKSPACE.id,
    flow_id=FlowId(1001),
    name="site",
    type="web",
    key="key",
    live_chat=LiveChat(LiveChatMode.WEBHOOK, ENDPOINT.id),
)
ANA = Conversation(
    id=ConversationId(34),
    workspace_id=WORKSPACE.id,
    flow_id=FlowId(1001),
    channel_id=CHANNEL.id,
    subscriber=Subscriber(user_id="ana", profile=Profile(name="Ana Diaz"), created_at=NOON),
)
VERSION = FlowVersionId(7)


@lru_cache
def compiled(source: str) -> Flow:
    parsed = parse(source, file="test.flow.yaml")
    assert parsed.flow is not None, parsed.problems
    return parsed.flow


def surroundings(
    source: str,
    *,
    channel: Channel = CHANNEL,
    endpoints: Sequence[Endpoint] = (ENDPOINT,),
    defaults: Sequence[str] = (),
    **changes: Any,
) -> Surroundings:
    """Everything around Ana's conversation at noon, with changes. `defaults`: all versions of that flow."""
    shared = {FlowVersionId(number): compiled(one) for number, one in enumerate(defaults, 101)}
    around = Surroundings(
        now=NOON,
        workspace=WORKSPACE,
        channel=channel,
        audience=audience(channel, endpoints),
        current_version=VERSION,
        defaults=next(reversed(shared), None),
        flows={VERSION: compiled(source), **shared},
        member_names={MemberId(5): "Luis"},
    )
    return msgspec.structs.replace(around, **changes)
