"""Redelivering many at once: begun, looked after and stopped by people."""

from __future__ import annotations

import msgspec

from relevo.admin.changing import Means, refuse
from relevo.domain.configuring import Wrong
from relevo.domain.deliveries import DeliveryState
from relevo.domain.errors import NotFound
from relevo.domain.ids import WorkspaceId
from relevo.domain.redeliveries import FINISHED, UNDELIVERED, Redelivery, RedeliveryId, Selection
from relevo.store import redeliveries
from relevo.store.database import Connection


def completed(selection: Selection) -> Selection:
    """The selection with what nobody has decided about yet, where no state was named."""
    return selection if selection.states else msgspec.structs.replace(selection, states=UNDELIVERED)


async def begin(
    connection: Connection, means: Means, workspace_id: WorkspaceId, selection: Selection, *, by: str
) -> RedeliveryId:
    """Have all that are selected put back into their lanes. Raises `InvalidInput`."""
    refuse(_wrong(selection))
    now = means.clock.now()
    return await redeliveries.insert_new(connection, workspace_id, completed(selection), by=by, now=now)


def _wrong(selection: Selection) -> dict[str, Wrong]:
    wrong: dict[str, Wrong] = {}
    if DeliveryState.WAITING in selection.states:
        states = ", ".join(FINISHED)
        wrong["state"] = Wrong("what waits is delivered by itself", f"choose among {states}")
    if selection.since and selection.until and selection.since >= selection.until:
        wrong["until"] = Wrong("it is not after the beginning", "choose a later end")
    return wrong


async def find(means: Means, workspace_id: WorkspaceId, id_: RedeliveryId) -> Redelivery:
    """One of this workspace; `NotFound` for another's as for one that nobody has."""
    async with means.database.read() as connection:
        found = await redeliveries.find(connection, id_)
    if found is None or found.workspace_id != workspace_id:
        raise NotFound(f"There is no redelivery {id_} in this workspace")
    return found


async def stop(means: Means, workspace_id: WorkspaceId, id_: RedeliveryId, *, by: str) -> bool:
    """Put back no more of it; False when it was over before. What was put back stays so."""
    await find(means, workspace_id, id_)
    async with means.database.write() as connection:
        return await redeliveries.stop(connection, id_, by=by, now=means.clock.now())
