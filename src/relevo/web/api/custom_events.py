"""Custom events: what a platform counts about subscribers, by names of its own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.domain import complaints
from relevo.domain.custom_events import (
    LONGEST_TEXT_VALUE,
    MOST_CUSTOM_EVENTS,
    CustomEvent,
    EventValues,
)
from relevo.domain.date_ranges import DateRange, Day, days_of
from relevo.domain.errors import InvalidInput
from relevo.domain.events import AnyEvent, ByConversation, CustomEventLogged, Once
from relevo.domain.ids import parse_event_ns, user_ns
from relevo.domain.live_chat import local_time
from relevo.store import configuring, custom_events
from relevo.store.custom_events import Count, Logged
from relevo.web.api.answers import Limit, Ok, Page, PageQuery, page_example
from relevo.web.api.calls import Call, UserNs
from relevo.web.api.messages import THAT_SECOND, Seconds, instant
from relevo.web.api.operations import USER_NS, reads, writes

TAG = "Custom events"

EVENT_NS = "f1001e5"
DATA_WINDOW = timedelta(days=184)
"""UChat's six months: how far back a question may reach."""

EventNs = Annotated[
    str, Meta(max_length=40, description="The custom event, from the list.", examples=[EVENT_NS])
]
TextValue = Annotated[str, Meta(max_length=LONGEST_TEXT_VALUE)]
Amount = Annotated[float, Meta(ge=-1e15, le=1e15)]


class CustomEventInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of event. The labels say what its values mean."""

    name: Annotated[str, Meta(examples=["Order placed"])]
    event_ns: Annotated[str, Meta(examples=[EVENT_NS])]
    description: str
    text_label: Annotated[str, Meta(examples=["Product"])]
    price_label: Annotated[str, Meta(examples=["Amount"])]
    number_label: Annotated[str, Meta(examples=["Pieces"])]


class CustomEventPage(Page[CustomEventInfo], frozen=True):
    """A page of custom events."""


class CustomEventsQuery(PageQuery, frozen=True, kw_only=True):
    name: Annotated[str, Meta(max_length=200, description="Any part of the name.")] = ""


class EventToLog(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, to whom."""

    user_ns: UserNs
    event_name: Annotated[
        str,
        Meta(
            max_length=200,
            description="The name of the event. One that there is not yet exists from now on.",
            examples=["Order placed"],
        ),
    ]
    text_value: Annotated[TextValue | None, Meta(description="A text.", examples=["mug"])] = None
    price_value: Annotated[Amount | None, Meta(description="An amount of money.", examples=[9.9])] = None
    number_value: Annotated[Amount | None, Meta(description="A number.", examples=[2])] = None


class SummaryQuery(msgspec.Struct, frozen=True, kw_only=True):
    event_ns: EventNs
    range: Annotated[
        DateRange,
        Meta(
            description="Which days, of the workspace's zone; none of them has today.", examples=["last_week"]
        ),
    ] = "yesterday"


class DayCount(msgspec.Struct, frozen=True):
    """How often it happened on a day, and to how many subscribers."""

    num: Annotated[int, Meta(examples=[234])]
    unique_user_num: Annotated[int, Meta(examples=[123])]
    start_date: Annotated[str, Meta(examples=["2026-11-21"])]


class TotalCount(msgspec.Struct, frozen=True):
    """How often it happened in all, and to how many subscribers."""

    num: int
    unique_user_num: int


class TextCount(msgspec.Struct, frozen=True):
    """How often it happened with a text value, and to how many subscribers."""

    num: int
    unique_user_num: int
    text_value: Annotated[str, Meta(examples=["mug"])]


class SummaryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted. `text_values` has the hundred that were most frequent."""

    data: CustomEventInfo
    status: Literal["ok"] = "ok"
    stats: list[DayCount]
    total: TotalCount
    start_date: Annotated[str, Meta(examples=["2026-11-21 00:00:00"])]
    end_date: Annotated[str, Meta(examples=["2026-11-21 23:59:59"])]
    text_values: list[TextCount]


class DataQuery(msgspec.Struct, frozen=True, kw_only=True):
    event_ns: EventNs
    start_time: Annotated[Seconds | None, Meta(description="Unix seconds; left out: six months ago.")] = None
    end_time: Annotated[Seconds | None, Meta(description="Unix seconds; left out: now.")] = None
    start_id: Annotated[
        int, Meta(ge=0, le=2**53, description="From this `id` on: `next_start_id` of the last answer.")
    ] = 0
    limit: Limit = 100


class CustomEventRow(msgspec.Struct, frozen=True, kw_only=True):
    """One time that it happened. Values are texts, empty where nothing was given."""

    id: Annotated[int, Meta(examples=[7012])]
    user_ns: Annotated[str, Meta(examples=[USER_NS])]
    event_ns: Annotated[str, Meta(examples=[EVENT_NS])]
    text_value: Annotated[str, Meta(examples=["mug"])]
    price_value: Annotated[str, Meta(examples=["9.9"])]
    number_value: Annotated[str, Meta(examples=["2"])]
    created_at: Annotated[str, Meta(examples=["2026-11-21 14:13:20"])]


class DataAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, the oldest first. `next_start_id` is where to go on; null at the end."""

    data: list[CustomEventRow]
    next_start_id: Annotated[int | None, Meta(examples=[7013])]
    status: Literal["ok"] = "ok"


_EVENT: dict[str, Any] = {
    "name": "Order placed",
    "event_ns": EVENT_NS,
    "description": "",
    "text_label": "Product",
    "price_label": "Amount",
    "number_label": "Pieces",
}
_ROW = {
    "id": 7012,
    "user_ns": USER_NS,
    "event_ns": EVENT_NS,
    "text_value": "mug",
    "price_value": "9.9",
    "number_value": "2",
    "created_at": "2026-11-21 14:13:20",
}


@writes(
    "/subscriber/log-custom-event",
    tag=TAG,
    title="Log a custom event",
    name="logCustomEvent",
    example={
        "user_ns": USER_NS,
        "event_name": "Order placed",
        "text_value": "mug",
        "price_value": 9.9,
        "number_value": 2,
    },
)
async def log_custom_event(call: NamedDependency[Call], data: JSONBody[EventToLog]) -> Ok:
    """Say that something happened to a subscriber. It is counted, and a flow may be triggered by it."""
    event = await _declared(call, data.user_ns, data.event_name)
    values = EventValues(text=data.text_value, price=data.price_value, number=data.number_value)

    def logged(to: ByConversation, once: Once | None) -> AnyEvent:
        return CustomEventLogged(to=to, once=once, custom_event=event, values=values)

    return await call.write(data.user_ns, logged)


async def _declared(call: Call, whom: str, name: str) -> CustomEvent:
    """The flow's event of this name; one that is new is made, for somebody who is there."""
    catalog, key = call.services.catalog, call.key
    if found := catalog.directory.custom_event(key.flow_id, name):
        return found
    async with call.services.database.write() as connection:
        await call.subscriber(connection, whom)
        await configuring.lock(connection)
        _check_room(call)
        now = call.services.clock.now()
        found = await custom_events.ensure(connection, key.workspace_id, key.flow_id, name, now)
    await catalog.refresh(at_once=True)
    return found


def _check_room(call: Call) -> None:
    if len(_events(call)) >= MOST_CUSTOM_EVENTS:
        wrong = complaints.too_many("event_name", MOST_CUSTOM_EVENTS, MOST_CUSTOM_EVENTS + 1)
        raise InvalidInput({"event_name": [wrong]})


@reads(
    "/flow/custom-events",
    tag=TAG,
    title="List custom events",
    name="listCustomEvents",
    asks=CustomEventsQuery,
    example=page_example("/flow/custom-events", _EVENT),
)
async def list_custom_events(
    call: NamedDependency[Call], asked: NamedDependency[CustomEventsQuery]
) -> CustomEventPage:
    """The events of the flow, the first one first."""
    wanted = [_info(one) for one in _events(call) if asked.name.casefold() in one.name.casefold()]
    return call.paging(asked).cut(CustomEventPage, wanted)


def _events(call: Call) -> list[CustomEvent]:
    everything = call.services.catalog.directory.custom_events.values()
    return sorted((one for one in everything if one.flow_id == call.key.flow_id), key=lambda one: one.id)


def _info(one: CustomEvent) -> CustomEventInfo:
    return CustomEventInfo(
        name=one.name,
        event_ns=one.event_ns,
        description=one.description,
        text_label=one.text_label,
        price_label=one.price_label,
        number_label=one.number_label,
    )


@reads(
    "/flow/custom-events/summary",
    tag=TAG,
    title="Summarise a custom event",
    name="summariseCustomEvent",
    asks=SummaryQuery,
    example={
        "data": _EVENT,
        "status": "ok",
        "stats": [{"num": 234, "unique_user_num": 123, "start_date": "2026-11-21"}],
        "total": {"num": 234, "unique_user_num": 123},
        "start_date": "2026-11-21 00:00:00",
        "end_date": "2026-11-21 23:59:59",
        "text_values": [{"num": 23, "unique_user_num": 12, "text_value": "mug"}],
    },
)
async def custom_event_summary(
    call: NamedDependency[Call], asked: NamedDependency[SummaryQuery]
) -> SummaryAnswer:
    """How often it happened, and to how many subscribers: in all, on each day, and with each text."""
    event = event_of(call, asked.event_ns)
    days = days_of(asked.range, call.services.clock.now(), call.workspace.timezone)
    async with call.services.database.read() as connection:
        found = await custom_events.summary(connection, event.id, days)
    return SummaryAnswer(
        data=_info(event),
        stats=[_day_count(one, found.days.get(one.date, Count())) for one in days],
        total=TotalCount(found.total.times, found.total.people),
        start_date=local_time(days[0].since, call.workspace.timezone),
        end_date=local_time(days[-1].until - timedelta(seconds=1), call.workspace.timezone),
        text_values=[TextCount(one.times, one.people, text) for text, one in found.texts.items()],
    )


def _day_count(day: Day, count: Count) -> DayCount:
    return DayCount(count.times, count.people, day.date.isoformat())


@reads(
    "/flow/custom-events/data",
    tag=TAG,
    title="List what happened",
    name="listCustomEventData",
    asks=DataQuery,
    example={"data": [_ROW], "next_start_id": None, "status": "ok"},
)
async def custom_event_data(call: NamedDependency[Call], asked: NamedDependency[DataQuery]) -> DataAnswer:
    """Each time that an event happened, at most six months back. A cursor goes through all of it: ask with
    `next_start_id` until it is null."""
    event, (since, until) = (
        event_of(call, asked.event_ns),
        window(call, asked.start_time, asked.end_time, DATA_WINDOW),
    )
    async with call.services.database.read() as connection:
        rows = await custom_events.data(
            connection, event.id, since=since, until=until, start_id=asked.start_id, limit=asked.limit + 1
        )
    shown = [_row(call, event, one) for one in rows[: asked.limit]]
    return DataAnswer(data=shown, next_start_id=rows[-1].id if len(rows) > asked.limit else None)


def event_of(call: Call, ns: str) -> CustomEvent:
    """The custom event of the token's flow. Raises InvalidInput."""
    _, id_ = parse_event_ns(ns) or (None, None)
    found = call.services.catalog.directory.custom_events.get(id_) if id_ is not None else None
    if found is None or found.event_ns != ns or found.flow_id != call.key.flow_id:
        raise InvalidInput({"event_ns": [complaints.unknown("event_ns", ns, "custom event in this flow")]})
    return found


def window(
    call: Call, start_time: int | None, end_time: int | None, longest: timedelta
) -> tuple[datetime, datetime]:
    """The span that is asked for, both ends included; what is left out is as far back as can be asked for,
    and now. Raises InvalidInput."""
    now = call.services.clock.now()
    oldest = now - longest
    since, until = instant(start_time) or oldest, instant(end_time, plus=THAT_SECOND) or now
    if since > until:
        raise InvalidInput({"end_time": [complaints.too_small("end_time", start_time or 0, end_time or 0)]})
    if since < oldest - _LATENESS:
        first = int(oldest.timestamp())
        raise InvalidInput({"start_time": [complaints.too_small("start_time", first, start_time or 0)]})
    return since, until


_LATENESS = timedelta(hours=1)
"""Whoever computes *six months ago* and then asks is a little late."""


def _row(call: Call, event: CustomEvent, one: Logged) -> CustomEventRow:
    return CustomEventRow(
        id=one.id,
        user_ns=user_ns(event.flow_id, one.conversation_id),
        event_ns=event.event_ns,
        text_value=one.values.text or "",
        price_value=_text(one.values.price),
        number_value=_text(one.values.number),
        created_at=local_time(one.at, call.workspace.timezone),
    )


def _text(number: float | None) -> str:
    """`2`, not `2.0`."""
    if number is None:
        return ""
    return str(int(number)) if number.is_integer() else repr(number)
