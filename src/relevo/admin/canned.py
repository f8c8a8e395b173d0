"""Shortcuts and closing notes: added, changed and deleted, from the API and the console alike."""

from __future__ import annotations

from typing import TypeVar

from relevo.admin.changing import refuse, refuse_taken
from relevo.domain.canned import MOST_OF_A_KIND, ClosingNote, Shortcut, check_canned
from relevo.domain.configuring import Wrong
from relevo.domain.errors import NotFound
from relevo.domain.ids import FlowId
from relevo.store import canned, configuring
from relevo.store.database import Connection

C = TypeVar("C", Shortcut, ClosingNote)

WORDS: dict[type, str] = {Shortcut: "shortcut", ClosingNote: "closing note"}


async def get(connection: Connection, kind: type[C], flow_id: FlowId, id_: int) -> C:
    """One of the flow. Raises NotFound."""
    found = await canned.find(connection, kind, flow_id, id_)
    if found is None:
        raise NotFound(f"There is no {WORDS[kind]} {id_} in this flow")
    return found


async def save(connection: Connection, one: C) -> C:
    """Have it, with a name that no other of the flow has. Raises InvalidInput."""
    refuse(check_canned(one))
    await configuring.lock(connection)
    others = await canned.listing(connection, type(one), one.flow_id)
    existing = one if one.id else None
    refuse_taken(f"a {WORDS[type(one)]}", one.name, others, existing)
    if existing is None and len(others) >= MOST_OF_A_KIND:
        refuse({"name": Wrong(f"there are {MOST_OF_A_KIND} {WORDS[type(one)]}s already", "delete some")})
    return await canned.save(connection, one)
