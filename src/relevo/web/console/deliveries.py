"""The log of deliveries: what was to be brought where, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import deliveries as administration
from relevo.domain.deliveries import Delivery, DeliveryState, Destination
from relevo.domain.errors import Conflict, InvalidInput, NotFound
from relevo.domain.health import State
from relevo.domain.ids import ChannelId, DeliveryId, EndpointId
from relevo.domain.redeliveries import Redelivery, RedeliveryState
from relevo.store import conversations, deliveries, endpoint_health, interventions, redeliveries, subscribers
from relevo.store.database import AnyRow, Connection
from relevo.store.deliveries import from_row
from relevo.web.console import selecting
from relevo.web.console.destinations import Destinations
from relevo.web.console.forms import Form
from relevo.web.console.guarding import FOR_STAFF
from relevo.web.console.notices import Notice
from relevo.web.console.times import When
from relevo.web.console.visits import Page, TheVisit, Visit
from relevo.web.console.words import reason

SHOWN = 50
LATEST = 10
LARGEST_ID = 10**15


# The log


@get("/deliveries", opt=FOR_STAFF)
async def listing(visit: TheVisit) -> Page:
    query = visit.query
    async with visit.services.database.read() as connection:
        found = await _log(connection, visit, query)
        people = await subscribers.get_many(connection, {row.conversation_id for row in found})
        running = await _running(connection, visit)
    found, more = found[:SHOWN], found[SHOWN:]
    return visit.page(
        "deliveries.html",
        title="Deliveries",
        form=query,
        is_filtered=bool(selecting.chosen(query)),
        running=running,
        redeliver_page=_address(query, None, "/console/deliveries/redeliver"),
        is_later_page=query.number("before") is not None,
        deliveries=found,
        names={id_: one.subscriber.display_name for id_, one in people.items()},
        destinations=Destinations(visit),
        event_types=administration.EVENT_TYPES,
        next_page=_address(query, found[-1].id) if more else "",
        first_page=_address(query, None),
    )


async def _log(connection: Connection, visit: Visit, query: Form) -> list[AnyRow]:
    """The page that the filters ask for, and one row more if there is a next page."""
    before, (selection, _) = query.number("before"), selecting.read(visit, query)
    return await deliveries.listing(
        connection,
        visit.workspace_id,
        selection,
        before_id=None if before is None else DeliveryId(before),
        limit=SHOWN + 1,
    )


async def _running(connection: Connection, visit: Visit) -> list[Redelivery]:
    """The latest redeliveries, as far as they are under way."""
    latest = await redeliveries.listing(connection, visit.workspace_id, limit=LATEST)
    return [one for one in latest if one.state is RedeliveryState.RUNNING]


def _address(query: Form, before: int | None, path: str = "/console/deliveries") -> str:
    fields = selecting.chosen(query)
    if before is not None:
        fields["before"] = str(before)
    return f"{path}?{urlencode(fields)}" if fields else path


# One delivery


@get("/deliveries/{delivery_id:int}", opt=FOR_STAFF)
async def show(visit: TheVisit, delivery_id: FromPath[int]) -> Page:
    return await _page(visit, DeliveryId(delivery_id), Form())


async def _page(visit: Visit, id_: DeliveryId, form: Form) -> Page:
    async with visit.services.database.read() as connection:
        row = await _find(connection, visit, id_)
        delivery = from_row(row)
        attempts = await deliveries.attempts_of(connection, id_)
        head = await deliveries.head_of(connection, delivery.lane)
        dead_since = await _dead_since(connection, delivery.destination)
        conversation = await conversations.find(connection, delivery.conversation_id)
        done = await interventions.of_delivery(connection, id_)
    return visit.page(
        "delivery.html",
        title=f"Delivery {id_}",
        status=422 if form.errors else 200,
        form=form,
        interventions=done,
        delivery=delivery,
        row=row,
        attempts=attempts[::-1],
        standing=standing(row, delivery, head, visit.when, dead_since),
        head=head,
        conversation=conversation,
        destinations=Destinations(visit),
        is_finished=delivery.state is not DeliveryState.WAITING,
        can_be_skipped=delivery.state not in (DeliveryState.DONE, DeliveryState.SKIPPED),
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
        case "media" | "call" | "email":
            return ""


async def _dead_since(connection: Connection, destination: Destination) -> datetime | None:
    """Since when nobody is there, if nobody is: deliveries wait for a probe to succeed."""
    if destination.kind != "endpoint":
        return None
    id_ = EndpointId(destination.id)
    found = (await endpoint_health.standings(connection, [id_])).get(id_)
    return found.since if found is not None and found.state is State.OPEN else None


def standing(
    row: AnyRow, delivery: Delivery, head: AnyRow | None, when: When, dead_since: datetime | None = None
) -> str:
    """Where a delivery stands, and why, in a sentence."""
    match delivery.state:
        case DeliveryState.DONE:
            return f"Delivered at {when.exact(row.finished_at)}."
        case DeliveryState.PARKED:
            return f"Parked: {reason(row.reason)}. The lane went on without it; it can be redelivered."
        case DeliveryState.GIVEN_UP:
            return f"Given up: {reason(row.reason)}. The lane went on without it; it can be redelivered."
        case DeliveryState.SKIPPED:
            return f"Skipped: {row.reason}." if row.reason else "Somebody decided to skip it."
        case DeliveryState.WAITING:
            return _waits(row, head, when, dead_since)


def _waits(row: AnyRow, head: AnyRow | None, when: When, dead_since: datetime | None) -> str:
    """Why it waits."""
    if head is not None and head.id != row.id:
        return (
            f"It waits behind delivery {head.id} of the same conversation and destination: what one "
            "conversation sends to one place arrives in order."
        )
    if dead_since is not None:
        return (
            f"Nobody is there since {when.exact(dead_since)}: it waits for a probe of the endpoint to "
            "succeed, and uses up none of its retries."
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


@post("/deliveries/{delivery_id:int}/skip", opt=FOR_STAFF)
async def skip(visit: TheVisit, delivery_id: FromPath[int]) -> Response[Any]:
    id_, form = DeliveryId(delivery_id), await visit.form()
    async with visit.services.database.read() as connection:
        await _find(connection, visit, id_)
    try:
        await administration.skip(
            visit.means, visit.workspace_id, id_, by=visit.member.name, reason=form.get("reason")
        )
    except InvalidInput as error:
        return await _page(visit, id_, form.refused(error))
    except Conflict as error:
        return visit.go(f"/console/deliveries/{id_}", Notice(error.message, "warn"))
    return visit.go(f"/console/deliveries/{id_}", "It is skipped. What waited behind it goes on.")
