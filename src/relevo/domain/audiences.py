"""Who is told what happens on a channel: reckoned when something is set up, looked up when it happens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from relevo.domain.ids import ChannelId, EndpointId, WorkspaceId
from relevo.domain.workspaces import Channel, Endpoint, EventType, LiveChatMode


class Audience(msgspec.Struct, frozen=True):
    """The endpoints that are told of one channel.

    `by_type` has them by the type of event; a type that nobody is told is not in it. `with_bot`:
    who hears what customers write to the bot as well, and not only what they write to an agent.
    """

    by_type: Mapping[EventType, tuple[EndpointId, ...]] = {}
    with_bot: tuple[EndpointId, ...] = ()


NOBODY = Audience()


def audiences(channels: Iterable[Channel], endpoints: Iterable[Endpoint]) -> dict[ChannelId, Audience]:
    """The audience of every channel that has one."""
    by_workspace: dict[WorkspaceId, list[Endpoint]] = {}
    for endpoint in endpoints:
        by_workspace.setdefault(endpoint.workspace_id, []).append(endpoint)
    found = {one.id: audience(one, by_workspace.get(one.workspace_id, ())) for one in channels}
    return {id_: one for id_, one in found.items() if one != NOBODY}


def audience(channel: Channel, endpoints: Sequence[Endpoint]) -> Audience:
    """Who of a workspace's endpoints is told of this channel."""
    told = {endpoint.id: _told(endpoint, channel) for endpoint in endpoints}
    by_type = {type_: tuple(id_ for id_, types in told.items() if type_ in types) for type_ in EventType}
    return Audience(
        by_type={type_: ids for type_, ids in by_type.items() if ids},
        with_bot=tuple(one.id for one in endpoints if _listens_to_the_bot_too(one, channel)),
    )


def _told(endpoint: Endpoint, channel: Channel) -> frozenset[EventType]:
    """What this endpoint is told of this channel while an agent has control."""
    if is_live_chat(endpoint, channel):
        return endpoint.events | {EventType.MESSAGE_RECEIVED}
    return endpoint.events if listens(endpoint, channel) else frozenset()


def _listens_to_the_bot_too(endpoint: Endpoint, channel: Channel) -> bool:
    return EventType.MESSAGE_RECEIVED in endpoint.events and listens(endpoint, channel)


def is_live_chat(endpoint: Endpoint, channel: Channel) -> bool:
    """Whether the channel's conversations go there."""
    live_chat = channel.live_chat
    return live_chat.mode is LiveChatMode.WEBHOOK and live_chat.endpoint_id == endpoint.id


def listens(endpoint: Endpoint, channel: Channel) -> bool:
    """Whether it is told of the channel besides, whatever the live chat is."""
    if endpoint.workspace_id != channel.workspace_id:
        return False
    return endpoint.channels == "all" or channel.id in endpoint.channels
