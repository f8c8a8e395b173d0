"""The flow itself: its people, its subflows, and how many write to it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar.di import NamedDependency
from msgspec import Meta

from relevo.domain.ids import sub_flow_ns
from relevo.domain.inbound_webhooks import InboundWebhook, inbound_url
from relevo.domain.workspaces import Role
from relevo.store import presence, subscribers
from relevo.web.api.answers import Page, PageQuery, page_example
from relevo.web.api.calls import Call
from relevo.web.api.operations import reads

TAG = "Flow"

RoleName = Literal["owner", "admin", "member", "agent"]
Name = Annotated[str, Meta(max_length=200, description="Any part of the name.")]


class AgentInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A human who may be given conversations. `is_online`: they have the console open, or their platform has
    said so."""

    id: Annotated[int, Meta(description="`agent_id` elsewhere.", examples=[55])]
    name: Annotated[str, Meta(examples=["Luis"])]
    email: Annotated[str, Meta(examples=["luis@example.com"])]
    image: str = ""
    role: RoleName
    is_online: bool = False


class AgentPage(Page[AgentInfo], frozen=True):
    """A page of agents."""


class AgentsQuery(PageQuery, frozen=True, kw_only=True):
    name: Name = ""
    role: Annotated[RoleName | None, Meta(description="Only those with this role.")] = None


class SubflowInfo(msgspec.Struct, frozen=True):
    """A named part of the flow."""

    name: Annotated[str, Meta(examples=["person"])]
    sub_flow_ns: Annotated[str, Meta(examples=["f1001s2"])]


class SubflowPage(Page[SubflowInfo], frozen=True):
    """A page of subflows."""


class SubflowsQuery(PageQuery, frozen=True, kw_only=True):
    name: Name = ""


class InboundWebhookInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An address that another system posts to. Whoever has `url` can post there."""

    name: Annotated[str, Meta(examples=["shop orders"])]
    hook_uid: Annotated[str, Meta(description="The part of the address that nobody guesses.")]
    sub_flow_ns: Annotated[str, Meta(description="Which subflow starts; empty: none.", examples=["f1001s2"])]
    status: Annotated[Literal["active", "inactive"], Meta(examples=["active"])]
    url: str


class InboundWebhookPage(Page[InboundWebhookInfo], frozen=True):
    """A page of inbound webhooks."""


class InboundWebhooksQuery(PageQuery, frozen=True, kw_only=True):
    name: Name = ""


class StatusCount(msgspec.Struct, frozen=True):
    status: Annotated[Literal["open", "pending", "done", "spam"], Meta(examples=["open"])]
    num: Annotated[int, Meta(examples=[12])]


class CountAnswer(msgspec.Struct, frozen=True):
    """How many subscribers are in each status; those that nobody is in are left out."""

    data: list[StatusCount]
    status: Literal["ok"] = "ok"


_LUIS = {
    "id": 55,
    "name": "Luis",
    "email": "luis@example.com",
    "image": "",
    "role": "agent",
    "is_online": False,
}


@reads(
    "/flow/agents",
    tag=TAG,
    title="List agents",
    name="listAgents",
    asks=AgentsQuery,
    example=page_example("/flow/agents", _LUIS),
)
async def agents(call: NamedDependency[Call], asked: NamedDependency[AgentsQuery]) -> AgentPage:
    """Everybody of the workspace: whom a conversation can be assigned to, and who can speak in it."""
    return await agents_of(call, asked)


async def agents_of(call: Call, asked: AgentsQuery) -> AgentPage:
    """Members of the workspace, and who of them is online."""
    members = [
        one
        for one in call.members
        if asked.name.casefold() in one.name.casefold() and asked.role in (None, one.role)
    ]
    async with call.services.database.read() as connection:
        online = await presence.online(connection, [one.id for one in members], call.services.clock.now())
    wanted = [
        AgentInfo(
            id=one.id, name=one.name, email=one.email, role=_ROLES[one.role], is_online=one.id in online
        )
        for one in members
    ]
    return call.paging(asked).cut(AgentPage, wanted)


_ROLES: dict[Role, RoleName] = {
    Role.OWNER: "owner",
    Role.ADMIN: "admin",
    Role.MEMBER: "member",
    Role.AGENT: "agent",
}


@reads(
    "/flow/subflows",
    tag=TAG,
    title="List subflows",
    name="listSubflows",
    asks=SubflowsQuery,
    example=page_example("/flow/subflows", {"name": "person", "sub_flow_ns": "f1001s2"}),
)
async def subflows(call: NamedDependency[Call], asked: NamedDependency[SubflowsQuery]) -> SubflowPage:
    """The named parts of the flow as it runs now."""
    wanted = [
        SubflowInfo(name, ns)
        for name, ns in (await call.subflows()).items()
        if asked.name.casefold() in name.casefold()
    ]
    return call.paging(asked).cut(SubflowPage, wanted)


@reads(
    "/flow/bot-users-count",
    tag=TAG,
    title="Count subscribers",
    name="countSubscribers",
    example={"data": [{"status": "open", "num": 12}, {"status": "done", "num": 340}], "status": "ok"},
)
async def bot_users_count(call: NamedDependency[Call]) -> CountAnswer:
    """How many subscribers are in each status; of more than ten thousand, as it was within ten seconds."""
    totals, now, flow_id = call.services.totals, call.services.clock.monotonic(), call.key.flow_id
    counts = totals.find_by_status(flow_id, now)
    if counts is None:
        async with call.services.database.read() as connection:
            counts = await subscribers.count_by_status(connection, flow_id)
        totals.note_by_status(flow_id, counts, now)
    rows = [{"status": status, "num": num} for status, num in counts.items()]
    return CountAnswer(msgspec.convert(rows, list[StatusCount]))


@reads(
    "/flow/inbound-webhooks",
    tag=TAG,
    title="List inbound webhooks",
    name="listInboundWebhooks",
    asks=InboundWebhooksQuery,
    example=page_example(
        "/flow/inbound-webhooks",
        {
            "name": "shop orders",
            "hook_uid": "Zm9vYmFyYmF6",
            "sub_flow_ns": "f1001s2",
            "status": "active",
            "url": "https://relevo.example.com/inbound/Zm9vYmFyYmF6",
        },
    ),
)
async def inbound_webhooks(
    call: NamedDependency[Call], asked: NamedDependency[InboundWebhooksQuery]
) -> InboundWebhookPage:
    """The addresses that other systems post to about subscribers of the flow."""
    everything = call.services.catalog.directory.inbound_webhooks.values()
    ours = [one for one in everything if one.flow_id == call.key.flow_id]
    wanted = [_inbound(call, one) for one in ours if asked.name.casefold() in one.name.casefold()]
    return call.paging(asked).cut(InboundWebhookPage, wanted)


def _inbound(call: Call, one: InboundWebhook) -> InboundWebhookInfo:
    number = call.flow.subflows.get(one.start)
    return InboundWebhookInfo(
        name=one.name,
        hook_uid=one.key,
        sub_flow_ns=sub_flow_ns(one.flow_id, number) if number is not None else "",
        status="inactive" if one.disabled_reason else "active",
        url=inbound_url(call.services.edge.public_url, one),
    )
