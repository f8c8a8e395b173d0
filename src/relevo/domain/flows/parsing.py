"""A flow file becomes a `Flow`, or a list of all that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping as ByName

import msgspec
from phonenumbers import SUPPORTED_REGIONS

from relevo.domain.flows.answers import STANDARD_RETRY
from relevo.domain.flows.expressions import VARIABLES
from relevo.domain.flows.languages import is_language
from relevo.domain.flows.migrating import Migration, places
from relevo.domain.flows.model import AnswerKind, Flow, Steps, Trigger, Words
from relevo.domain.flows.reading import Reader, TextPlace, fixed_text, is_field_name, is_subflow_name
from relevo.domain.flows.steps import STEPS
from relevo.domain.flows.steps.standard import STANDARD
from relevo.domain.flows.triggers import TRIGGERS, heeded
from relevo.domain.flows.variables import EXAMPLES, TYPES, Variable, VariableType, converted
from relevo.domain.subscribers import FieldValue
from relevo.domain.yaml_reading import (
    Mapping,
    Place,
    Problem,
    Problems,
    Value,
    did_you_mean,
    quoted,
    read,
)

VERSION = 1
"""The version of the language."""

KEYS = (
    "version", "flow", "start", "region", "languages", "variables", "retry", "triggers", "subflows",
    "migrations",
)  # fmt: skip
"""What a file may have at its top."""


class ParsedFlow(msgspec.Struct, frozen=True):
    """Either a flow and no problems, or problems, in the order of the file, and no flow."""

    flow: Flow | None
    file: str
    problems: tuple[Problem, ...] = ()
    texts: tuple[TextPlace, ...] = ()
    """All that customers read, in the order of the file."""
    places: ByName[int, Place] = {}
    """Where each step of the flow stands, by its `id`."""
    links: ByName[str, ByName[str, None]] = {}
    """The subflows that each of them leads to; "" is what stands outside of all."""
    subflow_places: ByName[str, Place] = {}


def parse(text: str, *, file: str) -> ParsedFlow:
    """Read a flow file. `file` is only for the texts of the problems."""
    problems = Problems(file)
    root = read(text, problems)
    found = _flow(root) if root else None
    if problems.found or found is None:
        return ParsedFlow(None, file, problems.found)
    flow, reader = found
    return ParsedFlow(
        flow,
        file,
        texts=tuple(sorted(reader.texts, key=lambda text: text.value.place)),
        places=reader.places,
        links=reader.links,
        subflow_places=reader.subflow_places,
    )


def _flow(root: Value) -> tuple[Flow, Reader] | None:
    keys = root.mapping(
        KEYS,
        "start with version: 1 and flow: its name",
    )
    if keys is None:
        return None
    _check_version(keys)
    subflows_value = keys.need("subflows", "add subflows: and under it the name of each with its steps")
    subflows = (
        subflows_value.mapping(remedy="write the name of each subflow, then its steps")
        if subflows_value
        else None
    )
    languages, variables = _languages(keys), _variables(keys)
    reader = Reader(subflows, STEPS, languages=languages, variables=variables)
    triggers = _triggers(keys, reader)
    flow = Flow(
        name=_name(keys),
        start=_start(keys, reader),
        region=_region(keys),
        triggers=triggers,
        heeds=heeded(triggers),
        subflows=_subflows(subflows, reader) if subflows else {},
        languages=languages,
        variables=variables or {},
        standard=STANDARD,
        retry=_retry(keys, reader),
    )
    return _with_names(flow, keys, reader), reader


def _retry(keys: Mapping, reader: Reader) -> dict[AnswerKind, Words]:
    value = keys.get("retry")
    by_kind = value.mapping(tuple(STANDARD_RETRY), "for example {number: Just the number}") if value else None
    if by_kind is None:
        return {}
    with reader.within("retry"):
        found = {kind: reader.optional_words(by_kind, kind) for kind in STANDARD_RETRY}
    return {kind: words for kind, words in found.items() if words}


def _with_names(flow: Flow, keys: Mapping, reader: Reader) -> Flow:
    by_step = {id(step): name for name, (step, _) in reader.names.items()}
    named = {name: place for place, step in places(flow) if (name := by_step.get(id(step)))}
    return msgspec.structs.replace(flow, step_names=named, migrations=_migrations(keys, reader))


def _migrations(keys: Mapping, reader: Reader) -> tuple[Migration, ...]:
    value = keys.get("migrations")
    found = [_migration(item, reader) for item in value.items()] if value else []
    if found and found[-1] is not None:
        _check_targets(found[-1], reader)
    return tuple(one[0] for one in found if one is not None)


def _migration(item: Value, reader: Reader) -> tuple[Migration, Mapping | None] | None:
    keys = item.mapping(("name", "steps"), "for example {name: one question less, steps: {old: new}}")
    name = keys.need("name", "add name: what it is for") if keys else None
    if keys is None or name is None:
        return None
    steps = value.mapping(remedy="write old: new") if (value := keys.get("steps")) else None
    pairs = {old: new for old, one in steps.items() if (new := fixed_text(one))} if steps else {}
    return Migration(fixed_text(name) or "", pairs), steps


def _check_targets(last: tuple[Migration, Mapping | None], reader: Reader) -> None:
    """Earlier ones may lead to names that later ones change."""
    migration, steps = last
    for old, new in migration.steps.items():
        if new not in reader.names and steps is not None:
            what = f"no step is named {quoted(new)}"
            steps[old].problem(what, did_you_mean(new, reader.names) if reader.names else "add name: to one")


def _check_version(keys: Mapping) -> None:
    value = keys.need("version", f"add version: {VERSION}")
    if value and value.literal() != VERSION:
        value.mismatch(str(VERSION), f"write version: {VERSION}")


def _name(keys: Mapping) -> str:
    value = keys.need("flow", "add flow: its name")
    return (fixed_text(value) or "") if value else ""


def _start(keys: Mapping, reader: Reader) -> str:
    value = keys.need("start", "add start: the subflow that a new customer meets")
    return (reader.subflow(value) or "") if value else ""


def _region(keys: Mapping) -> str | None:
    value = keys.get("region")
    region = value.text("for example AU") if value else None
    if value and region and region not in SUPPORTED_REGIONS:
        value.mismatch("a country's code of two capital letters", "for example AU, BR, DE or US")
    return region


def _languages(keys: Mapping) -> tuple[str, ...]:
    value = keys.get("languages")
    found = value.texts("write a list: [en, es]") if value else ()
    for tag in found:
        if value and not is_language(tag):
            value.problem(f"{quoted(tag)} is no language", "write its tag, for example en, es or pt-BR")
    return found


def _variables(keys: Mapping) -> dict[str, Variable] | None:
    value = keys.get("variables")
    declared = value.mapping(remedy="for example {plan: text, seats: number}") if value else None
    if declared is None:
        return None
    found = (_variable(name, declared, one) for name, one in declared.items())
    return {variable.name: variable for variable in found if variable}


def _variable(name: str, declared: Mapping, value: Value) -> Variable | None:
    if name in VARIABLES or not is_field_name(name):
        what = f"{quoted(name)} cannot be the name of a variable"
        declared.problem_at(name, what, "choose one that Relevo does not fill in, letters first")
        return None
    inner = value.mapping(("type", "default", "about")) if value.is_mapping else None
    kind = inner.need("type", f"add type: one of {', '.join(TYPES)}") if inner else value
    word = kind.one_of(TYPES) if kind else None
    of = next((type_ for type_ in TYPES if type_ == word), None)
    about = inner.get("about") if inner else None
    if of is None:
        return None
    return Variable(name, of, _default(inner, of), (fixed_text(about) or "") if about else "")


def _default(keys: Mapping | None, of: VariableType) -> FieldValue:
    value = keys.get("default") if keys else None
    if value is None:
        return None
    given: FieldValue = [one.literal() for one in value.items()] if value.is_list else value.literal()
    default = None if given is None else converted(given, of)
    if default is None:
        value.mismatch(f"of type {of}", EXAMPLES[of])
    return default


def _subflows(subflows: Mapping, reader: Reader) -> dict[str, Steps]:
    if not len(subflows):
        subflows.problem("there are no subflows", "write the name of each, then its steps")
    for name in subflows:
        if not is_subflow_name(name):
            what = f"{quoted(name)} cannot be the name of a subflow"
            remedy = "start with a letter; then letters, digits, spaces, _ - and ., at most 40"
            subflows.problem_at(name, what, remedy)
    return {name: reader.steps(value) for name, value in subflows.items()}


# Triggers


def _triggers(keys: Mapping, reader: Reader) -> tuple[Trigger, ...]:
    value = keys.get("triggers")
    if value is None:
        return ()
    found = [(item, trigger) for item in value.items() if (trigger := _trigger(item, reader)) is not None]
    _report_shadowed(found)
    return tuple(trigger for _, trigger in found)


def _trigger(item: Value, reader: Reader) -> Trigger | None:
    keys = item.mapping(remedy="for example {on: keyword, words: [agent], do: person}")
    on = keys.need("on", f"add on: one of {', '.join(TRIGGERS)}") if keys else None
    kind = on.one_of(tuple(TRIGGERS)) if on else None
    if keys is None or kind is None:
        return None
    do = keys.need("do", "add do: the subflow to start")
    return TRIGGERS[kind].read(keys, (reader.subflow(do) or "") if do else "", reader)


def _report_shadowed(found: list[tuple[Value, Trigger]]) -> None:
    """Triggers that can never start anything, because an earlier one always does."""
    seen: dict[object, Value] = {}
    for value, trigger in found:
        for key, shown in trigger.takes():
            first = seen.setdefault(key, value)
            if first is not value:
                what = f"{shown} has a trigger already, in line {first.place.line}"
                value.problem(what, "keep one of them")
