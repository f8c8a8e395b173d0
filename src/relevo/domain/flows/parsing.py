"""A flow file becomes a `Flow`, or a list of all that is wrong with it."""

from __future__ import annotations

import msgspec
from phonenumbers import SUPPORTED_REGIONS

from relevo.domain.flows.model import Flow, Steps, Trigger
from relevo.domain.flows.reading import Reader, fixed_text, is_subflow_name
from relevo.domain.flows.steps import STEPS
from relevo.domain.flows.triggers import TRIGGERS
from relevo.domain.yaml_reading import Mapping, Problem, Problems, Value, quoted, read

VERSION = 1
"""The version of the language."""


class ParsedFlow(msgspec.Struct, frozen=True):
    """Either a flow and no problems, or problems, in the order of the file, and no flow."""

    flow: Flow | None
    problems: tuple[Problem, ...] = ()


def parse(text: str, *, file: str) -> ParsedFlow:
    """Read a flow file. `file` is only for the texts of the problems."""
    problems = Problems(file)
    root = read(text, problems)
    flow = _flow(root) if root else None
    return ParsedFlow(None, problems.found) if problems.found else ParsedFlow(flow)


def _flow(root: Value) -> Flow | None:
    keys = root.mapping(
        ("version", "flow", "start", "region", "triggers", "subflows"),
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
    reader = Reader(subflows, STEPS)
    return Flow(
        name=_name(keys),
        start=_start(keys, reader),
        region=_region(keys),
        triggers=_triggers(keys, reader),
        subflows=_subflows(subflows, reader) if subflows else {},
    )


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
