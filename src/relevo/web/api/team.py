"""The workspace: its people, its flows, and what is shown of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.admin import workspaces
from relevo.domain.errors import InvalidInput
from relevo.domain.ids import FlowId, flow_ns
from relevo.domain.sidebar import CHANNELS, FLAGS, SIDEBAR_FLAGS_ABOUT
from relevo.domain.workspaces import Role, Scope, Workspace
from relevo.store.database import Connection
from relevo.web.api.answers import Page, PageQuery, page_example
from relevo.web.api.calls import Call
from relevo.web.api.flow import AgentPage, AgentsQuery, agents_of
from relevo.web.api.operations import reads, writes

TAG = "Workspace"

Offered = Annotated[Literal[0, 1], Meta(description="1: it may be added; 0: it may not.", examples=[1])]
Answer = TypeVar("Answer", bound=msgspec.Struct)


class TeamInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The workspace. The owner is the first one that there is; 0 and no address for none."""

    id: Annotated[int, Meta(description="`team_id` elsewhere.", examples=[1])]
    name: Annotated[str, Meta(examples=["Acme"])]
    image: str = ""
    owner_id: Annotated[int, Meta(examples=[54])]
    owner_email: Annotated[str, Meta(examples=["olga@example.com"])]


class TeamInfoAnswer(msgspec.Struct, frozen=True):
    """The workspace of the token."""

    data: TeamInfo
    status: Literal["ok"] = "ok"


@reads(
    "/team-info",
    tag=TAG,
    title="Get the workspace",
    name="getTeamInfo",
    scope=Scope.MANAGE_TEAM,
    example={
        "data": {"id": 1, "name": "Acme", "image": "", "owner_id": 54, "owner_email": "olga@example.com"},
        "status": "ok",
    },
)
async def team_info(call: NamedDependency[Call]) -> TeamInfoAnswer:
    """The workspace of the token, and who owns it."""
    owner = next((one for one in call.members if one.role is Role.OWNER), None)
    return TeamInfoAnswer(
        TeamInfo(
            id=call.workspace.id,
            name=call.workspace.name,
            owner_id=owner.id if owner else 0,
            owner_email=owner.email if owner else "",
        )
    )


class FlowInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A flow. `type` is that of its first channel, `linked_label` what people know that channel by."""

    name: Annotated[str, Meta(examples=["support"])]
    flow_ns: Annotated[str, Meta(examples=["f1001"])]
    type: Annotated[str, Meta(examples=["web"])]
    linked_label: Annotated[str, Meta(examples=["website"])]


class FlowPage(Page[FlowInfo], frozen=True):
    """A page of flows."""


class FlowsQuery(PageQuery, frozen=True, kw_only=True):
    name: Annotated[str, Meta(max_length=200, description="Any part of the name.")] = ""
    type: Annotated[
        str, Meta(max_length=40, description="Only those with a channel of this type.", examples=["web"])
    ] = ""


@reads(
    "/team-flows",
    tag=TAG,
    title="List flows",
    name="listTeamFlows",
    asks=FlowsQuery,
    scope=Scope.MANAGE_TEAM,
    example=page_example(
        "/team-flows", {"name": "support", "flow_ns": "f1001", "type": "web", "linked_label": "website"}
    ),
)
async def team_flows(call: NamedDependency[Call], asked: NamedDependency[FlowsQuery]) -> FlowPage:
    """The flows of the workspace, the first one first."""
    here = call.key.workspace_id
    flows = sorted(call.services.catalog.directory.flows.values(), key=lambda one: one.id)
    wanted = [
        _flow_info(call, one.id, one.name)
        for one in flows
        if one.workspace_id == here
        and asked.name.casefold() in one.name.casefold()
        and (not asked.type or asked.type in _types(call, one.id))
    ]
    return call.paging(asked).cut(FlowPage, wanted)


def _flow_info(call: Call, id_: FlowId, name: str) -> FlowInfo:
    first = next(iter(_channels(call, id_)), ("", ""))
    return FlowInfo(name=name, flow_ns=flow_ns(id_), type=first[0], linked_label=first[1])


def _types(call: Call, id_: FlowId) -> set[str]:
    """Of its channels, in Relevo's words and in UChat's."""
    ours = {type_ for type_, _ in _channels(call, id_)}
    return ours | {name for name, type_ in CHANNELS.items() if type_ in ours}


def _channels(call: Call, id_: FlowId) -> list[tuple[str, str]]:
    channels = sorted(call.services.catalog.directory.channels.values(), key=lambda one: one.id)
    return [(one.type, one.name) for one in channels if one.flow_id == id_]


@reads(
    "/team-members",
    tag=TAG,
    title="List members",
    name="listTeamMembers",
    asks=AgentsQuery,
    scope=Scope.MANAGE_TEAM,
    example=page_example(
        "/team-members",
        {
            "id": 55,
            "name": "Luis",
            "email": "luis@example.com",
            "image": "",
            "role": "agent",
            "is_online": True,
        },
    ),
)
async def team_members(call: NamedDependency[Call], asked: NamedDependency[AgentsQuery]) -> AgentPage:
    """Everybody of the workspace, and who is online."""
    return await agents_of(call, asked)


# What the workspace offers and shows


class ChannelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which types of channel may be added: 1 or 0. What is there already goes on."""

    chat: Offered = 0
    facebook: Offered = 0
    instagram: Offered = 0
    whatsapp: Offered = 0
    whatsapp_cloud: Offered = 0
    telegram: Offered = 0
    tiktok: Offered = 0
    line: Offered = 0
    viber: Offered = 0
    vk: Offered = 0
    wechat: Offered = 0
    rcs: Offered = 0
    sms: Offered = 0
    voice: Offered = 0
    slack: Offered = 0
    chatwoot: Offered = 0
    intercom: Offered = 0
    jivochat: Offered = 0


class ChannelChange(msgspec.Struct, frozen=True, kw_only=True):
    """Which types of channel may be added from now on; what is left out stays."""

    chat: Offered | None = None
    facebook: Offered | None = None
    instagram: Offered | None = None
    whatsapp: Offered | None = None
    whatsapp_cloud: Offered | None = None
    telegram: Offered | None = None
    tiktok: Offered | None = None
    line: Offered | None = None
    viber: Offered | None = None
    vk: Offered | None = None
    wechat: Offered | None = None
    rcs: Offered | None = None
    sms: Offered | None = None
    voice: Offered | None = None
    slack: Offered | None = None
    chatwoot: Offered | None = None
    intercom: Offered | None = None
    jivochat: Offered | None = None


class ChannelSettingsAnswer(msgspec.Struct, frozen=True):
    """Which types of channel may be added. Those that Relevo does not have are 0."""

    data: ChannelSettings
    status: Literal["ok"] = "ok"


_OFFERED: dict[str, Any] = dict.fromkeys(ChannelSettings.__struct_fields__, 0) | dict.fromkeys(CHANNELS, 1)
_OFFERED_ANSWER: dict[str, Any] = {"data": _OFFERED, "status": "ok"}


@reads(
    "/workspace-settings/channels",
    tag=TAG,
    title="Which channels are offered",
    name="getChannelSettings",
    scope=Scope.MANAGE_TEAM,
    example=_OFFERED_ANSWER,
)
async def channel_settings(call: NamedDependency[Call]) -> ChannelSettingsAnswer:
    """Which types of channel can be added in the console of this workspace."""
    return _offered(call.workspace)


@writes(
    "/workspace-settings/update-channels",
    tag=TAG,
    title="Say which channels are offered",
    name="updateChannelSettings",
    scope=Scope.MANAGE_TEAM,
    example={"sms": 0},
    answer=_OFFERED_ANSWER,
    about=None,
)
async def update_channel_settings(
    call: NamedDependency[Call], data: JSONBody[ChannelChange]
) -> ChannelSettingsAnswer:
    """Offer types of channel, or offer them no more. `whatsapp` and `whatsapp_cloud` are one."""
    given = {name: flag for name, flag in msgspec.structs.asdict(data).items() if flag is not None}
    missing = [name for name, flag in given.items() if flag and name not in CHANNELS]
    if missing:
        wrong = "Relevo has no such channel; leave it out, or send 0."
        raise InvalidInput({name: [wrong] for name in missing})
    on = {CHANNELS[name] for name, flag in given.items() if flag}
    off = {CHANNELS[name] for name, flag in given.items() if not flag and name in CHANNELS}

    async def work(connection: Connection) -> ChannelSettingsAnswer:
        here = call.key.workspace_id
        return _offered(await workspaces.offer_channels(connection, here, on=on, off=off - on))

    return await _changed(call, work, ChannelSettingsAnswer)


def _offered(workspace: Workspace) -> ChannelSettingsAnswer:
    off = workspace.channels_off
    flags: dict[str, Any] = {name: int(type_ not in off) for name, type_ in CHANNELS.items()}
    return ChannelSettingsAnswer(ChannelSettings(**flags))


class SidebarSettings(msgspec.Struct, frozen=True):
    """The flags that are on."""

    data: Annotated[list[str], Meta(examples=[["hide_spam"]], description=SIDEBAR_FLAGS_ABOUT)]


class SidebarAnswer(msgspec.Struct, frozen=True):
    """The flags that are on, of what the list of conversations hides and shows."""

    data: Annotated[list[str], Meta(examples=[["hide_spam"]])]
    status: Literal["ok"] = "ok"


@reads(
    "/workspace-settings/live-chat-sidebar",
    tag=TAG,
    title="What the inbox hides",
    name="getSidebarSettings",
    scope=Scope.MANAGE_TEAM,
    example={"data": ["hide_spam"], "status": "ok"},
)
async def sidebar_settings(call: NamedDependency[Call]) -> SidebarAnswer:
    """What the list of conversations in the console hides."""
    return SidebarAnswer(sorted(call.workspace.sidebar))


@writes(
    "/workspace-settings/update-live-chat-sidebar",
    tag=TAG,
    title="Say what the inbox hides",
    name="updateSidebarSettings",
    scope=Scope.MANAGE_TEAM,
    example={"data": ["hide_spam"]},
    answer={"data": ["hide_spam"], "status": "ok"},
    about=None,
)
async def update_sidebar_settings(
    call: NamedDependency[Call], data: JSONBody[SidebarSettings]
) -> SidebarAnswer:
    """Replace the flags: those that are not named are off."""
    wrong = {f"data.{at}": flag for at, flag in enumerate(data.data) if flag not in FLAGS}
    if wrong:
        told = f"use {', '.join(sorted(FLAGS))}."
        raise InvalidInput({field: [f"There is no flag {flag!r}; {told}"] for field, flag in wrong.items()})

    async def work(connection: Connection) -> SidebarAnswer:
        here = call.key.workspace_id
        return SidebarAnswer(sorted((await workspaces.set_sidebar(connection, here, data.data)).sidebar))

    return await _changed(call, work, SidebarAnswer)


async def _changed(call: Call, work: Callable[[Connection], Awaitable[Answer]], into: type[Answer]) -> Answer:
    answer = await call.once(work, into)
    await call.services.catalog.refresh(at_once=True)
    return answer
