"""Groups of agents: who is in them, and who of them gets a conversation."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import agent_groups
from relevo.admin.agent_groups import GroupWish
from relevo.domain.agent_groups import AgentGroup, AssignMethod, GroupId, GroupMember, OnlineFirst
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import MemberId
from relevo.store import presence
from relevo.web.console import forms
from relevo.web.console.conversations import members_of
from relevo.web.console.forms import Form
from relevo.web.console.visits import Page, TheVisit, Visit

LIST = "/console/agent-groups"


def groups_of(visit: Visit) -> dict[GroupId, AgentGroup]:
    everybodys = visit.directory.agent_groups
    return {id_: one for id_, one in everybodys.items() if one.workspace_id == visit.workspace_id}


@get("/agent-groups")
async def listing(visit: TheVisit) -> Page:
    members = members_of(visit)
    async with visit.services.database.read() as connection:
        online = await presence.online(connection, list(members), visit.when.now)
    return visit.page(
        "agent_groups.html",
        title="Agent groups",
        groups=sorted(groups_of(visit).values(), key=lambda one: one.name),
        members=members,
        online=online,
    )


@get("/agent-groups/new")
async def new(visit: TheVisit) -> Page:
    form = forms.filled(assign_method=AssignMethod.ROUND_ROBIN.value, online_first="1")
    return await _page(visit, None, form)


@get("/agent-groups/{group_id:int}")
async def show(visit: TheVisit, group_id: FromPath[int]) -> Page:
    one = _find(visit, group_id)
    return await _page(visit, one, _filled(one))


def _find(visit: Visit, group_id: int) -> AgentGroup:
    found = groups_of(visit).get(GroupId(group_id))
    if found is None:
        raise NotFound("There is no such agent group in this workspace.")
    return found


def _filled(one: AgentGroup) -> Form:
    return forms.filled(
        name=one.name,
        assign_method=one.assign_method.value,
        online_first=str(one.online_first.value),
        only_own=["1"] if one.only_own else [],
        members=[str(member.member_id) for member in one.members],
        **{f"weighting.{member.member_id}": str(member.weighting) for member in one.members},
    )


async def _page(visit: Visit, one: AgentGroup | None, form: Form, status: int = 200) -> Page:
    return visit.page(
        "agent_group.html",
        title=one.name if one else "New agent group",
        status=status,
        one=one,
        form=form,
        methods=list(AssignMethod),
        online_rules=list(OnlineFirst),
        members=sorted(members_of(visit).values(), key=lambda member: member.name),
    )


@post("/agent-groups/new")
async def create(visit: TheVisit) -> Response[Any]:
    return await _save(visit, None)


@post("/agent-groups/{group_id:int}")
async def change(visit: TheVisit, group_id: FromPath[int]) -> Response[Any]:
    return await _save(visit, _find(visit, group_id))


async def _save(visit: Visit, one: AgentGroup | None) -> Response[Any]:
    form = await visit.form()
    try:
        async with visit.services.database.write() as connection:
            saved = await agent_groups.save(
                connection,
                visit.workspace_id,
                _wish(form, one),
                people=members_of(visit).keys(),
                now=visit.when.now,
                id_=one.id if one else None,
            )
    except InvalidInput as error:
        return await _page(visit, one, form.refused(error), status=422)
    return visit.go(LIST, f"{saved.name} is {'saved' if one else 'added'}.")


def _wish(form: Form, one: AgentGroup | None) -> GroupWish:
    method, online = form.get("assign_method"), form.number("online_first")
    if method not in list(AssignMethod) or online not in list(OnlineFirst):
        raise InvalidInput({"assign_method": ["choose how a conversation is given to one of them"]})
    kept = [f"{member.member_id}" for member in one.members] if one else []
    chosen = sorted(
        (id_ for id_ in form.all("members") if id_.isdecimal()),
        key=lambda id_: kept.index(id_) if id_ in kept else len(kept),
    )
    return GroupWish(
        name=form.get("name"),
        assign_method=AssignMethod(method),
        online_first=OnlineFirst(online),
        only_own=form.has("only_own", "1"),
        members=tuple(
            GroupMember(MemberId(int(id_)), form.number(f"weighting.{id_}") or 1) for id_ in chosen
        ),
    )


@post("/agent-groups/{group_id:int}/delete")
async def delete(visit: TheVisit, group_id: FromPath[int]) -> Response[Any]:
    one = _find(visit, group_id)
    async with visit.services.database.write() as connection:
        await agent_groups.delete(connection, visit.workspace_id, one.id)
    return visit.go(LIST, f"{one.name} is deleted. Its conversations stay with whoever has them.")
