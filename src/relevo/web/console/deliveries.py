"""The log of deliveries: what was to be brought where, and what came of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import deliveries as administration
from relevo.domain.deliveries import Delivery, DeliveryState, Destination
from relevo.domain.errors import NotFound
from relevo.domain.ids import ChannelId, ConversationId, DeliveryId, EndpointId, parse_user_ns
from relevo.domain.redeliveries import Selection
from relevo.domain.workspaces import EventType
from relevo.store import conversations, deliveries, subscribers
from relevo.store.database import AnyRow, Connection
from relevo.store.deliveries import from_row
from relevo.web.console.destinations import Destinations
from relevo.web.console.forms import Form
from relevo.web.console.guarding import FOR_STAFF
from relevo.web.console.notices import Notice
from relevo.web.console.times import When
from relevo.web.console.visits import Page, TheVisit, Visit
from relevo.web.console.words import DELIVERY_STATES, reason

SHOWN = 50
FILTERS = ("state", "to", "conversation", "event")
NOBODY = ConversationId(-1)
LARGEST_ID = 10**15
EVENT_TYPES = (*(one.value for one in EventType if one is not EventType.TEST), "message", "media")


# The log


@get("/deliveries", opt=FOR_STAFF)
async def listing(visit: TheVisit) -> Page:
    query = visit.query
    async with visit.services.database.read() as connection:
        found = await _log(connection, visit, query)
        people = await subscribers.get_many(connection, {row.conversation_id for row in found})
    found, more = found[:SHOWN], found[SHOWN:]
    return visit.page(
        "deliveries.html",
        title="Deliveries",
        form=query,
        is_filtered=any(query.get(name) for name in FILTERS),
        is_later_page=query.number("before") is not None,
        deliveries=found,
        names={id_: one.subscriber.display_name for id_, one in people.items()},
        destinations=Destinations(visit),
        event_types=EVENT_TYPES,
        next_page=_address(query, found[-1].id) if more else "",
        first_page=_address(query, None),
    )


async def _log(connection: Connection, visit: Visit, query: Form) -> list[AnyRow]:
    """The page that the filters ask for, and one row more if there is a next page."""
    state, before = query.get("state"), query.number("before")
    return await deliveries.listing(
        connection,
        visit.workspace_id,
        Selection(
            states=(DeliveryState(state),) if state in DELIVERY_STATES else (),
            destination=Destinations(visit).read(query.get("to")),
            conversation_id=_conversation(query),
            event_type=query.get("event"),
        ),
        before_id=None if before is None else DeliveryId(before),
        limit=SHOWN + 1,
    )


def _conversation(query: Form) -> ConversationId | None:
    """The conversation of a `user_ns`; for a text that is none, one that nothing belongs to."""
    text = query.get("conversation")
    named = parse_user_ns(text)
    return (named[1] if named else NOBODY) if text else None


def _address(query: Form, before: int | None) -> str:
    fields = {name: query.get(name) for name in FILTERS if query.get(name)}
    if before is not None:
        fields["before"] = str(before)
    return f"/console/deliveries?{urlencode(fields)}" if fields else "/console/deliveries"


# One delivery


@get("/deliveries/{delivery_id:int}", opt=FOR_STAFF)
async def show(visit: TheVisit, delivery_id: FromPath[int]) -> Page:
    id_ = DeliveryId(delivery_id)
    async with visit.services.database.read() as connection:
        row = await _find(connection, visit, id_)
        delivery = from_row(row)
        attempts = await deliveries.attempts_of(connection, id_)
        head = await deliveries.head_of(connection, delivery.lane)
        conversation = await conversations.find(connection, delivery.conversation_id)
    return visit.page(
        "delivery.html",
        title=f"Delivery {id_}",
        delivery=delivery,
        row=row,
        attempts=attempts[::-1],
        standing=standing(row, delivery, head, visit.when),
        head=head,
        conversation=conversation,
        destinations=Destinations(visit),
        is_finished=delivery.state is not DeliveryState.WAITING,
        closed=_closed(visit, delivery.destination),
    )


async def _find(connection: Connection, visit: Visit, id_: DeliveryId) -> AnyRow:
    row = await deliveries.find(connection, id_) if id_ < LARGEST_ID else None
    if row is None or row.workspace_id != visit.workspace_id:
        raise NotFound("There is no such delivery in this workspace.")
    return row


def _closed(visit: Visit, destination: Destination) -> str:
    """Why nothing is delivered there now; "" when it is."""
    match destination.kind:
        case "endpoint":
            endpoint = visit.directory.endpoints.get(EndpointId(destination.id))
            return endpoint.disabled_reason if endpoint is not None else "endpoint_removed"
        case "channel":
            channel = visit.directory.channels.get(ChannelId(destination.id))
            return channel.disabled_reason if channel is not None else "channel_removed"
        case "media":
            return ""


def standing(row: AnyRow, delivery: Delivery, head: AnyRow | None, when: When) -> str:
    """Where a delivery stands, and why, in a sentence."""
    match delivery.state:
        case DeliveryState.DONE:
            return f"Delivered at {when.exact(row.finished_at)}."
        case DeliveryState.PARKED:
            return f"Parked: {reason(row.reason)}. The lane went on without it; it can be redelivered."
        case DeliveryState.GIVEN_UP:
            return f"Given up: {reason(row.reason)}. The lane went on without it; it can be redelivered."
        case DeliveryState.SKIPPED:
            return "Somebody decided to skip it."
        case DeliveryState.WAITING:
            return _waits(row, head, when)


def _waits(row: AnyRow, head: AnyRow | None, when: When) -> str:
    """Why it waits."""
    if head is not None and head.id != row.id:
        return (
            f"It waits behind delivery {head.id} of the same conversation and destination: what one "
            "conversation sends to one place arrives in order."
        )
    if row.due_at is not None and row.due_at > when.now:
        return f"The last attempt failed; the next one is at {when.exact(row.due_at)}."
    if row.claimed_by:
        return "It is being delivered now."
    return "It is due, and is delivered as soon as there is room for it."


@post("/deliveries/{delivery_id:int}/redeliver", opt=FOR_STAFF)
async def redeliver(visit: TheVisit, delivery_id: FromPath[int]) -> Response[Any]:
    id_ = DeliveryId(delivery_id)
    async with visit.services.database.read() as connection:
        await _find(connection, visit, id_)
    waits = await administration.redeliver(visit.means, visit.workspace_id, id_, by=visit.member.name)
    notice = Notice("It is delivered again.") if waits else Notice("It is waiting already.", "warn")
    return visit.go(f"/console/deliveries/{id_}", notice)
