"""Subscribers: lists of them, and all that is known of one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency
from msgspec import Meta

from relevo.admin.vocabulary import checked
from relevo.channels.registry import ADAPTERS, adapter_for
from relevo.domain import complaints
from relevo.domain import segments as reading
from relevo.domain.conversations import Conversation, paused_seconds, window_left
from relevo.domain.errors import InvalidInput
from relevo.domain.ids import user_ns
from relevo.domain.live_chat import local_time
from relevo.domain.subscribers import By, FieldValue, Subscriber
from relevo.domain.vocabulary import FieldType, UserField, Vocabulary, type_of
from relevo.domain.workspaces import Channel, Scope
from relevo.engine.batches import Result
from relevo.store import choosing, conversations, subscribers
from relevo.store.choosing import Within
from relevo.store.subscribers import Trait, Wanted
from relevo.store.traits import found_by
from relevo.web.api.answers import Page, PageQuery, Paging, page_example
from relevo.web.api.bot_fields import value_text
from relevo.web.api.calls import Call, UserNs, unknown_subscriber
from relevo.web.api.channel_types import on_the_wire, ours
from relevo.web.api.labels import LabelInfo, label_info
from relevo.web.api.operations import SUBSCRIBER, reads
from relevo.web.api.reading import Parameters
from relevo.web.api.segments import MOST_LOOKED_AT, find_segment, where_of
from relevo.web.api.tags import TagInfo
from relevo.web.api.vocabulary import look_for, names_by_ns, of_flow, own_labels

TAG = "Subscriber"

_DAY = timedelta(days=1)

Text = Annotated[str, Meta(max_length=200)]
YesOrNo = Literal["yes", "no"]


class UserFieldInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A field and its value, as text."""

    name: Annotated[str, Meta(examples=["size"])]
    var_ns: Annotated[str, Meta(examples=["f1001v9"])] = ""
    var_type: Annotated[FieldType, Meta(examples=["number"])]
    description: str = ""
    value: Annotated[str, Meta(examples=["42"])]


class SubscriberInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A person who writes to the flow. Times are `YYYY-MM-DD HH:MM:SS` in the workspace's zone (UTC unless it
    is set otherwise), null for never."""

    user_ns: Annotated[str, Meta(examples=["f1001u34"])]
    user_id: Annotated[str, Meta(description="The id inside the channel.", examples=["61400000000"])]
    name: Annotated[str, Meta(examples=["Ana Diaz"])]
    first_name: str
    last_name: str
    gender: str
    email: str
    phone: str
    locale: str
    language: str
    timezone: str
    profile_pic: str
    channel: Annotated[str, Meta(description="The type of the channel.", examples=["web"])]
    status: Literal["open", "pending", "done", "spam"]
    agent_id: Annotated[int, Meta(description="Who has the conversation; 0 is nobody.", examples=[55])]
    agent_name: str
    agent_email: str
    subscribed: str
    opted_in_email: str | None = None
    opted_in_sms: str | None = None
    opted_in_through: str = "chat"
    last_interaction: str | None
    last_seen: str | None
    last_message_at: str | None
    last_message_type: str | None
    last_agent_action_at: str | None = None
    allow_send_message: Annotated[bool, Meta(description="Whether the person may be written to now.")]
    allow_send_seconds: Annotated[
        int,
        Meta(description="For how many seconds still, by an agent; -1: without end.", examples=[-1]),
    ]
    allow_bot_seconds: Annotated[
        int,
        Meta(description="And by the bot: less on Messenger and Instagram.", examples=[-1]),
    ] = -1
    paused_diff_seconds: Annotated[
        int,
        Meta(description="Seconds of pause left; 0: the bot has control; -1: until resumed.", examples=[0]),
    ]
    tags: list[TagInfo]
    labels: list[LabelInfo] = []
    user_fields: list[UserFieldInfo]


class SubscriberPage(Page[SubscriberInfo], frozen=True):
    """A page of subscribers."""


class SubscriberAnswer(msgspec.Struct, frozen=True):
    """A subscriber."""

    data: SubscriberInfo
    status: Literal["ok"] = "ok"


class PeopleQuery(PageQuery, frozen=True, kw_only=True):
    name: Annotated[Text, Meta(description="Any part of the name.", examples=["Ana"])] = ""
    phone: Annotated[Text, Meta(description="The whole phone number, as it is stored.")] = ""
    email: Annotated[Text, Meta(description="The whole e-mail address.")] = ""
    is_channel: Annotated[Text, Meta(description="The type of a channel: `web`, `apichat` …")] = ""
    is_interacted_in_last_24h: Annotated[
        YesOrNo | None, Meta(description="Whether the person wrote in the last 24 hours.")
    ] = None
    is_last_message_in_last_24h: Annotated[
        YesOrNo | None, Meta(description="Whether anybody wrote in the last 24 hours.")
    ] = None
    is_bot_interacted_in_last_24h: Annotated[
        YesOrNo | None, Meta(description="Whether the bot said something in the last 24 hours.")
    ] = None
    is_opt_in_email: Annotated[YesOrNo | None, Meta(description="Whether they agree to e-mails.")] = None
    is_opt_in_sms: Annotated[YesOrNo | None, Meta(description="Whether they agree to text messages.")] = None


class SubscribersQuery(PeopleQuery, frozen=True, kw_only=True):
    user_id: Annotated[Text, Meta(description="The id inside the channel.")] = ""
    tag_ns: Annotated[Text, Meta(description="A tag that they have.", examples=["f1001t7"])] = ""
    label_id: Annotated[int | None, Meta(description="A label that they have.")] = None
    event_ns: Annotated[Text, Meta(description="A custom event that happened to them.")] = ""
    segment_ns: Annotated[Text, Meta(description="A segment that they are in.", examples=["f1001sg34"])] = ""
    user_field_ns: Annotated[Text, Meta(description="A field that holds something for them.")] = ""
    user_field_value: Annotated[Text, Meta(description="What it holds: all of it.")] = ""


class UserNsQuery(msgspec.Struct, frozen=True):
    user_ns: UserNs


class UserIdQuery(msgspec.Struct, frozen=True):
    user_id: Annotated[Text, Meta(description="The id inside the channel.", examples=["61400000000"])]


_KNOWN_ELSEWHERE = frozenset({
    "facebook", "instagram", "whatsapp_cloud", "whatsapp", "google", "telegram", "line", "viber", "vk",
    "wechat", "web", "apichat", "tiktok", "sms",
})  # fmt: skip
"""Types of channel that UChat has: asking for one that Relevo has not is no mistake, nobody uses it."""

ANA: dict[str, Any] = {
    "user_ns": "f1001u34",
    "user_id": "61400000000",
    "name": "Ana Diaz",
    "first_name": "Ana",
    "last_name": "Diaz",
    "gender": "female",
    "email": "",
    "phone": "+61400000000",
    "locale": "en_AU",
    "language": "en",
    "timezone": "Australia/Sydney",
    "profile_pic": "",
    "channel": "apichat",
    "status": "open",
    "agent_id": 55,
    "agent_name": "Luis",
    "agent_email": "luis@example.com",
    "subscribed": "2026-09-01 02:03:04",
    "opted_in_email": None,
    "opted_in_sms": None,
    "opted_in_through": "chat",
    "last_interaction": "2026-09-21 14:13:20",
    "last_seen": "2026-09-21 14:13:20",
    "last_message_at": "2026-09-21 14:14:20",
    "last_message_type": "agent",
    "last_agent_action_at": "2026-09-21 14:14:20",
    "allow_send_message": True,
    "allow_send_seconds": -1,
    "allow_bot_seconds": -1,
    "paused_diff_seconds": 1740,
    "tags": [{"name": "lead", "tag_ns": "f1001t7"}],
    "labels": [{"id": 3, "name": "VIP"}],
    "user_fields": [
        {"name": "size", "var_ns": "f1001v9", "var_type": "number", "description": "", "value": "42"},
    ],
}


@reads(
    "/subscribers",
    tag=TAG,
    title="List subscribers",
    name="listSubscribers",
    asks=SubscribersQuery,
    example=page_example("/subscribers", ANA),
)
async def list_subscribers(
    call: NamedDependency[Call], asked: NamedDependency[SubscribersQuery]
) -> SubscriberPage:
    """Everybody who writes to the flow, whoever spoke or was spoken to last first. A total of more than
    10,000 may be ten seconds old."""
    sent = await call.request.parameters()
    await _look_for(call, asked)
    paging = call.paging(asked)
    wanted = msgspec.structs.replace(
        _wanted(call, asked, _phone(sent, asked)),
        user_id=asked.user_id,
        traits=(*_opt_ins(asked), *_traits(call, asked)),
        event_id=_event_id(call, asked.event_ns) if asked.event_ns else None,
    )
    if asked.segment_ns:
        within = await _segment(call, asked.segment_ns)
        wanted = msgspec.structs.replace(wanted, within=within)
    return await _answered(call, wanted, paging)


@reads(
    "/team-bot-users",
    tag=TAG,
    title="List subscribers of all flows",
    name="listTeamSubscribers",
    asks=PeopleQuery,
    scope=Scope.MANAGE_TEAM,
    example=page_example("/team-bot-users", ANA),
)
async def list_team_bot_users(
    call: NamedDependency[Call], asked: NamedDependency[PeopleQuery]
) -> SubscriberPage:
    """Everybody who writes to any flow of the workspace, whoever spoke or was spoken to last first."""
    sent = await call.request.parameters()
    _refuse_those_of_a_flow(sent)
    flows = call.services.catalog.directory.flows.values()
    ours = tuple(one.id for one in flows if one.workspace_id == call.key.workspace_id)
    wanted = msgspec.structs.replace(
        _wanted(call, asked, _phone(sent, asked)), team=(call.key.workspace_id, ours)
    )
    return await _answered(call, wanted, call.paging(asked))


_OF_A_FLOW = ("segment_ns", "tag_ns", "label_id", "event_ns", "user_field_ns", "user_field_value")


async def _answered(call: Call, wanted: Wanted, paging: Paging) -> SubscriberPage:
    totals, now = call.services.totals, call.services.clock.monotonic()
    total = totals.find(wanted, now)
    async with call.services.database.read() as connection:
        found = await subscribers.listing(
            connection, wanted, limit=paging.limit, offset=paging.offset, total=total
        )
    if total is None:
        totals.note(wanted, found.total, now)
    return paging.answer(SubscriberPage, [info(call, one) for one in found.rows], found.total)


@reads(
    "/subscriber/get-info",
    tag=TAG,
    title="Get a subscriber",
    name="getSubscriber",
    asks=UserNsQuery,
    example={"data": ANA, "status": "ok"},
    about=SUBSCRIBER,
)
async def get_info(call: NamedDependency[Call], asked: NamedDependency[UserNsQuery]) -> SubscriberAnswer:
    """All that is known of one subscriber."""
    async with call.services.database.read() as connection:
        found = await call.subscriber(connection, asked.user_ns)
    return SubscriberAnswer(info(call, found))


@reads(
    "/subscriber/get-info-by-user-id",
    tag=TAG,
    title="Get a subscriber by the channel's id",
    name="getSubscriberByUserId",
    asks=UserIdQuery,
    example={"data": ANA, "status": "ok"},
    about=SUBSCRIBER,
)
async def get_info_by_user_id(
    call: NamedDependency[Call], asked: NamedDependency[UserIdQuery]
) -> SubscriberAnswer:
    """The same, by the id inside the channel. Of several channels with that id, whoever wrote last."""
    async with call.services.database.read() as connection:
        found = await conversations.find_by_flow_user(connection, call.key.flow_id, asked.user_id)
    if found is None:
        raise unknown_subscriber(asked.user_id)
    return SubscriberAnswer(info(call, found))


# Whom to list


async def _look_for(call: Call, asked: SubscribersQuery) -> None:
    """What was made in another process a moment ago can be asked for."""
    tags, fields = of_flow(call).tags.values(), of_flow(call).fields.values()
    known = {"", *(one.ns for one in tags), *(one.ns for one in fields)}
    labels = {None, *(one.id for one in own_labels(call).values())}
    await look_for(call, lambda: {asked.tag_ns, asked.user_field_ns} <= known and asked.label_id in labels)


def _refuse_those_of_a_flow(sent: Parameters) -> None:
    """A filter that is not applied gives everybody: to a broadcast, say."""
    given = [name for name in _OF_A_FLOW if sent.get(name) not in (None, "")]
    if given:
        why = "it is of one flow, and without it the list would have everybody."
        raise InvalidInput({name: [complaints.not_supported(name, why)] for name in given})


def _phone(sent: Parameters, asked: PeopleQuery) -> str:
    """`?phone=+614…` reads as a space: whoever wrote it meant the plus."""
    return f"+{asked.phone}" if str(sent.get("phone", "")).startswith(" ") else asked.phone


def _wanted(call: Call, asked: PeopleQuery, phone: str) -> Wanted:
    now = call.services.clock.now()
    return Wanted(
        flow_id=call.key.flow_id,
        name=asked.name,
        phone=phone,
        email=asked.email,
        channel_ids=_channel_ids(call, asked.is_channel) if asked.is_channel else None,
        active_since=_since(now, asked.is_interacted_in_last_24h),
        message_since=_since(now, asked.is_last_message_in_last_24h),
        bot_since=_since(now, asked.is_bot_interacted_in_last_24h),
        traits=_opt_ins(asked),
    )


def _opt_ins(asked: PeopleQuery) -> tuple[Trait, ...]:
    told: dict[By, YesOrNo | None] = {"email": asked.is_opt_in_email, "sms": asked.is_opt_in_sms}
    return tuple(Trait("opt_in", by, wanted=wanted == "yes") for by, wanted in told.items() if wanted)


def _traits(call: Call, asked: SubscribersQuery) -> Iterator[Trait]:
    words = of_flow(call)
    if asked.tag_ns:
        (name,) = names_by_ns(words.tags, [("tag_ns", asked.tag_ns)])
        yield Trait("tag", name)
    if asked.label_id is not None:
        yield Trait("label", _label_name(call, asked.label_id))
    if asked.user_field_ns:
        (name,) = names_by_ns(words.fields, [("user_field_ns", asked.user_field_ns)])
        yield Trait("field", name, _field_value(words.fields[name], asked.user_field_value))
    elif asked.user_field_value:
        raise InvalidInput({"user_field_ns": [complaints.required("user_field_ns")]})


async def _segment(call: Call, ns: str) -> Within:
    """Raises InvalidInput for one that there is not, and for one that is too much work."""
    where = where_of(call)
    async with call.services.database.read() as connection:
        condition = reading.read((await find_segment(call, connection, ns)).source)
        found = await choosing.within(connection, where, condition, most=MOST_LOOKED_AT)
    if found is None:
        raise InvalidInput({"segment_ns": [_TOO_MANY.format(ns, MOST_LOOKED_AT)]})
    return found


_TOO_MANY = (
    "The segment_ns is too much work for a list: "
    "more than {1} people have to be looked at one by one for {0}. "
    "Have it ask for a tag, a label, a status, a channel or a time as well."
)


def _label_name(call: Call, id_: int) -> str:
    found = next((one.name for one in own_labels(call).values() if one.id == id_ and not one.going), None)
    if found is None:
        raise InvalidInput({"label_id": [complaints.unknown("label_id", id_, "label with the id")]})
    return found


def _field_value(field: UserField, value: str) -> str | None:
    """The text by which such a value is found: 9.50 is 9.5."""
    return found_by(checked("user_field_value", field.type, value)) if value else None


def _event_id(call: Call, ns: str) -> int:
    events = call.services.catalog.directory.custom_events.values()
    found = next((one.id for one in events if one.flow_id == call.key.flow_id and one.event_ns == ns), None)
    if found is None:
        wrong = complaints.unknown("event_ns", ns, "custom event in this flow with the ns")
        raise InvalidInput({"event_ns": [wrong]})
    return found


def _since(now: datetime, recent: YesOrNo | None) -> tuple[datetime, bool] | None:
    return (now - _DAY, recent == "yes") if recent else None


def _channel_ids(call: Call, type_: str) -> Any:
    """The flow's channels of a type; None when these are all that it has."""
    if type_ not in ADAPTERS and type_ not in _KNOWN_ELSEWHERE:
        raise InvalidInput({"is_channel": [complaints.none_of("is_channel", type_, ADAPTERS)]})
    directory = call.services.catalog.directory
    channels = [*directory.channels.values(), *directory.deleted_channels.values()]
    of_flow = [one for one in channels if one.flow_id == call.key.flow_id]
    of_type = tuple(one.id for one in of_flow if one.type == ours(type_))
    return None if len(of_type) == len(of_flow) else of_type


# What is told of one


def info(call: Call, one: Conversation) -> SubscriberInfo:
    """A subscriber as the wire has it."""
    directory, subscriber, profile = call.services.catalog.directory, one.subscriber, one.subscriber.profile
    agent = directory.members.get(one.member_id) if one.member_id else None
    channel = directory.any_channel(one.channel_id)
    words = directory.vocabulary(one.flow_id)
    left, left_to_bot = _seconds_to_send(one, channel, call.services.clock.now())

    def local(at: datetime | None) -> str | None:
        return local_time(at, call.workspace.timezone) if at is not None else None

    return SubscriberInfo(
        user_ns=one.user_ns,
        user_id=subscriber.user_id,
        name=subscriber.display_name,
        first_name=subscriber.first_name,
        last_name=subscriber.last_name,
        gender=profile.gender,
        email=profile.email,
        phone=profile.phone,
        locale=profile.locale,
        language=profile.language,
        timezone=profile.timezone,
        profile_pic=profile.picture_url,
        channel=on_the_wire(channel.type) if channel else "",
        status=one.status,
        agent_id=one.member_id or 0,
        agent_name=agent.name if agent else "",
        agent_email=agent.email if agent else "",
        subscribed=local_time(subscriber.created_at, call.workspace.timezone),
        last_interaction=local(subscriber.last_seen_at),
        last_seen=local(subscriber.last_seen_at),
        last_message_at=local(one.last_message_at),
        last_message_type=one.last_message_type.value if one.last_message_type else None,
        last_agent_action_at=local(one.last_message_at) if one.last_message_type == "agent" else None,
        allow_send_message=bool(left),
        allow_send_seconds=left,
        allow_bot_seconds=left_to_bot,
        paused_diff_seconds=paused_seconds(one.pause, call.services.clock.now()),
        opted_in_email=local(_opted_in(subscriber, "email")),
        opted_in_sms=local(_opted_in(subscriber, "sms")),
        opted_in_through=next((one.through for one in subscriber.opt_ins.values()), "chat"),
        tags=_tags(words, subscriber),
        labels=_labels(call, subscriber),
        user_fields=_user_fields(words, subscriber),
    )


async def answer_about(call: Call, result: Result) -> SubscriberAnswer:
    """All that is known now of somebody to whom something has just happened."""
    async with call.services.database.read() as connection:
        found = await subscribers.find(connection, call.key.flow_id, result.conversation_id)
    if found is None:
        raise unknown_subscriber(user_ns(call.key.flow_id, result.conversation_id))
    return SubscriberAnswer(info(call, found))


def _opted_in(subscriber: Subscriber, by: By) -> datetime | None:
    told = subscriber.opt_ins.get(by)
    return told.at if told is not None else None


def _tags(words: Vocabulary, subscriber: Subscriber) -> list[TagInfo]:
    """One that was named a moment ago, by a flow, may have no ns yet."""
    known = words.tags
    found = ((name, known.get(name)) for name in subscriber.tags)
    return [TagInfo(name, one.ns if one else "") for name, one in found if one is None or not one.going]


def _labels(call: Call, subscriber: Subscriber) -> list[LabelInfo]:
    known = own_labels(call)
    found = (known.get(name) for name in subscriber.labels)
    return [label_info(one) for one in found if one is not None and not one.going]


def _seconds_to_send(one: Conversation, channel: Channel | None, now: datetime) -> tuple[int, int]:
    """For how long an agent may write to the person, and the bot: 0 is not at all, -1 without end."""
    if channel is None or channel.disabled_reason or one.barred:
        return 0, 0
    adapter = adapter_for(channel.type)
    by_agent, by_bot = adapter.window_of_humans(channel), adapter.window(channel)
    return window_left(one.last_heard_at, by_agent, now), window_left(one.last_heard_at, by_bot, now)


def _user_fields(words: Vocabulary, subscriber: Subscriber) -> list[UserFieldInfo]:
    known = words.fields
    found = ((name, value, known.get(name)) for name, value in subscriber.fields.items())
    return [
        _user_field(name, value, one)
        for name, value, one in found
        if one is None or not one.going or one.moves_to
    ]


def _user_field(name: str, value: FieldValue, one: UserField | None) -> UserFieldInfo:
    return UserFieldInfo(
        name=one.moves_to or name if one else name,
        var_ns=one.ns if one else "",
        var_type=one.type if one else type_of(value),
        description=one.description if one else "",
        value=value_text(value),
    )
