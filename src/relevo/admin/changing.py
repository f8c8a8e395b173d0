"""What every change of the configuration begins with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Generic, Literal, TypeVar

import msgspec
from argon2 import PasswordHasher

from relevo.domain.configuring import Wrong
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import WorkspaceId
from relevo.domain.inbound_webhooks import InboundWebhook
from relevo.domain.workspaces import Channel, Endpoint, FlowEntry, Member, Workspace
from relevo.http_client.egress_guard import EgressGuard
from relevo.store import configuring, directory
from relevo.store.database import Connection, Database
from relevo.store.directory import Directory
from relevo.store.encryption import Cipher
from relevo.system.chance import Chance
from relevo.system.clock import Clock

Action = Literal["created", "updated", "unchanged"]
Thing = Workspace | Endpoint | FlowEntry | Channel | Member | InboundWebhook

T = TypeVar("T", bound=Thing)


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What the functions of this room work with."""

    database: Database
    cipher: Cipher
    clock: Clock
    chance: Chance
    guard: EgressGuard
    passwords: PasswordHasher = msgspec.field(default_factory=PasswordHasher)


class Saved(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What became of a wish. `secret` was made for it, and is not shown again; `changed` says in
    words which parts are different, and `note` what else is to be known."""

    thing: T
    action: Action
    changed: tuple[str, ...] = ()
    secret: str = ""
    note: str = ""

    def __repr__(self) -> str:
        return f"Saved({self.thing!r}, {self.action})"


class Changing:
    """A change under way. `directory` is what there is, this change's own writes included."""

    def __init__(self, means: Means, connection: Connection, found: Directory) -> None:
        self.means = means
        self.connection = connection
        self.directory = found

    def note(self, thing: Thing) -> None:
        """Have what was just written in `directory`."""
        field = _FIELDS[type(thing)]
        things = {**getattr(self.directory, field), thing.id: thing}
        self.directory = msgspec.structs.replace(self.directory, **{field: things})

    def of(self, kind: type[T], workspace_id: WorkspaceId) -> list[T]:
        """All of a kind that a workspace has."""
        things: Iterable[T] = getattr(self.directory, _FIELDS[kind]).values()
        return [thing for thing in things if _workspace_of(thing) == workspace_id]

    def get(self, kind: type[T], workspace_id: WorkspaceId, id_: int) -> T:
        """One of them; `NotFound` when it is another workspace's."""
        thing: T | None = getattr(self.directory, _FIELDS[kind]).get(id_)
        if thing is None or _workspace_of(thing) != workspace_id:
            raise NotFound(f"There is no {_WORDS[kind]} {id_} in this workspace")
        return thing


@asynccontextmanager
async def changing(means: Means) -> AsyncIterator[Changing]:
    """A transaction in which nobody else changes the configuration."""
    async with means.database.write() as connection:
        await configuring.lock(connection)
        yield Changing(means, connection, await directory.load(connection, means.cipher))


async def reading(means: Means) -> Directory:
    """What is set up now."""
    async with means.database.read() as connection:
        return await directory.load(connection, means.cipher)


def refuse(wrongs: Mapping[str, Wrong]) -> None:
    """Raise `InvalidInput` if anything is wrong."""
    if wrongs:
        raise InvalidInput({field: [str(wrong)] for field, wrong in wrongs.items()})


def refuse_taken(kind: str, name: str, things: Iterable[Any], existing: Any, by: str = "name") -> None:
    """Raise `InvalidInput` when something else has this name."""
    others = [one for one in things if existing is None or one.id != existing.id]
    if any(getattr(one, by) == name for one in others):
        refuse({by: Wrong(f"there is already {kind} {name}", "choose another")})


def named(things: Iterable[T], name: str) -> T | None:
    return next((thing for thing in things if getattr(thing, "name", None) == name), None)


def saved(old: T | None, new: T, words: Mapping[str, str], secret: str = "") -> Saved[T]:
    """What became of it; `words` say what each field is called."""
    if old is None:
        return Saved(thing=new, action="created", secret=secret)
    fields = [field for field in words if getattr(old, field) != getattr(new, field)]
    changed = tuple(words[field] for field in fields)
    return Saved(thing=new, action="updated" if changed else "unchanged", changed=changed, secret=secret)


_FIELDS: dict[type, str] = {
    Workspace: "workspaces",
    Endpoint: "endpoints",
    FlowEntry: "flows",
    Channel: "channels",
    Member: "members",
    InboundWebhook: "inbound_webhooks",
}
_WORDS: dict[type, str] = {
    Workspace: "workspace",
    Endpoint: "endpoint",
    FlowEntry: "flow",
    Channel: "channel",
    Member: "member",
    InboundWebhook: "inbound webhook",
}


def _workspace_of(thing: Thing) -> WorkspaceId:
    return thing.id if isinstance(thing, Workspace) else thing.workspace_id
