"""Groups of agents: added, changed and deleted, from the API and the console alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from relevo.admin.changing import refuse, refuse_taken
from relevo.domain.agent_groups import AgentGroup, AssignMethod, GroupId, GroupMember, OnlineFirst
from relevo.domain.configuring import Wrong, check_name, check_url
from relevo.domain.errors import NotFound
from relevo.domain.ids import MemberId, WorkspaceId
from relevo.store import agent_groups, configuring, directory
from relevo.store.database import Connection

HEAVIEST, MOST_MEMBERS = 100, 1000


class GroupWish(msgspec.Struct, frozen=True, kw_only=True):
    """None: as it is, or as it is by default when the group is new."""

    name: str | None = None
    image: str | None = None
    assign_method: AssignMethod | None = None
    online_first: OnlineFirst | None = None
    only_own: bool | None = None
    members: tuple[GroupMember, ...] | None = None


async def get(connection: Connection, workspace_id: WorkspaceId, id_: int) -> AgentGroup:
    """One of the workspace. Raises NotFound."""
    found = (await agent_groups.load(connection)).get(GroupId(id_))
    if found is None or found.workspace_id != workspace_id:
        raise NotFound(f"There is no agent group {id_} in this workspace")
    return found


async def save(
    connection: Connection,
    workspace_id: WorkspaceId,
    wish: GroupWish,
    *,
    people: Collection[MemberId],
    now: datetime,
    id_: int | None = None,
) -> AgentGroup:
    """Add a group, or change the one of this id. `people` are those who may be in it: the members of the
    workspace. Raises NotFound or InvalidInput."""
    await configuring.lock(connection)
    blank = AgentGroup(id=GroupId(0), workspace_id=workspace_id, name="")
    old = await get(connection, workspace_id, id_) if id_ is not None else blank
    new = _changed(old, wish)
    refuse(_check(new, people))
    others = (await agent_groups.load(connection)).values()
    refuse_taken("an agent group", new.name, [one for one in others if one.workspace_id == workspace_id], old)
    if id_ is None:
        new = await agent_groups.insert_new(connection, new, now)
    else:
        await agent_groups.save(connection, new)
    await directory.touch(connection)
    return new


async def delete(connection: Connection, workspace_id: WorkspaceId, id_: int) -> None:
    """Conversations of the group stay with whoever has them. Raises NotFound."""
    await configuring.lock(connection)
    group = await get(connection, workspace_id, id_)
    await agent_groups.remove(connection, group.id)
    await directory.touch(connection)


def _changed(old: AgentGroup, wish: GroupWish) -> AgentGroup:
    wanted = {name: value for name, value in msgspec.structs.asdict(wish).items() if value is not None}
    return msgspec.structs.replace(old, **wanted)


def _check(group: AgentGroup, people: Collection[MemberId]) -> dict[str, Wrong]:
    found = {
        "name": check_name(group.name),
        "image": check_url(group.image) if group.image else None,
        "members": _check_members(group.members, people),
    }
    return {field: wrong for field, wrong in found.items() if wrong is not None}


def _check_members(members: Sequence[GroupMember], people: Collection[MemberId]) -> Wrong | None:
    ids = [one.member_id for one in members]
    for one in members:
        if one.member_id not in people:
            return Wrong(f"there is no member {one.member_id} in this workspace", "use ids of team-members")
        if not 1 <= one.weighting <= HEAVIEST:
            return Wrong(f"the weighting is {one.weighting}", f"use 1 to {HEAVIEST}")
    if len(set(ids)) < len(ids):
        return Wrong("somebody is in the group twice", "name each once")
    if len(ids) > MOST_MEMBERS:
        return Wrong(f"there are {len(ids)} members", f"a group has at most {MOST_MEMBERS}")
    return None
