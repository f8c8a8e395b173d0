"""Deliveries, lanes and attempts as rows.

A lane is the waiting deliveries of one conversation to one destination, by `seq`; its first is
the head. Only a head has a `due_at`. Whoever carries a head has put its node's name into
`claimed_by`; a claim counts as long as that node's lease runs. Nothing else keeps order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, get_args, get_type_hints

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Select,
    TextClause,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    type_coerce,
    union_all,
    update,
)

from relevo.domain.conversations import Control
from relevo.domain.deliveries import (
    Attempt,
    Delivery,
    DeliveryState,
    Destination,
    Done,
    GiveUp,
    Lane,
    Outcome,
    Park,
    RetryAt,
    Verdict,
)
from relevo.domain.events import CallAnswered, FileSettled, PlatformUnreachable, ReceiptCame
from relevo.domain.ids import ConversationId, DeliveryId, MessageId, WorkspaceId
from relevo.domain.redeliveries import EVERYTHING, Selection
from relevo.store.database import AnyRow, Connection
from relevo.store.database_clock import BY_ITS_CLOCK
from relevo.store.nodes import alive_at
from relevo.store.statements import Bulk, Query, among, given, setting
from relevo.store.tables import attempts, conversations, deliveries

_rows = deliveries.c
_encode = msgspec.json.Encoder().encode
_LANE = (_rows.conversation_id, _rows.destination_kind, _rows.destination_id)
WAITING = text("deliveries.state = 'waiting'")  # in the very words of the partial indexes
_UNSUCCESSFUL: ColumnElement[bool] = literal_column("(deliveries.state <> 'done')", Boolean)


News = ReceiptCame | FileSettled | CallAnswered | PlatformUnreachable
"""What a conversation must know of an attempt."""


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that was made, and the delivery that it was made for."""

    delivery: Delivery
    attempt: Attempt
    event: News | None = None
    """What the conversation must know of it, applied in the same transaction."""
    body: bytes | None = None
    """What is left to send, where a part of it was taken."""

    @property
    def is_final(self) -> bool:
        """Whether the lane goes on: the delivery is not tried again."""
        return not isinstance(self.attempt.verdict, RetryAt)


async def lock_heads(
    connection: Connection, ids: Collection[DeliveryId], conversations: Collection[ConversationId]
) -> list[AnyRow]:
    """The named deliveries and the heads of these conversations, locked until the transaction ends.

    All at once and in the order of id, so that two processes cannot wait for each other. Whoever adds
    deliveries has locked their conversations before: a lane of which nothing is found here is empty, and
    one of which something is found cannot become empty meanwhile.
    """
    moved: set[int] = set()
    while ids or conversations:
        rows = await _LOCK_HEADS.rows(
            connection, ids=[(one,) for one in ids], conversations=[(one,) for one in conversations]
        )
        moving = {row.id for row in rows if row.state != "waiting" and row.conversation_id in conversations}
        if moving <= moved:
            return rows
        # Another process finished these while we waited for their locks; the next of their lanes, which
        # it made heads in the same moment, are not seen by a query that began before. (READ COMMITTED:
        # https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED)
        moved |= moving
    return []


_heads_of = select(_rows.id).where(
    WAITING,
    _rows.conversation_id.in_(given("conversations", _rows.conversation_id)),
    _rows.due_at.is_not(None),
)
_LOCK_HEADS = Query(
    select(_rows.id, *_LANE, _rows.state, _rows.claimed_by)
    .where(among(_rows.id, union_all(given("ids", _rows.id), _heads_of)))
    .order_by(_rows.id)
    .with_for_update()
)


def busy_lanes(locked: Iterable[AnyRow]) -> set[Lane]:
    """Which lanes have a waiting delivery, by their heads (`lock_heads`)."""
    return {lane_of(row) for row in locked if row.state == "waiting"}


async def insert_new(
    connection: Connection, new: Sequence[Delivery], claimed: Collection[DeliveryId], node: str
) -> None:
    """Store deliveries; `claimed` names those that this node carries at once."""
    rows = (_row(one, claimed_by=node if one.id in claimed else None) for one in new)
    await _INSERT.run(connection, rows)


async def due_destinations(connection: Connection, *, now: datetime) -> list[Destination]:
    """To which of them a head is due that nobody alive carries. Goes from one destination to the next by
    the index, however many heads wait for each."""
    found = await connection.execute(_DUE_DESTINATIONS[connection.dialect.name], {"now": now})
    return [Destination(kind, id_) for kind, id_ in found.all()]


_HEADS = "FROM deliveries WHERE state = 'waiting' AND due_at IS NOT NULL AND destination_kind"
_KINDS = " UNION ALL ".join(
    f"SELECT '{kind}' AS kind" for kind in get_args(get_type_hints(Destination)["kind"])
)


def _due_destinations(the_time: str) -> TextClause:
    # Not EXISTS, of which PostgreSQL would make a join with all heads that are due.
    return text(f"""
    WITH RECURSIVE found (kind, id) AS (
        SELECT kind, (SELECT min(destination_id) {_HEADS} = kinds.kind) FROM ({_KINDS}) AS kinds
        UNION ALL
        SELECT kind, (SELECT min(destination_id) {_HEADS} = found.kind AND destination_id > found.id)
        FROM found WHERE id IS NOT NULL
    )
    SELECT kind, id FROM found WHERE (
        SELECT due_at {_HEADS} = found.kind AND destination_id = found.id AND due_at <= :now
            AND (claimed_by IS NULL
                OR claimed_by NOT IN (SELECT id FROM nodes WHERE lease_until >= {the_time}))
        ORDER BY due_at LIMIT 1) IS NOT NULL
    """).bindparams(bindparam("now", type_=_rows.due_at.type))


_DUE_DESTINATIONS = {"sqlite": _due_destinations(":now"), "postgresql": _due_destinations(BY_ITS_CLOCK)}


async def claim_due(
    connection: Connection, destination: Destination, *, node: str, now: datetime, limit: int
) -> list[Delivery]:
    """Take heads that are due and that nobody alive carries, the longest overdue first."""
    due = _free_heads(destination, now).where(_rows.due_at <= now).order_by(_rows.due_at)
    return await _claimed(connection, due.limit(limit), node)


async def claim_for_probe(
    connection: Connection, destination: Destination, *, node: str, now: datetime, newest: bool
) -> list[Delivery]:
    """Take one head: of those that are due, the `newest`; or the first of all, due or not."""
    heads = _free_heads(destination, now)
    due = heads.where(_rows.due_at <= now).order_by(_rows.due_at.desc())
    found = await _claimed(connection, due.limit(1), node) if newest else []
    return found or await _claimed(connection, heads.order_by(_rows.due_at).limit(1), node)


_BROUGHT_FORWARD = 5000
"""So many failed before a circuit opened, at most; where it is more, the rest come in their own time."""


async def bring_forward(connection: Connection, destination: Destination, now: datetime) -> None:
    """Have the heads that wait for a retry due now."""
    later = _free_heads(destination, now).where(_rows.due_at > now).order_by(_rows.due_at)
    some = later.with_only_columns(_rows.id).limit(_BROUGHT_FORWARD).with_for_update(skip_locked=True)
    await connection.execute(update(deliveries).where(_rows.id.in_(some)).values(due_at=now))


_MOST_TOLD = 5000


async def waiting_for_agents(
    connection: Connection, destination: Destination, *, since: datetime
) -> list[ConversationId]:
    """Whose lane to a destination has waited since then at most, while an agent has control."""
    its = _rows.conversation_id == conversations.c.id
    query = (
        select(_rows.conversation_id)
        .join(conversations, its)
        .where(
            WAITING,
            _rows.due_at.is_not(None),
            _rows.destination_kind == destination.kind,
            _rows.destination_id == destination.id,
            _rows.created_at >= since,
            conversations.c.control == Control.AGENT.value,
        )
        .order_by(_rows.due_at.desc())
        .limit(_MOST_TOLD)
    )
    return [ConversationId(id_) for id_ in (await connection.execute(query)).scalars()]


async def have_earlier(connection: Connection, by: timedelta, *, after: datetime) -> None:
    """Have the heads that are due after an instant due so much earlier."""
    earlier = type_coerce(_rows.due_at, BigInteger) - by // timedelta(microseconds=1)
    await connection.execute(update(deliveries).where(WAITING, _rows.due_at > after).values(due_at=earlier))


def _free_heads(destination: Destination, now: datetime) -> Select[Any]:
    return select(deliveries).where(
        WAITING,
        _rows.due_at.is_not(None),
        _rows.destination_kind == destination.kind,
        _rows.destination_id == destination.id,
        or_(_rows.claimed_by.is_(None), _rows.claimed_by.not_in(alive_at(now))),
    )


async def _claimed(connection: Connection, query: Select[Any], node: str) -> list[Delivery]:
    rows = (await connection.execute(query.with_for_update(skip_locked=True))).all()
    found = [from_row(row) for row in rows]
    await claim(connection, [one.id for one in found], node)
    return found


async def claim(connection: Connection, ids: Collection[DeliveryId], node: str) -> None:
    if ids:
        await connection.execute(update(deliveries).where(_rows.id.in_(ids)).values(claimed_by=node))


async def release(connection: Connection, ids: Collection[DeliveryId], node: str) -> None:
    """Give up claims without an attempt: somebody else may carry them."""
    if ids:
        mine = and_(_rows.id.in_(ids), _rows.claimed_by == node)
        await connection.execute(update(deliveries).where(mine).values(claimed_by=None))


async def next_due_at(connection: Connection, after: datetime) -> datetime | None:
    """When the next unclaimed head becomes due."""
    query = select(func.min(_rows.due_at)).where(WAITING, _rows.due_at > after, _rows.claimed_by.is_(None))
    found: datetime | None = (await connection.execute(query)).scalar_one_or_none()
    return found


async def settle(
    connection: Connection, settlements: Sequence[Settlement], locked: Iterable[AnyRow], *, node: str
) -> tuple[set[DeliveryId], dict[Lane, Delivery]]:
    """Record attempts of deliveries that `lock_heads` has locked, and move their lanes on.

    Gives the deliveries that were still ours (the outcome of any other is refused: its claim was
    lost, and somebody else has carried it since), and the lanes' new heads, claimed for us.
    """
    ours = {DeliveryId(row.id) for row in locked if row.state == "waiting" and row.claimed_by == node}
    valid = [one for one in settlements if one.delivery.id in ours]
    if not valid:
        return set(), {}
    await _SETTLE.run(connection, (_settled_row(one) for one in valid))
    await _shorten(connection, valid)
    await _INSERT_ATTEMPTS.run(connection, (_attempt_row(one.attempt) for one in valid))
    free = {one.delivery.lane for one in valid if one.is_final}
    now = max(one.attempt.started_at + one.attempt.took for one in valid)
    return {one.delivery.id for one in valid}, await promote_heads(connection, free, node=node, now=now)


async def promote_heads(
    connection: Connection, lanes: Collection[Lane], *, node: str | None, now: datetime
) -> dict[Lane, Delivery]:
    """Make the first waiting delivery of each lane its head, due now and claimed by `node`."""
    if not lanes:
        return {}
    keys = [(lane.conversation_id, lane.destination.kind, lane.destination.id) for lane in lanes]
    heads = [from_row(row) for row in await _FIRST_WAITING.rows(connection, lanes=keys)]
    await _PROMOTE.run(connection, ({"the_id": head.id, "due_at": now, "claimed_by": node} for head in heads))
    return {head.lane: msgspec.structs.replace(head, due_at=now) for head in heads}


_lanes = given("lanes", *_LANE).subquery()
_in_lane = and_(WAITING, *(_rows[column.name] == column for column in _lanes.c))
_first_seq = select(func.min(_rows.seq)).where(_in_lane).correlate(_lanes).scalar_subquery()
_FIRST_WAITING = Query(
    select(deliveries).join_from(_lanes, deliveries, and_(_in_lane, _rows.seq == _first_seq))
)
_PROMOTE = Bulk(
    update(deliveries).where(_rows.id == bindparam("the_id")).values(setting("due_at", "claimed_by"))
)


# What people look at and do


async def find(connection: Connection, id_: DeliveryId) -> AnyRow | None:
    """The whole row of a delivery, with `state`, `reason` and claims."""
    return (await connection.execute(select(deliveries).where(_rows.id == id_))).first()


async def listing(
    connection: Connection,
    workspace_id: WorkspaceId,
    selection: Selection = EVERYTHING,
    *,
    before_id: DeliveryId | None = None,
    limit: int = 50,
) -> list[AnyRow]:
    """A page of the log, newest first: rows without bodies."""
    columns = [column for column in deliveries.c if column.name != "body"]
    query = select(*columns).where(*matching(workspace_id, selection))
    if before_id is not None:
        query = query.where(_rows.id < before_id)
    return list((await connection.execute(query.order_by(_rows.id.desc()).limit(limit))).all())


async def count(connection: Connection, workspace_id: WorkspaceId, selection: Selection, *, most: int) -> int:
    """How many are selected; nobody counts beyond `most`."""
    some = select(_rows.id).where(*matching(workspace_id, selection)).limit(most).subquery()
    return int((await connection.execute(select(func.count()).select_from(some))).scalar_one())


def matching(workspace_id: WorkspaceId, selection: Selection) -> list[ColumnElement[bool]]:
    """What is true of the deliveries that are selected."""
    one, parts = selection, [_rows.workspace_id == workspace_id]
    if one.states:
        parts.append(_rows.state.in_(one.states))
        parts += [] if DeliveryState.DONE in one.states else [_UNSUCCESSFUL]
    if one.destination is not None:
        parts += [_rows.destination_kind == one.destination.kind, _rows.destination_id == one.destination.id]
    if one.conversation_id is not None:
        parts.append(_rows.conversation_id == one.conversation_id)
    if one.flow_id is not None:
        # Asked of each delivery: IN would first read every conversation of the flow (SQLite).
        its = (conversations.c.id == _rows.conversation_id, conversations.c.flow_id == one.flow_id)
        parts.append(select(conversations.c.id).where(*its).correlate(deliveries).exists())
    if one.event_type:
        parts.append(_rows.event_type == one.event_type)
    if one.from_seq:
        parts.append(_rows.seq >= one.from_seq)
    if one.since is not None:
        parts.append(_rows.created_at >= one.since)
    if one.until is not None:
        parts.append(_rows.created_at < one.until)
    return parts


async def head_of(connection: Connection, lane: Lane) -> AnyRow | None:
    """The row of the delivery that the rest of a lane waits for; None when the lane is empty."""
    query = select(deliveries).where(
        WAITING,
        _rows.conversation_id == lane.conversation_id,
        _rows.destination_kind == lane.destination.kind,
        _rows.destination_id == lane.destination.id,
        _rows.due_at.is_not(None),
    )
    return (await connection.execute(query)).first()


async def attempts_of(connection: Connection, id_: DeliveryId, latest: int = 100) -> list[Attempt]:
    """The `latest` attempts made for a delivery, in order: in a long outage one may have been a probe
    thousands of times."""
    query = select(attempts).where(attempts.c.delivery_id == id_).order_by(attempts.c.number.desc())
    rows = (await connection.execute(query.limit(latest))).all()
    return [_attempt(row) for row in reversed(rows)]


async def waiting_figures(connection: Connection) -> list[AnyRow]:
    """Per destination: how many wait (`waiting`), and since when the oldest does (`oldest`)."""
    query = (
        select(
            _rows.destination_kind,
            _rows.destination_id,
            func.count().label("waiting"),
            func.min(_rows.created_at).label("oldest"),
        )
        .where(WAITING)
        .group_by(_rows.destination_kind, _rows.destination_id)
    )
    return list((await connection.execute(query)).all())


# Rows and values


def from_row(row: AnyRow) -> Delivery:
    """A row of `deliveries` as the domain sees it."""
    return Delivery(
        id=DeliveryId(row.id),
        workspace_id=WorkspaceId(row.workspace_id),
        conversation_id=ConversationId(row.conversation_id),
        destination=Destination(row.destination_kind, row.destination_id),
        event_type=row.event_type,
        webhook_id=row.webhook_id,
        seq=row.seq,
        epoch=row.epoch,
        body=row.body,
        created_at=row.created_at,
        message_id=MessageId(row.message_id) if row.message_id is not None else None,
        state=DeliveryState(row.state),
        attempts_made=row.attempts_made,
        attempts_before=row.attempts_before,
        due_at=row.due_at,
    )


def lane_of(row: AnyRow) -> Lane:
    """The lane that a row belongs to."""
    return Lane(ConversationId(row.conversation_id), Destination(row.destination_kind, row.destination_id))


def _row(one: Delivery, *, claimed_by: str | None) -> dict[str, Any]:
    return {
        "id": one.id,
        "workspace_id": one.workspace_id,
        "conversation_id": one.conversation_id,
        "destination_kind": one.destination.kind,
        "destination_id": one.destination.id,
        "event_type": one.event_type,
        "webhook_id": one.webhook_id,
        "seq": one.seq,
        "epoch": one.epoch,
        "message_id": one.message_id,
        "body": one.body,
        "state": one.state.value,
        "reason": "",
        "attempts_made": one.attempts_made,
        "attempts_before": one.attempts_before,
        "due_at": one.due_at,
        "claimed_by": claimed_by,
        "created_at": one.created_at,
        "finished_at": None,
    }


_BY_ITSELF = "commit_order"  # what the database puts into a new row
_INSERT = Bulk(insert(deliveries).values(setting(*(one.name for one in _rows if one.name != _BY_ITSELF))))
_INSERT_ATTEMPTS = Bulk(insert(attempts))
_SETTLE = Bulk(
    update(deliveries)
    .where(_rows.id == bindparam("the_id"))
    .values(
        setting("state", "reason", "attempts_made", "attempts_before", "due_at", "claimed_by", "finished_at")
    )
)


async def _shorten(connection: Connection, settled: Sequence[Settlement]) -> None:
    for one in settled:
        if one.body is not None:
            shorter = update(deliveries).where(_rows.id == one.delivery.id).values(body=one.body)
            await connection.execute(shorter)


def _settled_row(one: Settlement) -> dict[str, Any]:
    attempt = one.attempt
    state, reason, due_at = _verdict_as_state(attempt.verdict)
    finished_at = None if state is DeliveryState.WAITING else attempt.started_at + attempt.took
    return {
        "the_id": one.delivery.id,
        "state": state.value,
        "reason": reason,
        "attempts_made": attempt.number,
        "attempts_before": one.delivery.attempts_before,
        "due_at": due_at,
        "claimed_by": None,
        "finished_at": finished_at,
    }


def _verdict_as_state(verdict: Verdict) -> tuple[DeliveryState, str, datetime | None]:
    match verdict:
        case Done():
            return DeliveryState.DONE, "", None
        case RetryAt(when=when):
            return DeliveryState.WAITING, "", when
        case Park(reason=reason):
            return DeliveryState.PARKED, reason, None
        case GiveUp(reason=reason):
            return DeliveryState.GIVEN_UP, reason, None


@lru_cache(maxsize=64)  # nearly all are the same two words: accepted, done
def _word(one: Outcome | Verdict) -> str:
    return _encode(one).decode()


def _attempt_row(one: Attempt) -> dict[str, Any]:
    return {
        "delivery_id": one.delivery_id,
        "number": one.number,
        "started_at": one.started_at,
        "took_us": one.took // timedelta(microseconds=1),
        "outcome": _word(one.outcome),
        "verdict": _word(one.verdict),
        "exchange": _encode(one.exchange).decode() if one.exchange else None,
    }


def _attempt(row: AnyRow) -> Attempt:
    text = (
        f'{{"delivery_id":{row.delivery_id},"number":{row.number},"took":"PT0S",'
        f'"started_at":"{row.started_at.isoformat()}","outcome":{row.outcome},"verdict":{row.verdict},'
        f'"exchange":{row.exchange or "null"}}}'
    )
    one = msgspec.json.decode(text, type=Attempt)
    return msgspec.structs.replace(one, took=timedelta(microseconds=row.took_us))
