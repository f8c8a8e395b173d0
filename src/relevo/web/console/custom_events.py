"""Custom events: what is counted about subscribers by names of one's own, and what happened lately."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import custom_events as administration
from relevo.domain.conversations import Conversation
from relevo.domain.custom_events import CustomEvent
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import ConversationId, CustomEventId, FlowId
from relevo.store import custom_events, subscribers
from relevo.store.custom_events import Logged
from relevo.web.console import forms
from relevo.web.console.canned import flows_of
from relevo.web.console.forms import Form
from relevo.web.console.paging import older
from relevo.web.console.visits import Page, TheVisit, Visit

SHOWN = 20

PLACE = "/console/custom-events"


@get("/custom-events")
async def listing(visit: TheVisit) -> Page:
    flows = flows_of(visit)
    ours = [one for one in visit.directory.custom_events.values() if one.flow_id in flows]
    return visit.page(
        "custom_events.html",
        title="Custom events",
        events=sorted(ours, key=lambda one: one.name.casefold()),
        flows=flows,
    )


@get("/custom-events/new")
async def new(visit: TheVisit) -> Page:
    return await _page(visit, None, Form())


@get("/custom-events/{event_id:int}")
async def show(visit: TheVisit, event_id: FromPath[int]) -> Page:
    event = _find(visit, event_id)
    texts = {name: str(value) for name, value in msgspec.structs.asdict(event).items()}
    return await _page(visit, event, forms.filled(**texts))


@post("/custom-events/new")
async def create(visit: TheVisit) -> Response[Any]:
    return await _save(visit, None)


@post("/custom-events/{event_id:int}")
async def change(visit: TheVisit, event_id: FromPath[int]) -> Response[Any]:
    return await _save(visit, _find(visit, event_id))


@post("/custom-events/{event_id:int}/delete")
async def delete(visit: TheVisit, event_id: FromPath[int]) -> Response[Any]:
    event = _find(visit, event_id)
    await administration.delete(visit.means, event)
    return visit.go(PLACE, f"The custom event {event.name} is deleted.")


def _find(visit: Visit, event_id: int) -> CustomEvent:
    found = visit.directory.custom_events.get(CustomEventId(event_id))
    if found is None or found.flow_id not in flows_of(visit):
        raise NotFound("There is no such custom event in this workspace.")
    return found


async def _page(visit: Visit, event: CustomEvent | None, form: Form, status: int = 200) -> Page:
    before = visit.query.number("before")
    happened, people = await _lately(visit, event, before)
    shown, more = happened[:SHOWN], happened[SHOWN:]
    here = f"{PLACE}/{event.id if event else 'new'}"
    return visit.page(
        "custom_event.html",
        title=event.name if event else "New custom event",
        status=status,
        event=event,
        form=form,
        flows=[(flow.id, flow.name) for flow in flows_of(visit).values()],
        happened=shown,
        people=people,
        here=here,
        is_later_page=before is not None,
        next_page=older(here, shown, more),
    )


async def _lately(
    visit: Visit, event: CustomEvent | None, before: int | None
) -> tuple[list[Logged], dict[ConversationId, Conversation]]:
    """What happened, one more than is shown, and to whom."""
    if event is None:
        return [], {}
    async with visit.services.database.read() as connection:
        found = await custom_events.latest(connection, event.id, before_id=before, limit=SHOWN + 1)
        return found, await subscribers.get_many(connection, {one.conversation_id for one in found})


async def _save(visit: Visit, event: CustomEvent | None) -> Response[Any]:
    form = await visit.form()
    try:
        saved = await administration.save(visit.means, visit.workspace_id, _wanted(visit, event, form))
    except InvalidInput as error:
        return await _page(visit, event, form.refused(error), status=422)
    return visit.go(f"{PLACE}/{saved.id}", f"{saved.name} is {'saved' if event else 'added'}.")


def _wanted(visit: Visit, event: CustomEvent | None, form: Form) -> CustomEvent:
    return CustomEvent(
        id=event.id if event else CustomEventId(0),
        flow_id=event.flow_id if event else _flow(visit, form),
        name=form.get("name"),
        description=form.get("description"),
        text_label=form.get("text_label"),
        price_label=form.get("price_label"),
        number_label=form.get("number_label"),
    )


def _flow(visit: Visit, form: Form) -> FlowId:
    id_ = FlowId(form.number("flow_id") or 0)
    if id_ not in flows_of(visit):
        raise InvalidInput({"flow_id": ["choose the flow whose subscribers it happens to"]})
    return id_
