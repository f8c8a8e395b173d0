"""Segments: made, tried and deleted. Trying shows who is in one now."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import segments as administration
from relevo.admin.segments import SegmentWish
from relevo.domain import segments as reading
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import FlowId
from relevo.domain.segments import Segment, SegmentId
from relevo.store import choosing, segments, subscribers
from relevo.web.console import forms
from relevo.web.console.broadcasts import flows_of
from relevo.web.console.forms import Form
from relevo.web.console.guarding import FOR_STAFF
from relevo.web.console.visits import Page, TheVisit, Visit

SHOWN = 20
MOST_LOOKED_AT = 20_000
LARGEST_ID = 10**15
FIRST_TEXT = "all:\n  - tag: vip\n  - {field: last_seen_at, in_last: 30d}\n"


@get("/segments", opt=FOR_STAFF)
async def listing(visit: TheVisit) -> Page:
    async with visit.services.database.read() as connection:
        found = await segments.of_workspace(connection, visit.workspace_id)
    return visit.page("segments.html", title="Segments", segments=found, flows=visit.directory.flows)


@get("/segments/new", opt=FOR_STAFF)
async def new(visit: TheVisit) -> Page:
    flows = flows_of(visit)
    return await _page(
        visit, None, forms.filled(condition=FIRST_TEXT, flow=str(flows[0].id) if flows else "")
    )


@get("/segments/{segment_id:int}", opt=FOR_STAFF)
async def show(visit: TheVisit, segment_id: FromPath[int]) -> Page:
    one = await _find(visit, segment_id)
    form = forms.filled(name=one.name, condition=one.source, flow=str(one.flow_id))
    return await _page(visit, one, form, is_tried=True)


@post("/segments/new", opt=FOR_STAFF)
async def create(visit: TheVisit) -> Response[Any]:
    return await _save(visit, None)


@post("/segments/{segment_id:int}", opt=FOR_STAFF)
async def change(visit: TheVisit, segment_id: FromPath[int]) -> Response[Any]:
    return await _save(visit, await _find(visit, segment_id))


@post("/segments/{segment_id:int}/delete", opt=FOR_STAFF)
async def delete(visit: TheVisit, segment_id: FromPath[int]) -> Response[Any]:
    one = await _find(visit, segment_id)
    await administration.remove(visit.means, one)
    return visit.go("/console/segments", f"The segment {one.name} is deleted.")


async def _save(visit: Visit, before: Segment | None) -> Response[Any]:
    form = await visit.form()
    if form.get("action") == "try":
        return await _page(visit, before, form, is_tried=True)
    try:
        id_ = await _saved(visit, before, form)
    except InvalidInput as error:
        return await _page(visit, before, form.refused(error), status=422)
    return visit.go(f"/console/segments/{id_}", "The segment is saved.")


async def _saved(visit: Visit, before: Segment | None, form: Form) -> SegmentId:
    name, source = form.get("name"), form.raw("condition")
    if before is not None:
        await administration.change(visit.means, before, name=name, source=source)
        return before.id
    wish = SegmentWish(workspace_id=visit.workspace_id, flow_id=_flow(visit, form), name=name, source=source)
    return await administration.add(visit.means, wish)


async def _page(
    visit: Visit, one: Segment | None, form: Form, *, status: int = 200, is_tried: bool = False
) -> Page:
    tried: dict[str, Any] = {}
    if is_tried:
        try:
            tried = await _tried(visit, one.flow_id if one else _flow(visit, form), form.raw("condition"))
        except InvalidInput as error:
            form, status = form.refused(error), 422
    return visit.page(
        "segment.html",
        title=one.name if one else "New segment",
        status=status,
        segment=one,
        form=form,
        flows=[(flow.id, flow.name) for flow in flows_of(visit)],
        tried=tried,
    )


async def _tried(visit: Visit, flow_id: FlowId, source: str) -> dict[str, Any]:
    """Who is in it now."""
    catalog = visit.services.catalog
    await catalog.refresh()
    condition, where = reading.read(source), catalog.where(flow_id, visit.services.clock.now())
    async with visit.services.database.read() as connection:
        counted = await choosing.count(connection, where, condition, most=MOST_LOOKED_AT)
        found = await choosing.following(connection, where, condition, limit=SHOWN)
        people = await subscribers.get_many(connection, found.people)
    return {
        "number": f"{counted.number:,}" + ("" if counted.is_all else " or more"),
        "is_one": counted.number == 1 and counted.is_all,
        "people": [people[id_] for id_ in found.people if id_ in people],
    }


def _flow(visit: Visit, form: Form) -> FlowId:
    number = form.number("flow")
    found = next((one.id for one in flows_of(visit) if one.id == number), None)
    if found is None:
        raise InvalidInput({"flow": ["no flow is chosen; choose the one whose subscribers are meant"]})
    return found


async def _find(visit: Visit, number: int) -> Segment:
    if number >= LARGEST_ID:
        raise NotFound("There is no such segment in this workspace.")
    return await administration.find(visit.means, visit.workspace_id, SegmentId(number))
