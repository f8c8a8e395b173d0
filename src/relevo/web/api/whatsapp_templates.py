"""Templates of WhatsApp: what the company's numbers may say at any time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.admin import templates
from relevo.admin.connecting import AskVendor
from relevo.domain.approved_templates import Template
from relevo.domain.errors import InvalidInput, Unavailable
from relevo.domain.workspaces import Channel
from relevo.web.api.answers import Ok, Page, PageQuery, page_example
from relevo.web.api.calls import Call
from relevo.web.api.operations import looks_up, writes
from relevo.web.api.redelivering import means

TAG = "WhatsApp Template"

LONGEST_NAME = 512
Components = Annotated[
    list[Any],
    Meta(
        max_length=20,
        description="As Meta has them: `HEADER`, `BODY`, `FOOTER`, `BUTTONS`, `CAROUSEL`.",
        examples=[[{"type": "BODY", "text": "Hi {{1}}, your order is on its way."}]],
    ),
]
ChannelName = Annotated[
    str, Meta(max_length=200, description="Which number, by its name; needed where the flow has several.")
]


class WhatsappTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A template, as Meta has it."""

    name: Annotated[str, Meta(examples=["order_sent"])]
    language: Annotated[str, Meta(examples=["en_US"])]
    category: Annotated[str, Meta(examples=["UTILITY"])]
    status: Annotated[str, Meta(description="Only an `APPROVED` one can be sent.", examples=["APPROVED"])]
    namespace: str
    components: list[dict[str, Any]]
    channel: Annotated[str, Meta(description="The number that may say it.", examples=["whatsapp"])]


class TemplatePage(Page[WhatsappTemplate], frozen=True):
    """A page of templates."""


class TemplatesQuery(PageQuery, frozen=True, kw_only=True):
    name: Annotated[str, Meta(max_length=LONGEST_NAME, description="Any part of the name.")] = ""


class NewTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A template that Meta is to approve."""

    name: Annotated[
        str,
        Meta(
            pattern="^[a-z0-9_]{1,512}$", description="Small letters, digits and _.", examples=["order_sent"]
        ),
    ]
    language: Annotated[
        str, Meta(pattern="^[A-Za-z_]{2,10}$", description="As Meta writes it.", examples=["en_US"])
    ]
    category: Annotated[str, Meta(max_length=40, description="UTILITY, MARKETING or AUTHENTICATION.")]
    components: Components
    channel: ChannelName = ""


class WhichNumber(msgspec.Struct, frozen=True, kw_only=True):
    channel: Annotated[str, Meta(max_length=200, description="Only this number, by its name.")] = ""


class TemplateName(msgspec.Struct, frozen=True, kw_only=True):
    name: Annotated[
        str, Meta(max_length=LONGEST_NAME, description="The whole name.", examples=["order_sent"])
    ]
    channel: ChannelName = ""


_BODY = {"type": "BODY", "text": "Hi {{1}}, your order is on its way.", "example": {"body_text": [["Ana"]]}}
_TEMPLATE = {
    "name": "order_sent",
    "language": "en_US",
    "category": "UTILITY",
    "status": "APPROVED",
    "namespace": "cf04cf2d_24b0_4d40_bd21_9ba2aea23d83",
    "components": [_BODY],
    "channel": "whatsapp",
}


@looks_up(
    "/whatsapp-template/list",
    tag=TAG,
    title="List templates",
    name="listWhatsappTemplates",
    example={"limit": 10, "page": 1},
    answer=page_example("/whatsapp-template/list", _TEMPLATE),
)
async def list_templates(call: NamedDependency[Call], data: JSONBody[TemplatesQuery]) -> TemplatePage:
    """What Meta told of the templates of the flow's numbers when they were last synced, by name. The
    parameters may stand in the query or in the body."""
    known = call.services.catalog.directory.templates
    rows = [
        _row(one, channel)
        for channel in _numbers(call)
        for one in known.get(channel.id, {}).values()
        if data.name.casefold() in one.name
    ]
    return call.paging(data).cut(TemplatePage, rows)


@writes(
    "/whatsapp-template/create",
    tag=TAG,
    title="Make a template",
    name="createWhatsappTemplate",
    example={key: _TEMPLATE[key] for key in ("name", "language", "category", "components")},
    about=None,
)
async def create_template(call: NamedDependency[Call], data: JSONBody[NewTemplate]) -> Ok:
    """Ask Meta to approve a template. It is listed at once, with the status that Meta gives it."""
    wanted = Template(
        name=data.name,
        lang=data.language,
        category=data.category.upper(),
        components=tuple(one for one in data.components if isinstance(one, dict)),
    )
    return await _at_vendor(
        call, data.channel, lambda ask, channel: templates.make(means(call), ask, channel, wanted)
    )


@writes(
    "/whatsapp-template/delete",
    method="DELETE",
    tag=TAG,
    title="Delete a template",
    name="deleteWhatsappTemplate",
    example={"name": "order_sent"},
    about=None,
)
async def delete_template(call: NamedDependency[Call], data: JSONBody[TemplateName]) -> Ok:
    """Have Meta forget a template, in all its languages."""
    return await _at_vendor(
        call, data.channel, lambda ask, channel: templates.drop(means(call), ask, channel, data.name)
    )


@writes(
    "/whatsapp-template/sync",
    tag=TAG,
    title="Sync templates",
    name="syncWhatsappTemplates",
    example={},
    about=None,
)
async def sync_templates(call: NamedDependency[Call], data: JSONBody[WhichNumber]) -> Ok:
    """Ask Meta for all templates of the flow's numbers. Messages are checked against what it says."""

    async def sync() -> None:
        for channel in [_number(call, data.channel)] if data.channel else _some_number(call):
            await templates.sync(means(call), _ask(call), channel)

    return await call.once_outside(sync)


async def _at_vendor(call: Call, name: str, work: Callable[[AskVendor, Channel], Awaitable[object]]) -> Ok:
    async def do() -> None:
        await work(_ask(call), _number(call, name))

    return await call.once_outside(do)


def _ask(call: Call) -> AskVendor:
    if call.services.ask_vendor is None:
        raise Unavailable(cause="this server cannot ask vendors")
    return call.services.ask_vendor


def _numbers(call: Call) -> list[Channel]:
    """The flow's channels whose vendor has templates."""
    ours = (one for one in call.services.catalog.directory.channels.values() if one.flow_id == call.flow.id)
    return templates.with_templates(ours)


def _some_number(call: Call) -> list[Channel]:
    found = _numbers(call)
    if not found:
        raise InvalidInput({"channel": ["The flow has no WhatsApp channel yet; connect one first."]})
    return found


def _number(call: Call, name: str) -> Channel:
    """The one that is meant. Raises `InvalidInput` where that is not clear."""
    found = _some_number(call)
    named = [one for one in found if name in ("", one.name)]
    if len(named) == 1:
        return named[0]
    names = ", ".join(one.name for one in found)
    what = f"There is no WhatsApp channel {name!r} here" if name else "The flow has several numbers"
    raise InvalidInput({"channel": [f"{what}; use one of: {names}."]})


def _row(one: Template, channel: Channel) -> WhatsappTemplate:
    return WhatsappTemplate(
        name=one.name,
        language=one.lang,
        category=one.category,
        status=one.status,
        namespace=one.namespace,
        components=[*one.components],
        channel=channel.name,
    )
