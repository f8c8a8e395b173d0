"""Channels and their Live Chat Settings."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from markdown_it import MarkdownIt
from markupsafe import Markup

import relevo.channels
from relevo.admin import channels, connecting, templates
from relevo.admin import deleting as admin_deleting
from relevo.admin.connecting import AskVendor
from relevo.admin.reaching_us import Ourselves, ourselves
from relevo.channels.adapter import Findings
from relevo.channels.registry import ADAPTERS, adapter_for
from relevo.domain.configuring import ChannelWish
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import ChannelId
from relevo.domain.workspaces import Channel, Endpoint, FlowEntry, LiveChatMode
from relevo.store import figures
from relevo.web.console import channel_options, deleting, forms
from relevo.web.console.forms import Form
from relevo.web.console.notices import Notice
from relevo.web.console.visits import Page, TheVisit, Visit

# Looking


@get("/channels")
async def listing(visit: TheVisit) -> Page:
    async with visit.services.database.read() as connection:
        backlogs = await figures.backlogs(connection, visit.workspace_id)
    return visit.page(
        "channels.html",
        title="Channels",
        channels=[one for one in visit.directory.channels.values() if one.workspace_id == visit.workspace_id],
        adapters=ADAPTERS,
        flows=visit.directory.flows,
        endpoints=visit.directory.endpoints,
        waiting={one.destination.id: one for one in backlogs if one.destination.kind == "channel"},
    )


@get("/channels/new")
async def new(visit: TheVisit) -> Page:
    type_ = visit.query.get("type")
    if type_ not in ADAPTERS:
        return visit.page("channel_types.html", title="New channel", adapters=ADAPTERS)
    return await _page(visit, type_, None, forms.filled(mode=LiveChatMode.NONE.value))


@get("/channels/{channel_id:int}")
async def show(visit: TheVisit, channel_id: FromPath[int]) -> Page:
    channel = find(visit, channel_id)
    return await _page(visit, channel.type, channel, _filled(visit, channel))


def find(visit: Visit, channel_id: int) -> Channel:
    found = visit.directory.channels.get(ChannelId(channel_id))
    if found is None or found.workspace_id != visit.workspace_id:
        raise NotFound("There is no such channel in this workspace.")
    return found


async def _page(
    visit: Visit,
    type_: str,
    channel: Channel | None,
    form: Form,
    status: int = 200,
    findings: Findings | None = None,
) -> Page:
    return visit.page(
        "channel.html",
        title=channel.name if channel else f"New channel: {adapter_for(type_).title}",
        status=status,
        type=type_,
        adapter=adapter_for(type_),
        channel=channel,
        form=form,
        options=channel_options.options_of(type_),
        flows=_flows(visit),
        endpoints=_endpoints(visit),
        modes=list(LiveChatMode),
        addresses=_addresses(visit, channel) if channel else {},
        deleting=await deleting.of_channel(visit, channel) if channel else None,
        guide=guide(type_),
        findings=findings,
        can_ask=visit.services.ask_vendor is not None,
        has_templates=channel is not None and adapter_for(type_).capabilities.templates,
    )


def _flows(visit: Visit) -> list[FlowEntry]:
    return [one for one in visit.directory.flows.values() if one.workspace_id == visit.workspace_id]


def _endpoints(visit: Visit) -> list[Endpoint]:
    return [one for one in visit.directory.endpoints.values() if one.workspace_id == visit.workspace_id]


def _filled(visit: Visit, channel: Channel) -> Form:
    endpoint = channel.live_chat.endpoint_id
    return forms.filled(
        name=channel.name,
        flow=visit.directory.flows[channel.flow_id].name,
        mode=channel.live_chat.mode.value,
        endpoint=visit.directory.endpoints[endpoint].name if endpoint is not None else "",
        **channel_options.shown(channel.type, channel.config),
    )


def _addresses(visit: Visit, channel: Channel) -> dict[str, Any]:
    """What is to be copied from the page: `values` by their names, and for a website `chat` and `snippet`."""
    base = visit.services.edge.public_url
    if channel.type != "web":
        return {"values": adapter_for(channel.type).to_copy(channel, connecting.hook_url(base, channel))}
    script = f'<script type="module" src="{base}/widget.js" data-channel="{channel.key}"></script>'
    return {"chat": f"{base}/chat/{channel.key}", "snippet": script}


# The set-up guide


@cache
def guide(type_: str) -> Markup:
    """The channel type's own guide as HTML, its headings one level down: the page has one of its own."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(_guide_text(type_))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + 1)}"
    return Markup(reader.renderer.render(tokens, reader.options, {}))


def _guide_text(type_: str) -> str:
    return (Path(relevo.channels.__file__).parent / type_ / "doc.md").read_text()


# Saving


@post("/channels/new")
async def create(visit: TheVisit) -> Response[Any]:
    form = await visit.form()
    type_ = form.get("type")
    if type_ not in ADAPTERS:
        raise NotFound("There is no such channel type.")
    return await _save(visit, type_, None, form)


@post("/channels/{channel_id:int}")
async def change(visit: TheVisit, channel_id: FromPath[int]) -> Response[Any]:
    channel = find(visit, channel_id)
    return await _save(visit, channel.type, channel, await visit.form())


async def _save(visit: Visit, type_: str, channel: Channel | None, form: Form) -> Response[Any]:
    try:
        wish = _wish(type_, channel, form)
        id_ = channel.id if channel else None
        saved = await channels.save(visit.means, visit.workspace_id, wish, id_)
    except InvalidInput as error:
        refused = form.refused(error, live_chat="endpoint", **channel_options.field_of(type_))
        return await _page(visit, type_, channel, refused, status=422)
    notice = Notice("The channel is saved.", secret=saved.secret, secret_name="Secret")
    return visit.go(f"/console/channels/{saved.thing.id}", notice)


def _wish(type_: str, channel: Channel | None, form: Form) -> ChannelWish:
    mode = _mode(form)
    return ChannelWish(
        name=form.get("name"),
        type=type_,
        flow=form.get("flow"),
        mode=mode,
        endpoint=form.get("endpoint") or None if mode is LiveChatMode.WEBHOOK else None,
        config=channel_options.read(type_, form, channel.config if channel else {}),
    )


def _mode(form: Form) -> LiveChatMode:
    try:
        return LiveChatMode(form.get("mode", LiveChatMode.NONE.value))
    except ValueError:
        modes = ", ".join(LiveChatMode)
        raise InvalidInput({"mode": [f"there is no such live chat setting; use one of: {modes}"]}) from None


@post("/channels/{channel_id:int}/disable")
async def disable(visit: TheVisit, channel_id: FromPath[int]) -> Response[Any]:
    channel = find(visit, channel_id)
    await channels.disable(visit.means, visit.workspace_id, channel.id, f"by {visit.member.name}")
    return visit.go(f"/console/channels/{channel.id}", Notice("The channel takes nothing in now.", "warn"))


@post("/channels/{channel_id:int}/enable")
async def enable(visit: TheVisit, channel_id: FromPath[int]) -> Response[Any]:
    channel = find(visit, channel_id)
    await channels.disable(visit.means, visit.workspace_id, channel.id, "")
    return visit.go(f"/console/channels/{channel.id}", "The channel is in use again.")


@post("/channels/{channel_id:int}/delete")
async def delete(visit: TheVisit, channel_id: FromPath[int]) -> Response[Any]:
    channel, may = find(visit, channel_id), (await visit.form()).has("give_up_waiting", "yes")
    await admin_deleting.delete_channel(visit.means, visit.workspace_id, channel.id, give_up_waiting=may)
    return visit.go("/console/channels", f"The channel {channel.name} is deleted. Its conversations stay.")


# Asking the vendor. Nothing is changed here by it, so its answer is a page and not a redirect.


@post("/channels/{channel_id:int}/connect", status_code=200)
async def connect(visit: TheVisit, channel_id: FromPath[int]) -> Page:
    channel = find(visit, channel_id)
    findings = await connecting.connect(asking(visit), channel, _us(visit))
    findings = await templates.synced_besides(visit.means, asking(visit), channel, findings)
    return await _page(visit, channel.type, channel, _filled(visit, channel), findings=findings)


@post("/channels/{channel_id:int}/check", status_code=200)
async def check(visit: TheVisit, channel_id: FromPath[int]) -> Page:
    channel = find(visit, channel_id)
    findings = await connecting.check(asking(visit), channel, _us(visit))
    return await _page(visit, channel.type, channel, _filled(visit, channel), findings=findings)


def _us(visit: Visit) -> Ourselves:
    return ourselves(visit.means, visit.services.edge.public_url)


def asking(visit: Visit) -> AskVendor:
    if visit.services.ask_vendor is None:
        raise NotFound("This server cannot ask vendors.")
    return visit.services.ask_vendor
