"""What belongs to the workspace."""

from __future__ import annotations

import msgspec


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """The workspace, and who owns it."""

    id: int
    name: str = ""
    image: str = ""
    owner_id: int = 0
    owner_email: str = ""


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    flow_ns: str
    name: str = ""
    type: str = ""
    linked_label: str = ""


class GroupMember(msgspec.Struct, frozen=True, kw_only=True):
    """Of two members, one of twice the weight gets twice as many conversations."""

    user_id: int
    weighting: int = 1


class AgentGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Who gets a conversation: `assign_method` is random, least_assigned or round_robin. `online_first` is
    0 for whether or not they are online, 1 for those who are before the others, 2 for only those."""

    id: int
    name: str = ""
    image: str = ""
    assign_method: str = ""
    online_first: int = 0
    only_view_assigned_to_me: bool = False
    members: tuple[GroupMember, ...] = ()
