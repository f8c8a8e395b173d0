"""What subscribers are selected by, beside their conversations: written only where it has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import bindparam, delete, insert, select

from relevo.domain.conversations import Conversation
from relevo.domain.flows.variables import as_text
from relevo.domain.ids import ConversationId, FlowId
from relevo.domain.subscribers import FieldValue, Subscriber
from relevo.domain.vocabulary import Names
from relevo.store.database import Connection
from relevo.store.statements import Bulk
from relevo.store.tables import traits

LONGEST = 200
"""Characters of a name, and of a field's value, that it can be found by."""

Kind = Literal["tag", "label", "opt_in", "field"]


async def save(
    connection: Connection, changed: Sequence[Conversation], stored: Mapping[ConversationId, Conversation]
) -> None:
    """Bring the traits of conversations up to date. `stored` is what they were before, where they were."""
    gone, new = list[dict[str, Any]](), list[dict[str, Any]]()
    for after in changed:
        before = stored.get(after.id)
        if before is not None and not may_differ(before.subscriber, after.subscriber):
            continue
        old = traits_of(before.subscriber) if before is not None else {}
        now = traits_of(after.subscriber)
        gone += [_row(after, key, old[key]) for key in sorted(old) if old[key] != now.get(key)]
        new += [_row(after, key, now[key]) for key in sorted(now) if now[key] != old.get(key)]
    await _DELETE.run(connection, gone)
    await _INSERT.run(connection, new)


def may_differ(before: Subscriber, after: Subscriber) -> bool:
    """Whether their traits may: told without looking inside, for what did not change is the same object."""
    return (
        before.tags is not after.tags
        or before.fields is not after.fields
        or before.labels is not after.labels
        or before.opt_ins is not after.opt_ins
    )


def traits_of(subscriber: Subscriber) -> dict[tuple[Kind, str], str]:
    """All of a subscriber's, each with its value."""
    return {
        **{("tag", found_as(name)): "" for name in subscriber.tags},
        **{("label", found_as(name)): "" for name in subscriber.labels},
        **{("opt_in", name): "" for name in subscriber.opt_ins},
        **{("field", found_as(name)): found_by(value) for name, value in subscriber.fields.items()},
    }


def found_as(name: str) -> str:
    """The name that it is found under."""
    return name[:LONGEST].replace("\0", "")  # which PostgreSQL cannot keep


def found_by(value: FieldValue) -> str:
    """The text by which a field's value is found."""
    return as_text(value)[:LONGEST].replace("\0", "")


async def holders(
    connection: Connection, flows: Iterable[FlowId], kind: Kind, name: str, limit: int
) -> list[ConversationId]:
    """Some who have it."""
    found = traits.c
    wanted = (found.flow_id.in_(sorted(flows)), found.kind == kind, found.name == name)
    query = select(found.conversation_id).where(*wanted).limit(limit)
    return [ConversationId(id_) for id_ in (await connection.execute(query)).scalars()]


async def names(connection: Connection) -> dict[FlowId, Names]:
    """The tags and fields that subscribers have, by flow; what a field's type is, is not known here."""
    query = select(traits.c.flow_id, traits.c.kind, traits.c.name).distinct()
    found: dict[FlowId, Names] = {}
    for row in (await connection.execute(query.where(traits.c.kind.in_(("tag", "field"))))).all():
        one = Names(frozenset({row.name})) if row.kind == "tag" else Names(fields={row.name: "text"})
        found[FlowId(row.flow_id)] = found.get(FlowId(row.flow_id), Names()) | one
    return found


def _row(one: Conversation, key: tuple[Kind, str], value: str) -> dict[str, Any]:
    kind, name = key
    return {
        "conversation_id": one.id,
        "flow_id": one.flow_id,
        "kind": kind,
        "name": name,
        "value": value,
    }


_DELETE = Bulk(
    delete(traits).where(
        traits.c.conversation_id == bindparam("conversation_id"),
        traits.c.kind == bindparam("kind"),
        traits.c.name == bindparam("name"),
    )
)
_INSERT = Bulk(insert(traits))
