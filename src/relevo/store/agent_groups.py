"""Groups of agents: read as a part of the directory, changed as a whole, and asked whose turn it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update

from relevo.domain.agent_groups import AgentGroup, AssignMethod, GroupId, GroupMember, OnlineFirst
from relevo.domain.ids import MemberId, WorkspaceId
from relevo.store.database import Connection
from relevo.store.tables import agent_group_members, agent_groups


async def load(connection: Connection) -> dict[GroupId, AgentGroup]:
    """All of them, with their members in order."""
    members: dict[int, list[GroupMember]] = defaultdict(list)
    of = agent_group_members.c
    for row in (await connection.execute(select(agent_group_members).order_by(of.position))).all():
        members[row.group_id].append(GroupMember(MemberId(row.member_id), row.weighting))
    rows = (await connection.execute(select(agent_groups).order_by(agent_groups.c.id))).all()
    return {
        GroupId(row.id): AgentGroup(
            id=GroupId(row.id),
            workspace_id=WorkspaceId(row.workspace_id),
            name=row.name,
            image=row.image,
            assign_method=AssignMethod(row.assign_method),
            online_first=OnlineFirst(row.online_first),
            only_own=bool(row.only_own),
            members=tuple(members[row.id]),
        )
        for row in rows
    }


async def insert_new(connection: Connection, group: AgentGroup, now: datetime) -> AgentGroup:
    row = {**_row(group), "turns": 0, "created_at": now}
    query = insert(agent_groups).values(row).returning(agent_groups.c.id)
    new = msgspec.structs.replace(group, id=GroupId((await connection.execute(query)).scalar_one()))
    await _insert_members(connection, new)
    return new


async def save(connection: Connection, group: AgentGroup) -> None:
    query = update(agent_groups).where(agent_groups.c.id == group.id)
    await connection.execute(query.values(_row(group)))
    await _delete_members(connection, group.id)
    await _insert_members(connection, group)


async def remove(connection: Connection, id_: GroupId) -> None:
    await _delete_members(connection, id_)
    await connection.execute(delete(agent_groups).where(agent_groups.c.id == id_))


async def lock_turn(connection: Connection, id_: GroupId) -> int:
    """How many conversations the group was given, held until the transaction ends: two processes that give it
    one at the same time must not both think that it is the same one's turn. 0 for a group that is gone."""
    query = select(agent_groups.c.turns).where(agent_groups.c.id == id_).with_for_update()
    return int((await connection.execute(query)).scalar_one_or_none() or 0)


async def take_turns(connection: Connection, id_: GroupId, turns: int) -> None:
    query = update(agent_groups).where(agent_groups.c.id == id_)
    await connection.execute(query.values(turns=agent_groups.c.turns + turns))


def _row(group: AgentGroup) -> dict[str, Any]:
    return {
        "workspace_id": group.workspace_id,
        "name": group.name,
        "image": group.image,
        "assign_method": group.assign_method.value,
        "online_first": group.online_first.value,
        "only_own": int(group.only_own),
    }


async def _insert_members(connection: Connection, group: AgentGroup) -> None:
    rows: Sequence[dict[str, Any]] = [
        {"group_id": group.id, "member_id": one.member_id, "position": at, "weighting": one.weighting}
        for at, one in enumerate(group.members)
    ]
    if rows:
        await connection.execute(insert(agent_group_members), rows)


async def _delete_members(connection: Connection, id_: GroupId) -> None:
    await connection.execute(delete(agent_group_members).where(agent_group_members.c.group_id == id_))
