"""Whose the conversation is."""

from __future__ import annotations

from relevo.domain import cases
from relevo.domain.agent_groups import AgentGroup, GroupId, Staff, StaffWanted, choose
from relevo.domain.cases import Source
from relevo.domain.conversations import TurnTaken
from relevo.domain.deciding.case_keeping import current, happened
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.telling import notify, report
from relevo.domain.ids import MemberId
from relevo.domain.workspaces import EventType


def assign(draft: Draft, member_id: MemberId | None, *, by: Source) -> None:
    """Give it to somebody, whatever group they belong to; None: to nobody."""
    draft.change(group_id=None)
    _give(draft, member_id, by)


def assign_to_group(draft: Draft, group_id: GroupId, *, by: Source) -> None:
    """Give it to one of a group. If nobody can have it, it is the group's and nobody's."""
    group = draft.around.groups.get(group_id)
    if group is None or group.workspace_id != draft.state.workspace_id:
        report(draft, "agent_group_missing", f"the agent group {group_id} is gone: nobody was assigned")
        return
    member_id = choose(group, _staff(draft, group), draft.state.id, draft.state.member_id)
    if member_id != draft.state.member_id:
        draft.effects.append(TurnTaken(group.id))
    draft.change(group_id=group.id)
    _give(draft, member_id, by)


def _staff(draft: Draft, group: AgentGroup) -> Staff:
    known = draft.around.staff.get(group.id)
    if known is None:
        raise StaffWanted(group.id)
    return known


def _give(draft: Draft, member_id: MemberId | None, by: Source) -> None:
    if member_id == draft.state.member_id:
        return
    is_first = _remember(draft, member_id)
    draft.change(member_id=member_id)
    happened(draft, "assign", by, member_id, is_first=is_first)
    name = draft.around.member_names.get(member_id, "") if member_id else ""
    notify(draft, EventType.CONVERSATION_ASSIGNED, data={"agent_id": member_id or 0, "agent_name": name})
    if member_id is not None:
        draft.note("conversation_assigned")


def _remember(draft: Draft, member_id: MemberId | None) -> bool:
    """In the case, if there is one; whether it is the first time in it that it is anybody's."""
    case = current(draft.state)
    if case is None:
        return False
    is_open = draft.state.status == "open"
    draft.change(case=cases.assigned(case, member_id, draft.around.now, is_open=is_open))
    return case.is_first and case.first_assigned_at is None and member_id is not None
