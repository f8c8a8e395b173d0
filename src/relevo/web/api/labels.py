"""The labels of a workspace."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.admin import vocabulary as admin
from relevo.domain.errors import NotFound
from relevo.domain.vocabulary import Label, LabelId
from relevo.domain.workspaces import Scope
from relevo.store.database import Connection
from relevo.web.api.answers import Ok, Page, page_example
from relevo.web.api.calls import Call
from relevo.web.api.operations import About, reads, writes
from relevo.web.api.vocabulary import ByName, NamedQuery, listed, own_labels

TAG = "Team labels"
ABOUT = About("The workspace has no such label.", "There is no label 3 here")


class LabelInfo(msgspec.Struct, frozen=True):
    """A label of the workspace."""

    id: Annotated[int, Meta(examples=[3])]
    name: Annotated[str, Meta(examples=["VIP"])]


class LabelPage(Page[LabelInfo], frozen=True):
    """A page of labels."""


class LabelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The label, twice: clients look for it at the top, or in `data`."""

    id: int
    name: str
    data: LabelInfo
    status: Literal["ok"] = "ok"


class OneLabel(msgspec.Struct, frozen=True):
    """Which label."""

    id: Annotated[int, Meta(description="Its number.", examples=[3])]


VIP = {"id": 3, "name": "VIP"}


@reads(
    "/team/labels",
    tag=TAG,
    title="List labels",
    name="listLabels",
    asks=NamedQuery,
    scope=Scope.MANAGE_TEAM,
    example=page_example("/team/labels", VIP),
)
async def list_labels(call: NamedDependency[Call], asked: NamedDependency[NamedQuery]) -> LabelPage:
    """The labels that agents put on conversations; those of all flows of the workspace."""
    return call.paging(asked).cut(
        LabelPage, [label_info(one) for one in listed(own_labels(call).values(), asked)]
    )


@writes(
    "/team/create-label",
    tag=TAG,
    title="Create a label",
    name="createLabel",
    example={"name": "VIP"},
    answer={**VIP, "data": VIP, "status": "ok"},
    scope=Scope.MANAGE_TEAM,
    about=None,
)
async def create_label(call: NamedDependency[Call], data: JSONBody[ByName]) -> LabelAnswer:
    """Make a label."""

    async def work(connection: Connection) -> LabelAnswer:
        now = call.services.clock.now()
        one = await admin.create_label(connection, call.key.workspace_id, data.name, now)
        return LabelAnswer(id=one.id, name=one.name, data=label_info(one))

    return await call.configure(work, LabelAnswer)


@writes(
    "/team/delete-label",
    method="DELETE",
    tag=TAG,
    title="Delete a label",
    name="deleteLabel",
    example={"id": 3},
    scope=Scope.MANAGE_TEAM,
    about=ABOUT,
)
async def delete_label(call: NamedDependency[Call], data: JSONBody[OneLabel]) -> Ok:
    """Delete a label, and take it off everybody who has it: in the background, where they are many."""

    async def work(connection: Connection) -> Ok:
        known = await admin.labels(connection, call.key.workspace_id)
        found = next((one for one in known.values() if one.id == LabelId(data.id) and not one.going), None)
        if found is None:
            raise NotFound(f"There is no label {data.id} here")
        return await _delete(call, connection, found)

    return await call.configure(work, Ok)


@writes(
    "/team/delete-label-by-name",
    method="DELETE",
    tag=TAG,
    title="Delete a label by its name",
    name="deleteLabelByName",
    example={"name": "VIP"},
    scope=Scope.MANAGE_TEAM,
    about=ABOUT,
)
async def delete_label_by_name(call: NamedDependency[Call], data: JSONBody[ByName]) -> Ok:
    """The same, by the name."""

    async def work(connection: Connection) -> Ok:
        known = await admin.labels(connection, call.key.workspace_id)
        return await _delete(call, connection, admin.by_name(known, data.name, "label"))

    return await call.configure(work, Ok)


async def _delete(call: Call, connection: Connection, one: Label) -> Ok:
    await admin.delete(connection, one, call.services.clock.now())
    return Ok()


def label_info(one: Label) -> LabelInfo:
    return LabelInfo(one.id, one.name)
