"""Trying a flow before it is published, and checking it while it is written.

What was typed so far is in the page, and is played again with each line: nothing of it is kept here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from relevo.channels.registry import ADAPTERS
from relevo.domain.flows import checking
from relevo.domain.flows.model import Flow
from relevo.domain.flows.parsing import parse
from relevo.domain.ids import FlowId
from relevo.domain.vocabulary import FieldType
from relevo.domain.workspaces import FlowEntry
from relevo.rehearsal import commands
from relevo.rehearsal.session import NotPossible, Rehearsal
from relevo.rehearsal.showing import shown, state_of
from relevo.rehearsal.stage import Stage
from relevo.store import directory
from relevo.web.console import forms
from relevo.web.console.flows import find_flow, mistakes_of
from relevo.web.console.forms import Form
from relevo.web.console.visits import Page, TheVisit, Visit

MOST_LINES = 100
LONGEST_LINE = 1000
MOST_DECISIONS = 2000
"""Of one rehearsal: well under a second."""
MOST_ADVICE = 50


class Line(msgspec.Struct, frozen=True):
    """Of the conversation, as the page shows it."""

    who: str
    text: str


class Tried(msgspec.Struct, frozen=True):
    """What came of it. `typed` has what was understood; `refusal` says why the last was not."""

    lines: tuple[Line, ...] = ()
    typed: tuple[str, ...] = ()
    state: dict[str, Any] = {}
    refusal: str = ""


@get("/flows/{flow_id:int}/try")
async def begin(visit: TheVisit, flow_id: FromPath[int]) -> Page:
    flow = find_flow(visit, flow_id)
    async with visit.services.database.read() as connection:
        found = await directory.flow_source(connection, flow.version_id)
    return await try_page(visit, forms.filled(source=found[1] if found else "", flow=str(flow.id)))


@post("/flows/try")
async def go_on(visit: TheVisit) -> Page:
    return await try_page(visit, await visit.form())


async def try_page(visit: Visit, form: Form) -> Page:
    """The conversation so far, and where to write what comes next."""
    visit.console.rehearsals.take(str(visit.member.id))
    source = form.raw("source")
    written = parse(source, file="flow.yaml").flow
    defaults = await _defaults(visit)
    tried = await asyncio.to_thread(_play, written, defaults, form) if written else Tried()
    return visit.page(
        "flow_try.html",
        title="Try the flow",
        form=form,
        tried=tried,
        flow=_own_flow(visit, form.number("flow")),
        channels=list(ADAPTERS),
        channel=_channel(form),
        help_lines=commands.help_lines(),
        mistakes=mistakes_of(source) if written is None else [],
    )


def _own_flow(visit: Visit, flow_id: int | None) -> FlowEntry | None:
    """Which flow of the workspace is being changed; None for one that is new."""
    entry = visit.directory.flows.get(FlowId(flow_id or 0))
    return entry if entry is not None and entry.workspace_id == visit.workspace_id else None


async def _defaults(visit: Visit) -> Flow | None:
    """What the workspace has for all its flows, as it runs now."""
    catalog = visit.services.catalog
    version = catalog.directory.defaults.get(visit.workspace_id)
    await catalog.load_flows([version] if version else [])
    return catalog.flows.get(version) if version else None


def _channel(form: Form) -> str:
    return form.get("channel") if form.get("channel") in ADAPTERS else "web"


def _play(flow: Flow, defaults: Flow | None, form: Form) -> Tried:
    """All that was typed, once more."""
    said = form.get("line")[:LONGEST_LINE]
    typed = [one for one in form.raw("typed").splitlines() if one.strip()][:MOST_LINES]
    if form.get("action") == "restart" or said == "/restart":
        typed, said = [], ""
    stage = Stage(flow=flow, defaults=defaults, channel=_channel(form))
    rehearsal = Rehearsal(stage, most=MOST_DECISIONS)
    lines: list[Line] = []
    done: list[str] = []
    try:
        for one in [*typed, *([said] if said else [])]:
            lines += _perform(rehearsal, one)
            done.append(one)
    except (commands.NotUnderstood, NotPossible) as refused:
        return Tried(tuple(lines), tuple(done), state_of(rehearsal), str(refused))
    return Tried(tuple(lines), tuple(done[:MOST_LINES]), state_of(rehearsal))


def _perform(rehearsal: Rehearsal, typed: str) -> list[Line]:
    action = commands.read(typed[:LONGEST_LINE])
    if isinstance(action, str):
        raise commands.NotUnderstood(f"/{action} is for the terminal: it is on this page anyhow")
    return [Line(*shown(one)) for one in rehearsal.perform(action)]


# Checking


def _types(visit: Visit, flow_id: int | None) -> Mapping[str, FieldType]:
    """Of the fields of a flow, if it is one of the member's workspace."""
    flow = _own_flow(visit, flow_id)
    return visit.directory.vocabulary(flow.id).types if flow is not None else {}


@post("/flows/check")
async def check(visit: TheVisit) -> Response[dict[str, Any]]:
    """For the editor, while somebody types: what is wrong, with places, and what is advised."""
    visit.console.rehearsals.take(str(visit.member.id))
    form = await visit.form()
    parsed = parse(form.raw("source"), file="flow.yaml")
    types = _types(visit, form.number("flow"))
    found = [("mistake", one) for one in parsed.problems]
    found += [("advice", one) for one in checking.check(parsed, types=types)[:MOST_ADVICE]]
    told = [
        {"kind": kind, "line": one.line, "column": one.column, "what": one.what, "remedy": one.remedy}
        for kind, one in found
    ]
    return Response({"found": told}, status_code=200, headers={"cache-control": "no-store"})
