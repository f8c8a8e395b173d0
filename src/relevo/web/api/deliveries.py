"""What was to be brought where, and what came of it: a platform looks after its own deliveries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal, assert_never

import msgspec
from litestar.di import NamedDependency
from msgspec import Meta

from relevo.admin.deliveries import EVENT_TYPES
from relevo.domain import complaints
from relevo.domain.deliveries import (
    Accepted,
    Attempt,
    DeliveryState,
    Destination,
    Done,
    Exchange,
    Forbidden,
    GiveUp,
    Outcome,
    Park,
    Refused,
    Rejected,
    RetryAt,
    Unreachable,
    Verdict,
)
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import ChannelId, ConversationId, DeliveryId, EndpointId, user_ns
from relevo.domain.live_chat import local_time
from relevo.domain.redeliveries import FINISHED, UNDELIVERED, Selection
from relevo.store import deliveries, interventions, subscribers
from relevo.store.database import AnyRow, Connection
from relevo.store.interventions import Intervention
from relevo.web.api.answers import DEFAULT_LIMIT, Limit, newest
from relevo.web.api.calls import Call
from relevo.web.api.handoff import TAG
from relevo.web.api.messages import THAT_SECOND, Seconds, instant
from relevo.web.api.operations import DELIVERY, SUBSCRIBER, USER_NS, reads

LARGEST_ID = 2**53
_WEBHOOK_ID = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"

Id = Annotated[int, Meta(ge=1, le=LARGEST_ID)]
State = Literal["waiting", "parked", "given_up", "skipped", "done"]
States = Literal["waiting", "parked", "given_up", "skipped", "done", "undelivered", "finished"]

_TOGETHER = {"undelivered": UNDELIVERED, "finished": FINISHED}


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries of the flow; what is left out does not matter."""

    user_ns: Annotated[
        str,
        Meta(
            pattern=r"^(f[0-9]{1,12}u[0-9]{1,15})?$", description="Of one conversation.", examples=[USER_NS]
        ),
    ] = ""
    endpoint: Annotated[
        str, Meta(max_length=200, description="To the endpoint with this name.", examples=["desk"])
    ] = ""
    state: Annotated[
        States | None,
        Meta(
            description="In this state. `undelivered` is parked or given up, `finished` all but waiting.",
            examples=["parked"],
        ),
    ] = None
    event: Annotated[
        str, Meta(max_length=60, description="Of this event.", examples=["message.received"])
    ] = ""
    start_time: Annotated[Seconds | None, Meta(description="Not made before; in unix seconds.")] = None
    end_time: Annotated[Seconds | None, Meta(description="Not made after; in unix seconds.")] = None


class DeliveriesQuery(Filters, frozen=True, kw_only=True):
    before_id: Annotated[
        Id | None, Meta(description="Only those made before this one: `next` of the page before.")
    ] = None
    limit: Limit = DEFAULT_LIMIT


class DeliveryQuery(msgspec.Struct, frozen=True, kw_only=True):
    delivery_id: Annotated[Id, Meta(description="Which one.", examples=[7012])]


# What is answered


class DeliveryInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The duty to bring one thing to one place. Times are in the workspace's zone, null: not yet."""

    id: Annotated[int, Meta(examples=[7012])]
    user_ns: Annotated[str, Meta(examples=[USER_NS])]
    kind: Annotated[
        Literal["endpoint", "channel", "media", "call", "email"],
        Meta(description="To an endpoint, the customer, a file to us, a server of a flow, an e-mail."),
    ]
    to: Annotated[str, Meta(description="The name of the endpoint or channel.", examples=["desk"])]
    event: Annotated[str, Meta(description="`relevo-event`.", examples=["message.received"])]
    webhook_id: Annotated[str, Meta(description="`webhook-id`.", examples=[_WEBHOOK_ID])]
    seq: Annotated[int, Meta(description="Its place among those of the conversation to there.", examples=[3])]
    epoch: Annotated[int, Meta(description="`relevo-epoch`.", examples=[1])]
    state: State
    reason: Annotated[str, Meta(description="Why it is in this state.", examples=["schedule_exhausted"])]
    attempts_made: Annotated[int, Meta(examples=[9])]
    created_at: Annotated[str, Meta(examples=["2026-11-22 10:00:00"])]
    due_at: Annotated[str | None, Meta(description="The next attempt; null: it waits behind another one.")]
    finished_at: str | None


class DeliveriesMeta(msgspec.Struct, frozen=True):
    """`next`: the `before_id` of the next page; null where there is none."""

    next: Annotated[int | None, Meta(examples=[7012])]


class DeliveriesAnswer(msgspec.Struct, frozen=True):
    """Deliveries, the newest first."""

    data: list[DeliveryInfo]
    meta: DeliveriesMeta


class RequestInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it was made, but for the headers that every request has (accept, user-agent, host,
    content-length); secrets are masked. `body` null is the body of the delivery."""

    method: Annotated[str, Meta(examples=["POST"])]
    url: Annotated[str, Meta(examples=["https://desk.example.com/relevo"])]
    address: Annotated[str, Meta(description="What was connected to; may be empty.", examples=["192.0.2.7"])]
    headers: dict[str, str]
    body: str | None


class AnswerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered. `is_whole`: the body was not cut at 16 KB."""

    status_code: Annotated[int, Meta(examples=[500])]
    headers: dict[str, str]
    body: str
    is_whole: bool


class AttemptInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One request, what came of it, and what was decided then."""

    number: Annotated[int, Meta(examples=[9])]
    started_at: Annotated[str, Meta(examples=["2026-11-22 10:00:00"])]
    took_ms: Annotated[int, Meta(examples=[31])]
    looked_up_ms: Annotated[int | None, Meta(description="When the host's address was known.", examples=[2])]
    answered_ms: Annotated[int | None, Meta(description="When the answer began.", examples=[30])]
    outcome: Literal["accepted", "refused", "unreachable", "forbidden", "rejected"]
    reason: Annotated[str, Meta(examples=["timeout"])]
    verdict: Literal["done", "retry", "park", "give_up"]
    retry_at: str | None
    request: Annotated[RequestInfo | None, Meta(description="Null: none was made, or it is not kept.")]
    answer: Annotated[AnswerInfo | None, Meta(description="Null: there was none.")]


class DeedInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did with a delivery; `redelivery_id` where it was together with others."""

    at: Annotated[str, Meta(examples=["2026-11-22 11:00:00"])]
    by: Annotated[str, Meta(examples=["Olga"])]
    did: Literal["redelivered", "skipped"]
    reason: str
    redelivery_id: int | None


class WholeDelivery(DeliveryInfo, frozen=True, kw_only=True):
    """A delivery with its body, its attempts (the latest hundred, in order), and what people did with it."""

    body: Annotated[str, Meta(description="What is sent.", examples=['{"meta":{},"message":{}}'])]
    attempts: list[AttemptInfo]
    deeds: list[DeedInfo]


class DeliveryAnswer(msgspec.Struct, frozen=True):
    """A delivery."""

    data: WholeDelivery
    status: Literal["ok"] = "ok"


_INFO = {
    "id": 7012,
    "user_ns": USER_NS,
    "kind": "endpoint",
    "to": "desk",
    "event": "message.received",
    "webhook_id": _WEBHOOK_ID,
    "seq": 3,
    "epoch": 1,
    "state": "parked",
    "reason": "schedule_exhausted",
    "attempts_made": 1,
    "created_at": "2026-11-22 10:00:00",
    "due_at": None,
    "finished_at": "2026-11-22 10:00:01",
}
_ATTEMPT = {
    "number": 1,
    "started_at": "2026-11-22 10:00:00",
    "took_ms": 31,
    "looked_up_ms": 2,
    "answered_ms": 30,
    "outcome": "refused",
    "reason": "",
    "verdict": "park",
    "retry_at": None,
    "request": {
        "method": "POST",
        "url": "https://desk.example.com/relevo",
        "address": "192.0.2.7",
        "headers": {"relevo-event": "message.received", "relevo-seq": "3"},
        "body": None,
    },
    "answer": {"status_code": 500, "headers": {}, "body": "Oops", "is_whole": True},
}


@reads(
    "/handoff/deliveries",
    tag=TAG,
    title="List deliveries",
    name="listDeliveries",
    asks=DeliveriesQuery,
    example={"data": [_INFO], "meta": {"next": None}},
    about=SUBSCRIBER,
)
async def list_deliveries(
    call: NamedDependency[Call], asked: NamedDependency[DeliveriesQuery]
) -> DeliveriesAnswer:
    """What the flow had to bring to endpoints and to customers, the newest first: what waits, what arrived,
    and what was parked because no retry brought it there."""
    before = DeliveryId(asked.before_id) if asked.before_id is not None else None
    async with call.services.database.read() as connection:
        found = await deliveries.listing(
            connection,
            call.key.workspace_id,
            await selected(call, connection, asked),
            before_id=before,
            limit=asked.limit + 1,
        )
    shown, behind = newest(found, asked.limit)
    return DeliveriesAnswer([_info(call, row) for row in shown], DeliveriesMeta(behind))


@reads(
    "/handoff/delivery",
    tag=TAG,
    title="Look at a delivery",
    name="getDelivery",
    asks=DeliveryQuery,
    example={
        "data": _INFO | {"body": '{"meta":{},"message":{}}', "attempts": [_ATTEMPT], "deeds": []},
        "status": "ok",
    },
    about=DELIVERY,
)
async def get_delivery(call: NamedDependency[Call], asked: NamedDependency[DeliveryQuery]) -> DeliveryAnswer:
    """One delivery with its body, every attempt as it was made and answered, and who redelivered or skipped
    it."""
    async with call.services.database.read() as connection:
        row = await own_delivery(call, connection, asked.delivery_id)
        attempts = await deliveries.attempts_of(connection, DeliveryId(row.id))
        deeds = await interventions.of_delivery(connection, DeliveryId(row.id))
    return DeliveryAnswer(
        WholeDelivery(
            **msgspec.structs.asdict(_info(call, row)),
            body=row.body.decode(errors="replace"),
            attempts=[_attempt(call, one) for one in attempts],
            deeds=[_deed(call, one) for one in deeds],
        )
    )


# Which ones


async def own_delivery(call: Call, connection: Connection, id_: int) -> AnyRow:
    """Raises NotFound for a delivery of another flow as for one that there is not."""
    row = await deliveries.find(connection, DeliveryId(id_))
    if row is not None and row.workspace_id == call.key.workspace_id:
        of = ConversationId(row.conversation_id)
        if await subscribers.find(connection, call.key.flow_id, of) is not None:
            return row
    raise NotFound(f"There is no delivery {id_} in this flow")


async def selected(call: Call, connection: Connection, asked: Filters) -> Selection:
    """The deliveries of the flow that are meant. Raises InvalidInput and NotFound."""
    _check(asked)
    one = await call.subscriber(connection, asked.user_ns) if asked.user_ns else None
    return Selection(
        flow_id=call.key.flow_id,
        states=_states(asked.state),
        destination=_destination(call, asked.endpoint) if asked.endpoint else None,
        conversation_id=one.id if one is not None else None,
        event_type=asked.event,
        since=instant(asked.start_time),
        until=instant(asked.end_time, plus=THAT_SECOND),
    )


def _check(asked: Filters) -> None:
    if asked.event and asked.event not in EVENT_TYPES:
        raise InvalidInput({"event": [complaints.none_of("event", asked.event, EVENT_TYPES)]})
    start, end = asked.start_time, asked.end_time
    if start is not None and end is not None and end < start:
        raise InvalidInput({"end_time": [complaints.too_small("end_time", start, end)]})


def _states(state: States | None) -> tuple[DeliveryState, ...]:
    if state is None:
        return ()
    return _TOGETHER[state] if state in _TOGETHER else (DeliveryState(state),)


def _destination(call: Call, name: str) -> Destination:
    endpoints = call.services.catalog.directory.endpoints.values()
    ours = {one.name: one.id for one in endpoints if one.workspace_id == call.key.workspace_id}
    if name not in ours:
        wrong = complaints.unknown("endpoint", name, "endpoint in this workspace with the name")
        raise InvalidInput({"endpoint": [wrong]})
    return Destination("endpoint", ours[name])


# Values for the wire


def _info(call: Call, row: AnyRow) -> DeliveryInfo:
    return DeliveryInfo(
        id=row.id,
        user_ns=user_ns(call.key.flow_id, row.conversation_id),
        kind=row.destination_kind,
        to=name_of(call, Destination(row.destination_kind, row.destination_id)),
        event=row.event_type,
        webhook_id=row.webhook_id,
        seq=row.seq,
        epoch=row.epoch,
        state=row.state,
        reason=row.reason,
        attempts_made=row.attempts_made,
        created_at=local(call, row.created_at),
        due_at=_local_or_none(call, row.due_at),
        finished_at=_local_or_none(call, row.finished_at),
    )


def local(call: Call, at: datetime) -> str:
    return local_time(at, call.workspace.timezone)


def _local_or_none(call: Call, at: datetime | None) -> str | None:
    return local(call, at) if at is not None else None


def name_of(call: Call, to: Destination) -> str:
    """Also of one that was deleted; "" for our own store and for servers that flows ask."""
    directory = call.services.catalog.directory
    match to.kind:
        case "endpoint":
            endpoint = directory.any_endpoint(EndpointId(to.id))
            return endpoint.name if endpoint is not None else ""
        case "channel":
            channel = directory.any_channel(ChannelId(to.id))
            return channel.name if channel is not None else ""
        case "media" | "call" | "email":
            return ""


def _deed(call: Call, one: Intervention) -> DeedInfo:
    return DeedInfo(
        at=local(call, one.at), by=one.by, did=one.did, reason=one.reason, redelivery_id=one.redelivery_id
    )


def _attempt(call: Call, one: Attempt) -> AttemptInfo:
    outcome, reason = _outcome(one.outcome)
    made = one.exchange
    return AttemptInfo(
        number=one.number,
        started_at=local(call, one.started_at),
        took_ms=_ms(one.took),
        looked_up_ms=_ms(made.looked_up) if made is not None and made.looked_up is not None else None,
        answered_ms=_ms(made.answered) if made is not None and made.answered is not None else None,
        outcome=outcome,
        reason=reason,
        verdict=_verdict(one.verdict),
        retry_at=local(call, one.verdict.when) if isinstance(one.verdict, RetryAt) else None,
        request=_request(made) if made is not None else None,
        answer=_answer(made) if made is not None else None,
    )


def _ms(time: timedelta) -> int:
    return round(time / timedelta(milliseconds=1))


def _outcome(
    one: Outcome,
) -> tuple[Literal["accepted", "refused", "unreachable", "forbidden", "rejected"], str]:
    match one:
        case Accepted(note=note):
            return "accepted", note
        case Refused(reason=reason):
            return "refused", reason
        case Unreachable(reason=reason):
            return "unreachable", reason
        case Forbidden(reason=reason):
            return "forbidden", reason
        case Rejected(reason=reason):
            return "rejected", reason
        case _:
            assert_never(one)


def _verdict(one: Verdict) -> Literal["done", "retry", "park", "give_up"]:
    match one:
        case Done():
            return "done"
        case RetryAt():
            return "retry"
        case Park():
            return "park"
        case GiveUp():
            return "give_up"
        case _:
            assert_never(one)


def _request(one: Exchange) -> RequestInfo:
    return RequestInfo(
        method=one.method,
        url=one.url,
        address=one.address,
        headers=one.request_headers,
        body=one.request_body,
    )


def _answer(one: Exchange) -> AnswerInfo | None:
    if one.status_code is None:
        return None
    return AnswerInfo(
        status_code=one.status_code,
        headers=one.answer_headers,
        body=one.answer_body,
        is_whole=one.answer_is_whole,
    )
