"""Writing tags, fields, bot fields and labels. Whoever does holds the lock of the configuration."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Table, and_, delete, insert, select, update

from relevo.domain.ids import FlowId, WorkspaceId
from relevo.domain.subscribers import FieldValue
from relevo.domain.vocabulary import NO_WORDS, BotField, Label, LabelId, Names, Tag, UserField
from relevo.store import configuring, directory, ids
from relevo.store.database import Connection
from relevo.store.tables import fields, labels, tags
from relevo.store.vocabulary import (
    BOT,
    USER,
    label_from_row,
    tag_from_row,
    user_field_from_row,
    vocabularies,
)


async def insert_tags(
    connection: Connection, flow_id: FlowId, names: Iterable[str], now: datetime
) -> list[Tag]:
    """New tags of a flow, with the next numbers."""
    wanted = list(names)
    first = await ids.take(connection, f"tags of {flow_id}", len(wanted)) if wanted else 0
    new = [Tag(flow_id=flow_id, number=number, name=name) for number, name in enumerate(wanted, first)]
    rows = [{"flow_id": flow_id, "number": one.number, "name": one.name, "created_at": now} for one in new]
    await _insert_all(connection, tags, rows)
    return new


async def insert_user_fields(connection: Connection, new: Iterable[UserField], now: datetime) -> None:
    """New fields, with the numbers that they have: see `field_numbers`."""
    rows = [
        {
            "flow_id": one.flow_id,
            "number": one.number,
            "kind": USER,
            "name": one.name,
            "type": one.type,
            "declared": one.declared,
            "description": one.description,
            "display": one.display,
            "created_at": now,
        }
        for one in new
    ]
    await _insert_all(connection, fields, rows)


async def insert_bot_field(connection: Connection, one: BotField, now: datetime) -> None:
    row = {
        "flow_id": one.flow_id,
        "number": one.number,
        "kind": BOT,
        "name": one.name,
        "type": one.type,
        "description": one.description,
        "display": "default",
        "value": _json(one.value),
        "created_at": now,
    }
    await _insert_all(connection, fields, [row])


async def field_numbers(connection: Connection, flow_id: FlowId, count: int = 1) -> int:
    """The first of so many numbers that no field of the flow has or had."""
    return await ids.take(connection, f"fields of {flow_id}", count)


async def set_bot_values(connection: Connection, changed: Iterable[BotField]) -> None:
    for one in changed:
        await connection.execute(update(fields).where(_is_field(one)).values(value=_json(one.value)))
    await directory.touch(connection)


async def update_user_field(connection: Connection, one: UserField) -> None:
    news = {
        "name": one.name,
        "type": one.type,
        "declared": one.declared,
        "description": one.description,
        "display": one.display,
    }
    await connection.execute(update(fields).where(_is_field(one)).values(news))
    await directory.touch(connection)


async def rename_user_field(connection: Connection, one: UserField, name: str, now: datetime) -> None:
    """Have it bear another name, under the same number. What subscribers have under the old one moves."""
    number = await field_numbers(connection, one.flow_id)
    renamed = msgspec.structs.replace(one, name=name)
    await update_user_field(connection, renamed)
    await insert_user_fields(connection, [msgspec.structs.replace(one, number=number)], now)
    old = and_(fields.c.flow_id == one.flow_id, fields.c.number == number)
    await connection.execute(update(fields).where(old).values(deleted_at=now, moves_to=name))


async def delete_bot_field(connection: Connection, one: BotField) -> None:
    await connection.execute(delete(fields).where(_is_field(one)))
    await directory.touch(connection)


async def insert_label(connection: Connection, workspace_id: WorkspaceId, name: str, now: datetime) -> Label:
    row = {"workspace_id": workspace_id, "name": name, "created_at": now}
    id_ = (await connection.execute(insert(labels).values(row).returning(labels.c.id))).scalar_one()
    await directory.touch(connection)
    return Label(id=LabelId(id_), workspace_id=workspace_id, name=name)


async def rename_label(connection: Connection, label: Label, name: str) -> None:
    await connection.execute(update(labels).where(labels.c.id == label.id).values(name=name))
    await directory.touch(connection)


Marked = Tag | UserField | Label
"""What subscribers have, so that deleting it takes a while."""


async def let_go(connection: Connection, one: Marked, now: datetime) -> None:
    """Have it deleted: `engine.sweeping` takes it off everybody, and then forgets it."""
    table = _table_of(one)
    await connection.execute(update(table).where(_is(one)).values(deleted_at=now))
    await directory.touch(connection)


async def forget(connection: Connection, one: Marked) -> None:
    """Nobody has it any more, and its name is free again."""
    table = _table_of(one)
    await connection.execute(delete(table).where(_is(one), table.c.deleted_at.is_not(None)))
    await directory.touch(connection)


async def going(connection: Connection) -> list[Marked]:
    """What is deleted and has not gone yet, the oldest first."""
    found: list[tuple[datetime, Marked]] = []
    readers: tuple[tuple[Table, Any], ...] = (
        (tags, tag_from_row),
        (fields, user_field_from_row),
        (labels, label_from_row),
    )
    for table, read in readers:
        rows = (await connection.execute(select(table).where(table.c.deleted_at.is_not(None)))).all()
        found += [(row.deleted_at, read(row)) for row in rows]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


async def register(connection: Connection, flow_id: FlowId, names: Names, now: datetime) -> None:
    """Have these be there. Takes the lock; nothing is done for those that are."""
    await configuring.lock(connection)
    known = (await vocabularies(connection)).get(flow_id, NO_WORDS)
    missing = names.unknown_to(known)
    await insert_tags(connection, flow_id, sorted(missing.tags), now)
    if missing.fields:
        number = await field_numbers(connection, flow_id, len(missing.fields))
        new = [
            UserField(flow_id=flow_id, number=at, name=name, type=type_)
            for at, (name, type_) in enumerate(sorted(missing.fields.items()), number)
        ]
        await insert_user_fields(connection, new, now)


async def _insert_all(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        await connection.execute(insert(table), rows)
        await directory.touch(connection)


def _table_of(one: Marked) -> Table:
    match one:
        case Tag():
            return tags
        case UserField():
            return fields
        case Label():
            return labels


def _is(one: Marked) -> Any:
    match one:
        case Tag():
            return and_(tags.c.flow_id == one.flow_id, tags.c.number == one.number)
        case UserField():
            return _is_field(one)
        case Label():
            return labels.c.id == one.id


def _is_field(one: UserField | BotField) -> Any:
    return and_(fields.c.flow_id == one.flow_id, fields.c.number == one.number)


def _json(value: FieldValue) -> str:
    return msgspec.json.encode(value).decode()
