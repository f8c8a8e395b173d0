"""Secrets that flows send to other servers: set, listed by name, never shown again."""

from __future__ import annotations

from relevo.admin.changing import Action, Changing, Means, changing, refuse
from relevo.domain.configuring import Wrong, check_flow_secret
from relevo.domain.errors import NotFound
from relevo.domain.ids import WorkspaceId
from relevo.domain.sealing import Secrets
from relevo.store import secrets
from relevo.store.secrets import ListedSecret

MOST = 200


async def save(means: Means, workspace_id: WorkspaceId, name: str, value: str) -> Action:
    """Have the secret `name` be this from now on, also in calls that wait for a retry."""
    async with changing(means) as change:
        return await put(change, workspace_id, name, value)


async def put(change: Changing, workspace_id: WorkspaceId, name: str, value: str) -> Action:
    """The same, within a change."""
    refuse(check_flow_secret(name, value))
    known: Secrets = change.directory.secrets.get(workspace_id, {})
    if known.get(name) == value:
        return "unchanged"
    if name not in known:
        await _refuse_too_many(change, workspace_id)
    now = change.means.clock.now()
    await secrets.put(change.connection, change.means.cipher, workspace_id, name, value, now)
    return "updated" if name in known else "created"


async def _refuse_too_many(change: Changing, workspace_id: WorkspaceId) -> None:
    there = len(await secrets.listing(change.connection, workspace_id))
    if there >= MOST:
        refuse({"name": Wrong(f"there are {there} secrets", f"at most {MOST} are possible")})


async def remove(means: Means, workspace_id: WorkspaceId, name: str) -> None:
    """Forget it. Calls that need it fail from now on."""
    async with changing(means) as change:
        if not await secrets.remove(change.connection, workspace_id, name):
            raise NotFound(f"There is no secret {name} in this workspace")


async def listing(means: Means, workspace_id: WorkspaceId) -> list[ListedSecret]:
    async with means.database.read() as connection:
        return await secrets.listing(connection, workspace_id)
