"""Secrets that flows send to other servers: set, listed by name, never shown again."""

from __future__ import annotations

from relevo.admin.changing import Means, changing, refuse
from relevo.domain.configuring import Wrong
from relevo.domain.errors import NotFound
from relevo.domain.ids import WorkspaceId
from relevo.domain.sealing import NAME
from relevo.domain.yaml_reading import quoted
from relevo.store import secrets
from relevo.store.secrets import ListedSecret

LONGEST = 8_000
MOST = 200


async def put(means: Means, workspace_id: WorkspaceId, name: str, value: str) -> None:
    """Have the secret `name` be this from now on, also in calls that wait for a retry."""
    refuse(_wrongs(name, value))
    async with changing(means) as change:
        known = await secrets.listing(change.connection, workspace_id)
        if len(known) >= MOST and name not in {one.name for one in known}:
            refuse({"name": Wrong(f"there are {len(known)} secrets", f"at most {MOST} are possible")})
        now = means.clock.now()
        await secrets.put(change.connection, means.cipher, workspace_id, name, value, now)


async def remove(means: Means, workspace_id: WorkspaceId, name: str) -> None:
    """Forget it. Calls that need it fail from now on."""
    async with changing(means) as change:
        if not await secrets.remove(change.connection, workspace_id, name):
            raise NotFound(f"There is no secret {name} in this workspace")


async def listing(means: Means, workspace_id: WorkspaceId) -> list[ListedSecret]:
    async with means.database.read() as connection:
        return await secrets.listing(connection, workspace_id)


def _wrongs(name: str, value: str) -> dict[str, Wrong]:
    wrongs = {}
    if not NAME.fullmatch(name):
        remedy = "use letters, digits and _, at most 64, as in SHOP_KEY"
        wrongs["name"] = Wrong(f"{quoted(name)} is no name for a secret", remedy)
    if not value:
        wrongs["value"] = Wrong("the secret is empty", "write it")
    elif len(value) > LONGEST:
        wrongs["value"] = Wrong(f"the secret has {len(value)} characters", f"at most {LONGEST} are possible")
    elif "\0" in value:
        wrongs["value"] = Wrong("the secret has a NUL character", "leave it out")
    return wrongs
