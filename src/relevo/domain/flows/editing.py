"""Changing the text of a flow as a person would: what is not meant stays as it was written."""

from __future__ import annotations

from relevo.domain.flows.parsing import parse
from relevo.domain.yaml_reading import Mapping, Problems, read


class CannotEdit(ValueError):
    """It cannot be done in this text. The words say why."""


def without_subflow(source: str, name: str) -> str:
    """The text without a subflow; comments before the next one stay. Raises `CannotEdit`, where something
    still leads there, it is the last one, or the text is written in a way that cannot be taken apart."""
    before = parse(source, file="flow")
    lines = source.splitlines(keepends=True)
    first, after = _lines_of(source, name, len(lines))
    while after - 1 > first and _says_nothing(lines[after - 1]):
        after -= 1
    edited = "".join([*lines[:first], *lines[after:]])
    parsed = parse(edited, file="flow")
    if parsed.flow is None:
        raise CannotEdit("; ".join(problem.what for problem in parsed.problems[:3]))
    if before.flow is None or set(parsed.flow.subflows) != set(before.flow.subflows) - {name}:
        raise CannotEdit("the text is written in a way that cannot be taken apart; edit it in the console")
    return edited


def _lines_of(source: str, name: str, count: int) -> tuple[int, int]:
    """The index of the subflow's first line, and of the first that is not its own."""
    root = read(source, Problems("flow"))
    keys = root.mapping() if root is not None else None
    subflows = keys["subflows"].mapping() if keys is not None and "subflows" in keys else None
    if keys is None or subflows is None or name not in subflows:
        raise CannotEdit(f"there is no subflow {name}")
    first = subflows.key_place(name).line
    after = min((line for line in _key_lines(keys, subflows) if line > first), default=count + 1)
    return first - 1, after - 1


def _key_lines(*mappings: Mapping) -> list[int]:
    return [mapping.key_place(key).line for mapping in mappings for key in mapping]


def _says_nothing(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")
