"""Counting what a batch brings to the figures of the day."""

from __future__ import annotations

from datetime import datetime

from relevo.domain.conversations import CameToday, Conversation, Happened
from relevo.domain.figures import Figures, day_of, midnight_before
from relevo.domain.ids import FlowId, MemberId
from relevo.domain.messages import MessageType
from relevo.engine.materials import Materials
from relevo.store.day_figures import ALL, Key

_FIELDS = {
    MessageType.IN: "in_messages",
    MessageType.OUT: "out_messages",
    MessageType.AGENT: "agent_messages",
    MessageType.NOTE: "note_messages",
}


class Counting:
    """What one batch counts, at one instant."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._zones: dict[str, tuple[int, datetime]] = {}
        self.figures: dict[Key, Figures] = {}

    def midnight(self, timezone: str) -> datetime:
        """When today began in a zone."""
        return self._today(timezone)[1]

    def _today(self, timezone: str) -> tuple[int, datetime]:
        found = self._zones.get(timezone)
        if found is None:
            found = self._zones[timezone] = (
                day_of(self._now, timezone),
                midnight_before(self._now, timezone),
            )
        return found

    def add(self, made: Materials, timezone: str, *, is_new: bool) -> None:
        """Count what one decision made."""
        if not (made.messages or made.work or is_new):
            return
        flow_id, today = made.conversation.flow_id, self._today(timezone)[0]
        of_flow = self._of(flow_id, today)
        of_flow.arrived += is_new
        for message in made.messages:
            field = _FIELDS.get(message.type)
            if field is not None:
                setattr(of_flow, field, getattr(of_flow, field) + 1)
                if message.member_id is not None:
                    of_agent = self._of(flow_id, today, message.member_id)
                    setattr(of_agent, field, getattr(of_agent, field) + 1)
        for one in made.work:
            if isinstance(one, CameToday):
                of_flow.active_users += 1
            elif isinstance(one, Happened):
                self._happened(made.conversation, one, timezone)

    def _happened(self, of: Conversation, one: Happened, timezone: str) -> None:
        """Of the flow, and of the agent who did it, or whose it was."""
        today = self._today(timezone)[0]
        whose = one.member_id
        if one.action == "close":
            whose = one.case.last_assigned_to or one.member_id
        began = day_of(one.case.opened_at, timezone) if one.is_first else today
        for member_id in {ALL, whose or ALL}:
            figures, of_first_day = (self._of(of.flow_id, day, member_id) for day in (today, began))
            match one.action:
                case "open":
                    figures.opened += 1
                case "assign" if one.member_id is not None:
                    figures.assigned += 1
                    of_first_day.assigned_new += one.is_first
                case "reply":
                    figures.replied_users += one.is_first
                    if one.first_waited is not None:
                        figures.responses += 1
                        figures.first_waited += round(one.first_waited.total_seconds())
                case "close":
                    figures.closed += 1
                    figures.resolved_after += round((self._now - one.case.opened_at).total_seconds())
                    of_first_day.done_new += one.is_first
                case _:
                    pass

    def _of(self, flow_id: FlowId, day: int, member_id: MemberId = ALL) -> Figures:
        key = (flow_id, day, member_id)
        found = self.figures.get(key)
        if found is None:
            found = self.figures[key] = Figures()
        return found
