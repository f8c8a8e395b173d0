"""Broadcasts: begun, looked after, cancelled and deleted by people and by the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from relevo.admin.changing import Means, refuse
from relevo.domain import segments
from relevo.domain.broadcasts import (
    HIGHEST_RATE,
    MOST_CHOSEN,
    MOST_LISTED,
    USUAL_RATE,
    Broadcast,
    BroadcastId,
    BroadcastState,
    Kind,
    Listed,
    Matching,
    Outcome,
    Recipients,
    Says,
)
from relevo.domain.configuring import Wrong
from relevo.domain.errors import NotFound
from relevo.domain.ids import ConversationId, FlowId, WorkspaceId
from relevo.domain.segments import Segment
from relevo.store import broadcasts, subscribers
from relevo.store.database import Connection

LONGEST_NAME = 200
FURTHEST = timedelta(days=366)
"""How far ahead one may be scheduled."""


class BroadcastWish(msgspec.Struct, frozen=True, kw_only=True):
    """`at` None: now."""

    workspace_id: WorkspaceId
    flow_id: FlowId
    to: Recipients
    says: Says
    name: str = ""
    kind: Kind = ""
    per_minute: int = USUAL_RATE
    at: datetime | None = None


async def begin(connection: Connection, now: datetime, wish: BroadcastWish, *, by: str) -> BroadcastId:
    """Have it sent, when it is time. Raises `InvalidInput`."""
    refuse(_wrong(wish, now))
    return await broadcasts.insert_new(connection, _new(wish, by, now))


def _wrong(wish: BroadcastWish, now: datetime) -> dict[str, Wrong]:
    wrong: dict[str, Wrong] = {}
    if len(wish.name) > LONGEST_NAME:
        wrong["name"] = Wrong("it is too long", f"write at most {LONGEST_NAME} characters")
    if not 1 <= wish.per_minute <= HIGHEST_RATE:
        problem = f"{wish.per_minute} people a minute is no rate"
        wrong["max_per_minute"] = Wrong(problem, f"write a number from 1 to {HIGHEST_RATE}")
    if wish.at is not None and wish.at > now + FURTHEST:
        wrong["scheduled_time"] = Wrong("it is more than a year from now", "choose an earlier time")
    return wrong


def _new(wish: BroadcastWish, by: str, now: datetime) -> Broadcast:
    """A time that has passed is now."""
    at = wish.at if wish.at is not None and wish.at > now else None
    unknown: dict[Outcome, int] = {}
    if isinstance(wish.to, Listed) and wish.to.unknown:
        unknown = {"unknown": wish.to.unknown}
    return Broadcast(
        id=BroadcastId(0),
        workspace_id=wish.workspace_id,
        flow_id=wish.flow_id,
        name=wish.name or _named(wish),
        asked_by=by,
        kind=wish.kind,
        to=wish.to,
        says=wish.says,
        per_minute=wish.per_minute,
        state=BroadcastState.SCHEDULED if at else BroadcastState.RUNNING,
        due_at=at or now,
        scheduled_at=at,
        total=None,
        looked_at=0,
        counts=unknown,
        created_at=now,
        started_at=None,
        worked_at=now,
    )


def _named(wish: BroadcastWish) -> str:
    return wish.says.subflow or "Template"


# To whom


async def listed(
    connection: Connection,
    flow_id: FlowId,
    *,
    ids: Sequence[ConversationId] = (),
    user_ids: Sequence[str] = (),
    elsewhere: int = 0,
) -> Listed:
    """These people of the flow, by our ids or by their channels'. `elsewhere`: named, and no ids at all."""
    found = await subscribers.ids_of(connection, flow_id, ids=ids, user_ids=user_ids)
    return Listed(tuple(found.ids), found.missing + elsewhere)


def in_segments(found: Sequence[Segment]) -> Matching:
    """Whoever is in one of these when their turn comes, as the segments are now."""
    names = ", ".join(one.name for one in found)
    return Matching(segments.any_of([one.source for one in found]), f"segment {names}")


def with_tags(tags: Sequence[str], without: Sequence[str] = ()) -> Matching:
    named = f"tag {', '.join(tags)}" + (f", without {', '.join(without)}" if without else "")
    return Matching(segments.tagged(tuple(tags), tuple(without)), named)


def too_many(field: str, what: str, number: int, most: int) -> dict[str, Wrong]:
    """What is wrong with so many, if anything."""
    if number > most:
        return {field: Wrong(f"these are {number} {what}", f"name at most {most}")}
    return {} if number else {field: Wrong(f"it names no {what}", "name at least one")}


def wrong_list(field: str, number: int) -> dict[str, Wrong]:
    return too_many(field, "people", number, MOST_LISTED)


def wrong_choice(field: str, what: str, number: int) -> dict[str, Wrong]:
    return too_many(field, what, number, MOST_CHOSEN)


# Afterwards


async def find(means: Means, workspace_id: WorkspaceId, id_: BroadcastId) -> Broadcast:
    """One of this workspace; `NotFound` for another's as for one that nobody has."""
    async with means.database.read() as connection:
        found = await broadcasts.find(connection, id_)
    if found is None or found.workspace_id != workspace_id:
        raise NotFound(f"There is no broadcast {id_} in this workspace")
    return found


async def cancel(means: Means, one: Broadcast, *, by: str) -> bool:
    """Tell nobody any more; False when it was over before. The few who are being told still are."""
    async with means.database.write() as connection:
        return await broadcasts.cancel(connection, one.id, by=by, now=means.clock.now())


async def remove(means: Means, one: Broadcast, *, by: str) -> None:
    """Delete it, and cancel it if it is under way."""
    async with means.database.write() as connection:
        await broadcasts.remove(connection, one.id, by=by, now=means.clock.now())
