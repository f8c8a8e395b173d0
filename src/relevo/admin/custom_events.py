"""Custom events: added, changed and deleted by people. Those that the API logs come by themselves."""

from __future__ import annotations

from relevo.admin.changing import Means, refuse, refuse_taken
from relevo.domain.configuring import Wrong, Wrongs, check_name
from relevo.domain.custom_events import MOST_CUSTOM_EVENTS, CustomEvent
from relevo.domain.ids import WorkspaceId
from relevo.store import configuring, custom_events
from relevo.store.database import Connection


async def save(means: Means, workspace_id: WorkspaceId, one: CustomEvent) -> CustomEvent:
    """Have it, with a name that no other of the flow has. Raises InvalidInput."""
    refuse(_wrongs(one))
    async with means.database.write() as connection:
        await configuring.lock(connection)
        existing = one if one.id else None
        others = await custom_events.of_flow(connection, one.flow_id)
        refuse_taken("a custom event", one.name, others, existing)
        if existing is None:
            return await _add(means, connection, workspace_id, one, len(others))
        await custom_events.save(connection, one)
        return one


def _wrongs(one: CustomEvent) -> Wrongs:
    found = {"name": check_name(one.name)}
    for field, longest in _LONGEST.items():
        if (length := len(getattr(one, field))) > longest:
            found[field] = Wrong(f"it has {length:,} characters", f"write at most {longest:,}")
    return {field: wrong for field, wrong in found.items() if wrong is not None}


_LONGEST = {"description": 1000, "text_label": 200, "price_label": 200, "number_label": 200}


async def _add(
    means: Means, connection: Connection, workspace_id: WorkspaceId, one: CustomEvent, there: int
) -> CustomEvent:
    if there >= MOST_CUSTOM_EVENTS:
        refuse({"name": Wrong(f"there are {there:,} custom events already", "delete some")})
    return await custom_events.insert_new(connection, workspace_id, one, means.clock.now())


async def delete(means: Means, one: CustomEvent) -> None:
    """What was logged is forgotten with it, by and by."""
    async with means.database.write() as connection:
        await configuring.lock(connection)
        await custom_events.let_go(connection, one, means.clock.now())
