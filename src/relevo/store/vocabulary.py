"""Tags, fields, bot fields and labels, read as a whole."""

from __future__ import annotations

import msgspec
from sqlalchemy import select

from relevo.domain.ids import FlowId, WorkspaceId
from relevo.domain.vocabulary import BotField, Label, LabelId, Tag, UserField, Vocabulary
from relevo.store.database import AnyRow, Connection
from relevo.store.tables import fields, labels, tags

USER, BOT = "user", "bot"
"""Kinds of fields."""


async def vocabularies(connection: Connection) -> dict[FlowId, Vocabulary]:
    """Everybody's, by flow."""
    found_tags: dict[FlowId, dict[str, Tag]] = {}
    for row in (await connection.execute(select(tags))).all():
        found_tags.setdefault(FlowId(row.flow_id), {})[row.name] = tag_from_row(row)
    users: dict[FlowId, dict[str, UserField]] = {}
    bots: dict[FlowId, dict[str, BotField]] = {}
    for row in (await connection.execute(select(fields))).all():
        if row.kind == USER:
            users.setdefault(FlowId(row.flow_id), {})[row.name] = user_field_from_row(row)
        else:
            bots.setdefault(FlowId(row.flow_id), {})[row.name] = bot_field_from_row(row)
    return {
        flow_id: _vocabulary(found_tags.get(flow_id, {}), users.get(flow_id, {}), bots.get(flow_id, {}))
        for flow_id in {*found_tags, *users, *bots}
    }


def _vocabulary(
    own_tags: dict[str, Tag], users: dict[str, UserField], bots: dict[str, BotField]
) -> Vocabulary:
    values = {name: one.value for name, one in bots.items()}
    types = {name: one.type for name, one in users.items() if one.declared and not one.going}
    return Vocabulary(tags=own_tags, fields=users, bot_fields=bots, bot=values, types=types)


async def all_labels(connection: Connection) -> dict[WorkspaceId, dict[str, Label]]:
    """Everybody's, by workspace and name."""
    found: dict[WorkspaceId, dict[str, Label]] = {}
    for row in (await connection.execute(select(labels))).all():
        found.setdefault(WorkspaceId(row.workspace_id), {})[row.name] = label_from_row(row)
    return found


def tag_from_row(row: AnyRow) -> Tag:
    return Tag(
        flow_id=FlowId(row.flow_id), number=row.number, name=row.name, going=row.deleted_at is not None
    )


def user_field_from_row(row: AnyRow) -> UserField:
    return UserField(
        flow_id=FlowId(row.flow_id),
        number=row.number,
        name=row.name,
        type=row.type,
        declared=bool(row.declared),
        description=row.description,
        display=row.display,
        going=row.deleted_at is not None,
        moves_to=row.moves_to or "",
    )


def bot_field_from_row(row: AnyRow) -> BotField:
    return BotField(
        flow_id=FlowId(row.flow_id),
        number=row.number,
        name=row.name,
        type=row.type,
        description=row.description,
        value=msgspec.json.decode(row.value) if row.value is not None else None,
    )


def label_from_row(row: AnyRow) -> Label:
    return Label(
        id=LabelId(row.id),
        workspace_id=WorkspaceId(row.workspace_id),
        name=row.name,
        going=row.deleted_at is not None,
    )
