"""Groups of agents, and who of one gets a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, StrEnum
from hashlib import sha256
from typing import NewType

import msgspec

from relevo.domain.ids import ConversationId, MemberId, WorkspaceId

GroupId = NewType("GroupId", int)


class AssignMethod(StrEnum):
    RANDOM = "random"
    LEAST_ASSIGNED = "least_assigned"
    ROUND_ROBIN = "round_robin"


class OnlineFirst(IntEnum):
    """Whether it matters who is online."""

    ANYBODY = 0
    ONLINE_FIRST = 1  # whoever is online; if nobody is, anybody
    ONLINE_ONLY = 2  # whoever is online; if nobody is, nobody


class GroupMember(msgspec.Struct, frozen=True):
    """Somebody of a group. With weight 2 they are given twice as much as with 1."""

    member_id: MemberId
    weighting: int = 1


class AgentGroup(msgspec.Struct, frozen=True, kw_only=True):
    """`only_own`: agents of the group see only conversations that are theirs."""

    id: GroupId
    workspace_id: WorkspaceId
    name: str
    image: str = ""
    assign_method: AssignMethod = AssignMethod.RANDOM
    online_first: OnlineFirst = OnlineFirst.ANYBODY
    only_own: bool = False
    members: tuple[GroupMember, ...] = ()


class Staff(msgspec.Struct, frozen=True):
    """How things stand in a group when a conversation comes to it. `turn` counts what the group was given;
    `loads` are the conversations that each has now and that are not done."""

    turn: int
    online: frozenset[MemberId] = frozenset()
    loads: dict[MemberId, int] = {}


class StaffWanted(Exception):
    """A decision depends on how things stand in a group: load that, and decide again."""

    def __init__(self, group_id: GroupId) -> None:
        super().__init__(group_id)
        self.group_id = group_id


def choose(
    group: AgentGroup, staff: Staff, conversation_id: ConversationId, has_it: MemberId | None
) -> MemberId | None:
    """Who gets the conversation: the same for the same question. Whoever `has_it` already keeps it, if they
    could get it. None: nobody can."""
    candidates = _candidates(group, staff)
    if not candidates or has_it in {one.member_id for one in candidates}:
        return has_it if candidates else None
    match group.assign_method:
        case AssignMethod.RANDOM:
            return _at(candidates, _drawn(f"{group.id} {conversation_id} {staff.turn}"))
        case AssignMethod.ROUND_ROBIN:
            return _at(candidates, staff.turn)
        case AssignMethod.LEAST_ASSIGNED:
            return min(candidates, key=lambda one: _load(one, staff)).member_id


def _candidates(group: AgentGroup, staff: Staff) -> Sequence[GroupMember]:
    online = [one for one in group.members if one.member_id in staff.online]
    match group.online_first:
        case OnlineFirst.ANYBODY:
            return group.members
        case OnlineFirst.ONLINE_FIRST:
            return online or group.members
        case OnlineFirst.ONLINE_ONLY:
            return online


def _at(candidates: Sequence[GroupMember], number: int) -> MemberId:
    """Count along the candidates, each as often as their weight."""
    left = number % sum(one.weighting for one in candidates)
    for one in candidates:
        left -= one.weighting
        if left < 0:
            return one.member_id
    raise AssertionError("the number is below the sum of the weights")


def _drawn(seed: str) -> int:
    """A number that nobody could foresee, and that is the same whenever a batch is tried again."""
    return int.from_bytes(sha256(seed.encode()).digest()[:8])


def _load(one: GroupMember, staff: Staff) -> tuple[float, MemberId]:
    """What somebody would have with one more, for their weight."""
    return (staff.loads.get(one.member_id, 0) + 1) / one.weighting, one.member_id
