"""Problems: whatever was dropped, refused or went wrong."""

from __future__ import annotations

from urllib.parse import urlencode

from litestar import get

from relevo.domain.ids import parse_user_ns
from relevo.store import problems, subscribers
from relevo.store.database import AnyRow, Connection
from relevo.web.console.destinations import Destinations
from relevo.web.console.guarding import FOR_STAFF
from relevo.web.console.paging import older
from relevo.web.console.visits import Page, TheVisit

SHOWN = 50


@get("/problems", opt=FOR_STAFF)
async def listing(visit: TheVisit) -> Page:
    query = visit.query
    named, before = parse_user_ns(query.get("conversation")), query.number("before")
    async with visit.services.database.read() as connection:
        found = await problems.listing(
            connection,
            visit.workspace_id,
            conversation_id=named[1] if named else None,
            before_id=before,
            limit=SHOWN + 1,
        )
        found, more = found[:SHOWN], found[SHOWN:]
        names = await _conversations(connection, found)
    fields = {"conversation": query.get("conversation")} if named else {}
    return visit.page(
        "problems.html",
        title="Problems",
        form=query,
        is_filtered=named is not None,
        is_later_page=before is not None,
        problems=found,
        conversations=names,
        destinations=Destinations(visit),
        next_page=older("/console/problems", found, more, **fields),
        first_page=f"/console/problems?{urlencode(fields)}",
    )


async def _conversations(connection: Connection, found: list[AnyRow]) -> dict[int, tuple[str, str]]:
    """By conversation: its `user_ns`, and whose it is."""
    ids = {row.conversation_id for row in found if row.conversation_id is not None}
    people = await subscribers.get_many(connection, ids)
    return {id_: (one.user_ns, one.subscriber.display_name) for id_, one in people.items()}
