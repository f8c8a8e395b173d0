"""Flows: their texts, their versions, and the editor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import flows
from relevo.admin.flows import InvalidFlow, Why
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.flows.parsing import parse
from relevo.domain.ids import FlowId, FlowVersionId, flow_ns
from relevo.domain.subscribers import PROFILE_FIELDS
from relevo.domain.vocabulary import NO_WORDS
from relevo.domain.workspaces import Channel, FlowEntry
from relevo.domain.yaml_reading import Problem
from relevo.store import configuring, directory
from relevo.store.configuring import FlowVersion
from relevo.web.console import forms
from relevo.web.console.forms import Form
from relevo.web.console.notices import Notice
from relevo.web.console.visits import Page, TheVisit, Visit

MOST_NAMES = 500
"""Of each kind, for the editor to suggest."""

FIRST_TEXT = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: keyword, words: [agent, human], do: person}
subflows:
  welcome:
    - send: "Hello {{ first_name }}. Write *agent* to talk to a person."
  person:
    - send: "I am getting somebody for you."
    - pause_bot: {minutes: 30}
"""


# Looking


@get("/flows")
async def listing(visit: TheVisit) -> Page:
    mine = [one for one in visit.directory.flows.values() if one.workspace_id == visit.workspace_id]
    async with visit.services.database.read() as connection:
        newest = {one.id: (await configuring.versions_of(connection, one.id))[:1] for one in mine}
    return visit.page(
        "flows.html",
        title="Flows",
        flows=mine,
        newest={id_: found[0] for id_, found in newest.items() if found},
        channels={one.id: channels_of(visit, one) for one in mine},
        flow_ns=flow_ns,
    )


def channels_of(visit: Visit, flow: FlowEntry) -> list[Channel]:
    return [one for one in visit.directory.channels.values() if one.flow_id == flow.id]


@get("/flows/{flow_id:int}")
async def show(visit: TheVisit, flow_id: FromPath[int]) -> Page:
    flow = find_flow(visit, flow_id)
    return await _version_page(visit, flow, flow.version_id)


@get("/flows/{flow_id:int}/versions/{number:int}")
async def show_version(visit: TheVisit, flow_id: FromPath[int], number: FromPath[int]) -> Page:
    flow = find_flow(visit, flow_id)
    async with visit.services.database.read() as connection:
        found = [one for one in await configuring.versions_of(connection, flow.id) if one.number == number]
    if not found:
        raise NotFound(f"The flow {flow.name} has no version {number}.")
    return await _version_page(visit, flow, found[0].id)


@get("/flows/{flow_id:int}/versions/{number:int}/changes")
async def compare(visit: TheVisit, flow_id: FromPath[int], number: FromPath[int]) -> Page:
    """What a version has changed, or, with `from`, in what it differs from another one."""
    flow = find_flow(visit, flow_id)
    before = visit.query.number("from") or max(number - 1, 1)
    async with visit.services.database.read() as connection:
        found = await flows.compare(connection, flow, before, number)
    return visit.page(
        "flow_changes.html",
        title=f"What version {number} changes",
        flow=flow,
        before=before,
        number=number,
        differences=found,
    )


@post("/flows/{flow_id:int}/versions/{number:int}/roll-back")
async def roll_back(visit: TheVisit, flow_id: FromPath[int], number: FromPath[int]) -> Response[Any]:
    flow = find_flow(visit, flow_id)
    why = Why(author=visit.member.name)
    try:
        saved = await flows.roll_back(visit.means, visit.workspace_id, flow.id, number, why)
    except InvalidInput as error:
        return visit.go(f"/console/flows/{flow.id}/versions/{number}", Notice(error.message, "bad"))
    said = "Nothing was different." if saved.action == "unchanged" else _published(saved.changed)
    return visit.go(f"/console/flows/{flow.id}", Notice(said))


async def _version_page(visit: Visit, flow: FlowEntry, version_id: FlowVersionId) -> Page:
    async with visit.services.database.read() as connection:
        versions = await configuring.versions_of(connection, flow.id)
        found = await directory.flow_source(connection, version_id)
    return visit.page(
        "flow.html",
        title=flow.name,
        flow=flow,
        flow_ns=flow_ns(flow.id),
        versions=versions,
        shown=_version(versions, version_id),
        lines=(found[1] if found else "").splitlines(),
        channels=channels_of(visit, flow),
    )


def find_flow(visit: Visit, flow_id: int) -> FlowEntry:
    found = visit.directory.flows.get(FlowId(flow_id))
    if found is None or found.workspace_id != visit.workspace_id:
        raise NotFound("There is no such flow in this workspace.")
    return found


def _version(versions: list[FlowVersion], id_: FlowVersionId) -> FlowVersion | None:
    return next((one for one in versions if one.id == id_), None)


# Editing


class Mistake(msgspec.Struct, frozen=True):
    """A problem, and the line that it is in."""

    problem: Problem
    line: str

    @property
    def before(self) -> str:
        """What stands before the place, so that a mark can stand under it."""
        return " " * (self.problem.column - 1)


def mistakes_of(source: str) -> list[Mistake]:
    return _mistakes(source, parse(source, file="flow.yaml").problems)


def _mistakes(source: str, problems: tuple[Problem, ...]) -> list[Mistake]:
    lines = source.splitlines()
    return [Mistake(one, lines[one.line - 1] if 0 < one.line <= len(lines) else "") for one in problems]


@get("/flows/new")
async def new(visit: TheVisit) -> Page:
    return _editor(visit, None, forms.filled(source=FIRST_TEXT))


@get("/flows/{flow_id:int}/edit")
async def edit(visit: TheVisit, flow_id: FromPath[int]) -> Page:
    flow = find_flow(visit, flow_id)
    async with visit.services.database.read() as connection:
        found = await directory.flow_source(connection, flow.version_id)
    form = forms.filled(source=found[1] if found else FIRST_TEXT, based_on=str(flow.version_id))
    return _editor(visit, flow, form)


def _editor(
    visit: Visit,
    flow: FlowEntry | None,
    form: Form,
    *,
    problems: tuple[Problem, ...] | None = None,
    status: int = 200,
) -> Page:
    """`problems` None: not checked; none: checked, and well."""
    return visit.page(
        "flow_editor.html",
        title=f"Edit {flow.name}" if flow else "New flow",
        status=status,
        flow=flow,
        form=form,
        names=_names(visit, flow),
        is_checked=problems is not None,
        mistakes=_mistakes(form.raw("source"), problems or ()),
    )


def _names(visit: Visit, flow: FlowEntry | None) -> dict[str, list[str]]:
    """What the editor suggests, by the kinds that the schema has."""
    directory, here = visit.directory, visit.workspace_id
    words = directory.vocabulary(flow.id) if flow else NO_WORDS
    hooks = directory.inbound_webhooks.values()
    found: dict[str, Iterable[str]] = {
        "field": [*PROFILE_FIELDS, *(one.name for one in words.fields.values() if not one.going)],
        "tag": [one.name for one in words.tags.values() if not one.going],
        "label": [one.name for one in directory.labels.get(here, {}).values() if not one.going],
        "segment": directory.segments.get(flow.id, {}) if flow else (),
        "event": [one.name for one in directory.custom_events.values() if flow and one.flow_id == flow.id],
        "webhook": [one.name for one in hooks if one.workspace_id == here],
        "agent": [one.email for one in directory.members.values() if one.workspace_id == here],
        "group": [one.name for one in directory.agent_groups.values() if one.workspace_id == here],
    }
    return {kind: sorted(names)[:MOST_NAMES] for kind, names in found.items()}


@post("/flows/new")
async def create(visit: TheVisit) -> Response[Any]:
    return await _check_or_publish(visit, None)


@post("/flows/{flow_id:int}/edit")
async def change(visit: TheVisit, flow_id: FromPath[int]) -> Response[Any]:
    return await _check_or_publish(visit, find_flow(visit, flow_id))


async def _check_or_publish(visit: Visit, flow: FlowEntry | None) -> Response[Any]:
    form = await visit.form()
    if form.get("action") == "publish":
        return await _publish(visit, flow, form)
    return _editor(visit, flow, form, problems=parse(form.raw("source"), file="flow.yaml").problems)


async def _publish(visit: Visit, flow: FlowEntry | None, form: Form) -> Response[Any]:
    """Nothing is saved while there is a mistake, or when somebody else has published meanwhile."""
    if flow is not None and form.get("based_on", str(flow.version_id)) != str(flow.version_id):
        return _editor(visit, flow, _rebased(flow, form), status=409)
    try:
        id_ = flow.id if flow else None
        why = Why(form.get("message"), visit.member.name)
        saved = await flows.publish(visit.means, visit.workspace_id, form.raw("source"), flow_id=id_, why=why)
    except InvalidFlow as error:
        return _editor(visit, flow, form, problems=error.problems, status=422)
    except InvalidInput as error:
        return _editor(visit, flow, form.refused(error, name="source"), status=422)
    said = "Nothing was different." if saved.action == "unchanged" else _published(saved.changed)
    return visit.go(f"/console/flows/{saved.thing.id}", Notice(said))


def _published(changed: tuple[str, ...]) -> str:
    what = changed[0].capitalize() if changed else "The flow"
    return f"{what} is published. Whoever is in the middle of the flow goes on with the version they began."


def _rebased(flow: FlowEntry, form: Form) -> Form:
    """The same text, to replace the newest version if it is published once more."""
    what = (
        "somebody else has published a version since you began to edit. Open the flow in another tab and "
        "take over what is new in it; publishing again replaces it with this text"
    )
    return Form({**form.values, "based_on": [str(flow.version_id)]}, {"source": [what]})
