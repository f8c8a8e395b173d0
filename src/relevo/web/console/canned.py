"""Shortcuts and closing notes: what agents have ready."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import canned
from relevo.domain.canned import Canned, ClosingNote, Demand, Shortcut
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import FlowId
from relevo.domain.workspaces import FlowEntry
from relevo.store import canned as stored
from relevo.web.console import forms
from relevo.web.console.forms import Form
from relevo.web.console.visits import Page, TheVisit, Visit

Kind = type[Shortcut] | type[ClosingNote]

_PATHS: dict[Kind, str] = {Shortcut: "/console/shortcuts", ClosingNote: "/console/closing-notes"}
_TITLES: dict[Kind, tuple[str, str]] = {
    Shortcut: ("Shortcuts", "New shortcut"),
    ClosingNote: ("Closing notes", "New closing note"),
}


def flows_of(visit: Visit) -> dict[FlowId, FlowEntry]:
    everybodys = visit.directory.flows
    return {id_: one for id_, one in everybodys.items() if one.workspace_id == visit.workspace_id}


# Looking


async def _listing(visit: Visit, kind: Kind) -> Page:
    found: list[Canned] = []
    async with visit.services.database.read() as connection:
        for flow_id in sorted(flows_of(visit)):
            found += await stored.listing(connection, kind, flow_id)  # type: ignore[type-var]
    return visit.page(
        "shortcuts.html" if kind is Shortcut else "closing_notes.html",
        title=_TITLES[kind][0],
        rows=sorted(found, key=lambda one: one.name.casefold()),
        flows=flows_of(visit),
        list=_PATHS[kind],
    )


async def _page(visit: Visit, kind: Kind, one: Canned | None, form: Form, status: int = 200) -> Page:
    return visit.page(
        "canned.html",
        title=one.name if one else _TITLES[kind][1],
        status=status,
        one=one,
        form=form,
        is_shortcut=kind is Shortcut,
        flows=flows_of(visit),
        list=_PATHS[kind],
        list_title=_TITLES[kind][0],
    )


async def _find(visit: Visit, kind: Kind, id_: int) -> Canned:
    async with visit.services.database.read() as connection:
        for flow_id in flows_of(visit):
            found: Canned | None = await stored.find(connection, kind, flow_id, id_)  # type: ignore[type-var]
            if found is not None:
                return found
    raise NotFound(f"There is no such {canned.WORDS[kind]} in this workspace.")


def _filled(one: Canned) -> Form:
    values = {name: str(value) for name, value in msgspec.structs.asdict(one).items()}
    if isinstance(one, ClosingNote):
        values["require_summary"] = str(one.require_summary.value)
        values["require_attachment"] = str(one.require_attachment.value)
    return forms.filled(**values)


# Changing


async def _save(visit: Visit, kind: Kind, one: Canned | None) -> Response[Any]:
    form = await visit.form()
    try:
        new = _wanted(visit, kind, one, form)
        async with visit.services.database.write() as connection:
            saved: Canned = await canned.save(connection, new)  # type: ignore[type-var]
    except InvalidInput as error:
        return await _page(visit, kind, one, form.refused(error), status=422)
    return visit.go(_PATHS[kind], f"{saved.name} is {'saved' if one else 'added'}.")


def _wanted(visit: Visit, kind: Kind, one: Canned | None, form: Form) -> Canned:
    id_, flow_id = (one.id, one.flow_id) if one else (0, _flow(visit, form))
    if kind is Shortcut:
        value = form.raw("value").strip()
        return Shortcut(id=id_, flow_id=flow_id, name=form.get("name"), value=value)
    return ClosingNote(
        id=id_,
        flow_id=flow_id,
        name=form.get("name"),
        description=form.get("description"),
        require_summary=_demand(form, "require_summary"),
        require_attachment=_demand(form, "require_attachment"),
    )


def _flow(visit: Visit, form: Form) -> FlowId:
    id_ = FlowId(form.number("flow_id") or 0)
    if id_ not in flows_of(visit):
        raise InvalidInput({"flow_id": ["choose the flow whose agents have it ready"]})
    return id_


def _demand(form: Form, field: str) -> Demand:
    number = form.number(field)
    return Demand(number) if number in list(Demand) else Demand.HIDDEN


async def _delete(visit: Visit, kind: Kind, id_: int) -> Response[Any]:
    one = await _find(visit, kind, id_)
    async with visit.services.database.write() as connection:
        await stored.remove(connection, one)
    return visit.go(_PATHS[kind], f"{one.name} is deleted.")


# The pages of both


@get("/shortcuts")
async def shortcuts(visit: TheVisit) -> Page:
    return await _listing(visit, Shortcut)


@get("/shortcuts/new")
async def new_shortcut(visit: TheVisit) -> Page:
    return await _page(visit, Shortcut, None, Form())


@post("/shortcuts/new")
async def create_shortcut(visit: TheVisit) -> Response[Any]:
    return await _save(visit, Shortcut, None)


@get("/shortcuts/{shortcut_id:int}")
async def show_shortcut(visit: TheVisit, shortcut_id: FromPath[int]) -> Page:
    one = await _find(visit, Shortcut, shortcut_id)
    return await _page(visit, Shortcut, one, _filled(one))


@post("/shortcuts/{shortcut_id:int}")
async def change_shortcut(visit: TheVisit, shortcut_id: FromPath[int]) -> Response[Any]:
    return await _save(visit, Shortcut, await _find(visit, Shortcut, shortcut_id))


@post("/shortcuts/{shortcut_id:int}/delete")
async def delete_shortcut(visit: TheVisit, shortcut_id: FromPath[int]) -> Response[Any]:
    return await _delete(visit, Shortcut, shortcut_id)


@get("/closing-notes")
async def closing_notes(visit: TheVisit) -> Page:
    return await _listing(visit, ClosingNote)


@get("/closing-notes/new")
async def new_closing_note(visit: TheVisit) -> Page:
    return await _page(visit, ClosingNote, None, forms.filled(require_summary="1", require_attachment="0"))


@post("/closing-notes/new")
async def create_closing_note(visit: TheVisit) -> Response[Any]:
    return await _save(visit, ClosingNote, None)


@get("/closing-notes/{note_id:int}")
async def show_closing_note(visit: TheVisit, note_id: FromPath[int]) -> Page:
    one = await _find(visit, ClosingNote, note_id)
    return await _page(visit, ClosingNote, one, _filled(one))


@post("/closing-notes/{note_id:int}")
async def change_closing_note(visit: TheVisit, note_id: FromPath[int]) -> Response[Any]:
    return await _save(visit, ClosingNote, await _find(visit, ClosingNote, note_id))


@post("/closing-notes/{note_id:int}/delete")
async def delete_closing_note(visit: TheVisit, note_id: FromPath[int]) -> Response[Any]:
    return await _delete(visit, ClosingNote, note_id)
