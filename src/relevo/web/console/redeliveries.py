"""Redelivering many at once: chosen by the filters of the log, confirmed with their number, stopped."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import redeliveries as administration
from relevo.admin.changing import refuse
from relevo.domain.errors import NotFound
from relevo.domain.ids import ConversationId
from relevo.domain.redeliveries import FINISHED, UNDELIVERED, RedeliveryId, Selection
from relevo.store import deliveries, redeliveries, subscribers
from relevo.store.database import Connection
from relevo.web.console import selecting
from relevo.web.console.forms import Form
from relevo.web.console.guarding import FOR_STAFF
from relevo.web.console.paging import older
from relevo.web.console.visits import Page, TheVisit, Visit

SHOWN = 50
MOST_COUNTED = 10_000
LARGEST_ID = 10**15


@get("/deliveries/redeliver", opt=FOR_STAFF)
async def confirm(visit: TheVisit) -> Page:
    """What would be redelivered, and how many that are."""
    selection = _selection(visit, visit.query)
    async with visit.services.database.read() as connection:
        count = await deliveries.count(connection, visit.workspace_id, selection, most=MOST_COUNTED)
        parts = await _told(connection, visit, selection)
    return visit.page(
        "redeliver.html",
        title="Redeliver many",
        parts=parts,
        count=f"{count:,}" if count < MOST_COUNTED else f"{MOST_COUNTED:,} or more",
        is_empty=not count,
        is_one=count == 1,
        chosen=selecting.chosen(visit.query),
        everything=visit.query.get("everything"),
        can_widen=not visit.query.get("state"),
    )


@post("/deliveries/redeliver", opt=FOR_STAFF)
async def begin(visit: TheVisit) -> Response[Any]:
    selection = _selection(visit, await visit.form())
    async with visit.services.database.write() as connection:
        id_ = await administration.begin(
            connection, visit.means, visit.workspace_id, selection, by=visit.member.name
        )
    return visit.go(f"/console/deliveries/redeliveries/{id_}", "It has begun.")


def _selection(visit: Visit, form: Form) -> Selection:
    """What the filters mean. What cannot be understood is refused here: left out, it would mean more."""
    selection, wrong = selecting.read(visit, form)
    refuse(wrong)
    if selection.states:
        return selection
    states = FINISHED if form.get("everything") else UNDELIVERED
    return msgspec.structs.replace(selection, states=states)


@get("/deliveries/redeliveries", opt=FOR_STAFF)
async def listing(visit: TheVisit) -> Page:
    before = visit.query.number("before")
    async with visit.services.database.read() as connection:
        found = await redeliveries.listing(
            connection,
            visit.workspace_id,
            before_id=None if before is None else RedeliveryId(before),
            limit=SHOWN + 1,
        )
        shown, more = found[:SHOWN], found[SHOWN:]
        parts = {one.id: await _told(connection, visit, one.selection) for one in shown}
    return visit.page(
        "redeliveries.html",
        title="Redeliveries",
        redeliveries=shown,
        parts=parts,
        is_later_page=before is not None,
        next_page=older("/console/deliveries/redeliveries", shown, more),
    )


@get("/deliveries/redeliveries/{redelivery_id:int}", opt=FOR_STAFF)
async def show(visit: TheVisit, redelivery_id: FromPath[int]) -> Page:
    one = await administration.find(visit.means, visit.workspace_id, _id(redelivery_id))
    async with visit.services.database.read() as connection:
        parts = await _told(connection, visit, one.selection)
    return visit.page("redelivery.html", title=f"Redelivery {one.id}", redelivery=one, parts=parts)


@post("/deliveries/redeliveries/{redelivery_id:int}/stop", opt=FOR_STAFF)
async def stop(visit: TheVisit, redelivery_id: FromPath[int]) -> Response[Any]:
    id_ = _id(redelivery_id)
    stopped = await administration.stop(visit.means, visit.workspace_id, id_, by=visit.member.name)
    said = "It is stopped. What was put back is delivered." if stopped else "It was over already."
    return visit.go(f"/console/deliveries/redeliveries/{id_}", said)


def _id(number: int) -> RedeliveryId:
    if number >= LARGEST_ID:
        raise NotFound("There is no such redelivery in this workspace.")
    return RedeliveryId(number)


async def _told(connection: Connection, visit: Visit, selection: Selection) -> list[tuple[str, str]]:
    people = {}
    if selection.conversation_id is not None:
        people = await subscribers.get_many(connection, {selection.conversation_id})
    of = {id_: one for id_, one in people.items() if one.workspace_id == visit.workspace_id}

    def person(id_: ConversationId) -> str:
        return of[id_].subscriber.display_name if id_ in of else "nobody's"

    return selecting.told(visit, selection, person)
