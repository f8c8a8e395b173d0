"""Deliveries that a person wants made once more, or never."""

from __future__ import annotations

from datetime import datetime

from relevo.admin.changing import Means, refuse
from relevo.domain.configuring import Wrong
from relevo.domain.conversations import UpdateMessage
from relevo.domain.deliveries import BROADCAST
from relevo.domain.errors import Conflict, NotFound
from relevo.domain.ids import DeliveryId, MessageId, WorkspaceId
from relevo.domain.messages import MessageStatus
from relevo.domain.workspaces import EventType
from relevo.store import deliveries, interventions, messages
from relevo.store.database import AnyRow, Connection
from relevo.store.interventions import Carried, Intervention

LONGEST_REASON = 500
_EVENTS = (one.value for one in EventType if one is not EventType.TEST)
EVENT_TYPES = (*_EVENTS, "message", BROADCAST, "media", "http", "ai", "email")
"""What a delivery may be of: an event for an endpoint, a message for a channel, a file for us."""


class BeingAttempted(Conflict):
    """This delivery is being attempted at this moment. Skip it when the attempt is over."""

    code = "being_attempted"


class NotWaiting(Conflict):
    """This was delivered or skipped already: there is nothing to skip."""

    code = "not_waiting"


async def redeliver(means: Means, workspace_id: WorkspaceId, delivery_id: DeliveryId, *, by: str) -> bool:
    """Put a finished delivery back into its lane; False when it waits already. Whoever carries
    lanes finds it within moments."""
    async with means.database.write() as connection:
        return await redeliver_in(connection, means, workspace_id, delivery_id, by=by)


async def redeliver_in(
    connection: Connection, means: Means, workspace_id: WorkspaceId, delivery_id: DeliveryId, *, by: str
) -> bool:
    """The same, in a transaction that is under way."""
    await find(connection, workspace_id, delivery_id)
    now = means.clock.now()
    done = await interventions.redeliver(connection, delivery_id, now)
    if done:
        note = Intervention(delivery_id=delivery_id, at=now, by=by, did="redelivered")
        await interventions.note(connection, [note])
    return done


async def skip(
    means: Means, workspace_id: WorkspaceId, delivery_id: DeliveryId, *, by: str, reason: str
) -> None:
    """Have a delivery never made: its lane goes on without it. Raises `NotWaiting` and `BeingAttempted`."""
    async with means.database.write() as connection:
        await skip_in(connection, means, workspace_id, delivery_id, by=by, reason=reason)


async def skip_in(
    connection: Connection,
    means: Means,
    workspace_id: WorkspaceId,
    delivery_id: DeliveryId,
    *,
    by: str,
    reason: str,
) -> None:
    """The same, in a transaction that is under way."""
    refuse(_wrong(reason))
    await find(connection, workspace_id, delivery_id)
    now = means.clock.now()
    row = await _skip(connection, delivery_id, reason, now)
    note = Intervention(delivery_id=delivery_id, at=now, by=by, did="skipped", reason=reason)
    await interventions.note(connection, [note])
    await _tell_message(connection, row)


async def _skip(connection: Connection, delivery_id: DeliveryId, reason: str, now: datetime) -> AnyRow:
    try:
        row = await interventions.skip(connection, delivery_id, reason=reason, now=now)
    except Carried:
        raise BeingAttempted from None
    if row is None:
        raise NotWaiting
    return row


def _wrong(reason: str) -> dict[str, Wrong]:
    if not reason.strip():
        return {"reason": Wrong("the reason is empty", "say in a few words why nobody needs it")}
    if len(reason) > LONGEST_REASON:
        return {"reason": Wrong(f"the reason has {len(reason)} characters", f"{LONGEST_REASON} is the most")}
    return {}


async def find(connection: Connection, workspace_id: WorkspaceId, delivery_id: DeliveryId) -> AnyRow:
    """A delivery of this workspace; `NotFound` for another's as for one that nobody has."""
    row = await deliveries.find(connection, delivery_id)
    if row is None or row.workspace_id != workspace_id:
        raise NotFound(f"There is no delivery {delivery_id} in this workspace")
    return row


async def _tell_message(connection: Connection, row: AnyRow) -> None:
    """A message to the customer that is never sent has failed."""
    if row.destination_kind == "channel" and row.message_id is not None and row.state == "waiting":
        failed = UpdateMessage(
            message_id=MessageId(row.message_id), status=MessageStatus.FAILED, error="skipped"
        )
        await messages.update_statuses(connection, [failed])
