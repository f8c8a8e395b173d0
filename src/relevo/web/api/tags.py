"""The tags of a flow."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.admin import vocabulary as admin
from relevo.domain.vocabulary import Tag
from relevo.store.database import Connection
from relevo.web.api.answers import Ok, Page, page_example
from relevo.web.api.calls import Call
from relevo.web.api.operations import About, reads, writes
from relevo.web.api.vocabulary import ByName, NamedQuery, TagNs, listed, of_flow

TAG = "Flow tags"
ABOUT = About("The token's flow has no such tag.", "There is no tag f1001t7 here")


class TagInfo(msgspec.Struct, frozen=True):
    """A tag."""

    name: Annotated[str, Meta(examples=["lead"])]
    tag_ns: Annotated[str, Meta(description="What other calls name it by.", examples=["f1001t7"])] = ""


class TagPage(Page[TagInfo], frozen=True):
    """A page of tags."""


class TagAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The tag, twice: clients look for it at the top, or in `data`."""

    name: str
    tag_ns: str
    data: TagInfo
    status: Literal["ok"] = "ok"


class OneTag(msgspec.Struct, frozen=True):
    """Which tag."""

    tag_ns: TagNs


LEAD = {"name": "lead", "tag_ns": "f1001t7"}


@reads(
    "/flow/tags",
    tag=TAG,
    title="List tags",
    name="listTags",
    asks=NamedQuery,
    example=page_example("/flow/tags", LEAD),
)
async def list_tags(call: NamedDependency[Call], asked: NamedDependency[NamedQuery]) -> TagPage:
    """The tags of the flow: those that were made, and those that a flow or a call has ever put on anybody."""
    found = [tag_info(one) for one in listed(of_flow(call).tags.values(), asked)]
    return call.paging(asked).cut(TagPage, found)


@writes(
    "/flow/create-tag",
    tag=TAG,
    title="Create a tag",
    name="createTag",
    example={"name": "lead"},
    answer={**LEAD, "data": LEAD, "status": "ok"},
    about=None,
)
async def create_tag(call: NamedDependency[Call], data: JSONBody[ByName]) -> TagAnswer:
    """Make a tag. One that is named for the first time elsewhere is made by itself."""

    async def work(connection: Connection) -> TagAnswer:
        now = call.services.clock.now()
        one = tag_info(await admin.create_tag(connection, call.key.flow_id, data.name, now))
        return TagAnswer(name=one.name, tag_ns=one.tag_ns, data=one)

    return await call.configure(work, TagAnswer)


@writes(
    "/flow/delete-tag",
    method="DELETE",
    tag=TAG,
    title="Delete a tag",
    name="deleteTag",
    example={"tag_ns": "f1001t7"},
    about=ABOUT,
)
async def delete_tag(call: NamedDependency[Call], data: JSONBody[OneTag]) -> Ok:
    """Delete a tag, and take it off everybody who has it: in the background, where they are many."""

    async def work(connection: Connection) -> Ok:
        known = await admin.begin(connection, call.key.flow_id)
        return await _delete(call, connection, admin.by_ns(known.tags, data.tag_ns, "tag"))

    return await call.configure(work, Ok)


@writes(
    "/flow/delete-tag-by-name",
    method="DELETE",
    tag=TAG,
    title="Delete a tag by its name",
    name="deleteTagByName",
    example={"name": "lead"},
    about=ABOUT,
)
async def delete_tag_by_name(call: NamedDependency[Call], data: JSONBody[ByName]) -> Ok:
    """The same, by the name."""

    async def work(connection: Connection) -> Ok:
        known = await admin.begin(connection, call.key.flow_id)
        return await _delete(call, connection, admin.by_name(known.tags, data.name, "tag"))

    return await call.configure(work, Ok)


async def _delete(call: Call, connection: Connection, one: Tag) -> Ok:
    await admin.delete(connection, one, call.services.clock.now())
    return Ok()


def tag_info(one: Tag) -> TagInfo:
    return TagInfo(one.name, one.ns)
