"""Inbound webhooks: addresses that other systems post to, and what becomes of what they say."""

from __future__ import annotations

import msgspec

from relevo.admin.changing import Changing, Means, Saved, changing, named, refuse, refuse_taken, saved
from relevo.domain.configuring import InboundWish, Wrong, check_inbound
from relevo.domain.ids import ChannelId, FlowId, InboundWebhookId, WorkspaceId
from relevo.domain.inbound_webhooks import InboundWebhook
from relevo.domain.workspaces import Channel, FlowEntry
from relevo.domain.yaml_reading import did_you_mean, quoted
from relevo.store import inbound_webhooks

KEY_BYTES = 24

_WORDS = {
    "name": "name",
    "key": "address",
    "flow_id": "flow",
    "channel_id": "channel",
    "mappings": "mapping",
    "tags": "tags",
    "start": "subflow",
    "key_path": "key",
    "disabled_reason": "enabled",
}


async def save(
    means: Means, workspace_id: WorkspaceId, wish: InboundWish, id_: InboundWebhookId | None = None
) -> Saved[InboundWebhook]:
    """Make an inbound webhook, or change the one of this id."""
    async with changing(means) as change:
        old = None if id_ is None else change.get(InboundWebhook, workspace_id, id_)
        there = change.of(InboundWebhook, workspace_id)
        refuse_taken("an inbound webhook", wish.name, there, old)
        return await _write(change, workspace_id, wish, old)


async def put(change: Changing, workspace_id: WorkspaceId, wish: InboundWish) -> Saved[InboundWebhook]:
    """Have the inbound webhook of this name be so."""
    old = named(change.of(InboundWebhook, workspace_id), wish.name)
    return await _write(change, workspace_id, wish, old)


async def renew(means: Means, workspace_id: WorkspaceId, id_: InboundWebhookId) -> InboundWebhook:
    """Give it another address. The old one leads nowhere from now on."""
    return await _change(means, workspace_id, id_, key=means.chance.token(KEY_BYTES))


async def enable(means: Means, workspace_id: WorkspaceId, id_: InboundWebhookId) -> InboundWebhook:
    return await _change(means, workspace_id, id_, disabled_reason="")


async def disable(
    means: Means, workspace_id: WorkspaceId, id_: InboundWebhookId, reason: str
) -> InboundWebhook:
    """Take nothing there, until it is enabled again."""
    return await _change(means, workspace_id, id_, disabled_reason=reason)


async def delete(means: Means, workspace_id: WorkspaceId, id_: InboundWebhookId) -> None:
    """Its address leads nowhere then, and the log of its requests is forgotten."""
    async with changing(means) as change:
        change.get(InboundWebhook, workspace_id, id_)
        await inbound_webhooks.remove(change.connection, id_)


async def _change(
    means: Means, workspace_id: WorkspaceId, id_: InboundWebhookId, **news: str
) -> InboundWebhook:
    async with changing(means) as change:
        old = change.get(InboundWebhook, workspace_id, id_)
        return await _keep(change, msgspec.structs.replace(old, **news))


async def _write(
    change: Changing, workspace_id: WorkspaceId, wish: InboundWish, old: InboundWebhook | None
) -> Saved[InboundWebhook]:
    refuse(check_inbound(wish))
    flow = _flow(change, workspace_id, wish, old)
    blank = InboundWebhook(
        id=InboundWebhookId(0), workspace_id=workspace_id, flow_id=flow.id, name=wish.name, key=""
    )
    before = old or msgspec.structs.replace(blank, key=change.means.chance.token(KEY_BYTES))
    new = msgspec.structs.replace(
        before,
        name=wish.name,
        flow_id=flow.id,
        channel_id=_channel(change, workspace_id, wish, flow.id, before.channel_id),
        mappings=before.mappings if wish.mappings is None else wish.mappings,
        tags=before.tags if wish.tags is None else wish.tags,
        start=_start(wish, flow, before.start),
        key_path=before.key_path if wish.key_path is None else wish.key_path,
    )
    if new != old:
        new = await _keep(change, new)
    return saved(old, new, _WORDS)


async def _keep(change: Changing, webhook: InboundWebhook) -> InboundWebhook:
    kept = await inbound_webhooks.save(change.connection, webhook, change.means.clock.now())
    change.note(kept)
    return kept


def _flow(
    change: Changing, workspace_id: WorkspaceId, wish: InboundWish, old: InboundWebhook | None
) -> FlowEntry:
    flows = change.of(FlowEntry, workspace_id)
    if wish.flow is None and old is not None:
        return change.get(FlowEntry, workspace_id, old.flow_id)
    found = named(flows, wish.flow or "")
    if found is None:
        names = [one.name for one in flows]
        refuse(
            {
                "flow": Wrong(
                    f"there is no flow {quoted(wish.flow or '')}", did_you_mean(wish.flow or "", names)
                )
            }
        )
    assert found is not None, "refused"
    return found


def _channel(
    change: Changing, workspace_id: WorkspaceId, wish: InboundWish, flow_id: FlowId, before: ChannelId | None
) -> ChannelId | None:
    """The channel of the flow that is named; None for "", which is none."""
    channels = [one for one in change.of(Channel, workspace_id) if one.flow_id == flow_id]
    if wish.channel is None:
        return before if any(one.id == before for one in channels) else None
    if not wish.channel:
        return None
    found = named(channels, wish.channel)
    if found is None:
        names = [one.name for one in channels]
        what = f"there is no channel {quoted(wish.channel)} of this flow"
        refuse({"channel": Wrong(what, did_you_mean(wish.channel, names))})
    assert found is not None, "refused"
    return found.id


def _start(wish: InboundWish, flow: FlowEntry, before: str) -> str:
    start = before if wish.start is None else wish.start
    if start and start not in flow.subflows:
        what = f"there is no subflow {quoted(start)} in {flow.name}"
        refuse({"start": Wrong(what, did_you_mean(start, list(flow.subflows)))})
    return start
