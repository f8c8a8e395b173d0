"""A case: the work on a conversation from when it is opened until it is closed (UChat's *conversation*).

A conversation has at most one open case, which is part of its state. What happens to it is an `Activity`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from relevo.domain.ids import MemberId

Source = Literal["agent", "bot", "bot_user", "api", "webhook"]
"""Who did something, in UChat's words; `agent` is a member in the console, or on the platform."""

Action = Literal["open", "close", "assign", "reply", "note", "pending", "spam"]
BegunBy = Literal["agent", "new_user", "return_user"]

_NOTHING = timedelta()


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An open case. Customers' messages are not counted in it: they are all those after `from_seq` that are
    nobody else's. `waiting_since`: the customer has waited for an agent from then on."""

    opened_at: datetime
    begun_by: BegunBy = "new_user"
    opened_by: Source = "bot_user"
    from_seq: int = 0
    opens: int = 1
    last_opened_at: datetime | None = None
    bot_messages: int = 0
    agent_messages: int = 0
    notes: int = 0
    replies: int = 0
    agents: dict[MemberId, datetime | None] = {}
    """Whose it was, and who answered: when last, None for never."""
    assignments: int = 0
    first_assigned_to: MemberId | None = None
    first_assigned_at: datetime | None = None
    last_assigned_to: MemberId | None = None
    last_assigned_at: datetime | None = None
    first_replied_by: MemberId | None = None
    first_replied_at: datetime | None = None
    replied_after_assignment_at: datetime | None = None
    waiting_since: datetime | None = None
    responses: int = 0
    first_waited: timedelta = _NOTHING
    waited: timedelta = _NOTHING
    handled_since: datetime | None = None
    handled: timedelta = _NOTHING

    @property
    def is_first(self) -> bool:
        """Whether it is the first of its subscriber."""
        return self.begun_by == "new_user"


class Closing(msgspec.Struct, frozen=True):
    """What an agent leaves when a case is closed: the closing note that was chosen, and what was written."""

    note_id: int
    name: str
    summary: str = ""
    attachment: str = ""

    @property
    def text(self) -> str:
        return "\n".join(filter(None, (f"Closed: {self.name}", self.summary, self.attachment)))


class ClosedCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case that is over, as it is kept. `in_messages`: what the customer wrote."""

    case: Case
    closed_at: datetime
    closed_by: Source
    closed_by_member: MemberId | None
    in_messages: int
    closing: Closing | None = None


# What happens to a case. Each gives the case as it is afterwards.


def assigned(case: Case, member_id: MemberId | None, now: datetime, *, is_open: bool) -> Case:
    if member_id is None:
        return _put_down(case, now)
    first = case.first_assigned_at is None
    return msgspec.structs.replace(
        _taken_up(case, now) if is_open else case,
        assignments=case.assignments + 1,
        agents={member_id: None, **case.agents},
        first_assigned_to=member_id if first else case.first_assigned_to,
        first_assigned_at=now if first else case.first_assigned_at,
        last_assigned_to=member_id,
        last_assigned_at=now,
        replied_after_assignment_at=None,
    )


def replied(case: Case, member_id: MemberId | None, now: datetime) -> Case:
    """An agent has answered; what they said is counted by `said`."""
    first = case.first_replied_at is None
    waited = now - case.waiting_since if case.waiting_since is not None else None
    case = msgspec.structs.replace(
        case,
        replies=case.replies + 1,
        first_replied_by=member_id if first else case.first_replied_by,
        first_replied_at=now if first else case.first_replied_at,
        replied_after_assignment_at=case.replied_after_assignment_at
        or (now if case.last_assigned_at is not None else None),
        agents=case.agents if member_id is None else {**case.agents, member_id: now},
    )
    return case if waited is None else _answered(case, waited)


def _answered(case: Case, waited: timedelta) -> Case:
    return msgspec.structs.replace(
        case,
        waiting_since=None,
        responses=case.responses + 1,
        first_waited=case.first_waited if case.responses else waited,
        waited=case.waited + waited,
    )


def waiting(case: Case, now: datetime) -> Case:
    """The customer waits for an agent from now on, unless they do already."""
    return case if case.waiting_since is not None else msgspec.structs.replace(case, waiting_since=now)


def opened_again(case: Case, now: datetime, *, is_assigned: bool) -> Case:
    """From pending or spam to open."""
    case = msgspec.structs.replace(case, opens=case.opens + 1, last_opened_at=now)
    return _taken_up(case, now) if is_assigned else case


def set_aside(case: Case, now: datetime) -> Case:
    """From open to pending or spam: nobody works on it now."""
    return _put_down(case, now)


def _taken_up(case: Case, now: datetime) -> Case:
    return case if case.handled_since is not None else msgspec.structs.replace(case, handled_since=now)


def _put_down(case: Case, now: datetime) -> Case:
    if case.handled_since is None:
        return case
    handled = case.handled + (now - case.handled_since)
    return msgspec.structs.replace(case, handled=handled, handled_since=None)


def closed(
    case: Case,
    now: datetime,
    *,
    by: Source,
    member_id: MemberId | None,
    last_seq: int,
    closing: Closing | None,
) -> ClosedCase:
    others = case.bot_messages + case.agent_messages + case.notes
    return ClosedCase(
        case=_put_down(case, now),
        closed_at=now,
        closed_by=by,
        closed_by_member=member_id,
        in_messages=max(0, last_seq - case.from_seq - others),
        closing=closing,
    )
