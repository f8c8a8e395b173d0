"""What happened on each day, added up as it happens: each process has rows of its own, so that none waits for
another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from relevo.domain.figures import Figures
from relevo.domain.ids import FlowId, MemberId
from relevo.store.database import Connection
from relevo.store.statements import Bulk
from relevo.store.tables import day_figures

Key = tuple[FlowId, int, MemberId]
"""A flow, a day, and an agent; 0 for all of the flow."""

ALL = MemberId(0)
_NAMES = Figures.__struct_fields__
_rows = day_figures.c


async def add(connection: Connection, counted: Mapping[Key, Figures], node: str) -> None:
    """Add what a batch has counted. Rows of one process only it writes."""
    await _ADD[connection.dialect.name].run(connection, _new_rows(counted, node))


def _new_rows(counted: Mapping[Key, Figures], node: str) -> Iterable[dict[str, Any]]:
    for (flow_id, day, member_id), figures in sorted(counted.items(), key=lambda one: one[0]):
        key = {"flow_id": flow_id, "day": day, "member_id": member_id, "node": node}
        yield {**key, **msgspec.structs.asdict(figures)}


def _adding(inserting: Any) -> Bulk:
    query = inserting.values({column.name: bindparam(column.name) for column in day_figures.c})
    added = {name: _rows[name] + query.excluded[name] for name in _NAMES}
    return Bulk(
        query.on_conflict_do_update(index_elements=["flow_id", "day", "member_id", "node"], set_=added)
    )


_ADD = {"sqlite": _adding(sqlite.insert(day_figures)), "postgresql": _adding(postgresql.insert(day_figures))}


async def of_flows(
    connection: Connection, flows: Collection[FlowId], first: int, last: int
) -> dict[Key, Figures]:
    """Of each day from `first` to `last`, of the flows as wholes; days without anything are left out."""
    return await _summed(connection, flows, first, last, _rows.member_id == ALL)


async def of_agents(
    connection: Connection, flows: Collection[FlowId], first: int, last: int
) -> dict[Key, Figures]:
    return await _summed(connection, flows, first, last, _rows.member_id != ALL)


async def _summed(
    connection: Connection, flows: Collection[FlowId], first: int, last: int, whose: Any
) -> dict[Key, Figures]:
    keys = (_rows.flow_id, _rows.day, _rows.member_id)
    query = (
        select(*keys, *(func.sum(_rows[name]) for name in _NAMES))
        .where(_rows.flow_id.in_(sorted(flows)), _rows.day.between(first, last), whose)
        .group_by(*keys)
        .order_by(*keys)
    )
    found = (await connection.execute(query)).all()
    return {(row[0], row[1], row[2]): Figures(*map(int, row[3:])) for row in found}


async def arrived_before(connection: Connection, flows: Collection[FlowId], day: int) -> dict[FlowId, int]:
    """How many subscribers had come to each flow before a day, without those who are gone now."""
    return await _arrived(connection, flows, _rows.day < day)


async def there_are(connection: Connection, flow_id: FlowId) -> int:
    """How many subscribers a flow has."""
    return (await _arrived(connection, [flow_id])).get(flow_id, 0)


async def _arrived(
    connection: Connection, flows: Collection[FlowId], *which: ColumnElement[bool]
) -> dict[FlowId, int]:
    query = (
        select(_rows.flow_id, func.sum(_rows.arrived))
        .where(_rows.flow_id.in_(sorted(flows)), _rows.member_id == ALL, *which)
        .group_by(_rows.flow_id)
    )
    return {FlowId(id_): int(count) for id_, count in (await connection.execute(query)).all()}


async def note_gone(connection: Connection, flow_id: FlowId) -> None:
    """A subscriber was deleted. It is taken off before all days: what happened on them stays."""
    await add(connection, {(flow_id, _BEFORE_ALL_DAYS, ALL): Figures(arrived=-1)}, _GONE)


_BEFORE_ALL_DAYS, _GONE = 0, "gone"
