"""Deleting endpoints and channels: what speaks against it, and what becomes of what waits for them.

Nothing that was delivered or said is lost: deliveries and conversations stay, and still name what is
deleted. What waits is given up by whoever carries it, a lane at a time, as everything else that ends.
"""

from __future__ import annotations

import msgspec

from relevo.admin.changing import Changing, Means, changing, refuse
from relevo.domain.audiences import is_live_chat
from relevo.domain.configuring import Wrong
from relevo.domain.deliveries import Destination
from relevo.domain.ids import ChannelId, EndpointId, WorkspaceId
from relevo.domain.workspaces import Channel, Endpoint
from relevo.store import configuring, deliveries, figures
from relevo.store.database import Connection


async def count_waiting(means: Means, thing: Endpoint | Channel) -> int:
    """How many deliveries would be given up."""
    async with means.database.read() as connection:
        return await figures.count_waiting(connection, _destination(thing))


async def delete_endpoint(
    means: Means, workspace_id: WorkspaceId, endpoint_id: EndpointId, *, give_up_waiting: bool
) -> int:
    """Post nowhere any more. How many deliveries are given up for it.

    Raises `InvalidInput` while the live chat of a channel goes there, and where deliveries wait that
    nobody said may be given up.
    """
    async with changing(means) as change:
        endpoint = change.get(Endpoint, workspace_id, endpoint_id)
        _refuse_used(change, endpoint)
        waiting = await _check_waiting(change.connection, endpoint, give_up_waiting=give_up_waiting)
        await configuring.delete_endpoint(change.connection, means.cipher, endpoint, means.clock.now())
        await deliveries.bring_forward(change.connection, _destination(endpoint), means.clock.now())
    return waiting


async def delete_channel(
    means: Means, workspace_id: WorkspaceId, channel_id: ChannelId, *, give_up_waiting: bool
) -> int:
    """Take nothing in and send nothing out there any more. How many deliveries are given up for it.

    Its conversations stay. Raises `InvalidInput` where deliveries wait that nobody said may be given up.
    """
    async with changing(means) as change:
        channel = change.get(Channel, workspace_id, channel_id)
        waiting = await _check_waiting(change.connection, channel, give_up_waiting=give_up_waiting)
        await configuring.delete_channel(change.connection, means.cipher, channel, means.clock.now())
        await _stop_listening(change, channel)
        await deliveries.bring_forward(change.connection, _destination(channel), means.clock.now())
    return waiting


def _destination(thing: Endpoint | Channel) -> Destination:
    return Destination("endpoint" if isinstance(thing, Endpoint) else "channel", thing.id)


def _refuse_used(change: Changing, endpoint: Endpoint) -> None:
    users = [one.name for one in change.of(Channel, endpoint.workspace_id) if is_live_chat(endpoint, one)]
    if users:
        what = f"the live chat of {', '.join(users)} goes to {endpoint.name}"
        refuse({"delete": Wrong(what, "choose another in the Live Chat Settings first")})


async def _check_waiting(connection: Connection, thing: Endpoint | Channel, *, give_up_waiting: bool) -> int:
    waiting = await figures.count_waiting(connection, _destination(thing))
    if waiting and not give_up_waiting:
        what = f"{in_words(waiting)} for {thing.name}"
        refuse({"waiting": Wrong(what, "wait until there are none, or say that they may be given up")})
    return waiting


def in_words(waiting: int) -> str:
    """`1 delivery waits`, `127 deliveries wait`"""
    return "1 delivery waits" if waiting == 1 else f"{waiting:,} deliveries wait"


async def _stop_listening(change: Changing, channel: Channel) -> None:
    for one in change.of(Endpoint, channel.workspace_id):
        if one.channels != "all" and channel.id in one.channels:
            less = msgspec.structs.replace(one, channels=one.channels - {channel.id})
            await configuring.update_endpoint(change.connection, change.means.cipher, less)
