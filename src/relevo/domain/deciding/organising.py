"""What a flow does for the people behind it: notes, status, whose the conversation is, custom events."""

from __future__ import annotations

from typing import assert_never

from relevo.domain.custom_events import EventValues, LogCustomEvent
from relevo.domain.deciding.assigning import assign, assign_to_group
from relevo.domain.deciding.case_keeping import happened, move
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.speaking import record
from relevo.domain.deciding.telling import report
from relevo.domain.flows.runs import AssignTo, LogEvent, MoveTo, WriteNote
from relevo.domain.messages import MessageType, Text


def organise(draft: Draft, act: AssignTo | WriteNote | MoveTo | LogEvent) -> None:
    match act:
        case AssignTo(group=""):
            _assign_agent(draft, act.agent)
        case AssignTo(group=group):
            _assign_group(draft, group)
        case WriteNote(text=text):
            record(draft, MessageType.NOTE, Text(text))
            happened(draft, "note", "bot")
        case MoveTo(status=status):
            move(draft, status, by="bot")
        case LogEvent():
            _log(draft, act)
        case _:
            assert_never(act)


def _assign_agent(draft: Draft, name: str) -> None:
    member_id = draft.around.member_of(draft.state.workspace_id, name) if name else None
    if name and member_id is None:
        report(draft, "unknown_agent", f"nobody was assigned: there is no agent {name!r}")
        return
    assign(draft, member_id, by="bot")


def _assign_group(draft: Draft, name: str) -> None:
    groups = (group for group in draft.around.groups.values() if group.name.casefold() == name.casefold())
    ours = [group.id for group in groups if group.workspace_id == draft.state.workspace_id]
    if not ours:
        report(draft, "unknown_group", f"nobody was assigned: there is no agent group {name!r}")
        return
    assign_to_group(draft, ours[0], by="bot")


def _log(draft: Draft, act: LogEvent) -> None:
    found = draft.around.custom_event_of(draft.state.flow_id, act.name)
    if found is None:
        report(
            draft, "unknown_custom_event", f"the flow has no custom event {act.name!r}: nothing was logged"
        )
        return
    values = EventValues(text=act.text, price=act.price, number=act.number)
    draft.effects.append(LogCustomEvent(event_id=found.id, values=values))
    draft.note("custom_event", found.name)
