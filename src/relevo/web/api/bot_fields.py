"""A flow's own fields, the same for every subscriber: `bot.NAME` in templates and conditions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.admin import vocabulary as admin
from relevo.domain.flows.variables import as_text
from relevo.domain.subscribers import FieldValue
from relevo.domain.vocabulary import BotField, FieldType
from relevo.store.database import Connection
from relevo.web.api.answers import Ok, Page, page_example
from relevo.web.api.calls import Call
from relevo.web.api.operations import About, reads, writes
from relevo.web.api.user_fields import Description, OneField, Type
from relevo.web.api.vocabulary import MOST_AT_ONCE, ByName, Name, NamedQuery, Value, VarNs, listed, of_flow

TAG = "Flow bot fields"
ABOUT = About("The token's flow has no such field.", "There is no bot field f1001v3 here")


class BotFieldInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the bot, and its value as text."""

    name: Annotated[str, Meta(examples=["opening hours"])]
    var_ns: Annotated[str, Meta(examples=["f1001v3"])]
    var_type: FieldType
    description: str = ""
    value: Annotated[str, Meta(examples=["9 to 5"])]
    is_template_field: bool = False


class BotFieldPage(Page[BotFieldInfo], frozen=True):
    """A page of fields."""


class BotFieldAnswer(msgspec.Struct, frozen=True):
    """A field."""

    data: BotFieldInfo
    status: Literal["ok"] = "ok"


class ChangedBotField(msgspec.Struct, frozen=True, kw_only=True):
    """The field, twice: clients look for it at the top, or in `data`."""

    name: str
    var_ns: str
    var_type: FieldType
    description: str
    value: str
    is_template_field: bool
    data: BotFieldInfo
    status: Literal["ok"] = "ok"


class NewBotField(msgspec.Struct, frozen=True, kw_only=True):
    """A field to make."""

    name: Name
    var_type: Type
    description: Description = ""
    value: Value = None


class BotValue(msgspec.Struct, frozen=True):
    """A field's new value."""

    var_ns: VarNs
    value: Value


class BotValueByName(msgspec.Struct, frozen=True):
    """A field's new value."""

    name: Name
    value: Value


class BotValues(msgspec.Struct, frozen=True):
    """Several fields' new values."""

    data: Annotated[list[BotValue], Meta(max_length=MOST_AT_ONCE, description="Fields and values.")]


class BotValuesByName(msgspec.Struct, frozen=True):
    """Several fields' new values."""

    data: Annotated[list[BotValueByName], Meta(max_length=MOST_AT_ONCE, description="Fields and values.")]


HOURS = {
    "name": "opening hours",
    "var_ns": "f1001v3",
    "var_type": "text",
    "description": "",
    "value": "9 to 5",
    "is_template_field": False,
}


@reads(
    "/flow/bot-fields",
    tag=TAG,
    title="List bot fields",
    name="listBotFields",
    asks=NamedQuery,
    example=page_example("/flow/bot-fields", HOURS),
)
async def list_bot_fields(call: NamedDependency[Call], asked: NamedDependency[NamedQuery]) -> BotFieldPage:
    """The flow's own fields, with their values."""
    found = [_info(one) for one in listed(of_flow(call).bot_fields.values(), asked)]
    return call.paging(asked).cut(BotFieldPage, found)


@writes(
    "/flow/create-bot-field",
    tag=TAG,
    title="Create a bot field",
    name="createBotField",
    example={"name": "opening hours", "var_type": "text", "value": "9 to 5"},
    answer={"data": HOURS, "status": "ok"},
    about=None,
)
async def create_bot_field(call: NamedDependency[Call], data: JSONBody[NewBotField]) -> BotFieldAnswer:
    """Make a field of the flow's own. Flows read it as `{{ bot.NAME }}`, and as `bot.NAME` in conditions."""

    async def work(connection: Connection) -> BotFieldAnswer:
        new = await admin.create_bot_field(
            connection,
            call.key.flow_id,
            data.name,
            data.var_type,
            data.description,
            data.value,
            call.services.clock.now(),
        )
        return BotFieldAnswer(_info(new))

    return await call.configure(work, BotFieldAnswer)


@writes(
    "/flow/set-bot-field",
    method="PUT",
    tag=TAG,
    title="Set a bot field",
    name="setBotField",
    example={"var_ns": "f1001v3", "value": "9 to 6"},
    answer={**HOURS, "value": "9 to 6", "data": {**HOURS, "value": "9 to 6"}, "status": "ok"},
    about=ABOUT,
)
async def set_bot_field(call: NamedDependency[Call], data: JSONBody[BotValue]) -> ChangedBotField:
    """Give a field of the flow another value. Flows see it within a second, in every process."""

    async def work(connection: Connection) -> ChangedBotField:
        known = await admin.begin(connection, call.key.flow_id)
        field = admin.by_ns(known.bot_fields, data.var_ns, "bot field")
        return _changed((await admin.set_bot_fields(connection, [(field, "value", data.value)]))[0])

    return await call.configure(work, ChangedBotField)


@writes(
    "/flow/set-bot-field-by-name",
    method="PUT",
    tag=TAG,
    title="Set a bot field by its name",
    name="setBotFieldByName",
    example={"name": "opening hours", "value": "9 to 6"},
    answer={**HOURS, "value": "9 to 6", "data": {**HOURS, "value": "9 to 6"}, "status": "ok"},
    about=ABOUT,
)
async def set_bot_field_by_name(
    call: NamedDependency[Call], data: JSONBody[BotValueByName]
) -> ChangedBotField:
    """The same, by the name."""

    async def work(connection: Connection) -> ChangedBotField:
        known = await admin.begin(connection, call.key.flow_id)
        field = admin.by_name(known.bot_fields, data.name, "bot field")
        return _changed((await admin.set_bot_fields(connection, [(field, "value", data.value)]))[0])

    return await call.configure(work, ChangedBotField)


@writes(
    "/flow/set-bot-fields",
    method="PUT",
    tag=TAG,
    title="Set bot fields",
    name="setBotFields",
    example={"data": [{"var_ns": "f1001v3", "value": "9 to 6"}]},
    about=ABOUT,
)
async def set_bot_fields(call: NamedDependency[Call], data: JSONBody[BotValues]) -> Ok:
    """Give several fields of the flow other values, all of them or none; at most 20."""

    async def work(connection: Connection) -> Ok:
        known = (await admin.begin(connection, call.key.flow_id)).bot_fields
        found = [(admin.by_ns(known, one.var_ns, "bot field"), one.value) for one in data.data]
        return await _set(connection, found)

    return await call.configure(work, Ok)


@writes(
    "/flow/set-bot-fields-by-name",
    method="PUT",
    tag=TAG,
    title="Set bot fields by their names",
    name="setBotFieldsByName",
    example={"data": [{"name": "opening hours", "value": "9 to 6"}]},
    about=ABOUT,
)
async def set_bot_fields_by_name(call: NamedDependency[Call], data: JSONBody[BotValuesByName]) -> Ok:
    """The same, by the names."""

    async def work(connection: Connection) -> Ok:
        known = (await admin.begin(connection, call.key.flow_id)).bot_fields
        found = [(admin.by_name(known, one.name, "bot field"), one.value) for one in data.data]
        return await _set(connection, found)

    return await call.configure(work, Ok)


@writes(
    "/flow/delete-bot-field",
    method="DELETE",
    tag=TAG,
    title="Delete a bot field",
    name="deleteBotField",
    example={"var_ns": "f1001v3"},
    about=ABOUT,
)
async def delete_bot_field(call: NamedDependency[Call], data: JSONBody[OneField]) -> Ok:
    """Delete a field of the flow, and its value."""

    async def work(connection: Connection) -> Ok:
        known = await admin.begin(connection, call.key.flow_id)
        found = admin.by_ns(known.bot_fields, data.var_ns, "bot field")
        await admin.delete(connection, found, call.services.clock.now())
        return Ok()

    return await call.configure(work, Ok)


@writes(
    "/flow/delete-bot-field-by-name",
    method="DELETE",
    tag=TAG,
    title="Delete a bot field by its name",
    name="deleteBotFieldByName",
    example={"name": "opening hours"},
    about=ABOUT,
)
async def delete_bot_field_by_name(call: NamedDependency[Call], data: JSONBody[ByName]) -> Ok:
    """The same, by the name."""

    async def work(connection: Connection) -> Ok:
        known = await admin.begin(connection, call.key.flow_id)
        found = admin.by_name(known.bot_fields, data.name, "bot field")
        await admin.delete(connection, found, call.services.clock.now())
        return Ok()

    return await call.configure(work, Ok)


async def _set(connection: Connection, found: list[tuple[BotField, Any]]) -> Ok:
    changes = [(field, f"data.{index}.value", value) for index, (field, value) in enumerate(found)]
    await admin.set_bot_fields(connection, changes)
    return Ok()


def _info(one: BotField) -> BotFieldInfo:
    return BotFieldInfo(
        name=one.name,
        var_ns=one.ns,
        var_type=one.type,
        description=one.description,
        value=value_text(one.value),
    )


def value_text(value: FieldValue) -> str:
    """A value as the wire has it: a list as JSON."""
    return msgspec.json.encode(value).decode() if isinstance(value, list) else as_text(value)


def _changed(one: BotField) -> ChangedBotField:
    info = _info(one)
    return ChangedBotField(**msgspec.structs.asdict(info), data=info)
