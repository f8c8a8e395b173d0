"""The templates of a channel: what its vendor has approved, and asking for more."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import templates
from relevo.channels.registry import adapter_for
from relevo.domain.approved_templates import Template, places
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.workspaces import Channel
from relevo.web.console import forms
from relevo.web.console.channels import asking, find
from relevo.web.console.forms import Form
from relevo.web.console.visits import Page, TheVisit, Visit

EXAMPLE = '[{"type": "BODY", "text": "Hi {{1}}, it is on its way.", "example": {"body_text": [["Ana"]]}}]'


@get("/channels/{channel_id:int}/templates")
async def listing(visit: TheVisit, channel_id: FromPath[int]) -> Page:
    return _page(visit, find(visit, channel_id), forms.filled(category="UTILITY", components=EXAMPLE))


@post("/channels/{channel_id:int}/templates/sync")
async def sync(visit: TheVisit, channel_id: FromPath[int]) -> Response[Any]:
    channel = _find(visit, channel_id)
    try:
        told = await templates.sync(visit.means, asking(visit), channel)
    except InvalidInput as error:
        return _page(visit, channel, Form().refused(error), status=422)
    return visit.go(_address(channel), f"{len(told)} templates are listed, as the vendor told.")


@post("/channels/{channel_id:int}/templates")
async def create(visit: TheVisit, channel_id: FromPath[int]) -> Response[Any]:
    channel, form = _find(visit, channel_id), await visit.form()
    try:
        made = await templates.make(visit.means, asking(visit), channel, _wanted(form))
    except InvalidInput as error:
        return _page(visit, channel, form.refused(error), status=422)
    return visit.go(_address(channel), f"{made.title} is with the vendor now: {made.status.lower()}.")


@post("/channels/{channel_id:int}/templates/delete")
async def delete(visit: TheVisit, channel_id: FromPath[int]) -> Response[Any]:
    channel, form = _find(visit, channel_id), await visit.form()
    try:
        await templates.drop(visit.means, asking(visit), channel, form.get("delete"))
    except InvalidInput as error:
        return _page(visit, channel, Form().refused(error), status=422)
    return visit.go(_address(channel), f"{form.get('delete')} is deleted, in all its languages.")


def _find(visit: Visit, channel_id: int) -> Channel:
    channel = find(visit, channel_id)
    if not adapter_for(channel.type).capabilities.templates:
        raise NotFound("This channel has no templates.")
    return channel


def _address(channel: Channel) -> str:
    return f"/console/channels/{channel.id}/templates"


def _page(visit: Visit, channel: Channel, form: Form, status: int = 200) -> Page:
    known = visit.directory.templates.get(channel.id, {})
    return visit.page(
        "templates.html",
        title="Templates",
        status=status,
        channel=channel,
        address=_address(channel),
        rows=[(one, _words(one), [place.param for place in places(one)]) for one in known.values()],
        names=sorted({one.name for one in known.values()}),
        categories=templates.CATEGORIES,
        form=form,
        has_any=adapter_for(channel.type).capabilities.templates,
    )


def _words(template: Template) -> str:
    body = (one.get("text") for one in template.components if str(one.get("type")).upper() == "BODY")
    return str(next(body, "") or "")


def _wanted(form: Form) -> Template:
    try:
        components = msgspec.json.decode(form.raw("components"), type=tuple[dict[str, Any], ...])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidInput({"components": [f"This is no JSON list of components: {error}."]}) from None
    return Template(
        name=form.get("name"), lang=form.get("lang"), category=form.get("category"), components=components
    )
