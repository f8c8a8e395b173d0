"""Which tags and fields a flow names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from relevo.domain.flows.expressions import VARIABLES, Template
from relevo.domain.flows.model import Flow, HasTag
from relevo.domain.flows.steps.people import Set, Tag, Untag
from relevo.domain.flows.steps.questions import Ask
from relevo.domain.flows.variables import VariableType
from relevo.domain.subscribers import FieldValue
from relevo.domain.vocabulary import VARIABLE_TYPES, FieldType, Names, type_of


def names_in(flow: Flow) -> Names:
    """All that it puts on subscribers or asks for, wherever that stands."""
    tags: set[str] = set()
    fields = {name: FIELD_OF[one.type] for name, one in flow.variables.items()}
    for one in parts_of(flow):
        match one:
            case Tag(names=names) | Untag(names=names):
                tags.update(names)
            case HasTag(tag=tag):
                tags.add(tag)
            case Set(values=values):
                for name, value in values:
                    fields.setdefault(name, _type(value))
            case Ask(save=name, kind=kind) if name:
                fields.setdefault(name, "number" if kind == "number" else "text")
            case _:
                pass
    return Names(frozenset(tags), {name: type_ for name, type_ in fields.items() if name not in VARIABLES})


FIELD_OF: dict[VariableType, FieldType] = {type_: one for one, type_ in VARIABLE_TYPES.items()}


def _type(value: FieldValue | Template) -> FieldType:
    return "text" if isinstance(value, Template) else type_of(value)


def parts_of(one: Any) -> Iterator[Any]:
    """Everything that it is made of, itself first."""
    yield one
    match one:
        case msgspec.Struct():
            inner: Any = (getattr(one, name) for name in one.__struct_fields__)
        case dict():
            inner = one.values()
        case tuple() | list():
            inner = one
        case _:
            return
    for part in inner:
        yield from parts_of(part)
