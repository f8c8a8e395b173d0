"""Broadcasts: begun, watched while they are sent, cancelled and deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import broadcasts as administration
from relevo.admin.broadcasts import BroadcastWish
from relevo.domain.broadcasts import USUAL_RATE, Broadcast, BroadcastId, Matching, Says
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.segments import SegmentId
from relevo.domain.workspaces import FlowEntry
from relevo.store import broadcasts, segments, subscribers
from relevo.web.console import forms
from relevo.web.console.forms import Form
from relevo.web.console.guarding import FOR_STAFF
from relevo.web.console.visits import Page, TheVisit, Visit

SHOWN = 50
SHOWN_OF_A_REASON = 20
LARGEST_ID = 10**15


@get("/broadcasts", opt=FOR_STAFF)
async def listing(visit: TheVisit) -> Page:
    page = min(visit.query.number("page") or 0, 10_000)
    async with visit.services.database.read() as connection:
        found = await broadcasts.listing(
            connection, workspace_id=visit.workspace_id, limit=SHOWN + 1, offset=page * SHOWN
        )
    more = f"/console/broadcasts?page={page + 1}" if len(found) > SHOWN else ""
    return visit.page(
        "broadcasts.html",
        title="Broadcasts",
        broadcasts=found[:SHOWN],
        is_later_page=page > 0,
        next_page=more,
        has_flow=bool(flows_of(visit)),
    )


def flows_of(visit: Visit) -> list[FlowEntry]:
    return [one for one in visit.directory.flows.values() if one.workspace_id == visit.workspace_id]


@get("/broadcasts/new", opt=FOR_STAFF)
async def new(visit: TheVisit) -> Page:
    return await _page(visit, forms.filled(rate=str(USUAL_RATE), whom=visit.query.get("segment")))


async def _page(visit: Visit, form: Form, status: int = 200) -> Page:
    async with visit.services.database.read() as connection:
        found = await segments.of_workspace(connection, visit.workspace_id)
    flows = flows_of(visit)
    named = {one.id: one.name for one in flows}
    return visit.page(
        "broadcast_new.html",
        title="New broadcast",
        status=status,
        form=form,
        subflows=[(f"{one.id}/{name}", f"{one.name}: {name}") for one in flows for name in one.subflows],
        segments=[(one.id, f"{one.name} ({named.get(one.flow_id, one.flow_id)})") for one in found],
    )


@post("/broadcasts/new", opt=FOR_STAFF)
async def create(visit: TheVisit) -> Response[Any]:
    form = await visit.form()
    try:
        wish = await _wish(visit, form)
        async with visit.services.database.write() as connection:
            id_ = await administration.begin(
                connection, visit.services.clock.now(), wish, by=visit.member.name
            )
    except InvalidInput as error:
        return await _page(visit, form.refused(error, max_per_minute="rate", scheduled_time="at"), status=422)
    return visit.go(
        f"/console/broadcasts/{id_}", "It is on its way." if wish.at is None else "It is scheduled."
    )


async def _wish(visit: Visit, form: Form) -> BroadcastWish:
    flow, subflow = _subflow(visit, form)
    return BroadcastWish(
        workspace_id=visit.workspace_id,
        flow_id=flow.id,
        to=await _to(visit, form, flow),
        says=Says(subflow=subflow),
        name=form.get("name"),
        per_minute=form.number("rate") or 0,
        at=_at(visit, form),
    )


def _subflow(visit: Visit, form: Form) -> tuple[FlowEntry, str]:
    number, _, name = form.get("subflow").partition("/")
    for one in flows_of(visit):
        if str(one.id) == number and name in one.subflows:
            return one, name
    raise InvalidInput({"subflow": ["nothing is chosen to be said; choose a subflow"]})


async def _to(visit: Visit, form: Form, flow: FlowEntry) -> Matching:
    tags = [part.strip() for part in form.get("tags").split(",") if part.strip()]
    if tags:
        return administration.with_tags(tags)
    async with visit.services.database.read() as connection:
        one = await segments.find(connection, SegmentId(form.number("whom") or 0))
    if one is None or one.workspace_id != visit.workspace_id:
        raise InvalidInput({"whom": ["nobody is chosen; choose a segment, or write tags"]})
    if one.flow_id != flow.id:
        raise InvalidInput(
            {"whom": [f"the segment {one.name} is of another flow; choose one of {flow.name}"]}
        )
    return administration.in_segments([one])


def _at(visit: Visit, form: Form) -> datetime | None:
    """The time in the workspace's zone."""
    text = form.get("at")
    try:
        at = datetime.fromisoformat(text) if text else None
        zone = ZoneInfo(visit.workspace.timezone)
        return at.replace(tzinfo=zone).astimezone(UTC) if at else None
    except (ValueError, OverflowError):
        raise InvalidInput({"at": [f"{text} is no time; write it like 2030-05-17T09:00"]}) from None


@get("/broadcasts/{broadcast_id:int}", opt=FOR_STAFF)
async def show(visit: TheVisit, broadcast_id: FromPath[int]) -> Page:
    one = await _find(visit, broadcast_id)
    people = {}
    async with visit.services.database.read() as connection:
        for outcome in one.counts:
            if outcome != "sent":
                rows = await broadcasts.reached(connection, one.id, outcome, limit=SHOWN_OF_A_REASON)
                found = await subscribers.get_many(connection, {row.conversation_id for row in rows})
                people[outcome] = [found[row.conversation_id] for row in rows if row.conversation_id in found]
    flow = visit.directory.flows.get(one.flow_id)
    return visit.page(
        "broadcast.html", title=one.name, broadcast=one, people=people, flow_name=flow.name if flow else ""
    )


@post("/broadcasts/{broadcast_id:int}/cancel", opt=FOR_STAFF)
async def cancel(visit: TheVisit, broadcast_id: FromPath[int]) -> Response[Any]:
    one = await _find(visit, broadcast_id)
    cancelled = await administration.cancel(visit.means, one, by=visit.member.name)
    said = "It is cancelled. Nobody else is told." if cancelled else "It was over already."
    return visit.go(f"/console/broadcasts/{one.id}", said)


@post("/broadcasts/{broadcast_id:int}/delete", opt=FOR_STAFF)
async def delete(visit: TheVisit, broadcast_id: FromPath[int]) -> Response[Any]:
    one = await _find(visit, broadcast_id)
    await administration.remove(visit.means, one, by=visit.member.name)
    return visit.go("/console/broadcasts", f"The broadcast {one.name} is deleted.")


async def _find(visit: Visit, number: int) -> Broadcast:
    if number >= LARGEST_ID:
        raise NotFound("There is no such broadcast in this workspace.")
    return await administration.find(visit.means, visit.workspace_id, BroadcastId(number))
