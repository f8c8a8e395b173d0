"""Tags, labels, user fields and bot fields: all on one page, for one flow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from litestar import Response, get, post

from relevo.admin import vocabulary as administration
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import FlowId, WorkspaceId
from relevo.domain.vocabulary import (
    DISPLAYS,
    FIELD_TYPES,
    BotField,
    FieldType,
    Label,
    Tag,
    UserField,
)
from relevo.store.database import Connection
from relevo.store.directory import Directory
from relevo.web.console.canned import flows_of
from relevo.web.console.forms import Form
from relevo.web.console.visits import Page, TheVisit, Visit

Thing = Tag | UserField | BotField | Label

KINDS = {
    "tag": "tag",
    "label": "label",
    "user-field": "user field",
    "bot-field": "bot field",
}
PLACE = "/console/vocabulary"


@get("/vocabulary")
async def listing(visit: TheVisit) -> Page:
    return await _page(visit, _flow(visit, visit.query.number("flow")), Form())


@post("/vocabulary/add")
async def add(visit: TheVisit) -> Response[Any]:
    form, kind, flow_id = await _asked(visit)
    now, here = visit.services.clock.now(), visit.workspace_id
    try:
        async with visit.services.database.write() as connection:
            made = await _made(connection, kind, form, flow_id, here, now)
    except InvalidInput as error:
        renamed = {name: f"{kind}-{name}" for name in ("name", "type", "description", "value")}
        return await _page(visit, flow_id, form.refused(error, **renamed), status=422)
    return _back(visit, kind, flow_id, f"The {KINDS[kind]} {made.name} is added.")


@post("/vocabulary/change")
async def change(visit: TheVisit) -> Response[Any]:
    """A user field, or a bot field's value: tags and labels have nothing but their names."""
    form, kind, flow_id = await _asked(visit)
    one = _find(visit, kind, flow_id, form.get("of"))
    try:
        async with visit.services.database.write() as connection:
            await _changed(connection, one, form, visit.services.clock.now())
    except InvalidInput as error:
        return await _page(visit, flow_id, form.refused(error), status=422)
    return _back(visit, kind, flow_id, f"{one.name} is saved.")


@post("/vocabulary/delete")
async def delete(visit: TheVisit) -> Response[Any]:
    """At once for people; from those who have it in the background."""
    form, kind, flow_id = await _asked(visit)
    one = _find(visit, kind, flow_id, form.get("of"))
    async with visit.services.database.write() as connection:
        await administration.delete(connection, one, visit.services.clock.now())
    return _back(visit, kind, flow_id, f"The {KINDS[kind]} {one.name} is deleted.")


def _back(visit: Visit, kind: str, flow_id: FlowId, said: str) -> Response[Any]:
    return visit.go(f"{PLACE}?flow={flow_id}#{kind}", said)


async def _asked(visit: Visit) -> tuple[Form, str, FlowId]:
    form = await visit.form()
    kind = form.get("kind")
    if kind not in KINDS:
        raise NotFound(f"There is nothing like {kind!r} here; there are {', '.join(KINDS)}.")
    await visit.services.catalog.refresh(at_once=True)
    return form, kind, _flow(visit, form.number("flow") or 0)


def _flow(visit: Visit, number: int | None) -> FlowId:
    """None: the first one. Raises NotFound for one that is not of the workspace."""
    ours = sorted(flows_of(visit))
    if number is None and ours:
        return ours[0]
    if number not in ours:
        raise NotFound("There is no such flow in this workspace.")
    return FlowId(number)


async def _made(
    connection: Connection, kind: str, form: Form, flow_id: FlowId, here: WorkspaceId, now: datetime
) -> Thing:
    name, about = form.get(f"{kind}-name"), form.get(f"{kind}-description")
    if kind == "tag":
        return await administration.create_tag(connection, flow_id, name, now)
    if kind == "label":
        return await administration.create_label(connection, here, name, now)
    type_ = _type(form.get(f"{kind}-type"))
    if kind == "user-field":
        return await administration.create_user_field(connection, flow_id, name, type_, about, now)
    value = form.raw(f"{kind}-value")
    return await administration.create_bot_field(connection, flow_id, name, type_, about, value, now)


def _type(text: str) -> FieldType:
    if text not in FIELD_TYPES:
        raise InvalidInput({"type": [f"there is no type {text!r}; use {', '.join(FIELD_TYPES)}"]})
    return text


async def _changed(connection: Connection, one: Thing, form: Form, now: datetime) -> None:
    if isinstance(one, BotField):
        await administration.set_bot_fields(connection, [(one, "value", form.raw("value"))])
    elif isinstance(one, UserField):
        display = form.get("display")
        await administration.update_user_field(
            connection,
            one,
            name=form.get("name") or None,
            description=form.get("description"),
            display=display if display in DISPLAYS else None,
            now=now,
        )


def _find(visit: Visit, kind: str, flow_id: FlowId, name: str) -> Thing:
    found = things(visit.services.catalog.directory, visit.workspace_id, flow_id)[kind].get(name)
    if found is None or getattr(found, "going", False):
        raise NotFound(f"There is no {KINDS[kind]} {name!r} here.")
    return found


def things(directory: Directory, here: WorkspaceId, flow_id: FlowId) -> dict[str, Mapping[str, Thing]]:
    """All of a flow's by kind and name; labels are the workspace's."""
    words = directory.vocabulary(flow_id)
    labels: Mapping[str, Label] = directory.labels.get(here, {})
    return {"tag": words.tags, "label": labels, "user-field": words.fields, "bot-field": words.bot_fields}


async def _page(visit: Visit, flow_id: FlowId, form: Form, status: int = 200) -> Page:
    await visit.services.catalog.refresh(at_once=True)
    found = things(visit.services.catalog.directory, visit.workspace_id, flow_id)
    shown = {
        kind: sorted(
            (one for one in named.values() if not getattr(one, "going", False)),
            key=lambda one: one.name.casefold(),
        )
        for kind, named in found.items()
    }
    return visit.page(
        "vocabulary.html",
        title="Tags and fields",
        status=status,
        form=form,
        flow_id=flow_id,
        flows=flows_of(visit),
        things=shown,
        types=FIELD_TYPES,
        displays=DISPLAYS,
    )
