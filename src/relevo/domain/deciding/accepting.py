"""Somebody says that they will answer."""

from __future__ import annotations

from typing import Literal

from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.telling import notify
from relevo.domain.ids import MemberId
from relevo.domain.workspaces import EventType

AcceptedBy = Literal["api", "member", "reply"]


def accept(draft: Draft, member_id: MemberId | None, by: AcceptedBy) -> None:
    """From now on the bot says nothing without taking control back first."""
    pause = draft.state.pause
    assert pause is not None
    draft.change(pause=pause.accepted(draft.around.now, member_id))
    name = draft.around.member_names.get(member_id, "") if member_id else ""
    data = {"agent_id": member_id or 0, "agent_name": name, "by": by, "epoch": draft.state.epoch}
    notify(draft, EventType.HANDOFF_ACCEPTED, data=data)
