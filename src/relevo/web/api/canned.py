"""Shortcuts and closing notes: what agents have ready."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from relevo.admin import canned
from relevo.domain.canned import (
    LONGEST_ANSWER,
    LONGEST_DESCRIPTION,
    ClosingNote,
    Demand,
    Shortcut,
)
from relevo.store import canned as stored
from relevo.store.database import Connection
from relevo.web.api.answers import Ok, Page, PageQuery, page_example
from relevo.web.api.calls import Call
from relevo.web.api.operations import About, reads, writes

TAG = "Shortcuts and closing notes"

SHORTCUT = About("The token's flow has no such shortcut.", "There is no shortcut 3 in this flow")
NOTE = About("The token's flow has no such closing note.", "There is no closing note 3 in this flow")

Name = Annotated[str, Meta(max_length=200, description="No other of the flow has it.")]
Value = Annotated[
    str,
    Meta(
        max_length=LONGEST_ANSWER, description="What is said.", examples=["Thank you, and have a good day!"]
    ),
]
Description = Annotated[str, Meta(max_length=LONGEST_DESCRIPTION, description="When to choose it.")]
DemandField = Annotated[
    Literal[0, 1, 2], Meta(description="0: not asked for; 1: may be left; 2: must be left.", examples=[1])
]


class CannedQuery(PageQuery, frozen=True, kw_only=True):
    name: Annotated[str, Meta(max_length=200, description="Any part of the name.")] = ""


class ToDelete(msgspec.Struct, frozen=True):
    """Which one."""

    id: Annotated[int, Meta(description="From the list.", examples=[3])]


# Shortcuts


class ShortcutInfo(msgspec.Struct, frozen=True):
    """An answer that agents have ready."""

    id: Annotated[int, Meta(examples=[3])]
    name: Annotated[str, Meta(examples=["bye"])]
    value: Value


class ShortcutPage(Page[ShortcutInfo], frozen=True):
    """A page of shortcuts."""


class ShortcutAnswer(msgspec.Struct, frozen=True):
    """A shortcut."""

    data: ShortcutInfo
    status: Literal["ok"] = "ok"


class NewShortcut(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to have ready: its name, and what is said."""

    name: Name
    value: Value


class ShortcutChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; what is left out stays."""

    id: Annotated[int, Meta(description="Which one.", examples=[3])]
    name: Name | None = None
    value: Value | None = None


_BYE = {"id": 3, "name": "bye", "value": "Thank you, and have a good day!"}
_BYE_ANSWER: dict[str, Any] = {"data": _BYE, "status": "ok"}


@reads(
    "/flow/shortcuts",
    tag=TAG,
    title="List shortcuts",
    name="listShortcuts",
    asks=CannedQuery,
    example=page_example("/flow/shortcuts", _BYE),
)
async def list_shortcuts(call: NamedDependency[Call], asked: NamedDependency[CannedQuery]) -> ShortcutPage:
    """The answers that agents of this flow have ready, the first one first."""
    async with call.services.database.read() as connection:
        found = await stored.listing(connection, Shortcut, call.key.flow_id)
    wanted = [_shortcut(one) for one in found if asked.name.casefold() in one.name.casefold()]
    return call.paging(asked).cut(ShortcutPage, wanted)


@reads(
    "/flow/shortcuts/{id:int}",
    tag=TAG,
    title="Get a shortcut",
    name="getShortcut",
    example=_BYE_ANSWER,
    about=SHORTCUT,
)
async def get_shortcut(call: NamedDependency[Call], id: FromPath[int]) -> ShortcutAnswer:
    """One of the answers that agents have ready."""
    async with call.services.database.read() as connection:
        return ShortcutAnswer(_shortcut(await canned.get(connection, Shortcut, call.key.flow_id, id)))


@writes(
    "/flow/create-shortcut",
    tag=TAG,
    title="Add a shortcut",
    name="createShortcut",
    example={"name": "bye", "value": "Thank you, and have a good day!"},
    answer=_BYE_ANSWER,
    about=None,
)
async def create_shortcut(call: NamedDependency[Call], data: JSONBody[NewShortcut]) -> ShortcutAnswer:
    """Have an answer ready. The console's composer offers it."""

    async def work(connection: Connection) -> ShortcutAnswer:
        new = Shortcut(id=0, flow_id=call.key.flow_id, name=data.name, value=data.value)
        return ShortcutAnswer(_shortcut(await canned.save(connection, new)))

    return await call.once(work, ShortcutAnswer)


@writes(
    "/flow/update-shortcut",
    method="PUT",
    tag=TAG,
    title="Change a shortcut",
    name="updateShortcut",
    example={"id": 3, "value": "Thank you!"},
    answer=_BYE_ANSWER,
    about=SHORTCUT,
)
async def update_shortcut(call: NamedDependency[Call], data: JSONBody[ShortcutChange]) -> ShortcutAnswer:
    """Change what is named."""

    async def work(connection: Connection) -> ShortcutAnswer:
        old = await canned.get(connection, Shortcut, call.key.flow_id, data.id)
        new = msgspec.structs.replace(old, **_given(data))
        return ShortcutAnswer(_shortcut(await canned.save(connection, new)))

    return await call.once(work, ShortcutAnswer)


@writes(
    "/flow/delete-shortcut",
    method="DELETE",
    tag=TAG,
    title="Delete a shortcut",
    name="deleteShortcut",
    example={"id": 3},
    about=SHORTCUT,
)
async def delete_shortcut(call: NamedDependency[Call], data: JSONBody[ToDelete]) -> Ok:
    """Take an answer away. What was said with it stays."""
    return await _delete(call, Shortcut, data.id)


# Closing notes


class ClosingNoteInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Why a conversation is closed, and what its agent is to leave then."""

    id: Annotated[int, Meta(examples=[3])]
    note_ns: Annotated[str, Meta(examples=["f1001cn3"])]
    name: Annotated[str, Meta(examples=["Resolved"])]
    description: str
    require_summary: DemandField
    require_attachment: DemandField


class ClosingNotePage(Page[ClosingNoteInfo], frozen=True):
    """A page of closing notes."""


class ClosingNoteAnswer(msgspec.Struct, frozen=True):
    """A closing note."""

    data: ClosingNoteInfo
    status: Literal["ok"] = "ok"


class NewClosingNote(msgspec.Struct, frozen=True, kw_only=True):
    """A closing note."""

    name: Name
    description: Description = ""
    require_summary: DemandField = 0
    require_attachment: DemandField = 0


class ClosingNoteChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; what is left out stays."""

    id: Annotated[int, Meta(description="Which one.", examples=[3])]
    name: Name | None = None
    description: Description | None = None
    require_summary: DemandField | None = None
    require_attachment: DemandField | None = None


_RESOLVED = {
    "id": 3,
    "note_ns": "f1001cn3",
    "name": "Resolved",
    "description": "The customer has what they came for.",
    "require_summary": 1,
    "require_attachment": 0,
}
_RESOLVED_ANSWER: dict[str, Any] = {"data": _RESOLVED, "status": "ok"}


@reads(
    "/flow/closing-notes",
    tag=TAG,
    title="List closing notes",
    name="listClosingNotes",
    asks=CannedQuery,
    example=page_example("/flow/closing-notes", _RESOLVED),
)
async def list_closing_notes(
    call: NamedDependency[Call], asked: NamedDependency[CannedQuery]
) -> ClosingNotePage:
    """What agents choose from when they close a conversation of this flow, the first one first."""
    async with call.services.database.read() as connection:
        found = await stored.listing(connection, ClosingNote, call.key.flow_id)
    wanted = [_note(one) for one in found if asked.name.casefold() in one.name.casefold()]
    return call.paging(asked).cut(ClosingNotePage, wanted)


@reads(
    "/flow/closing-notes/{id:int}",
    tag=TAG,
    title="Get a closing note",
    name="getClosingNote",
    example=_RESOLVED_ANSWER,
    about=NOTE,
)
async def get_closing_note(call: NamedDependency[Call], id: FromPath[int]) -> ClosingNoteAnswer:
    """One of the closing notes."""
    async with call.services.database.read() as connection:
        return ClosingNoteAnswer(_note(await canned.get(connection, ClosingNote, call.key.flow_id, id)))


@writes(
    "/flow/create-closing-note",
    tag=TAG,
    title="Add a closing note",
    name="createClosingNote",
    example={"name": "Resolved", "require_summary": 1},
    answer=_RESOLVED_ANSWER,
    about=None,
)
async def create_closing_note(
    call: NamedDependency[Call], data: JSONBody[NewClosingNote]
) -> ClosingNoteAnswer:
    """Something to choose when a conversation is closed."""

    async def work(connection: Connection) -> ClosingNoteAnswer:
        new = ClosingNote(
            id=0,
            flow_id=call.key.flow_id,
            name=data.name,
            description=data.description,
            require_summary=Demand(data.require_summary),
            require_attachment=Demand(data.require_attachment),
        )
        return ClosingNoteAnswer(_note(await canned.save(connection, new)))

    return await call.once(work, ClosingNoteAnswer)


@writes(
    "/flow/update-closing-note",
    method="PUT",
    tag=TAG,
    title="Change a closing note",
    name="updateClosingNote",
    example={"id": 3, "require_summary": 2},
    answer=_RESOLVED_ANSWER,
    about=NOTE,
)
async def update_closing_note(
    call: NamedDependency[Call], data: JSONBody[ClosingNoteChange]
) -> ClosingNoteAnswer:
    """Change what is named. What was closed with it keeps the name that it had."""

    async def work(connection: Connection) -> ClosingNoteAnswer:
        old = await canned.get(connection, ClosingNote, call.key.flow_id, data.id)
        given = _given(data)
        demands = {name: Demand(given[name]) for name in given if name.startswith("require_")}
        new = msgspec.structs.replace(old, **{**given, **demands})
        return ClosingNoteAnswer(_note(await canned.save(connection, new)))

    return await call.once(work, ClosingNoteAnswer)


@writes(
    "/flow/delete-closing-note",
    method="DELETE",
    tag=TAG,
    title="Delete a closing note",
    name="deleteClosingNote",
    example={"id": 3},
    about=NOTE,
)
async def delete_closing_note(call: NamedDependency[Call], data: JSONBody[ToDelete]) -> Ok:
    """Have it chosen no more. What was closed with it keeps it."""
    return await _delete(call, ClosingNote, data.id)


async def _delete(call: Call, kind: type[Shortcut] | type[ClosingNote], id_: int) -> Ok:
    async def work(connection: Connection) -> Ok:
        found: Shortcut | ClosingNote = await canned.get(connection, kind, call.key.flow_id, id_)  # type: ignore[type-var]
        await stored.remove(connection, found)
        return Ok()

    return await call.once(work, Ok)


def _given(change: msgspec.Struct) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}


def _shortcut(one: Shortcut) -> ShortcutInfo:
    return ShortcutInfo(one.id, one.name, one.value)


def _note(one: ClosingNote) -> ClosingNoteInfo:
    return ClosingNoteInfo(
        id=one.id,
        note_ns=one.note_ns,
        name=one.name,
        description=one.description,
        require_summary=one.require_summary.value,
        require_attachment=one.require_attachment.value,
    )
