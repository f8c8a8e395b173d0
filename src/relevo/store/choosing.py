"""Whom a condition holds for, asked of the database.

A condition becomes a WHERE as far as SQL means the same by it; what it cannot say (words without regard to
case and accents, templates) is looked at in memory, of people that the rest has narrowed down, page by page.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, assert_never, get_args

import msgspec
from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select, true

from relevo.domain.conversations import Control, Conversation, Status
from relevo.domain.flows.conditions import holds
from relevo.domain.flows.expressions import CONVERSATION_PREFIX, VARIABLES, Template
from relevo.domain.flows.folding import folded
from relevo.domain.flows.model import (
    AllOf,
    AnyOf,
    Compare,
    CompareAge,
    CompareDate,
    Condition,
    Exists,
    HasLabel,
    HasTag,
    InHours,
    InSegment,
    Not,
)
from relevo.domain.flows.variables import as_text
from relevo.domain.ids import ConversationId
from relevo.domain.segments import Where, fits
from relevo.store.conversations import from_row
from relevo.store.database import Connection
from relevo.store.tables import conversations, traits
from relevo.store.traits import LONGEST, Kind, found_as

LOOKED_AT = 500
"""People looked at in memory at a time."""

_rows = conversations.c


class Narrowed(msgspec.Struct, frozen=True):
    """Everybody whom the condition holds for fits `clause`; if it `is_exact`, nobody else does."""

    clause: ColumnElement[bool]
    is_exact: bool


class Found(msgspec.Struct, frozen=True):
    """People in the order of id. Everybody up to `looked_at` was looked at; None: everybody."""

    people: list[ConversationId]
    looked_at: int | None


class Within(msgspec.Struct, frozen=True, eq=False):
    """Exactly those whom a condition holds for."""

    clause: ColumnElement[bool]


async def within(connection: Connection, where: Where, condition: Condition, *, most: int) -> Within | None:
    """None: more than `most` would have to be looked at in memory."""
    narrowed = narrow(condition, where)
    if narrowed.is_exact:
        return Within(narrowed.clause)
    found, after = list[ConversationId](), 0
    for _ in range(0, most, LOOKED_AT):
        people = await _looked_at(connection, where, narrowed.clause, after, LOOKED_AT)
        found += [one.id for one in people if fits(condition, one, where)]
        if len(people) < LOOKED_AT:
            return Within(_rows.id.in_(found))
        after = people[-1].id
    return None


class Counted(msgspec.Struct, frozen=True):
    """`is_all` False: there may be more; so many were found when it was enough."""

    number: int
    is_all: bool


async def following(
    connection: Connection, where: Where, condition: Condition, *, after: int = 0, limit: int
) -> Found:
    """The next people after an id; fewer than `limit` may come although there are more."""
    narrowed = narrow(condition, where)
    if narrowed.is_exact:
        return await _exactly(connection, where, narrowed.clause, after, limit)
    people = await _looked_at(connection, where, narrowed.clause, after, LOOKED_AT)
    fitting = [one.id for one in people if fits(condition, one, where)]
    if len(fitting) > limit:
        return Found(fitting[:limit], fitting[limit - 1])
    return Found(fitting, people[-1].id if len(people) == LOOKED_AT else None)


async def count(connection: Connection, where: Where, condition: Condition, *, most: int = 0) -> Counted:
    """How many there are. With `most`, no more than so many are looked at in memory."""
    narrowed = narrow(condition, where)
    if narrowed.is_exact:
        query = select(func.count()).select_from(conversations).where(*_in(where), narrowed.clause)
        return Counted(int((await connection.execute(query)).scalar_one()), is_all=True)
    number, seen, after = 0, 0, 0
    while True:
        people = await _looked_at(connection, where, narrowed.clause, after, LOOKED_AT)
        number += sum(fits(condition, one, where) for one in people)
        seen += len(people)
        if len(people) < LOOKED_AT:
            return Counted(number, is_all=True)
        if most and seen >= most:
            return Counted(number, is_all=False)
        after = people[-1].id


async def _exactly(
    connection: Connection, where: Where, clause: ColumnElement[bool], after: int, limit: int
) -> Found:
    query = select(_rows.id).where(*_in(where), _rows.id > after, clause).order_by(_rows.id).limit(limit)
    ids = [ConversationId(row.id) for row in (await connection.execute(query)).all()]
    return Found(ids, ids[-1] if len(ids) == limit else None)


async def _looked_at(
    connection: Connection, where: Where, clause: ColumnElement[bool], after: int, limit: int
) -> list[Conversation]:
    query = select(conversations).where(*_in(where), _rows.id > after, clause)
    rows = (await connection.execute(query.order_by(_rows.id).limit(limit))).all()
    return [from_row(row) for row in rows]


def _in(where: Where) -> list[ColumnElement[bool]]:
    return [_rows.flow_id == where.flow_id]


# From a condition to SQL


def narrow(condition: Condition, where: Where, within: frozenset[str] = frozenset()) -> Narrowed:
    """As far as SQL can say it. `within`: segments that are looked at already."""
    match condition:
        case HasTag(tag=tag):
            return _has("tag", tag)
        case HasLabel(label=label):
            return _has("label", label)
        case AllOf(conditions=conditions):
            parts = [narrow(each, where, within) for each in conditions]
            return Narrowed(and_(true(), *_clauses(parts)), all(one.is_exact for one in parts))
        case AnyOf(conditions=conditions):
            parts = [narrow(each, where, within) for each in conditions]
            return Narrowed(or_(false(), *_clauses(parts)), all(one.is_exact for one in parts))
        case Not(condition=inner):
            found = narrow(inner, where, within)
            return Narrowed(not_(found.clause), is_exact=True) if found.is_exact else _ANYBODY
        case InSegment(segment=name):
            named = where.segments.get(name)
            if named is None:
                return Narrowed(false(), is_exact=True)
            return _ANYBODY if name in within else narrow(named, where, within | {name})
        case InHours():
            return _ANYBODY
        case Compare() | CompareDate() | CompareAge() | Exists():
            return _of_field(condition, where)
        case _:
            assert_never(condition)


def _clauses(parts: list[Narrowed]) -> list[ColumnElement[bool]]:
    return [one.clause for one in parts]


_ANYBODY = Narrowed(true(), is_exact=False)


_OfField = Compare | CompareDate | CompareAge | Exists


def _of_field(condition: _OfField, where: Where) -> Narrowed:
    field = condition.field
    if field in _FEW and not _has_template(condition):
        column, values = _FEW[field](where)
        return Narrowed(column.in_([one for one, value in values if _holds(condition, value)]), is_exact=True)
    if field in _TIMES:
        return _of_time(condition, where)
    if field in ("email", "phone"):
        return _of_text(condition, _rows[field])
    is_own = field not in VARIABLES and "." not in field
    return _of_own_field(condition, field) if is_own else _ANYBODY


def _has(kind: Kind, name: str) -> Narrowed:
    """Of a name that the index cannot hold, only a part is in it."""
    found = traits.c
    clause = exists().where(
        found.conversation_id == _rows.id, found.kind == kind, found.name == found_as(name)
    )
    return Narrowed(clause, is_exact=len(name) < LONGEST and "\0" not in name)


# What has few values: all are tried


def _holds(condition: _OfField, value: object) -> bool:
    return holds(condition, {condition.field: value})  # type: ignore[arg-type]


_Values = tuple[ColumnElement[Any], list[tuple[Any, object]]]

_FEW: dict[str, Callable[[Where], _Values]] = {
    "conversation.status": lambda _: (_rows.status, [(one, one) for one in get_args(Status)]),
    "conversation.control": lambda _: (_rows.control, [(one.value, one.value) for one in Control]),
    "channel": lambda where: (_rows.channel_id, [(id_, one.type) for id_, one in where.channels.items()]),
    "channel_name": lambda where: (
        _rows.channel_id,
        [(id_, one.name) for id_, one in where.channels.items()],
    ),
}


def _has_template(condition: _OfField) -> bool:
    return isinstance(condition, Compare | CompareDate) and isinstance(condition.value, Template)


# Times, and how long ago they were


_TIMES: dict[str, ColumnElement[Any]] = {
    "last_seen_at": _rows.last_seen_at,
    "subscribed_at": _rows.created_at,
    "conversation.last_message_at": _rows.last_message_at,
}


def _of_time(condition: _OfField, where: Where) -> Narrowed:
    column = _TIMES[condition.field]
    clause = _in_time(condition, column, where.now)
    if clause is None:
        return _ANYBODY
    if condition.field.startswith(CONVERSATION_PREFIX):
        return Narrowed(clause, is_exact=True)
    # A field of the person's own that has this name goes before.
    return Narrowed(or_(_has("field", condition.field).clause, clause), is_exact=False)


def _in_time(condition: _OfField, column: ColumnElement[Any], now: datetime) -> ColumnElement[bool] | None:
    match condition:
        case Exists(wanted=wanted):
            return column.is_not(None) if wanted else column.is_(None)
        case CompareAge(by="in_last", length=length):
            return and_(column.is_not(None), column >= now - length, column <= now)
        case CompareAge(by="in_next", length=length):
            return and_(column.is_not(None), column >= now, column <= now + length)
        case CompareAge(by="longer_ago", length=length):
            return and_(column.is_not(None), column < now - length)
        case _:
            return None


# Text: whether there is any


def _of_text(condition: _OfField, column: ColumnElement[Any]) -> Narrowed:
    if isinstance(condition, Exists):
        return Narrowed(column != "" if condition.wanted else column == "", is_exact=True)
    return Narrowed(column != "", is_exact=False) if _wants_any(condition) else _ANYBODY


def _of_own_field(condition: _OfField, field: str) -> Narrowed:
    """It holds for nobody who has no field of this name, where any value is wanted."""
    wanted = condition.wanted if isinstance(condition, Exists) else _wants_any(condition)
    return Narrowed(_has("field", field).clause, is_exact=False) if wanted else _ANYBODY


def _wants_any(condition: _OfField) -> bool:
    """Whether it cannot hold for an empty value."""
    if not isinstance(condition, Compare):
        return not isinstance(condition, Exists)  # dates: what is empty is none
    if isinstance(condition.value, Template):
        return False
    match condition.by:
        case "is" | "contains" | "starts_with" | "ends_with":
            return folded(as_text(condition.value)) != ""
        case "one_of":
            return not any(folded(as_text(one)) == "" for one in _listed(condition.value))
        case "is_not":
            return False
        case _:
            return True


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
