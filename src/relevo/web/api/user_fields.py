"""The fields of a flow's subscribers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.admin import vocabulary as admin
from relevo.domain.vocabulary import LONGEST_DESCRIPTION, Display, FieldType, UserField
from relevo.store.database import Connection
from relevo.web.api.answers import Ok, Page, page_example
from relevo.web.api.calls import Call
from relevo.web.api.operations import About, reads, writes
from relevo.web.api.vocabulary import ByName, Name, NamedQuery, VarNs, listed, of_flow

TAG = "Flow user fields"
ABOUT = About("The token's flow has no such field.", "There is no user field f1001v9 here")

Type = Annotated[FieldType, Meta(description="What its values are: `text`, `number` …", examples=["number"])]
Description = Annotated[
    str, Meta(max_length=LONGEST_DESCRIPTION, description="What it is for.", examples=["Shoe size"])
]


class FieldInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A field, without anybody's value: that is empty here."""

    name: Annotated[str, Meta(examples=["size"])]
    var_ns: Annotated[str, Meta(examples=["f1001v9"])]
    var_type: FieldType
    description: str = ""
    value: str = ""


class FieldPage(Page[FieldInfo], frozen=True):
    """A page of fields."""


class FieldAnswer(msgspec.Struct, frozen=True):
    """A field."""

    data: FieldInfo
    status: Literal["ok"] = "ok"


class NewField(msgspec.Struct, frozen=True, kw_only=True):
    """A field to make."""

    name: Name
    var_type: Type
    description: Description = ""
    value: Annotated[
        Any,
        Meta(description="Taken because UChat has it, and left aside: subscribers have values."),
    ] = None


class OneField(msgspec.Struct, frozen=True):
    """Which field."""

    var_ns: VarNs


class ChangedField(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; what is left out stays."""

    var_ns: VarNs
    name: Annotated[str, Meta(max_length=200, description="Its new name.", examples=["size"])] = ""
    display_type: Annotated[
        Display | None, Meta(description="Where a person sees it: `pin` is first, `hidden` nowhere.")
    ] = None
    description: Description = ""


SIZE = {"name": "size", "var_ns": "f1001v9", "var_type": "number", "description": "", "value": ""}


@reads(
    "/flow/user-fields",
    tag=TAG,
    title="List user fields",
    name="listUserFields",
    asks=NamedQuery,
    example=page_example("/flow/user-fields", SIZE),
)
async def list_user_fields(call: NamedDependency[Call], asked: NamedDependency[NamedQuery]) -> FieldPage:
    """What may be known of the flow's subscribers: fields that were made, and those that a flow or a call has
    ever set."""
    found = [field_info(one) for one in listed(of_flow(call).fields.values(), asked)]
    return call.paging(asked).cut(FieldPage, found)


@writes(
    "/flow/create-user-field",
    tag=TAG,
    title="Create a user field",
    name="createUserField",
    example={"name": "size", "var_type": "number"},
    answer={"data": SIZE, "status": "ok"},
    about=None,
)
async def create_user_field(call: NamedDependency[Call], data: JSONBody[NewField]) -> FieldAnswer:
    """Make a field. One that is set for the first time elsewhere is made by itself, with the type of its
    first value."""

    async def work(connection: Connection) -> FieldAnswer:
        flow_id, now = call.key.flow_id, call.services.clock.now()
        new = await admin.create_user_field(
            connection, flow_id, data.name, data.var_type, data.description, now
        )
        return FieldAnswer(field_info(new))

    return await call.configure(work, FieldAnswer)


@writes(
    "/flow/update-user-field",
    tag=TAG,
    title="Change a user field",
    name="updateUserField",
    example={"var_ns": "f1001v9", "display_type": "pin"},
    about=ABOUT,
)
async def update_user_field(call: NamedDependency[Call], data: JSONBody[ChangedField]) -> Ok:
    """Rename a field, or say where people see it. What subscribers have moves to the new name: in the
    background, where they are many. A flow that names the old one goes on naming that."""

    async def work(connection: Connection) -> Ok:
        known = await admin.begin(connection, call.key.flow_id)
        field = admin.by_ns(known.fields, data.var_ns, "user field")
        await admin.update_user_field(
            connection,
            field,
            name=data.name or None,
            description=data.description or None,
            display=data.display_type,
            now=call.services.clock.now(),
        )
        return Ok()

    return await call.configure(work, Ok)


@writes(
    "/flow/delete-user-field",
    method="DELETE",
    tag=TAG,
    title="Delete a user field",
    name="deleteUserField",
    example={"var_ns": "f1001v9"},
    about=ABOUT,
)
async def delete_user_field(call: NamedDependency[Call], data: JSONBody[OneField]) -> Ok:
    """Delete a field, and all that subscribers have in it: in the background, where they are many."""

    async def work(connection: Connection) -> Ok:
        known = await admin.begin(connection, call.key.flow_id)
        return await _delete(call, connection, admin.by_ns(known.fields, data.var_ns, "user field"))

    return await call.configure(work, Ok)


@writes(
    "/flow/delete-user-field-by-name",
    method="DELETE",
    tag=TAG,
    title="Delete a user field by its name",
    name="deleteUserFieldByName",
    example={"name": "size"},
    about=ABOUT,
)
async def delete_user_field_by_name(call: NamedDependency[Call], data: JSONBody[ByName]) -> Ok:
    """The same, by the name."""

    async def work(connection: Connection) -> Ok:
        known = await admin.begin(connection, call.key.flow_id)
        return await _delete(call, connection, admin.by_name(known.fields, data.name, "user field"))

    return await call.configure(work, Ok)


async def _delete(call: Call, connection: Connection, one: UserField) -> Ok:
    await admin.delete(connection, one, call.services.clock.now())
    return Ok()


def field_info(one: UserField) -> FieldInfo:
    return FieldInfo(name=one.name, var_ns=one.ns, var_type=one.type, description=one.description)
