"""Integrations → Inbound webhooks: where other systems post, and what becomes of what they say."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import inbound_webhooks
from relevo.domain.configuring import InboundWish
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import InboundWebhookId, user_ns
from relevo.domain.inbound_webhooks import TARGETS, InboundWebhook, Mapped, inbound_url
from relevo.domain.json_paths import leaves
from relevo.domain.workspaces import Channel, FlowEntry
from relevo.store import inbound_webhooks as store
from relevo.store.inbound_webhooks import InboundCall
from relevo.web.console import forms
from relevo.web.console.forms import Form
from relevo.web.console.notices import Notice
from relevo.web.console.paging import older
from relevo.web.console.visits import Page, TheVisit, Visit

SHOWN = 20
LONGEST_SAMPLE = 60

PLACE = "/console/inbound-webhooks"


class MappingRow(msgspec.Struct, frozen=True):
    """A line of the mapping: `sample` is what the last request had there."""

    path: str
    to: str
    sample: str = ""
    problems: tuple[str, ...] = ()


# Looking


@get("/inbound-webhooks")
async def listing(visit: TheVisit) -> Page:
    everything = visit.directory.inbound_webhooks.values()
    return visit.page(
        "inbound_webhooks.html",
        title="Inbound webhooks",
        webhooks=[one for one in everything if one.workspace_id == visit.workspace_id],
        flows=visit.directory.flows,
    )


@get("/inbound-webhooks/new")
async def new(visit: TheVisit) -> Page:
    return await _page(visit, None, Form())


@get("/inbound-webhooks/{inbound_id:int}")
async def show(visit: TheVisit, inbound_id: FromPath[int]) -> Page:
    webhook = _find(visit, inbound_id)
    return await _page(visit, webhook, _filled(visit, webhook))


def _find(visit: Visit, inbound_id: int) -> InboundWebhook:
    found = visit.directory.inbound_webhooks.get(InboundWebhookId(inbound_id))
    if found is None or found.workspace_id != visit.workspace_id:
        raise NotFound("There is no such inbound webhook in this workspace.")
    return found


async def _page(visit: Visit, webhook: InboundWebhook | None, form: Form, status: int = 200) -> Page:
    before = visit.query.number("before")
    calls, sample = await _requests(visit, webhook, before)
    shown, more = calls[:SHOWN], calls[SHOWN:]
    here = f"{PLACE}/{webhook.id if webhook else 'new'}"
    return visit.page(
        "inbound_webhook.html",
        title=webhook.name if webhook else "New inbound webhook",
        status=status,
        webhook=webhook,
        form=form,
        flows=_flows(visit),
        channels=_channels(visit, webhook),
        subflows=list(visit.directory.flows[webhook.flow_id].subflows) if webhook else [],
        address=inbound_url(visit.services.edge.public_url, webhook) if webhook else "",
        rows=_rows(form, sample),
        targets=[*TARGETS, "field."],
        calls=shown,
        people={one.id: _person(webhook, one) for one in shown},
        is_later_page=before is not None,
        next_page=older(here, shown, more),
        here=here,
    )


async def _requests(
    visit: Visit, webhook: InboundWebhook | None, before: int | None
) -> tuple[list[InboundCall], InboundCall | None]:
    if webhook is None:
        return [], None
    async with visit.services.database.read() as connection:
        calls = await store.calls(connection, webhook.id, before_id=before, limit=SHOWN + 1)
        return calls, await store.latest_readable(connection, webhook.id)


def _person(webhook: InboundWebhook | None, call: InboundCall) -> str:
    if webhook is None or call.conversation_id is None:
        return ""
    return user_ns(webhook.flow_id, call.conversation_id)


def _flows(visit: Visit) -> list[FlowEntry]:
    return [one for one in visit.directory.flows.values() if one.workspace_id == visit.workspace_id]


def _channels(visit: Visit, webhook: InboundWebhook | None) -> list[Channel]:
    """Those of the flow; of a new one, all that there are."""
    ours = [one for one in visit.directory.channels.values() if one.workspace_id == visit.workspace_id]
    return [one for one in ours if webhook is None or one.flow_id == webhook.flow_id]


def _filled(visit: Visit, webhook: InboundWebhook) -> Form:
    channel = visit.directory.channels.get(webhook.channel_id) if webhook.channel_id is not None else None
    return forms.filled(
        name=webhook.name,
        flow=visit.directory.flows[webhook.flow_id].name,
        channel=channel.name if channel else "",
        map_path=[one.path for one in webhook.mappings],
        map_to=[one.to for one in webhook.mappings],
        tags=", ".join(webhook.tags),
        start=webhook.start,
        key=webhook.key_path,
    )


def _rows(form: Form, sample: InboundCall | None) -> list[MappingRow]:
    """What is mapped, then what the last request had besides, then an empty line."""
    values = _values(sample)
    mapped = [
        MappingRow(path, to, values.get(path, ""), tuple(form.problems(f"map.{path}")))
        for path, to in zip(form.all("map_path"), form.all("map_to"), strict=False)
        if path or to
    ]
    known = {row.path for row in mapped}
    offered = [MappingRow(path, "", value) for path, value in values.items() if path not in known]
    return [*mapped, *offered, MappingRow("", "")]


def _values(sample: InboundCall | None) -> dict[str, str]:
    try:
        body = msgspec.json.decode(sample.body) if sample is not None else None
    except msgspec.DecodeError:  # longer than what is kept
        return {}
    return {path: _short(value) for path, value in leaves(body)} if isinstance(body, dict | list) else {}


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_SAMPLE else f"{text[:LONGEST_SAMPLE]}…"


# Saving


@post("/inbound-webhooks/new")
async def create(visit: TheVisit) -> Response[Any]:
    return await _save(visit, None)


@post("/inbound-webhooks/{inbound_id:int}")
async def change(visit: TheVisit, inbound_id: FromPath[int]) -> Response[Any]:
    return await _save(visit, _find(visit, inbound_id))


async def _save(visit: Visit, webhook: InboundWebhook | None) -> Response[Any]:
    form = await visit.form()
    try:
        id_ = webhook.id if webhook else None
        saved = await inbound_webhooks.save(visit.means, visit.workspace_id, _wish(form, webhook), id_)
    except InvalidInput as error:
        return await _page(visit, webhook, form.refused(error), status=422)
    what = "The inbound webhook is saved." if webhook else "Send a request to its address: it listens."
    return visit.go(f"{PLACE}/{saved.thing.id}", what)


def _wish(form: Form, webhook: InboundWebhook | None) -> InboundWish:
    first = InboundWish(name=form.get("name"), flow=form.get("flow"), channel=form.get("channel"))
    if webhook is None:
        return first
    return msgspec.structs.replace(
        first,
        mappings=_mappings(form),
        tags=tuple(filter(None, (tag.strip() for tag in form.get("tags").split(",")))),
        start=form.get("start"),
        key_path=form.get("key"),
    )


def _mappings(form: Form) -> tuple[Mapped, ...]:
    """Lines without a target are what was offered and not taken."""
    pairs = zip(form.all("map_path"), form.all("map_to"), strict=False)
    return tuple(Mapped(path, to) for path, to in pairs if to)


@post("/inbound-webhooks/{inbound_id:int}/enable")
async def enable(visit: TheVisit, inbound_id: FromPath[int]) -> Response[Any]:
    webhook = _find(visit, inbound_id)
    await inbound_webhooks.enable(visit.means, visit.workspace_id, webhook.id)
    return visit.go(f"{PLACE}/{webhook.id}", "Requests are taken again.")


@post("/inbound-webhooks/{inbound_id:int}/disable")
async def disable(visit: TheVisit, inbound_id: FromPath[int]) -> Response[Any]:
    webhook = _find(visit, inbound_id)
    reason = f"by {visit.member.name}"
    await inbound_webhooks.disable(visit.means, visit.workspace_id, webhook.id, reason)
    return visit.go(f"{PLACE}/{webhook.id}", Notice("Requests are refused now.", "warn"))


@post("/inbound-webhooks/{inbound_id:int}/renew")
async def renew(visit: TheVisit, inbound_id: FromPath[int]) -> Response[Any]:
    webhook = _find(visit, inbound_id)
    await inbound_webhooks.renew(visit.means, visit.workspace_id, webhook.id)
    return visit.go(f"{PLACE}/{webhook.id}", "It has a new address. The old one leads nowhere.")


@post("/inbound-webhooks/{inbound_id:int}/delete")
async def delete(visit: TheVisit, inbound_id: FromPath[int]) -> Response[Any]:
    webhook = _find(visit, inbound_id)
    await inbound_webhooks.delete(visit.means, visit.workspace_id, webhook.id)
    return visit.go(PLACE, f"The inbound webhook {webhook.name} is deleted.")
