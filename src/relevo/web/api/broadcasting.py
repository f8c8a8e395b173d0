"""Saying one thing to many: to a list, to tags, to segments; now or later, and no faster than asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.admin import broadcasts as administration
from relevo.admin import vocabulary as admin_vocabulary
from relevo.admin.broadcasts import BroadcastWish
from relevo.admin.changing import refuse
from relevo.domain import broadcasts as domain
from relevo.domain import complaints
from relevo.domain.broadcasts import HIGHEST_RATE, USUAL_RATE, Broadcast, BroadcastState, Recipients, Says
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import ConversationId, parse_user_ns
from relevo.domain.live_chat import local_time
from relevo.domain.subscribers import FieldValue
from relevo.domain.templates import read_template
from relevo.domain.vocabulary import BotField, Tag, UserField
from relevo.domain.workspaces import Scope
from relevo.store import broadcasts, segments
from relevo.store.database import Connection
from relevo.web.api.answers import Ok, Page, PageQuery, page_example
from relevo.web.api.calls import Call
from relevo.web.api.operations import About, reads, writes
from relevo.web.api.sending import TEMPLATE_SCHEMA
from relevo.web.api.vocabulary import chosen, look_for, of_flow, typed_values

TAG = "Broadcasts"
NS = "f1001b7"
BROADCAST = About("The token's flow has no such broadcast.", f"There is no broadcast {NS} in this flow")

SubFlowNs = Annotated[
    str,
    Meta(pattern=r"^f[0-9]{1,12}s[0-9]{1,9}$", description="The subflow that everybody gets.",
         examples=["f1001s2"]),
]  # fmt: skip
Type = Annotated[
    Literal["EMAIL", "SMS", "WHATSAPP_TEMPLATE", "FACEBOOK_NOTIFICATION"] | None,
    Meta(
        description="Only to people on SMS, WhatsApp or Messenger, or with an email address. "
        "Left out: to all, as their channel's rules allow."
    ),
]
MessageTag = Annotated[
    Literal[
        "CONFIRMED_EVENT_UPDATE", "POST_PURCHASE_UPDATE", "ACCOUNT_UPDATE", "NON_PROMOTIONAL_SUBSCRIPTION"
    ]
    | None,
    Meta(
        description="With FACEBOOK_NOTIFICATION. Taken, and opens no window: whoever has not written for "
        "24 hours is passed over, and counted."
    ),
]
ScheduledTime = Annotated[
    int, Meta(ge=0, le=10**11, description="Unix seconds. 0, or left out: now.", examples=[1_786_123_679])
]
MaxPerMinute = Annotated[
    int, Meta(ge=1, le=HIGHEST_RATE, description="So many people a minute at most.", examples=[USUAL_RATE])
]
Tags = Annotated[
    list[str],
    Meta(description="At most 10, by number or by name.", max_length=100, examples=[["f1001t3"]]),
]


class FieldToSet(msgspec.Struct, frozen=True):
    """A field by its `var_ns` or its name, and what it is set to."""

    var_ns: Annotated[str, Meta(max_length=200, description="Its number, or its name.", examples=["f1001v3"])]
    value: Any = None


class _Sent(msgspec.Struct, frozen=True, kw_only=True):
    scheduled_time: ScheduledTime = 0
    max_per_minute: MaxPerMinute = USUAL_RATE


class ToUsers(_Sent, frozen=True, kw_only=True):
    """A subflow for people by their `user_ns`."""

    user_ns_list: Annotated[
        str, Meta(description="At most 200, with commas between.", examples=["f1001u34,f1001u35"])
    ]
    sub_flow_ns: SubFlowNs
    type: Type = None


class ToUserIds(_Sent, frozen=True, kw_only=True):
    """A subflow for people by the ids that their channels know them under."""

    user_id_list: Annotated[
        str, Meta(description="At most 200, with commas between.", examples=["61412345678,61387625429"])
    ]
    sub_flow_ns: SubFlowNs
    type: Type = None


class ToTags(_Sent, frozen=True, kw_only=True):
    """A subflow for everybody with one of the tags."""

    tags: Tags
    exclude_tags: Tags = []
    sub_flow_ns: SubFlowNs
    name: Annotated[str, Meta(max_length=200, description="What people see it as.")] = ""
    type: Type = None
    message_tag: MessageTag = None
    user_fields: Annotated[
        list[FieldToSet], Meta(max_length=10, description="Set for everybody whom it reaches.")
    ] = []


class ToSegments(_Sent, frozen=True, kw_only=True):
    """A subflow for everybody in one of the segments."""

    segment_ns: Annotated[
        str, Meta(description="At most 10, with commas between.", examples=["f1001sg34,f1001sg56"])
    ]
    sub_flow_ns: SubFlowNs
    type: Type = None
    message_tag: MessageTag = None
    bot_fields: Annotated[
        list[FieldToSet],
        Meta(max_length=10, description="Set for the bot when it begins, before anybody is told."),
    ] = []


Template = Annotated[
    dict[str, Any],
    Meta(description="The template, with its places filled in.", extra_json_schema=TEMPLATE_SCHEMA),
]


class TemplateToUserIds(_Sent, frozen=True, kw_only=True):
    """A template of WhatsApp's for people by their numbers."""

    user_id_list: Annotated[
        str, Meta(description="At most 200, with commas between.", examples=["61412345678,61387625429"])
    ]
    wa_template: Template


class TemplateToTags(_Sent, frozen=True, kw_only=True):
    """A template of WhatsApp's for everybody with one of the tags."""

    tags: Tags
    exclude_tags: Tags = []
    wa_template: Template


class BroadcastNs(msgspec.Struct, frozen=True):
    broadcast_ns: Annotated[
        str, Meta(pattern=r"^f[0-9]{1,12}b[0-9]{1,15}$", description="The broadcast.", examples=[NS])
    ]


class Begun(msgspec.Struct, frozen=True):
    """It was begun. `broadcast_ns` is what it can be cancelled by."""

    data: BroadcastNs
    status: Literal["ok"] = "ok"


Status = Literal["New", "Scheduled", "Completed", "Cancelled"]


class BroadcastInfo(msgspec.Struct, frozen=True, kw_only=True):
    """How far a broadcast has got. `counts`: what became of how many, by reason."""

    broadcast_ns: Annotated[str, Meta(examples=[NS])]
    name: Annotated[str, Meta(examples=["Summer sale"])]
    type: str = ""
    status: Annotated[Status, Meta(description="`New` until it is over, unless it is for later.")]
    scheduled_time: Annotated[int | None, Meta(description="Unix seconds.")] = None
    max_per_minute: int
    total: Annotated[int | None, Meta(description="null until they are counted.")] = None
    sent: int
    skipped: int
    counts: dict[str, int]
    created_at: Annotated[str, Meta(examples=["2026-11-22 10:00:00"])]


class BroadcastPage(Page[BroadcastInfo], frozen=True):
    """A page of broadcasts."""


class BroadcastsQuery(PageQuery, frozen=True, kw_only=True):
    status: Annotated[Status | None, Meta(description="Only those.")] = None


_BEGUN = {"data": {"broadcast_ns": NS}, "status": "ok"}
_LATER = {"scheduled_time": 1_786_123_679, "max_per_minute": 600}
_TEMPLATE = {"name": "summer_sale", "lang": "en_US", "params": {"BODY_{{1}}": "Ana"}}


@writes(
    "/subscriber/broadcast",
    tag=TAG,
    title="Broadcast to subscribers",
    name="broadcast",
    example={"user_ns_list": "f1001u34,f1001u35", "sub_flow_ns": "f1001s2", **_LATER},
    answer=_BEGUN,
    about=None,
)
async def broadcast(call: NamedDependency[Call], data: JSONBody[ToUsers]) -> Begun:
    """Have a subflow sent to people, once to each. Whoever opted out, blocked us, is with an agent or outside
    the channel's window is passed over, and counted with the reason."""
    names = _split(data.user_ns_list)
    refuse(administration.wrong_list("user_ns_list", len(names)))
    parsed = [parse_user_ns(name) for name in names]
    if None in parsed:
        wrong = names[parsed.index(None)]
        raise InvalidInput({"user_ns_list": [complaints.unknown("user_ns_list", wrong, "user ns")]})
    ids = [one[1] for one in parsed if one and one[0] == call.key.flow_id]

    async def to(connection: Connection) -> Recipients:
        return await administration.listed(
            connection, call.key.flow_id, ids=_possible(ids), elsewhere=len(names) - len(_possible(ids))
        )

    says = await _subflow(call, data.sub_flow_ns)
    return await _begin(call, data, to, lambda: says, kind=data.type)


@writes(
    "/subscriber/broadcast-by-user-id",
    tag=TAG,
    title="Broadcast to user ids",
    name="broadcastByUserId",
    example={"user_id_list": "61412345678,61387625429", "sub_flow_ns": "f1001s2", "type": "SMS"},
    answer=_BEGUN,
    about=None,
)
async def broadcast_by_user_id(call: NamedDependency[Call], data: JSONBody[ToUserIds]) -> Begun:
    """The same, for people by the ids that their channels know them under."""
    to = _to_user_ids(call, data.user_id_list)
    says = await _subflow(call, data.sub_flow_ns)
    return await _begin(call, data, to, lambda: says, kind=data.type)


@writes(
    "/subscriber/broadcast-by-tag",
    tag=TAG,
    title="Broadcast to tags",
    name="broadcastByTag",
    example={"tags": ["vip"], "exclude_tags": ["asleep"], "sub_flow_ns": "f1001s2", "name": "Summer sale"},
    answer=_BEGUN,
    about=None,
)
async def broadcast_by_tag(call: NamedDependency[Call], data: JSONBody[ToTags]) -> Begun:
    """The same, for whoever has one of the tags, and none of those to exclude, when their turn comes."""
    _refuse_message_tag(data)
    await _look_for(call, [*data.tags, *data.exclude_tags, *(one.var_ns for one in data.user_fields)])
    says = await _subflow(call, data.sub_flow_ns)
    to = _to_tags(call, data.tags, data.exclude_tags)

    def with_fields() -> Says:
        return msgspec.structs.replace(says, fields=_user_fields(call, data.user_fields))

    return await _begin(call, data, to, with_fields, kind=data.type, name=data.name)


@writes(
    "/subscriber/broadcast-by-segment",
    tag=TAG,
    title="Broadcast to segments",
    name="broadcastBySegment",
    example={"segment_ns": "f1001sg34", "sub_flow_ns": "f1001s2", **_LATER},
    answer=_BEGUN,
    about=None,
)
async def broadcast_by_segment(call: NamedDependency[Call], data: JSONBody[ToSegments]) -> Begun:
    """The same, for everybody who is in one of the segments, as these are now, when their turn comes."""
    _refuse_message_tag(data)
    await _look_for(call, [one.var_ns for one in data.bot_fields])
    names = _split(data.segment_ns)
    refuse(administration.wrong_choice("segment_ns", "segments", len(names)))

    async def to(connection: Connection) -> Recipients:
        numbers = {int(one.rpartition("sg")[2]) for one in names if one.rpartition("sg")[2].isdecimal()}
        found = {one.ns: one for one in await segments.of_flow(connection, call.key.flow_id, numbers)}
        for name in names:
            if name not in found:
                wrong = complaints.unknown("segment_ns", name, "segment in this flow")
                raise InvalidInput({"segment_ns": [wrong]})
        return administration.in_segments([found[name] for name in names])

    says = await _subflow(call, data.sub_flow_ns)

    def with_fields() -> Says:
        return msgspec.structs.replace(says, bot_fields=_bot_fields(call, data.bot_fields))

    return await _begin(call, data, to, with_fields, kind=data.type)


@writes(
    "/subscriber/broadcast-whatsapp-template-by-user-id",
    tag=TAG,
    title="Broadcast a template to user ids",
    name="broadcastWhatsappTemplateByUserId",
    example={"user_id_list": "61412345678,61387625429", "wa_template": _TEMPLATE},
    answer=_BEGUN,
    about=None,
)
async def broadcast_template_by_user_id(
    call: NamedDependency[Call], data: JSONBody[TemplateToUserIds]
) -> Begun:
    """Have a template sent to people on WhatsApp, by their numbers, whenever they last wrote."""
    says = await _template(call, data.wa_template)
    to = _to_user_ids(call, data.user_id_list)
    return await _begin(call, data, to, lambda: says, kind="WHATSAPP_TEMPLATE", name=data.wa_template["name"])


@writes(
    "/subscriber/broadcast-whatsapp-template-by-tag",
    tag=TAG,
    title="Broadcast a template to tags",
    name="broadcastWhatsappTemplateByTag",
    example={"tags": ["vip"], "wa_template": _TEMPLATE},
    answer=_BEGUN,
    about=None,
)
async def broadcast_template_by_tag(call: NamedDependency[Call], data: JSONBody[TemplateToTags]) -> Begun:
    """Have a template sent to everybody on WhatsApp who has one of the tags, whenever they last wrote."""
    await _look_for(call, [*data.tags, *data.exclude_tags])
    says = await _template(call, data.wa_template)
    to = _to_tags(call, data.tags, data.exclude_tags)
    return await _begin(call, data, to, lambda: says, kind="WHATSAPP_TEMPLATE", name=data.wa_template["name"])


@reads(
    "/subscriber/broadcasts",
    tag=TAG,
    title="List broadcasts",
    name="listBroadcasts",
    asks=BroadcastsQuery,
    scope=Scope.SEND_MESSAGE,
    example=page_example(
        "/subscriber/broadcasts",
        {
            "broadcast_ns": NS,
            "name": "Summer sale",
            "type": "",
            "status": "Completed",
            "scheduled_time": None,
            "max_per_minute": 600,
            "total": 120,
            "sent": 118,
            "skipped": 2,
            "counts": {"sent": 118, "opted_out": 2},
            "created_at": "2026-11-22 10:00:00",
        },
    ),
)
async def list_broadcasts(
    call: NamedDependency[Call], asked: NamedDependency[BroadcastsQuery]
) -> BroadcastPage:
    """The broadcasts of the flow, newest first, with how far each has got."""
    paging, states = call.paging(asked), _STATES[asked.status] if asked.status else ()
    async with call.services.database.read() as connection:
        found = await broadcasts.listing(
            connection, flow_id=call.key.flow_id, states=states, limit=paging.limit, offset=paging.offset
        )
        total = await broadcasts.count(connection, call.key.flow_id, states)
    return paging.answer(BroadcastPage, [_info(call, one) for one in found], total)


@writes(
    "/subscriber/broadcast/cancel",
    method="DELETE",
    tag=TAG,
    title="Cancel a broadcast",
    name="cancelBroadcast",
    example={"broadcast_ns": NS},
    scope=Scope.SEND_MESSAGE,
    about=BROADCAST,
)
async def cancel_broadcast(call: NamedDependency[Call], data: JSONBody[BroadcastNs]) -> Ok:
    """Have nobody told any more; whoever was told keeps it. Nothing happens when it is over."""

    async def work(connection: Connection) -> Ok:
        one = await _find(call, connection, data.broadcast_ns)
        await broadcasts.cancel(connection, one.id, by=call.caller, now=call.services.clock.now())
        return Ok()

    return await call.once(work, Ok)


@writes(
    "/subscriber/broadcast/delete",
    method="DELETE",
    tag=TAG,
    title="Delete a broadcast",
    name="deleteBroadcast",
    example={"broadcast_ns": NS},
    scope=Scope.SEND_MESSAGE,
    about=BROADCAST,
)
async def delete_broadcast(call: NamedDependency[Call], data: JSONBody[BroadcastNs]) -> Ok:
    """Cancel it if it is under way, and forget it. A second time changes nothing."""

    async def work(connection: Connection) -> Ok:
        one = await _find(call, connection, data.broadcast_ns, or_deleted=True)
        await broadcasts.remove(connection, one.id, by=call.caller, now=call.services.clock.now())
        return Ok()

    return await call.once(work, Ok)


# What all of them have in common

ToWhom = Callable[[Connection], Awaitable[Recipients]]
What = Callable[[], Says]


async def _begin(
    call: Call, data: _Sent, to: ToWhom, what: What, *, kind: domain.Kind | None = None, name: str = ""
) -> Begun:
    """`to` and `what` may find something wrong: that is no reason to refuse a repetition."""
    at = datetime.fromtimestamp(data.scheduled_time, UTC) if data.scheduled_time else None

    async def work(connection: Connection) -> Begun:
        wish = BroadcastWish(
            workspace_id=call.key.workspace_id,
            flow_id=call.key.flow_id,
            to=await to(connection),
            says=what(),
            name=name,
            kind=kind or "",
            per_minute=data.max_per_minute,
            at=at,
        )
        id_ = await administration.begin(connection, call.services.clock.now(), wish, by=call.caller)
        return Begun(BroadcastNs(domain.broadcast_ns(call.key.flow_id, id_)))

    return await call.once(work, Begun)


async def _subflow(call: Call, ns: str) -> Says:
    names = {found: name for name, found in (await call.subflows()).items()}
    if ns not in names:
        raise InvalidInput({"sub_flow_ns": [complaints.unknown("sub_flow_ns", ns, "subflow in this flow")]})
    return Says(subflow=names[ns])


async def _template(call: Call, wanted: dict[str, Any]) -> Says:
    said = read_template(wanted, {ns: name for name, ns in (await call.subflows()).items()}, "wa_template")
    return Says(contents=(said,))


def _to_user_ids(call: Call, listed: str) -> ToWhom:
    names = _split(listed)
    refuse(administration.wrong_list("user_id_list", len(names)))

    async def to(connection: Connection) -> Recipients:
        return await administration.listed(connection, call.key.flow_id, user_ids=names)

    return to


def _to_tags(call: Call, tags: list[str], without: list[str]) -> ToWhom:
    refuse(administration.wrong_choice("tags", "tags", len(tags)))
    if without:
        refuse(administration.wrong_choice("exclude_tags", "tags", len(without)))

    async def to(_: Connection) -> Recipients:
        return administration.with_tags(
            _tag_names(call, "tags", tags), _tag_names(call, "exclude_tags", without)
        )

    return to


async def _look_for(call: Call, names: list[str]) -> None:
    """Tags and fields that were made in another process a moment ago are there."""
    words = of_flow(call)
    kinds: tuple[Mapping[str, Tag | UserField | BotField], ...] = (words.tags, words.fields, words.bot_fields)
    known = {name for things in kinds for one in things.values() for name in (one.ns, one.name)}
    await look_for(call, lambda: known.issuperset(names))


def _tag_names(call: Call, path: str, given: list[str]) -> list[str]:
    found = chosen(of_flow(call).tags, [(path, one) for one in given], "tag")
    return list(dict.fromkeys(one.name for one in found))


def _user_fields(call: Call, given: list[FieldToSet]) -> dict[str, FieldValue]:
    paths = [f"user_fields.{index}" for index in range(len(given))]
    wanted = [(f"{path}.var_ns", one.var_ns) for path, one in zip(paths, given, strict=True)]
    fields = of_flow(call).fields
    named = zip(paths, chosen(fields, wanted, "user field"), given, strict=True)
    return typed_values(fields, [(f"{path}.value", field.name, one.value) for path, field, one in named])


def _bot_fields(call: Call, given: list[FieldToSet]) -> dict[str, FieldValue]:
    paths = [f"bot_fields.{index}" for index in range(len(given))]
    wanted = [(f"{path}.var_ns", one.var_ns) for path, one in zip(paths, given, strict=True)]
    named = zip(paths, chosen(of_flow(call).bot_fields, wanted, "bot field"), given, strict=True)
    return {
        field.name: admin_vocabulary.checked(f"{path}.value", field.type, one.value)
        for path, field, one in named
    }


def _refuse_message_tag(data: ToTags | ToSegments) -> None:
    if data.message_tag and data.type != "FACEBOOK_NOTIFICATION":
        raise InvalidInput({"message_tag": ["The message tag is for the type FACEBOOK_NOTIFICATION only."]})


def _split(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _possible(ids: list[ConversationId]) -> list[ConversationId]:
    return [one for one in ids if one < 2**63]


async def _find(call: Call, connection: Connection, ns: str, *, or_deleted: bool = False) -> Broadcast:
    flow_id, id_ = domain.parse_ns(ns) or (None, None)
    is_ours = id_ is not None and flow_id == call.key.flow_id
    found = await broadcasts.find(connection, id_, or_deleted=or_deleted) if id_ and is_ours else None
    if found is None or found.flow_id != call.key.flow_id:
        raise NotFound(f"There is no broadcast {ns} in this flow")
    return found


_STATES: dict[Status, tuple[BroadcastState, ...]] = {
    "New": (BroadcastState.RUNNING,),
    "Scheduled": (BroadcastState.SCHEDULED,),
    "Completed": (BroadcastState.DONE,),
    "Cancelled": (BroadcastState.CANCELLED,),
}


def _status(one: Broadcast) -> Status:
    return next(status for status, states in _STATES.items() if one.state in states)


def _info(call: Call, one: Broadcast) -> BroadcastInfo:
    return BroadcastInfo(
        broadcast_ns=one.ns,
        name=one.name,
        type=one.kind,
        status=_status(one),
        scheduled_time=int(one.scheduled_at.timestamp()) if one.scheduled_at else None,
        max_per_minute=one.per_minute,
        total=one.total,
        sent=one.sent,
        skipped=one.passed_over,
        counts={str(name): number for name, number in one.counts.items()},
        created_at=local_time(one.created_at, call.workspace.timezone),
    )
