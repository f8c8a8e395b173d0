"""Tags, fields, bot fields and labels: what there is, and the names and numbers that calls speak of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from relevo.admin import vocabulary
from relevo.domain import complaints
from relevo.domain.errors import InvalidInput
from relevo.domain.subscribers import FieldValue
from relevo.domain.vocabulary import BotField, Label, Names, Tag, UserField, Vocabulary, is_own, type_of
from relevo.store import defining
from relevo.web.api.answers import PageQuery
from relevo.web.api.calls import Call

One = TypeVar("One", Tag, UserField, BotField, Label)

MOST_AT_ONCE = 20
"""Tags, labels or fields in one call."""

Name = Annotated[str, Meta(max_length=200, description="Its name.", examples=["lead"])]
TagNs = Annotated[
    str, Meta(pattern=r"^f[0-9]{1,12}t[0-9]{1,9}$", description="The tag.", examples=["f1001t7"])
]
VarNs = Annotated[
    str, Meta(pattern=r"^f[0-9]{1,12}v[0-9]{1,9}$", description="The field.", examples=["f1001v9"])
]
Value = Annotated[
    Any,
    Meta(description="What the field holds from now on: of its type, as JSON or as text.", examples=["42"]),
]


class NamedQuery(PageQuery, frozen=True, kw_only=True):
    name: Annotated[str, Meta(max_length=200, description="Any part of the name.")] = ""


class ByName(msgspec.Struct, frozen=True):
    """Which one, by its name."""

    name: Name


# What there is


def of_flow(call: Call) -> Vocabulary:
    """Of the token's flow, as it is in memory."""
    return call.services.catalog.directory.vocabulary(call.key.flow_id)


def own_labels(call: Call) -> Mapping[str, Label]:
    """Of the token's workspace, as they are in memory."""
    return call.services.catalog.directory.labels.get(call.key.workspace_id, {})


def listed(things: Iterable[One], asked: NamedQuery) -> list[One]:
    """Those that are there, by their numbers; what is going is only being taken off subscribers still."""
    wanted = asked.name.casefold()
    here = [one for one in things if not getattr(one, "going", False) and wanted in one.name.casefold()]
    return sorted(here, key=_number)


def _number(one: Tag | UserField | BotField | Label) -> int:
    return one.id if isinstance(one, Label) else one.number


async def look_for(call: Call, is_there: Callable[[], bool]) -> None:
    """What was made in another process a moment ago is there."""
    if not is_there():
        await call.services.catalog.refresh(at_once=True)


# Making what is named for the first time


async def have(call: Call, names: Names) -> None:
    """Have these tags and fields be there."""
    if not names.unknown_to(of_flow(call)):
        return
    services = call.services
    async with services.database.write() as connection:
        await defining.register(connection, call.key.flow_id, names, services.clock.now())
    await services.catalog.refresh(at_once=True)


async def have_labels(call: Call, names: Iterable[str]) -> None:
    """Have labels of these names be there."""
    missing = [name for name in dict.fromkeys(names) if name not in own_labels(call)]
    if not missing:
        return
    services = call.services
    async with services.database.write() as connection:
        known = await vocabulary.labels(connection, call.key.workspace_id)
        for name in missing:
            if name not in known:
                await defining.insert_label(connection, call.key.workspace_id, name, services.clock.now())
    await services.catalog.refresh(at_once=True)


def names_of(values: Mapping[str, FieldValue]) -> Names:
    """Fields, as they are named with these values; those that everybody has are nobody's to make."""
    return Names(fields={name: type_of(value) for name, value in values.items() if not is_own(name)})


# Finding, while an event is made


def names_by_ns(
    things: Mapping[str, Tag] | Mapping[str, UserField], wanted: Sequence[tuple[str, str]]
) -> list[str]:
    """The names of what is meant by `(path, ns)`. Raises InvalidInput."""
    by_ns: dict[str, str] = {one.ns: one.name for one in things.values() if not one.going}
    unknown = {path: [_unknown(path, ns)] for path, ns in wanted if ns not in by_ns}
    if unknown:
        raise InvalidInput(unknown)
    return [by_ns[ns] for _, ns in wanted]


def chosen(things: Mapping[str, One], given: Sequence[tuple[str, str]], what: str) -> list[One]:
    """What is meant by `(path, ns or name)`; a number goes before a name. Raises InvalidInput."""
    here = [one for one in things.values() if not getattr(one, "going", False)]
    known = {one.name: one for one in here} | {getattr(one, "ns", ""): one for one in here}
    unknown = {
        path: [complaints.unknown(path, wanted, f"{what} in this flow")]
        for path, wanted in given
        if wanted not in known
    }
    if unknown:
        raise InvalidInput(unknown)
    return [known[wanted] for _, wanted in given]


def _unknown(path: str, ns: str) -> str:
    what = "tag" if path.endswith("tag_ns") else "field"
    return complaints.unknown(path, ns, f"{what} in this flow with the ns")


def refuse_going(things: Mapping[str, Any], wanted: Iterable[tuple[str, str]]) -> None:
    """Raises InvalidInput for what is being taken off everybody: it would not stay."""
    wrong = {
        path: [_BEING_DELETED.format(name)]
        for path, name in wanted
        if (found := things.get(name)) is not None and found.going
    }
    if wrong:
        raise InvalidInput(wrong)


_BEING_DELETED = "{} is being deleted at this moment. Try again in a few seconds."


def typed_values(
    fields: Mapping[str, UserField], values: Sequence[tuple[str, str, Any]]
) -> dict[str, FieldValue]:
    """The values of `(path, name, value)`, each as its field has it. Raises InvalidInput."""
    wrong: dict[str, list[str]] = {}
    found: dict[str, FieldValue] = {}
    for path, name, value in values:
        try:
            type_ = fields[name].type if name in fields else "text"
            found[name] = vocabulary.checked(path, type_, value)
        except InvalidInput as complaint:
            wrong |= complaint.errors
    if wrong:
        raise InvalidInput(wrong)
    return found
