"""Workspaces and their settings."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from relevo.admin.addresses import look_up
from relevo.admin.changing import Changing, Means, Saved, changing, named, refuse, refuse_taken, saved
from relevo.domain.configuring import WorkspaceWish, check_workspace
from relevo.domain.ids import WorkspaceId
from relevo.domain.workspaces import Channel, Endpoint, FlowEntry, Workspace
from relevo.store import configuring
from relevo.store.database import Connection

FIRST_NAME = "My workspace"
"""Of a workspace that was made because something needed one."""

_WORDS = {
    "name": "name",
    "timezone": "time zone",
    "agent_reply_pauses_for": "pause after an agent's reply",
    "paused_automation": "paused automation",
    "operations_url": "operations URL",
    "written_hours": "business hours",
}


async def save(
    means: Means, wish: WorkspaceWish, workspace_id: WorkspaceId | None = None
) -> Saved[Workspace]:
    """Make a workspace, or change the settings of the one of this id."""
    if wish.operations_url and (wrong := (await look_up(means.guard, wish.operations_url)).wrong):
        refuse({"operations_url": wrong})
    async with changing(means) as change:
        old = None if workspace_id is None else change.get(Workspace, workspace_id, workspace_id)
        refuse_taken("a workspace", wish.name, change.directory.workspaces.values(), old)
        return await _write(change, wish, old)


async def put(change: Changing, wish: WorkspaceWish) -> Saved[Workspace]:
    """Have the workspace of this name be so. The only one that there is, if nobody has named it or
    put anything into it yet, becomes this one."""
    existing = list(change.directory.workspaces.values())
    old = named(existing, wish.name)
    if old is None and len(existing) == 1 and _is_blank(change, existing[0]):
        old = existing[0]
    return await _write(change, wish, old)


async def any_or_first(change: Changing) -> Workspace | None:
    """The only workspace, made if there is none; None when there are several."""
    existing = list(change.directory.workspaces.values())
    if existing:
        return existing[0] if len(existing) == 1 else None
    return (await _write(change, WorkspaceWish(name=FIRST_NAME), None)).thing


async def _write(change: Changing, wish: WorkspaceWish, old: Workspace | None) -> Saved[Workspace]:
    refuse(check_workspace(wish))
    new = _merged(old or Workspace(id=WorkspaceId(0), name=wish.name), wish)
    if old is None:
        new = await configuring.insert_workspace(change.connection, new, change.means.clock.now())
    elif new != old:
        await configuring.update_workspace(change.connection, new)
    change.note(new)
    return saved(old, new, _WORDS)


def _merged(old: Workspace, wish: WorkspaceWish) -> Workspace:
    given = {field: value for field, value in msgspec.structs.asdict(wish).items() if value is not None}
    if wish.written_hours == "always":
        given["written_hours"] = None
    return msgspec.structs.replace(old, **given)


def _is_blank(change: Changing, workspace: Workspace) -> bool:
    kinds: tuple[type[Endpoint | FlowEntry | Channel], ...] = (Endpoint, FlowEntry, Channel)
    return workspace.name == FIRST_NAME and not any(change.of(kind, workspace.id) for kind in kinds)


async def offer_channels(
    connection: Connection, id_: WorkspaceId, *, on: Collection[str], off: Collection[str]
) -> Workspace:
    """Offer some types of channel, and others no more. What is there already goes on."""
    old = await _locked(connection, id_)
    return await _replaced(connection, old, channels_off=(old.channels_off - set(on)) | set(off))


async def set_sidebar(connection: Connection, id_: WorkspaceId, flags: Collection[str]) -> Workspace:
    """Have exactly these flags of the live-chat sidebar on."""
    return await _replaced(connection, await _locked(connection, id_), sidebar=frozenset(flags))


async def _locked(connection: Connection, id_: WorkspaceId) -> Workspace:
    await configuring.lock(connection)
    return await configuring.get_workspace(connection, id_)


async def _replaced(connection: Connection, old: Workspace, **changes: Any) -> Workspace:
    new = msgspec.structs.replace(old, **changes)
    await configuring.update_workspace(connection, new)
    return new
