"""What endpoints were told, to be read again: a platform heals a gap, or catches up, by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec
from litestar.di import NamedDependency
from msgspec import Meta

from relevo.domain import complaints
from relevo.domain.conversations import Conversation
from relevo.domain.deliveries import Delivery, Destination, Lane
from relevo.domain.errors import InvalidInput
from relevo.domain.ids import DeliveryId, user_ns
from relevo.domain.workspaces import Channel, Endpoint
from relevo.store import outbox
from relevo.store.database import Connection
from relevo.web.api.answers import MOST_LIMIT, Limit
from relevo.web.api.calls import Call
from relevo.web.api.handoff import TAG
from relevo.web.api.operations import SUBSCRIBER, USER_NS, reads

_WEBHOOK_ID = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"

UserNs = Annotated[str, Meta(pattern=r"^f[0-9]{1,12}u[0-9]{1,15}$")]
AfterSeq = Annotated[int, Meta(ge=0, le=2**31 - 1)]
AfterId = Annotated[int, Meta(ge=0, le=2**53)]


class PostedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it was posted to the endpoint, or still will be."""

    id: Annotated[
        int | None,
        Meta(
            description="Where it stands among all events of the flow: give it as `after_id` to go on behind "
            "it. Null when one conversation was asked for.",
            examples=[7012],
        ),
    ] = None
    user_ns: Annotated[str, Meta(examples=[USER_NS])]
    webhook_id: Annotated[str, Meta(description="`webhook-id`.", examples=[_WEBHOOK_ID])]
    event: Annotated[str, Meta(description="`relevo-event`.", examples=["message.received"])]
    seq: Annotated[int, Meta(description="`relevo-seq`.", examples=[3])]
    epoch: Annotated[int, Meta(description="`relevo-epoch`.", examples=[1])]
    body: Annotated[str, Meta(description="The body, byte for byte.", examples=['{"meta":{},"message":{}}'])]


class EventsMeta(msgspec.Struct, frozen=True, kw_only=True):
    """Where these events stand."""

    endpoint: Annotated[str, Meta(description="Whose events they are.", examples=["desk"])]
    next: Annotated[
        int,
        Meta(
            description="What to ask with the next time: as `after_seq`, or as `after_id`, as this time.",
            examples=[3],
        ),
    ]
    more: Annotated[bool, Meta(description="Whether there is more now.", examples=[False])]
    forgotten: Annotated[
        bool,
        Meta(
            description="Whether events right after the place that was asked for are not kept any more.",
            examples=[False],
        ),
    ]


class EventsAnswer(msgspec.Struct, frozen=True):
    """Events in the order in which they happened."""

    data: list[PostedEvent]
    meta: EventsMeta


class EventsQuery(msgspec.Struct, frozen=True, kw_only=True):
    user_ns: Annotated[UserNs | None, Meta(description="One conversation; left out: the whole flow.")] = None
    after_seq: Annotated[
        AfterSeq | None, Meta(description="With `user_ns`: only those with a greater `relevo-seq`.")
    ] = None
    after_id: Annotated[
        AfterId | None, Meta(description="Without `user_ns`: only those behind this place, `id` or `next`.")
    ] = None
    endpoint: Annotated[
        str,
        Meta(
            max_length=200,
            description="The name of the endpoint; left out: the one that the channel hands over to.",
            examples=["desk"],
        ),
    ] = ""
    limit: Limit = MOST_LIMIT


_BODY = (
    '{"meta":{"user_ns":"f1001u34","agent_id":0,"flow_ns":"f1001","team_id":1},'
    '"event":{"type":"handoff.returned","reason":"time","epoch":2}}'
)


@reads(
    "/handoff/events",
    tag=TAG,
    title="Read events again",
    name="listEvents",
    asks=EventsQuery,
    example={
        "data": [
            {
                "id": None,
                "user_ns": USER_NS,
                "webhook_id": _WEBHOOK_ID,
                "event": "handoff.returned",
                "seq": 3,
                "epoch": 2,
                "body": _BODY,
            }
        ],
        "meta": {"endpoint": "desk", "next": 3, "more": False, "forgotten": False},
    },
    about=SUBSCRIBER,
)
async def list_events(call: NamedDependency[Call], asked: NamedDependency[EventsQuery]) -> EventsAnswer:
    """What an endpoint was told, or still will be, exactly as it is posted: of a conversation after a
    `relevo-seq`, for a platform that sees a gap, or of the whole flow in order of commit, for one that was
    down. Kept as long as deliveries are; `forgotten` says that something is not."""
    _check_place(asked)
    async with call.services.database.read() as connection:
        if asked.user_ns:
            one = await call.subscriber(connection, asked.user_ns)
            return await _of_conversation(call, connection, one, asked)
        return await _of_flow(call, connection, asked)


async def _of_conversation(
    call: Call, connection: Connection, one: Conversation, asked: EventsQuery
) -> EventsAnswer:
    channel = call.services.catalog.directory.any_channel(one.channel_id)
    endpoint = _endpoint(call, asked.endpoint, [channel] if channel else [])
    lane, after = Lane(one.id, Destination("endpoint", endpoint.id)), asked.after_seq or 0
    found = await outbox.of_conversation(connection, lane, after_seq=after, limit=asked.limit)
    newest = max([one.webhook_seqs.get(endpoint.id, 0), *(each.seq for each in found)])
    last = found[-1].seq if found else max(after, newest)
    meta = EventsMeta(
        endpoint=endpoint.name,
        next=last,
        more=last < newest,
        forgotten=newest > after and (not found or found[0].seq > after + 1),
    )
    return EventsAnswer([_posted(call, each) for each in found], meta)


async def _of_flow(call: Call, connection: Connection, asked: EventsQuery) -> EventsAnswer:
    channels = call.services.catalog.directory.channels.values()
    ours = [channel for channel in channels if channel.flow_id == call.key.flow_id]
    endpoint = _endpoint(call, asked.endpoint, ours)
    after = DeliveryId(asked.after_id or 0)
    page = await outbox.of_flow(connection, call.key.flow_id, endpoint.id, after_id=after, limit=asked.limit)
    meta = EventsMeta(endpoint=endpoint.name, next=page.next_id, more=page.more, forgotten=page.forgotten)
    return EventsAnswer([_posted(call, told.delivery, told.id) for told in page.told], meta)


def _posted(call: Call, delivery: Delivery, id_: DeliveryId | None = None) -> PostedEvent:
    return PostedEvent(
        id=id_,
        user_ns=user_ns(call.key.flow_id, delivery.conversation_id),
        webhook_id=delivery.webhook_id,
        event=delivery.event_type,
        seq=delivery.seq,
        epoch=delivery.epoch,
        body=delivery.body.decode(),
    )


def _check_place(asked: EventsQuery) -> None:
    if asked.user_ns and asked.after_id is not None:
        raise InvalidInput({"after_id": [_WITH_USER]})
    if not asked.user_ns and asked.after_seq is not None:
        raise InvalidInput({"after_seq": [_WITHOUT_USER]})


_WITH_USER = "The after id is for the whole flow; with user_ns give after_seq."
_WITHOUT_USER = "The after seq is for one conversation; without user_ns give after_id."


def _endpoint(call: Call, name: str, channels: Iterable[Channel]) -> Endpoint:
    """The one that is named, else the only one that the channels hand over to. Raises InvalidInput."""
    everywhere = call.services.catalog.directory.endpoints.values()
    ours = {one.name: one for one in everywhere if one.workspace_id == call.key.workspace_id}
    if name:
        if name not in ours:
            wrong = complaints.unknown("endpoint", name, "endpoint in this workspace with the name")
            raise InvalidInput({"endpoint": [wrong]})
        return ours[name]
    used = {channel.live_chat.endpoint_id for channel in channels}
    only = [one for one in ours.values() if one.id in used]
    if len(only) != 1:
        raise InvalidInput({"endpoint": [_WHICH.format(", ".join(sorted(ours)) or "none yet")]})
    return only[0]


_WHICH = "The endpoint must be named: the live chat does not go to exactly one. There are: {}."
