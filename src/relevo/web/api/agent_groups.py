"""Groups of agents: a conversation is given to one of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from relevo.admin import agent_groups as groups
from relevo.admin.agent_groups import GroupWish
from relevo.domain import complaints
from relevo.domain.agent_groups import AgentGroup, AssignMethod, GroupId, GroupMember, OnlineFirst
from relevo.domain.errors import InvalidInput
from relevo.domain.events import AnyEvent, AssignedToGroup, ByConversation, Once
from relevo.domain.ids import MemberId
from relevo.domain.workspaces import Scope
from relevo.store.database import Connection
from relevo.web.api.answers import Ok, Page, PageQuery, page_example
from relevo.web.api.calls import Call, UserNs
from relevo.web.api.operations import USER_NS, About, reads, writes

TAG = "Agent groups"

GROUP = About("The workspace has no such agent group.", "There is no agent group 3 in this workspace")

Method = Literal["random", "least_assigned", "round_robin"]
Online = Literal[0, 1, 2]
Flag = Literal[0, 1]
Name = Annotated[
    str, Meta(max_length=200, description="No other of the workspace has it.", examples=["Sales"])
]
Image = Annotated[str, Meta(max_length=4096, description="The address of a picture.")]
MethodField = Annotated[Method, Meta(description="Whom of them a conversation is given to.")]
OnlineField = Annotated[
    Online,
    Meta(
        description="0: it does not matter who is online; 1: whoever is online comes first; 2: only they. If "
        "nobody is, the conversation is the group's, and nobody's.",
        examples=[1],
    ),
]
OnlyOwnField = Annotated[
    Flag, Meta(description="1: its members of the role agent see only their own conversations here.")
]


class GroupMemberInfo(msgspec.Struct, frozen=True):
    """Somebody of the group. With `weighting` 2 they are given twice as much as with 1."""

    user_id: Annotated[int, Meta(examples=[55])]
    weighting: Annotated[int, Meta(examples=[1])] = 1


class GroupInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A group of agents."""

    id: Annotated[int, Meta(description="`agent_group_id` elsewhere.", examples=[3])]
    name: Annotated[str, Meta(examples=["Sales"])]
    image: str
    assign_method: Method
    online_first: OnlineField
    only_view_assigned_to_me: OnlyOwnField
    members: list[GroupMemberInfo]


class GroupAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The same twice: clients look for it at the top, or in `data`."""

    id: int
    name: str
    image: str
    assign_method: Method
    online_first: Online
    only_view_assigned_to_me: Flag
    members: list[GroupMemberInfo]
    data: GroupInfo
    status: Literal["ok"] = "ok"


class GroupPage(Page[GroupInfo], frozen=True):
    """A page of agent groups."""


class GroupsQuery(PageQuery, frozen=True, kw_only=True):
    name: Annotated[str, Meta(max_length=200, description="Any part of the name.")] = ""


class NewGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group of agents."""

    name: Name
    image: Image = ""
    assign_method: MethodField = "random"
    online_first: OnlineField = 0
    only_view_assigned_to_me: OnlyOwnField = 0


class GroupChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; what is left out stays."""

    name: Name | None = None
    image: Image | None = None
    assign_method: MethodField | None = None
    online_first: OnlineField | None = None
    only_view_assigned_to_me: OnlyOwnField | None = None


class GroupMembers(msgspec.Struct, frozen=True):
    """Who is in the group from now on, in order."""

    members: Annotated[
        list[Any],
        Meta(
            max_length=groups.MOST_MEMBERS,
            description="Objects with `user_id` and, if it is not 1, `weighting`; or plain ids.",
            examples=[[{"user_id": 55, "weighting": 2}]],
        ),
    ] = []


class Nothing(msgspec.Struct, frozen=True):
    """No parameters: the path says it all."""


class GroupAssignment(msgspec.Struct, frozen=True, kw_only=True):
    """To which group a conversation is given."""

    user_ns: UserNs
    agent_group_id: Annotated[int, Meta(description="From the list of agent groups.", examples=[3])]


_GROUP: dict[str, Any] = {
    "id": 3,
    "name": "Sales",
    "image": "",
    "assign_method": "round_robin",
    "online_first": 1,
    "only_view_assigned_to_me": 0,
    "members": [{"user_id": 55, "weighting": 1}],
}
_ANSWER = {**_GROUP, "data": _GROUP, "status": "ok"}


@reads(
    "/team/agent-groups",
    tag=TAG,
    title="List agent groups",
    name="listAgentGroups",
    asks=GroupsQuery,
    scope=Scope.MANAGE_TEAM,
    example=page_example("/team/agent-groups", _GROUP),
)
async def list_agent_groups(call: NamedDependency[Call], asked: NamedDependency[GroupsQuery]) -> GroupPage:
    """The groups of the workspace with their members, the first one first."""
    everything = call.services.catalog.directory.agent_groups.values()
    ours = [one for one in everything if one.workspace_id == call.key.workspace_id]
    wanted = [_info(one) for one in ours if asked.name.casefold() in one.name.casefold()]
    return call.paging(asked).cut(GroupPage, wanted)


@reads(
    "/team/agent-group/{id:int}",
    tag=TAG,
    title="Get an agent group",
    name="getAgentGroup",
    scope=Scope.MANAGE_TEAM,
    example=_ANSWER,
    about=GROUP,
)
async def get_agent_group(call: NamedDependency[Call], id: FromPath[int]) -> GroupAnswer:
    """A group and its members."""
    async with call.services.database.read() as connection:
        return _answer(await groups.get(connection, call.key.workspace_id, id))


@writes(
    "/team/create-agent-group",
    tag=TAG,
    title="Add an agent group",
    name="createAgentGroup",
    scope=Scope.MANAGE_TEAM,
    example={"name": "Sales", "assign_method": "round_robin", "online_first": 1},
    answer=_ANSWER,
    about=None,
)
async def create_agent_group(call: NamedDependency[Call], data: JSONBody[NewGroup]) -> GroupAnswer:
    """A group without members yet."""
    return await _save(call, _wish(data), None)


@writes(
    "/team/update-agent-group/{id:int}",
    method="PUT",
    tag=TAG,
    title="Change an agent group",
    name="updateAgentGroup",
    scope=Scope.MANAGE_TEAM,
    example={"online_first": 2},
    answer=_ANSWER,
    about=GROUP,
)
async def update_agent_group(
    call: NamedDependency[Call], id: FromPath[int], data: JSONBody[GroupChange]
) -> GroupAnswer:
    """Change what is named; the members stay."""
    return await _save(call, _wish(data), id)


@writes(
    "/team/update-agent-group-users/{id:int}",
    tag=TAG,
    title="Say who is in an agent group",
    name="updateAgentGroupUsers",
    scope=Scope.MANAGE_TEAM,
    example={"members": []},
    about=GROUP,
)
async def update_agent_group_users(
    call: NamedDependency[Call], id: FromPath[int], data: JSONBody[GroupMembers]
) -> Ok:
    """Replace the members of a group. Whoever is not named is in it no more; their conversations stay
    theirs."""
    if "members" not in await call.request.parameters():  # an empty list is an answer, nothing is none
        raise InvalidInput({"members": [complaints.required("members")]})
    members = tuple(_member(index, one) for index, one in enumerate(data.members))
    await _save(call, GroupWish(members=members), id)
    return Ok()


@writes(
    "/team/delete-agent-group/{id:int}",
    method="DELETE",
    tag=TAG,
    title="Delete an agent group",
    name="deleteAgentGroup",
    scope=Scope.MANAGE_TEAM,
    example={},
    about=GROUP,
)
async def delete_agent_group(call: NamedDependency[Call], id: FromPath[int], data: JSONBody[Nothing]) -> Ok:
    """Delete a group. Conversations stay with whoever has them."""

    async def work(connection: Connection) -> Ok:
        await groups.delete(connection, call.key.workspace_id, id)
        return Ok()

    done = await call.once(work, Ok)
    await call.services.catalog.refresh(at_once=True)
    return done


@writes(
    "/subscriber/assign-agent-group",
    tag=TAG,
    title="Assign an agent group",
    name="assignAgentGroup",
    example={"user_ns": USER_NS, "agent_group_id": 3},
)
async def assign_agent_group(call: NamedDependency[Call], data: JSONBody[GroupAssignment]) -> Ok:
    """Give the conversation to one of the group, as its rules say. Whoever has it already and is in the
    group keeps it. That does not pause the bot."""

    def event(to: ByConversation, once: Once | None) -> AnyEvent:
        return AssignedToGroup(to=to, once=once, group_id=_known(call, data.agent_group_id))

    return await call.write(data.user_ns, event)


def _known(call: Call, id_: int) -> GroupId:
    group = call.services.catalog.directory.agent_groups.get(GroupId(id_))
    if group is None or group.workspace_id != call.key.workspace_id:
        wrong = complaints.unknown("agent_group_id", id_, "agent group in this workspace with the id")
        raise InvalidInput({"agent_group_id": [wrong]})
    return group.id


async def _save(call: Call, wish: GroupWish, id_: int | None) -> GroupAnswer:
    people = {one.id for one in call.members}

    async def work(connection: Connection) -> GroupAnswer:
        now, here = call.services.clock.now(), call.key.workspace_id
        return _answer(await groups.save(connection, here, wish, people=people, now=now, id_=id_))

    answer = await call.once(work, GroupAnswer)
    await call.services.catalog.refresh(at_once=True)
    return answer


def _wish(data: NewGroup | GroupChange) -> GroupWish:
    method, online, only_own = data.assign_method, data.online_first, data.only_view_assigned_to_me
    return GroupWish(
        name=data.name,
        image=data.image,
        assign_method=None if method is None else AssignMethod(method),
        online_first=None if online is None else OnlineFirst(online),
        only_own=None if only_own is None else bool(only_own),
    )


def _member(index: int, sent: Any) -> GroupMember:
    """`{"user_id": 55, "weighting": 2}`; some clients send plain ids. Raises InvalidInput."""
    one = sent if isinstance(sent, dict) else {"user_id": sent}
    user_id, weighting = one.get("user_id"), one.get("weighting") or 1
    try:
        return GroupMember(MemberId(int(user_id)), int(weighting))  # type: ignore[arg-type]  # that is tried
    except (TypeError, ValueError):
        field = f"members.{index}.user_id"
        raise InvalidInput({field: [complaints.must_be(field, "an integer", user_id)]}) from None


def _info(group: AgentGroup) -> GroupInfo:
    return GroupInfo(
        id=group.id,
        name=group.name,
        image=group.image,
        assign_method=group.assign_method.value,
        online_first=group.online_first.value,
        only_view_assigned_to_me=1 if group.only_own else 0,
        members=[GroupMemberInfo(one.member_id, one.weighting) for one in group.members],
    )


def _answer(group: AgentGroup) -> GroupAnswer:
    info = _info(group)
    return GroupAnswer(**msgspec.structs.asdict(info), data=info)
