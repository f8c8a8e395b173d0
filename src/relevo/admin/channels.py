"""Channels: numbers, pages, bots and sites, and where their live chat goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from relevo.admin.addresses import look_up
from relevo.admin.changing import Changing, Means, Saved, changing, named, refuse, refuse_taken, saved
from relevo.admin.endpoints import new_secret
from relevo.channels.adapter import Adapter
from relevo.channels.registry import ADAPTERS
from relevo.domain.configuring import MASK, ChannelWish, ConfigCheck, Wrong, Wrongs, check_channel
from relevo.domain.ids import ChannelId, EndpointId, FlowId, WorkspaceId
from relevo.domain.workspaces import Channel, Endpoint, FlowEntry, LiveChat, LiveChatMode
from relevo.domain.yaml_reading import did_you_mean, quoted
from relevo.store import configuring

KEY_BYTES = 24
CALLED = ("webhook_url", "api_url")
"""Options, of whatever type, that are URLs which Relevo calls."""
SECRET = "secret"
"""The option with the key that a channel signs with; made where a type has it and nobody gave one."""

_WORDS = {
    "name": "name",
    "flow_id": "flow",
    "live_chat": "live chat",
    "config": "options",
    "disabled_reason": "enabled",
}


def channel_types() -> Mapping[str, ConfigCheck]:
    """Every channel type with the check of its options."""
    return {type_: adapter.check_config for type_, adapter in ADAPTERS.items()}


async def save(
    means: Means, workspace_id: WorkspaceId, wish: ChannelWish, channel_id: ChannelId | None = None
) -> Saved[Channel]:
    """Make a channel, or change the one of this id."""
    await check_urls(means, wish)
    async with changing(means) as change:
        old = None if channel_id is None else change.get(Channel, workspace_id, channel_id)
        refuse_taken("a channel", wish.name, change.of(Channel, workspace_id), old)
        if old is None:
            _refuse_off(change, workspace_id, wish)
        return await _write(change, workspace_id, wish, old)


def _refuse_off(change: Changing, workspace_id: WorkspaceId, wish: ChannelWish) -> None:
    if wish.type in change.directory.workspaces[workspace_id].channels_off:
        what = f"the channel type {wish.type} is switched off in this workspace"
        refuse({"type": Wrong(what, "switch it on with workspace-settings/update-channels")})


async def put(change: Changing, workspace_id: WorkspaceId, wish: ChannelWish) -> Saved[Channel]:
    """Have the channel of this name be so. Its URLs were looked at before (`check_urls`)."""
    return await _write(change, workspace_id, wish, named(change.of(Channel, workspace_id), wish.name))


async def check_urls(means: Means, wish: ChannelWish) -> None:
    """Raise `InvalidInput` when Relevo does not connect to where the options' URLs lead."""
    wrongs: Wrongs = {}
    for option in CALLED:
        url = wish.config.get(option)
        if isinstance(url, str) and url != MASK and (wrong := (await look_up(means.guard, url)).wrong):
            wrongs[option] = wrong
    refuse(wrongs)


async def disable(means: Means, workspace_id: WorkspaceId, channel_id: ChannelId, reason: str) -> Channel:
    """Take nothing in and send nothing out there; "" enables it again."""
    async with changing(means) as change:
        old = change.get(Channel, workspace_id, channel_id)
        return await _update(change, msgspec.structs.replace(old, disabled_reason=reason))


async def _write(
    change: Changing, workspace_id: WorkspaceId, wish: ChannelWish, old: Channel | None
) -> Saved[Channel]:
    asked = _completed(change, wish, old)
    refuse(check_channel(asked, channel_types()) | _references_wrong(change, workspace_id, asked, old))
    new = _channel(change, workspace_id, asked, old)
    made = _made_secret(change.means, new) if _lacks_secret(asked, wish) else ""
    if made:
        new = msgspec.structs.replace(new, config={**new.config, SECRET: made})
    if old is None:
        new = await _insert(change, new)
    elif new != old:
        await _update(change, new)
    return saved(old, new, _WORDS, secret=made if ADAPTERS[new.type].capabilities.needs_token else "")


async def _insert(change: Changing, new: Channel) -> Channel:
    cipher, now = change.means.cipher, change.means.clock.now()
    inserted = await configuring.insert_channel(change.connection, cipher, new, now)
    change.note(inserted)
    return inserted


async def _update(change: Changing, channel: Channel) -> Channel:
    await configuring.update_channel(change.connection, change.means.cipher, channel)
    change.note(channel)
    return channel


def _completed(change: Changing, wish: ChannelWish, old: Channel | None) -> ChannelWish:
    """The wish with everything that it leaves as it is."""
    if old is None:
        given = {option: value for option, value in wish.config.items() if value not in (None, MASK)}
        return msgspec.structs.replace(wish, mode=wish.mode or LiveChatMode.NONE, config=given)
    mode = wish.mode or old.live_chat.mode
    return ChannelWish(
        name=wish.name,
        type=wish.type or old.type,
        flow=wish.flow or change.directory.flows[old.flow_id].name,
        mode=mode,
        endpoint=wish.endpoint or (_endpoint_name(change, old) if mode == LiveChatMode.WEBHOOK else None),
        config=_merged_config(old.config, wish.config),
    )


def _endpoint_name(change: Changing, channel: Channel) -> str | None:
    id_ = channel.live_chat.endpoint_id
    return change.directory.endpoints[id_].name if id_ is not None else None


def _merged_config(old: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**old, **{option: value for option, value in given.items() if value != MASK}}
    return {option: value for option, value in merged.items() if value is not None}


def _references_wrong(
    change: Changing, workspace_id: WorkspaceId, wish: ChannelWish, old: Channel | None
) -> Wrongs:
    wrongs: Wrongs = {}
    if wish.type is None:
        wrongs["type"] = Wrong("the type is missing", f"use one of: {', '.join(ADAPTERS)}")
    elif old is not None and wish.type != old.type:
        what = f"the channel {old.name} is of type {old.type}, and that cannot change"
        wrongs["type"] = Wrong(what, "give a new channel another name")
    wrongs |= _unknown("flow", "flow", wish.flow or "", change.of(FlowEntry, workspace_id))
    if wish.endpoint:
        wrongs |= _unknown("live_chat", "endpoint", wish.endpoint, change.of(Endpoint, workspace_id))
    return wrongs


def _unknown(field: str, kind: str, name: str, things: Iterable[FlowEntry | Endpoint]) -> Wrongs:
    names = [thing.name for thing in things]
    if name in names:
        return {}
    remedy = did_you_mean(name, names) if names else f"make the {kind} first"
    return {field: Wrong(f"there is no {kind} {quoted(name)}" if name else f"the {kind} is missing", remedy)}


def _channel(change: Changing, workspace_id: WorkspaceId, wish: ChannelWish, old: Channel | None) -> Channel:
    """As the wish, which was checked, has it."""
    flow = named(change.of(FlowEntry, workspace_id), wish.flow or "")
    endpoint = named(change.of(Endpoint, workspace_id), wish.endpoint or "")
    return Channel(
        id=old.id if old else ChannelId(0),
        workspace_id=workspace_id,
        flow_id=flow.id if flow else FlowId(0),
        name=wish.name,
        type=wish.type or "",
        key=old.key if old else change.means.chance.token(KEY_BYTES),
        live_chat=_live_chat(wish.mode or LiveChatMode.NONE, endpoint.id if endpoint else None),
        config=wish.config,
        disabled_reason=old.disabled_reason if old else "",
    )


def _live_chat(mode: LiveChatMode, endpoint_id: EndpointId | None) -> LiveChat:
    return LiveChat(mode, endpoint_id if mode == LiveChatMode.WEBHOOK else None)


def _lacks_secret(asked: ChannelWish, wish: ChannelWish) -> bool:
    """Whether it has none, and nobody said that it should have none (`secret: null`)."""
    return SECRET not in asked.config and wish.config.get(SECRET, "") is not None


def _made_secret(means: Means, channel: Channel) -> str:
    """A secret for a channel without one, if its type has that option; else ""."""
    secret = new_secret(means.chance)
    problems = _adapter(channel).check_config({**channel.config, SECRET: secret})
    return "" if SECRET in problems else secret


def _adapter(channel: Channel) -> Adapter:
    return ADAPTERS[channel.type]
