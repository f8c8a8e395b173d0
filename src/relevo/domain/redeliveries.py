"""Redelivering many at once: which deliveries, and how far it has got."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

import msgspec

from relevo.domain.deliveries import DeliveryState, Destination
from relevo.domain.ids import ConversationId, FlowId, WorkspaceId

RedeliveryId = NewType("RedeliveryId", int)

UNDELIVERED = (DeliveryState.PARKED, DeliveryState.GIVEN_UP)
"""What nobody has decided about yet."""
FINISHED = (*UNDELIVERED, DeliveryState.SKIPPED, DeliveryState.DONE)
"""What can be redelivered: whatever does not wait already."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries of one workspace, by what they have in common; what is left out does not matter.

    `since` and `until` are about when a delivery was made, `until` itself left out; `from_seq` about its
    place in its lane.
    """

    states: tuple[DeliveryState, ...] = ()
    destination: Destination | None = None
    conversation_id: ConversationId | None = None
    flow_id: FlowId | None = None
    event_type: str = ""
    from_seq: int = 0
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING = Selection()


class RedeliveryState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  # a person decided so


class Redelivery(msgspec.Struct, frozen=True, kw_only=True):
    """Putting a selection back into its lanes, as it was when somebody asked for it.

    `total` is None until they are counted. `put_back` may stay below it: what somebody else redelivered
    meanwhile, or what was forgotten, is passed over. `looked_at` is the last id that was dealt with.
    """

    id: RedeliveryId
    workspace_id: WorkspaceId
    asked_by: str
    selection: Selection
    state: RedeliveryState
    total: int | None
    put_back: int
    looked_at: int
    created_at: datetime
    worked_at: datetime
    stopped_by: str = ""

    @property
    def remaining(self) -> int | None:
        """How many are still to be put back; None until they are counted."""
        if self.state is not RedeliveryState.RUNNING:
            return 0
        return None if self.total is None else max(self.total - self.put_back, 0)

    @property
    def per_second(self) -> float:
        """How many were put back in a second, on average."""
        seconds = (self.worked_at - self.created_at).total_seconds()
        return self.put_back / seconds if seconds > 0 else float(self.put_back)

    @property
    def time_left(self) -> timedelta | None:
        """How long it will still take at this rate; None when nobody can say."""
        if not self.remaining or not self.per_second:
            return None
        return timedelta(seconds=self.remaining / self.per_second)
