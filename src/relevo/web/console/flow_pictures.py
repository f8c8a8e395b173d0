"""The picture of a flow, with who is where in it now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from litestar import get
from litestar.params import FromPath

from relevo.domain.flows.drawing import Crowd, Place, as_svg
from relevo.domain.flows.parsing import parse
from relevo.domain.flows.picturing import drawn_path, picture
from relevo.domain.ids import FlowVersionId
from relevo.store import directory, standing
from relevo.store.standing import Standing
from relevo.web.console.flows import find_flow
from relevo.web.console.visits import Page, TheVisit

MOST_LOOKED_AT = 5000
"""People whose place is counted: those of the latest messages."""
GONE_AFTER = timedelta(days=1)
"""Whoever has not answered a question for so long has left there, as it seems."""


@get("/flows/{flow_id:int}/picture")
async def show(visit: TheVisit, flow_id: FromPath[int]) -> Page:
    flow = find_flow(visit, flow_id)
    async with visit.services.database.read() as connection:
        found = await directory.flow_source(connection, flow.version_id)
        looked_at, people = await standing.people_in(connection, flow.id, most=MOST_LOOKED_AT)
    source = found[1] if found else ""
    parsed = parse(source, file="flow.yaml")
    crowds = crowds_of(people, flow.version_id, visit.services.clock.now())
    drawn = as_svg(picture(parsed, source), crowds, alone=False) if parsed.flow else ""
    return visit.page(
        "flow_picture.html",
        title=f"Picture of {flow.name}",
        flow=flow,
        drawn=drawn,
        looked_at=looked_at,
        most=MOST_LOOKED_AT,
        now=sum(one.now for one in crowds.values()),
        left=sum(one.left for one in crowds.values()),
        earlier=sum(1 for one in people if one.run.version_id != flow.version_id),
        places=sorted(crowds.items(), key=lambda one: -one[1].now),
    )


def crowds_of(people: Iterable[Standing], version: FlowVersionId, now: datetime) -> dict[Place, Crowd]:
    """Who waits where in a version of a flow."""
    found: dict[Place, Crowd] = {}
    for one in people:
        frame = one.run.waiting.place or next(reversed(one.run.stack), None)
        if one.run.version_id != version or frame is None:
            continue
        place = (frame.subflow, drawn_path(frame.path))
        before = found.get(place, Crowd())
        found[place] = Crowd(before.now + 1, before.left + _has_left(one, now))
    return found


def _has_left(one: Standing, now: datetime) -> bool:
    at = one.last_message_at
    return one.run.waiting.for_ == "answer" and at is not None and at + GONE_AFTER <= now
