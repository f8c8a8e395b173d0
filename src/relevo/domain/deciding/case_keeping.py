"""What becomes of the case when something is said or done. A status changes here and nowhere else, and
whatever is to follow from one that was opened, assigned or closed follows from `happened`."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from relevo.domain import cases
from relevo.domain.cases import Action, BegunBy, Case, Closing, Source
from relevo.domain.conversations import CaseClosed, Conversation, Happened, Status
from relevo.domain.deciding.draft import Draft
from relevo.domain.ids import MemberId
from relevo.domain.messages import MessageType

_SAID = {
    MessageType.OUT: "bot_messages",
    MessageType.AGENT: "agent_messages",
    MessageType.NOTE: "notes",
}


def begin(draft: Draft) -> None:
    """The customer has come for the first time."""
    if draft.state.case is None and draft.state.status != "done":
        case = Case(opened_at=draft.around.now)
        draft.change(case=case)
        happened(draft, "open", case.opened_by, is_first=True)


def counted(state: Conversation, type_: MessageType) -> Case | None:
    """The case with one more thing said. What the customer says is not written: it is what remains."""
    field = _SAID.get(type_)
    case = current(state) if field is not None else state.case
    if field is None or case is None:
        return case
    return msgspec.structs.replace(case, **{field: getattr(case, field) + 1})


def current(state: Conversation) -> Case | None:
    """The open case. A conversation that was there before there were cases has one since it began, of which
    nothing is known but that; so has one that nobody has written in yet."""
    if state.case is not None or state.status == "done":
        return state.case
    begun: BegunBy = "return_user" if state.message_seq else "new_user"
    at = state.subscriber.created_at
    return Case(opened_at=at, begun_by=begun, opened_by="api", from_seq=state.message_seq)


def wait_for_agent(draft: Draft) -> None:
    """The customer waits for an agent from now on."""
    case = current(draft.state)
    if case is not None and case.waiting_since is None:
        draft.change(case=cases.waiting(case, draft.around.now))


def reopen(draft: Draft, by: Source, begun_by: BegunBy = "return_user") -> None:
    """Open the conversation if it is done."""
    if draft.state.status == "done":
        _open(draft, "open", by, begun_by)


def move(
    draft: Draft,
    status: Status,
    *,
    by: Source,
    member_id: MemberId | None = None,
    closing: Closing | None = None,
) -> None:
    """Set the status: that opens a case, closes it, or puts it aside."""
    before = draft.state.status
    if status == before:
        return
    if status == "done":
        _close(draft, by, member_id, closing)
    elif before == "done":
        _open(draft, status, by, "agent" if by == "agent" else "return_user", member_id)
    else:
        _set(draft, status, by, member_id)


def _open(
    draft: Draft, status: Status, by: Source, begun_by: BegunBy, member_id: MemberId | None = None
) -> None:
    now, state = draft.around.now, draft.state
    case = Case(opened_at=now, begun_by=begun_by, opened_by=by, from_seq=state.message_seq)
    if state.member_id is not None:
        case = cases.assigned(case, state.member_id, now, is_open=status == "open")
    draft.change(status=status, case=case)
    happened(draft, _ACTIONS[status], by, member_id, is_first=True)
    if status == "open":
        draft.note("conversation_opened")


_ACTIONS: dict[Status, Action] = {"open": "open", "pending": "pending", "spam": "spam"}


def _set(draft: Draft, status: Status, by: Source, member_id: MemberId | None) -> None:
    now, case = draft.around.now, current(draft.state)
    assert case is not None, "only what is done has none"
    is_assigned = draft.state.member_id is not None
    if status == "open":
        case = cases.opened_again(case, now, is_assigned=is_assigned)
    else:
        case = cases.set_aside(case, now)
    draft.change(status=status, case=case)
    happened(draft, _ACTIONS[status], by, member_id)


def _close(draft: Draft, by: Source, member_id: MemberId | None, closing: Closing | None) -> None:
    now, state = draft.around.now, draft.state
    case = current(state)
    assert case is not None, "only what is done has none"
    over = cases.closed(case, now, by=by, member_id=member_id, last_seq=state.message_seq, closing=closing)
    draft.effects.append(CaseClosed(over))
    happened(draft, "close", by, member_id, is_first=case.is_first)
    draft.change(status="done", case=None)
    draft.note("conversation_closed")


def happened(
    draft: Draft,
    action: Action,
    source: Source,
    member_id: MemberId | None = None,
    *,
    is_first: bool = False,
    first_waited: timedelta | None = None,
) -> None:
    """Whatever follows from what was done with the case."""
    draft.effects.append(
        Happened(
            action=action,
            source=source,
            case=current(draft.state) or Case(opened_at=draft.around.now),
            member_id=member_id,
            is_first=is_first,
            first_waited=first_waited,
        )
    )
