"""Tags, fields, bot fields and labels: made, changed and deleted, within a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from relevo.domain import complaints
from relevo.domain.configuring import check_name
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import FlowId, WorkspaceId
from relevo.domain.subscribers import FieldValue
from relevo.domain.vocabulary import (
    LONGEST_DESCRIPTION,
    NO_WORDS,
    BotField,
    Display,
    FieldType,
    Label,
    Tag,
    UserField,
    Vocabulary,
    WrongValue,
    is_own,
    typed,
)
from relevo.store import configuring, defining, vocabulary
from relevo.store.database import Connection

Thing = Tag | UserField | BotField | Label
One = TypeVar("One", Tag, UserField, BotField, Label)


async def begin(connection: Connection, flow_id: FlowId) -> Vocabulary:
    """Lock the configuration; what the flow has."""
    await configuring.lock(connection)
    return (await vocabulary.vocabularies(connection)).get(flow_id, NO_WORDS)


async def labels(connection: Connection, workspace_id: WorkspaceId) -> Mapping[str, Label]:
    """Lock the configuration; the labels that the workspace has."""
    await configuring.lock(connection)
    return (await vocabulary.all_labels(connection)).get(workspace_id, {})


# Making


async def create_tag(connection: Connection, flow_id: FlowId, name: str, now: datetime) -> Tag:
    """Raises InvalidInput when there is one of this name."""
    known = await begin(connection, flow_id)
    _check_new("tag", name, known.tags.get(name))
    return (await defining.insert_tags(connection, flow_id, [name], now))[0]


async def create_user_field(
    connection: Connection, flow_id: FlowId, name: str, type_: FieldType, description: str, now: datetime
) -> UserField:
    known = await begin(connection, flow_id)
    _check_new("user field", name, known.fields.get(name), description)
    if is_own(name):
        raise InvalidInput({"name": [f"The name {name} is one that every subscriber has. Choose another."]})
    number = await defining.field_numbers(connection, flow_id)
    new = UserField(
        flow_id=flow_id, number=number, name=name, type=type_, declared=True, description=description
    )
    await defining.insert_user_fields(connection, [new], now)
    return new


async def create_bot_field(
    connection: Connection,
    flow_id: FlowId,
    name: str,
    type_: FieldType,
    description: str,
    value: Any,
    now: datetime,
) -> BotField:
    known = await begin(connection, flow_id)
    _check_new("bot field", name, known.bot_fields.get(name), description)
    new = BotField(
        flow_id=flow_id,
        number=await defining.field_numbers(connection, flow_id),
        name=name,
        type=type_,
        description=description,
        value=checked("value", type_, value),
    )
    await defining.insert_bot_field(connection, new, now)
    return new


async def create_label(connection: Connection, workspace_id: WorkspaceId, name: str, now: datetime) -> Label:
    known = await labels(connection, workspace_id)
    _check_new("label", name, known.get(name))
    return await defining.insert_label(connection, workspace_id, name, now)


def _check_new(kind: str, name: str, taken: Thing | None, about: str = "") -> None:
    wrong = check_name(name)
    if wrong is not None:
        raise InvalidInput({"name": [f"The name format is invalid: {wrong}."]})
    if len(about) > LONGEST_DESCRIPTION:
        raise InvalidInput(
            {"description": [complaints.too_long("description", LONGEST_DESCRIPTION, len(about))]}
        )
    if taken is not None:
        raise InvalidInput({"name": [_taken(kind, taken)]})


def _taken(kind: str, one: Thing) -> str:
    if not isinstance(one, BotField) and one.going:
        return f"The {kind} {one.name} is being deleted at this moment. Try again in a few seconds."
    return f"The name has already been taken: there is a {kind} {one.name} already."


# Changing


async def update_user_field(
    connection: Connection,
    field: UserField,
    *,
    name: str | None = None,
    description: str | None = None,
    display: Display | None = None,
    now: datetime,
) -> UserField:
    """None: as it is. Under another name, what subscribers have moves in the background."""
    known = await begin(connection, field.flow_id)
    changed = msgspec.structs.replace(
        field,
        description=field.description if description is None else description,
        display=display or field.display,
    )
    await defining.update_user_field(connection, changed)
    if name is None or name == field.name:
        return changed
    _check_new("user field", name, known.fields.get(name), description or "")
    if is_own(name):
        raise InvalidInput({"name": [f"The name {name} is one that every subscriber has. Choose another."]})
    await defining.rename_user_field(connection, changed, name, now)
    return msgspec.structs.replace(changed, name=name)


async def set_bot_fields(
    connection: Connection, changes: Iterable[tuple[BotField, str, FieldValue]]
) -> list[BotField]:
    """Each with the path under which its value was given."""
    wrong: dict[str, list[str]] = {}
    changed = []
    for field, path, value in changes:
        try:
            changed.append(msgspec.structs.replace(field, value=checked(path, field.type, value)))
        except InvalidInput as complaint:
            wrong |= complaint.errors
    if wrong:
        raise InvalidInput(wrong)
    await defining.set_bot_values(connection, changed)
    return changed


def checked(path: str, type_: FieldType, value: Any) -> FieldValue:
    """A value of this type; nothing for nothing. Raises InvalidInput."""
    if value is None or value == "":
        return None
    try:
        return typed(type_, value)
    except WrongValue as wrong:
        raise InvalidInput({path: [f"The {complaints.shown(path)} {wrong}."]}) from None


# Deleting


async def delete(connection: Connection, one: Thing, now: datetime) -> None:
    """Nobody sees it any more; it is taken off subscribers in the background."""
    await configuring.lock(connection)
    if isinstance(one, BotField):
        await defining.delete_bot_field(connection, one)
    else:
        await defining.let_go(connection, one, now)


# Finding


def by_ns(things: Mapping[str, One], ns: str, what: str) -> One:
    """Raises NotFound."""
    found = next((one for one in things.values() if getattr(one, "ns", "") == ns), None)
    return _there(found, what, ns)


def by_name(things: Mapping[str, One], name: str, what: str) -> One:
    """Raises NotFound."""
    return _there(things.get(name), what, name)


def _there(found: One | None, what: str, wanted: str) -> One:
    if found is None or getattr(found, "going", False):
        raise NotFound(f"There is no {what} {wanted} here")
    return found
