"""Deliveries that a person wants made once more."""

from __future__ import annotations

from relevo.admin.changing import Means
from relevo.domain.errors import NotFound
from relevo.domain.ids import DeliveryId, WorkspaceId
from relevo.store import deliveries


async def redeliver(means: Means, workspace_id: WorkspaceId, delivery_id: DeliveryId) -> bool:
    """Put a finished delivery back into its lane; False when it waits already. Whoever carries
    lanes finds it within moments."""
    async with means.database.write() as connection:
        row = await deliveries.find(connection, delivery_id)
        if row is None or row.workspace_id != workspace_id:
            raise NotFound(f"There is no delivery {delivery_id} in this workspace")
        return await deliveries.redeliver(connection, delivery_id, means.clock.now())
