"""Having deliveries made once more, one or many, or never: what people do in the console, for platforms."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.admin import deliveries as one_by_one
from relevo.admin import redeliveries as many
from relevo.admin.changing import Means
from relevo.domain import complaints
from relevo.domain.deliveries import DeliveryState
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import DeliveryId, user_ns
from relevo.domain.redeliveries import FINISHED, Redelivery, RedeliveryId, RedeliveryState, Selection
from relevo.store import deliveries, redeliveries
from relevo.store.database import Connection
from relevo.store.deliveries import lane_of
from relevo.web.api.answers import DEFAULT_LIMIT, Limit, Ok, newest
from relevo.web.api.calls import Call
from relevo.web.api.deliveries import Filters, Id, State, local, name_of, own_delivery, selected
from relevo.web.api.handoff import TAG
from relevo.web.api.messages import THAT_SECOND
from relevo.web.api.operations import DELIVERY, REDELIVERY, USER_NS, reads, writes

MOST_COUNTED = 100_000

Standing = Literal["running", "done", "stopped"]

DeliveryNumber = Annotated[Id, Meta(description="Which delivery.", examples=[7012])]
RedeliveryNumber = Annotated[Id, Meta(description="Which redelivery.", examples=[3])]


class OneDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """Which one it is about."""

    delivery_id: DeliveryNumber


class Skip(msgspec.Struct, frozen=True, kw_only=True):
    """Which one nobody needs, and why."""

    delivery_id: DeliveryNumber
    reason: Annotated[
        str,
        Meta(
            max_length=one_by_one.LONGEST_REASON,
            description="Why nobody needs it: kept with the delivery.",
            examples=["told by phone"],
        ),
    ]


class Many(Filters, frozen=True, kw_only=True):
    """Which deliveries to put back; without `state`, those that are parked or given up."""

    from_delivery_id: Annotated[
        Id | None,
        Meta(
            description="This one and those behind it, of its conversation and to the same place.",
            examples=[7012],
        ),
    ] = None
    dry_run: Annotated[Literal[0, 1], Meta(description="1: only count them, and do nothing.")] = 0


class OneRedelivery(msgspec.Struct, frozen=True, kw_only=True):
    """Which one it is about."""

    redelivery_id: RedeliveryNumber


class RedeliveriesQuery(msgspec.Struct, frozen=True, kw_only=True):
    state: Annotated[Standing | None, Meta(description="In this state.", examples=["running"])] = None
    before_id: Annotated[
        Id | None, Meta(description="Only those begun before this one: `next` of the page before.")
    ] = None
    limit: Limit = DEFAULT_LIMIT


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """Of a dry run the `count`; else the number of the redelivery."""

    count: Annotated[
        int | None, Meta(description=f"{MOST_COUNTED} is that many or more.", examples=[120])
    ] = None
    redelivery_id: Annotated[int | None, Meta(examples=[3])] = None


class BegunAnswer(msgspec.Struct, frozen=True):
    """What was counted or begun."""

    data: Begun
    status: Literal["ok"] = "ok"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What it is about, as it was asked for; what does not matter is empty or null."""

    states: list[State]
    user_ns: Annotated[str, Meta(examples=[USER_NS])]
    to: Annotated[str, Meta(description="The name of the endpoint or channel.", examples=["desk"])]
    event: Annotated[str, Meta(examples=["message.received"])]
    from_seq: Annotated[int | None, Meta(description="From this `relevo-seq` on.", examples=[3])]
    start_time: Annotated[int | None, Meta(description="Made from then on; in unix seconds.")]
    end_time: Annotated[int | None, Meta(description="Not made after; in unix seconds.")]


class RedeliveryInfo(msgspec.Struct, frozen=True, kw_only=True):
    """How far it has got. `total` and `remaining` are null until they are counted; `put_back` may stay below
    `total`, where somebody else was faster. Times are in the workspace's zone."""

    id: Annotated[int, Meta(examples=[3])]
    state: Standing
    selected: Wanted
    total: Annotated[int | None, Meta(examples=[120])]
    put_back: Annotated[int, Meta(examples=[100])]
    remaining: Annotated[int | None, Meta(examples=[20])]
    per_second: Annotated[float, Meta(examples=[50])]
    seconds_left: Annotated[int | None, Meta(description="Null when nobody can say.", examples=[1])]
    asked_by: Annotated[str, Meta(examples=["Olga"])]
    stopped_by: Annotated[str, Meta(examples=[""])]
    created_at: Annotated[str, Meta(examples=["2026-11-22 11:00:00"])]
    worked_at: Annotated[str, Meta(examples=["2026-11-22 11:00:02"])]


class RedeliveryAnswer(msgspec.Struct, frozen=True):
    """A redelivery."""

    data: RedeliveryInfo
    status: Literal["ok"] = "ok"


class RedeliveriesMeta(msgspec.Struct, frozen=True):
    """`next`: the `before_id` of the next page; null where there is none."""

    next: Annotated[int | None, Meta(examples=[3])]


class RedeliveriesAnswer(msgspec.Struct, frozen=True):
    """Redeliveries, the newest first."""

    data: list[RedeliveryInfo]
    meta: RedeliveriesMeta


_INFO = {
    "id": 3,
    "state": "running",
    "selected": {
        "states": ["parked"],
        "user_ns": "",
        "to": "desk",
        "event": "",
        "from_seq": None,
        "start_time": None,
        "end_time": None,
    },
    "total": 120,
    "put_back": 100,
    "remaining": 20,
    "per_second": 50,
    "seconds_left": 1,
    "asked_by": "Olga",
    "stopped_by": "",
    "created_at": "2026-11-22 11:00:00",
    "worked_at": "2026-11-22 11:00:02",
}


# One


@writes(
    "/handoff/redeliver",
    tag=TAG,
    title="Redeliver one",
    name="redeliver",
    example={"delivery_id": 7012},
    about=DELIVERY,
)
async def redeliver(call: NamedDependency[Call], data: JSONBody[OneDelivery]) -> Ok:
    """Put a delivery that is over back into its lane, with the same id, number and body. It goes before
    younger ones that wait. Nothing happens when it waits already."""

    async def work(connection: Connection) -> Ok:
        await own_delivery(call, connection, data.delivery_id)
        await one_by_one.redeliver_in(
            connection, means(call), call.key.workspace_id, DeliveryId(data.delivery_id), by=call.caller
        )
        return Ok()

    return await call.once(work, Ok, locks_conversations=True)


@writes(
    "/handoff/skip",
    tag=TAG,
    title="Skip one",
    name="skipDelivery",
    example={"delivery_id": 7012, "reason": "told by phone"},
    about=DELIVERY,
    may_conflict=True,
)
async def skip(call: NamedDependency[Call], data: JSONBody[Skip]) -> Ok:
    """Have a delivery never made; what waits behind it goes on."""

    async def work(connection: Connection) -> Ok:
        await own_delivery(call, connection, data.delivery_id)
        await one_by_one.skip_in(
            connection,
            means(call),
            call.key.workspace_id,
            DeliveryId(data.delivery_id),
            by=call.caller,
            reason=data.reason,
        )
        return Ok()

    return await call.once(work, Ok, locks_conversations=True)


# Many


@writes(
    "/handoff/redeliver-many",
    tag=TAG,
    title="Redeliver many",
    name="redeliverMany",
    example={"endpoint": "desk", "state": "parked"},
    more_examples={"from a delivery on": {"from_delivery_id": 7012}},
    answer={"data": {"count": None, "redelivery_id": 3}, "status": "ok"},
)
async def redeliver_many(call: NamedDependency[Call], data: JSONBody[Many]) -> BegunAnswer:
    """Put everything that is selected back into its lanes, in order, little by little and without being in
    the way of what is new. Count first, with `dry_run`: it does nothing, and needs no key."""
    if data.dry_run:
        async with call.services.database.read() as connection:
            return BegunAnswer(Begun(count=await _count(call, connection, data)))

    async def work(connection: Connection) -> BegunAnswer:
        wanted = await _selected(call, connection, data)
        id_ = await many.begin(connection, means(call), call.key.workspace_id, wanted, by=call.caller)
        return BegunAnswer(Begun(redelivery_id=id_))

    return await call.once(work, BegunAnswer)


async def _count(call: Call, connection: Connection, data: Many) -> int:
    wanted = many.completed(await _selected(call, connection, data))
    return await deliveries.count(connection, call.key.workspace_id, wanted, most=MOST_COUNTED)


async def _selected(call: Call, connection: Connection, data: Many) -> Selection:
    wanted = await selected(call, connection, data)
    if DeliveryState.WAITING in wanted.states:
        allowed = (*FINISHED, "undelivered", "finished")
        raise InvalidInput({"state": [complaints.none_of("state", data.state, allowed)]})
    if data.from_delivery_id is None:
        return wanted
    for name in ("user_ns", "endpoint"):
        if getattr(data, name):
            raise InvalidInput({name: [_SAID_TWICE.format(complaints.shown(name))]})
    row = await own_delivery(call, connection, data.from_delivery_id)
    lane = lane_of(row)
    return msgspec.structs.replace(
        wanted, conversation_id=lane.conversation_id, destination=lane.destination, from_seq=row.seq
    )


_SAID_TWICE = "The {} is said by the delivery already; leave it out beside from_delivery_id."


@reads(
    "/handoff/redeliveries",
    tag=TAG,
    title="List redeliveries",
    name="listRedeliveries",
    asks=RedeliveriesQuery,
    example={"data": [_INFO], "meta": {"next": None}},
)
async def list_redeliveries(
    call: NamedDependency[Call], asked: NamedDependency[RedeliveriesQuery]
) -> RedeliveriesAnswer:
    """What was begun with *Redeliver many*, the newest first: how far each is that runs, and how those ended
    that are over."""
    async with call.services.database.read() as connection:
        found = await redeliveries.listing(
            connection,
            call.key.workspace_id,
            flow_id=call.key.flow_id,
            state=RedeliveryState(asked.state) if asked.state is not None else None,
            before_id=RedeliveryId(asked.before_id) if asked.before_id is not None else None,
            limit=asked.limit + 1,
        )
    shown, behind = newest(found, asked.limit)
    return RedeliveriesAnswer([_info(call, one) for one in shown], RedeliveriesMeta(behind))


@reads(
    "/handoff/redelivery",
    tag=TAG,
    title="Look at a redelivery",
    name="getRedelivery",
    asks=OneRedelivery,
    example={"data": _INFO, "status": "ok"},
    about=REDELIVERY,
)
async def get_redelivery(
    call: NamedDependency[Call], asked: NamedDependency[OneRedelivery]
) -> RedeliveryAnswer:
    """How far one has got that was begun with *Redeliver many*."""
    async with call.services.database.read() as connection:
        one = await _own(call, connection, asked.redelivery_id)
    return RedeliveryAnswer(_info(call, one))


@writes(
    "/handoff/stop-redelivery",
    tag=TAG,
    title="Stop a redelivery",
    name="stopRedelivery",
    example={"redelivery_id": 3},
    about=REDELIVERY,
)
async def stop_redelivery(call: NamedDependency[Call], data: JSONBody[OneRedelivery]) -> Ok:
    """Put no more of it back. What was put back is delivered all the same. Nothing happens when it is
    over."""

    async def work(connection: Connection) -> Ok:
        one = await _own(call, connection, data.redelivery_id)
        await redeliveries.stop(connection, one.id, by=call.caller, now=call.services.clock.now())
        return Ok()

    return await call.once(work, Ok)


async def _own(call: Call, connection: Connection, id_: int) -> Redelivery:
    """One of the flow's alone: one of the whole workspace is nothing for a token. Raises NotFound."""
    found = await redeliveries.find(connection, RedeliveryId(id_))
    if found is None or found.selection.flow_id != call.key.flow_id:
        raise NotFound(f"There is no redelivery {id_} in this flow")
    return found


def _info(call: Call, one: Redelivery) -> RedeliveryInfo:
    return RedeliveryInfo(
        id=one.id,
        state=one.state.value,
        selected=_wanted(call, one.selection),
        total=one.total,
        put_back=one.put_back,
        remaining=one.remaining,
        per_second=round(one.per_second, 1),
        seconds_left=round(one.time_left.total_seconds()) if one.time_left is not None else None,
        asked_by=one.asked_by,
        stopped_by=one.stopped_by,
        created_at=local(call, one.created_at),
        worked_at=local(call, one.worked_at),
    )


def _wanted(call: Call, one: Selection) -> Wanted:
    return Wanted(
        states=[state.value for state in one.states],
        user_ns=user_ns(call.key.flow_id, one.conversation_id) if one.conversation_id is not None else "",
        to=name_of(call, one.destination) if one.destination is not None else "",
        event=one.event_type,
        from_seq=one.from_seq or None,
        start_time=_unix(one.since),
        end_time=_unix(one.until - THAT_SECOND) if one.until is not None else None,
    )


def _unix(at: datetime | None) -> int | None:
    return int(at.timestamp()) if at is not None else None


def means(call: Call) -> Means:
    """What the administration works with."""
    return call.services.means
