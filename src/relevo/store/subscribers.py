"""Subscribers as lists: found by what is known of them, and counted. Made for a million of them in a flow."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Select, and_, exists, false, func, literal, not_, or_, select, true

from relevo.domain.conversations import Conversation
from relevo.domain.ids import ChannelId, ConversationId, FlowId, WorkspaceId
from relevo.store import day_figures
from relevo.store.choosing import Within
from relevo.store.conversations import SEARCHED, from_row
from relevo.store.database import Connection
from relevo.store.searching import has_part
from relevo.store.tables import conversations, custom_event_subscribers, traits
from relevo.store.traits import Kind

LARGE = 10_000
"""From so many on, counting them is worth avoiding."""
FEW = 1000
"""So many are looked up first and then put in order; more of them turn up soon enough among the latest."""

_rows, _found = conversations.c, traits.c

# With the values in the statement, as the partial indexes have them: a bound one would not be known to fit.
_HAS_PHONE = _rows.phone != literal("", literal_execute=True)
_HAS_EMAIL = _rows.email != literal("", literal_execute=True)
_NOT_OPEN = _rows.status != literal("open", literal_execute=True)


class Trait(msgspec.Struct, frozen=True):
    """Something that a subscriber has, or has not (`wanted` False). `value` None is any."""

    kind: Kind
    name: str
    value: str | None = None
    wanted: bool = True


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to list; what is left out does not matter.

    `name` is any part of the name (ASCII letters in either case), `phone`, `email` and `user_id` are
    all of it. The `…_since` pairs say whether the person, anybody, or the bot has said something since
    then. `event_id` is a custom event that happened to them, `within` what `choosing.within` found.
    `team`: of a whole workspace, all flows of which are named, instead of the one.
    """

    flow_id: FlowId
    team: tuple[WorkspaceId, tuple[FlowId, ...]] | None = None
    name: str = ""
    phone: str = ""
    email: str = ""
    user_id: str = ""
    channel_ids: tuple[ChannelId, ...] | None = None
    active_since: tuple[datetime, bool] | None = None
    message_since: tuple[datetime, bool] | None = None
    bot_since: tuple[datetime, bool] | None = None
    traits: tuple[Trait, ...] = ()
    event_id: int | None = None
    within: Within | None = None


class Listing(msgspec.Struct, frozen=True):
    """A page, and how many there are on all pages."""

    rows: list[Conversation]
    total: int


class LargeTotals:
    """Numbers that take long to count, believed for some seconds: whoever reads page after page asks for the
    same again and again, and of so many a few more or less change nothing. Times are seconds of a monotonic
    clock."""

    BELIEVED_FOR = 10.0
    _MOST = 1000

    def __init__(self) -> None:
        self._known: dict[Wanted | FlowId, tuple[Any, float]] = {}

    def find(self, wanted: Wanted, now: float) -> int | None:
        """What was counted lately."""
        return self._find(_to_the_minute(wanted), now)  # type: ignore[no-any-return]

    def note(self, wanted: Wanted, total: int, now: float) -> None:
        if total > LARGE and wanted.within is None:
            self._note(_to_the_minute(wanted), total, now)

    def find_by_status(self, flow_id: FlowId, now: float) -> dict[str, int] | None:
        """What was counted lately."""
        return self._find(flow_id, now)  # type: ignore[no-any-return]

    def note_by_status(self, flow_id: FlowId, counts: dict[str, int], now: float) -> None:
        if sum(counts.values()) > LARGE:
            self._note(flow_id, counts, now)

    def _find(self, key: Wanted | FlowId, now: float) -> Any:
        counted, until = self._known.get(key, (None, 0.0))
        return counted if now < until else None

    def _note(self, key: Wanted | FlowId, counted: object, now: float) -> None:
        if len(self._known) >= self._MOST:
            self._known.clear()
        self._known[key] = (counted, now + self.BELIEVED_FOR)


def _to_the_minute(wanted: Wanted) -> Wanted:
    """Of the same question some seconds later, the same."""
    names = ("active_since", "message_since", "bot_since")
    pairs = ((name, getattr(wanted, name)) for name in names)
    return replace(
        wanted,
        **{name: (pair[0].replace(second=0, microsecond=0), pair[1]) for name, pair in pairs if pair},
    )


async def listing(
    connection: Connection, wanted: Wanted, *, limit: int, offset: int, total: int | None = None
) -> Listing:
    """A page: whoever spoke or was spoken to last comes first, those with no message at all come last.

    `total`, if it is known already, is not counted again.
    """
    if wanted.channel_ids == ():
        return Listing([], 0)
    few = await _few(connection, wanted)
    rows = await _page(connection, _condition(wanted, few), limit, offset)
    if len(rows) < limit and (rows or not offset):
        return Listing(rows, offset + len(rows))
    return Listing(rows, await _total(connection, wanted, few) if total is None else total)


async def find(connection: Connection, flow_id: FlowId, id_: ConversationId) -> Conversation | None:
    """A subscriber of this flow, unlocked."""
    query = select(conversations).where(_rows.id == id_, _rows.flow_id == flow_id)
    row = (await connection.execute(query)).first()
    return from_row(row) if row else None


async def find_by_contacts(
    connection: Connection, flow_id: FlowId, phones: Collection[str], emails: Collection[str]
) -> dict[tuple[str, str], ConversationId]:
    """Who has these phone numbers and e-mail addresses, by `("phone", …)` and `("email", …)`; of several,
    the last one made."""
    found: dict[tuple[str, str], ConversationId] = {}
    for name, column, has, wanted in (
        ("phone", _rows.phone, _HAS_PHONE, phones),
        ("email", _rows.email, _HAS_EMAIL, emails),
    ):
        given = sorted(filter(None, wanted))
        if given:
            query = select(_rows.id, column).where(_rows.flow_id == flow_id, has, column.in_(given))
            rows = (await connection.execute(query.order_by(_rows.id))).all()
            found |= {(name, value): ConversationId(id_) for id_, value in rows}
    return found


async def get_many(
    connection: Connection, ids: Collection[ConversationId]
) -> dict[ConversationId, Conversation]:
    """Those of them that there are, unlocked."""
    if not ids:
        return {}
    query = select(conversations).where(_rows.id.in_(sorted(ids)))
    return {one.id: one for one in map(from_row, (await connection.execute(query)).all())}


class Ids(msgspec.Struct, frozen=True):
    """People who were named, and how many of those who were are not there."""

    ids: list[ConversationId]
    missing: int


async def ids_of(
    connection: Connection,
    flow_id: FlowId,
    *,
    ids: Collection[ConversationId] = (),
    user_ids: Collection[str] = (),
) -> Ids:
    """Those of a flow with these ids, or these ids inside their channel; each once."""
    by_id = sorted(set(ids))
    by_user = sorted({one for one in user_ids if "\0" not in one})
    named = or_(_rows.id.in_(by_id), _rows.user_id.in_(by_user))
    query = select(_rows.id, _rows.user_id).where(_rows.flow_id == flow_id, named).order_by(_rows.id)
    rows = (await connection.execute(query)).all()
    met = {row.user_id for row in rows} & set(by_user)
    known = {row.id for row in rows} & set(by_id)
    missing = len(by_id) - len(known) + len(set(user_ids)) - len(met)
    return Ids([ConversationId(row.id) for row in rows], missing)


async def count_by_status(connection: Connection, flow_id: FlowId) -> dict[str, int]:
    """How many subscribers of a flow are in each status; a status that nobody is in is left out."""
    total = await _all_of(connection, flow_id)
    # There is no index of the open ones: it would have to change with the busiest rows.
    query = (
        select(_rows.status, func.count())
        .where(_rows.flow_id == flow_id, _NOT_OPEN)
        .group_by(_rows.status)
        .order_by(_rows.status)
    )
    others = {row[0]: int(row[1]) for row in (await connection.execute(query)).all()}
    counts = {"open": total - sum(others.values()), **others}
    return {status: count for status, count in counts.items() if count}


# Conditions


async def _few(connection: Connection, wanted: Wanted) -> list[int] | None:
    """The ids of all that fit, if an index finds them and they are few: what is left to do is to put them in
    order. None: they are many, so a walk through the flow, the latest first, soon has met enough of them."""
    parts = _findable(wanted)
    many: list[ColumnElement[bool]] = []
    for ids, holds in _listed(wanted):
        first = (await connection.execute(ids.limit(FEW + 1))).scalars().all()
        if len(first) <= FEW:
            parts.append(_rows.id.in_(first))
        else:
            many.append(holds)  # asked of each; SQLite would put all of them into a table first
    if not parts:
        return None
    query = select(_rows.id).where(*parts, *many).limit(FEW + 1)
    few = (await connection.execute(query)).scalars().all()
    return list(few) if len(few) <= FEW else None


def _condition(wanted: Wanted, few: list[int] | None) -> ColumnElement[bool]:
    found = _walked(wanted) if few is None else [_rows.id.in_(few)]
    without = [not_(_has(wanted, one)) for one in wanted.traits if not one.wanted]
    within = true() if wanted.within is None else wanted.within.clause
    return and_(*found, *_recent(wanted), *without, within)


def _findable(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What an index of the subscribers finds, or can be counted in."""
    flow = _of_flow(wanted, _rows.flow_id)
    parts: list[ColumnElement[bool]] = []
    if wanted.channel_ids is not None:
        parts.append(_rows.channel_id.in_(wanted.channel_ids))  # a channel belongs to one flow
    if wanted.phone:
        parts += [flow, _rows.phone == wanted.phone, _HAS_PHONE]
    if wanted.email:
        parts += [flow, _rows.email == wanted.email, _HAS_EMAIL]
    if wanted.user_id:
        parts += [flow, _rows.user_id == wanted.user_id]
    if wanted.name:
        parts += [flow, has_part(_rows.name, wanted.name[:SEARCHED])]
    return parts


def _listed(wanted: Wanted) -> Iterator[tuple[Select[Any], ColumnElement[bool]]]:
    """What there are lists of, which may be long: the ids in one, and whether a row is in it."""
    if wanted.event_id is not None:
        happened = custom_event_subscribers.c
        mine = happened.event_id == wanted.event_id
        yield (
            select(happened.conversation_id).where(mine),
            exists().where(mine, happened.conversation_id == _rows.id),
        )
    for one in wanted.traits:
        if one.wanted:
            yield select(_found.conversation_id).where(*_is_trait(wanted, one)), _has(wanted, one)


def _whose(wanted: Wanted) -> ColumnElement[bool]:
    """Told so that there is an index of the latest."""
    if wanted.team is not None:
        return _rows.workspace_id == wanted.team[0]
    return _rows.flow_id == wanted.flow_id


def _of_flow(wanted: Wanted, column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.in_(wanted.team[1]) if wanted.team is not None else column == wanted.flow_id


def _walked(wanted: Wanted) -> list[ColumnElement[bool]]:
    """The same for a walk through the flow, in which each row is asked whether it fits."""
    return [_whose(wanted), *_findable(wanted), *(holds for _, holds in _listed(wanted))]


def _has(wanted: Wanted, one: Trait) -> ColumnElement[bool]:
    return exists().where(_found.conversation_id == _rows.id, *_is_trait(wanted, one))


def _is_trait(wanted: Wanted, one: Trait) -> list[ColumnElement[bool]]:
    parts = [_of_flow(wanted, _found.flow_id), _found.kind == one.kind, _found.name == one.name]
    return parts if one.value is None else [*parts, _found.value == one.value]


def _recent(wanted: Wanted) -> list[ColumnElement[bool]]:
    parts: list[ColumnElement[bool]] = []
    if wanted.message_since is not None:
        since, recent = wanted.message_since
        parts.append(_is(_rows.last_message_at >= since, recent))
    if wanted.bot_since is not None:
        since, recent = wanted.bot_since
        parts.append(_is(and_(_rows.last_message_at >= since, _rows.bot_spoke_at >= since), recent))
    if wanted.active_since is not None:
        # Whoever said something since then has a message since then, and that is what is indexed.
        since, recent = wanted.active_since
        parts.append(_is(and_(_rows.last_message_at >= since, _rows.last_seen_at >= since), recent))
    return parts


def _is(condition: ColumnElement[bool], wanted: bool) -> ColumnElement[bool]:
    return condition if wanted else not_(func.coalesce(condition, false()))


# Pages


async def _page(
    connection: Connection, condition: ColumnElement[bool], limit: int, offset: int
) -> list[Conversation]:
    """Those with a message, then those without: one order that both databases read from an index."""
    spoken = and_(condition, _rows.last_message_at.is_not(None))
    query = select(conversations).where(spoken).order_by(_rows.last_message_at.desc(), _rows.id.desc())
    rows = await _conversations(connection, query.limit(limit).offset(offset))
    if len(rows) == limit:
        return rows
    skipped = 0 if rows or not offset else offset - await _count(connection, spoken)
    silent = select(conversations).where(condition, _rows.last_message_at.is_(None)).order_by(_rows.id.desc())
    return rows + await _conversations(connection, silent.limit(limit - len(rows)).offset(skipped))


async def _total(connection: Connection, wanted: Wanted, few: list[int] | None) -> int:
    if wanted == Wanted(flow_id=wanted.flow_id):
        return await _all_of(connection, wanted.flow_id)
    if (inverse := _inverse(wanted)) is not None:
        # All but the others: there is an index of these, and none of those who are wanted.
        everybody, others = inverse
        return await _total(connection, everybody, few) - await _total(connection, others, few)
    if few is None and (only := _only_trait(wanted)) is not None:
        query = select(func.count()).select_from(traits).where(*_is_trait(wanted, only))
        return int((await connection.execute(query)).scalar_one())
    plain = Wanted(flow_id=wanted.flow_id, team=wanted.team)
    if few is None and wanted.event_id is not None and wanted == replace(plain, event_id=wanted.event_id):
        happened = custom_event_subscribers.c.event_id == wanted.event_id  # an event is one flow's own
        query = select(func.count()).select_from(custom_event_subscribers).where(happened)
        return int((await connection.execute(query)).scalar_one())
    only_channels = few is None and wanted == replace(plain, channel_ids=wanted.channel_ids)
    if only_channels and wanted.channel_ids is not None:
        return await _count(connection, and_(*_findable(wanted)))
    return await _count(connection, _condition(wanted, few))


async def _all_of(connection: Connection, flow_id: FlowId) -> int:
    """Of many, what the figures of the days add up to: counting a million takes a quarter of a second."""
    told = await day_figures.there_are(connection, flow_id)
    return told if told > LARGE else await _count(connection, _rows.flow_id == flow_id)


def _inverse(wanted: Wanted) -> tuple[Wanted, Wanted] | None:
    """Of "all who have not": all, and all who have."""
    if wanted.active_since is not None and not wanted.active_since[1]:
        without, since = replace(wanted, active_since=None), wanted.active_since[0]
        return without, replace(wanted, active_since=(since, True))
    if wanted.bot_since is not None and not wanted.bot_since[1]:
        without, since = replace(wanted, bot_since=None), wanted.bot_since[0]
        return without, replace(wanted, bot_since=(since, True))
    for one in wanted.traits:
        if not one.wanted:
            without = replace(wanted, traits=tuple(other for other in wanted.traits if other != one))
            return without, replace(without, traits=(*without.traits, replace(one, wanted=True)))
    return None


def _only_trait(wanted: Wanted) -> Trait | None:
    """The one thing that is asked for, where it is a trait: then its index can be counted in."""
    if len(wanted.traits) == 1 and wanted == Wanted(
        flow_id=wanted.flow_id, team=wanted.team, traits=wanted.traits
    ):
        return wanted.traits[0]
    return None


async def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(conversations).where(condition)
    return int((await connection.execute(query)).scalar_one())


async def _conversations(connection: Connection, query: Select[Any]) -> list[Conversation]:
    return [from_row(row) for row in (await connection.execute(query)).all()]
