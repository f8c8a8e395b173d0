"""A flow as a picture: a box for each subflow, a row for each step, an arrow where one leads to another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from relevo.domain.flows.messages import FlowButton
from relevo.domain.flows.model import Flow, Path, Step, Steps, Trigger
from relevo.domain.flows.parsing import ParsedFlow
from relevo.domain.flows.steps.calls import Ai
from relevo.domain.flows.steps.paths import Call, Go

LONGEST_ROW = 46
"""Characters of a row, its indentation included."""

Kind = Literal["goes", "calls", "offers"]
"""Leaves for it; comes back from it; has a button (or, for a model, a tool) for it."""


class Row(msgspec.Struct, frozen=True):
    """A step; or, without a `path`, the name of a branch."""

    text: str
    depth: int
    path: Path = ()


class Link(msgspec.Struct, frozen=True):
    """From the step at `path` to a subflow."""

    source: str
    path: Path
    target: str
    kind: Kind
    label: str = ""


class Box(msgspec.Struct, frozen=True):
    """A subflow. `column` is how many steps away from a beginning it is."""

    name: str
    rows: tuple[Row, ...]
    starts: tuple[str, ...]
    column: int


class Picture(msgspec.Struct, frozen=True):
    name: str
    boxes: tuple[Box, ...]
    links: tuple[Link, ...]


def picture(parsed: ParsedFlow, source: str) -> Picture:
    """The picture of a flow without problems. `source` is its text, whose words the rows have."""
    flow = parsed.flow
    assert flow is not None
    lines = source.splitlines()
    found = (link for name, steps in flow.subflows.items() for link in _links(name, steps, ()))
    links = tuple(link for link in found if link.target in flow.subflows)
    columns = _columns(flow, links)
    boxes = tuple(
        Box(name, tuple(_rows(parsed, lines, steps, (), 0)), _starts(flow, name), columns[name])
        for name, steps in flow.subflows.items()
    )
    return Picture(flow.name, boxes, links)


_ROUND = re.compile(r"round \d+")


def drawn_path(path: Path) -> Path:
    """Where a place stands in the picture: a round of `repeat` is as good as another."""
    return tuple("round" if isinstance(one, str) and _ROUND.fullmatch(one) else one for one in path)


# Rows


def _rows(parsed: ParsedFlow, lines: Sequence[str], steps: Steps, around: Path, depth: int) -> Iterator[Row]:
    for index, step in enumerate(steps):
        path = (*around, index)
        yield Row(_short(_words(parsed, lines, step), depth), depth, path)
        for name, inner in step.branches.items():
            if inner:
                yield Row(_short(name.replace("_", " "), depth + 1), depth + 1)
                yield from _rows(parsed, lines, inner, (*path, name), depth + 2)


def _words(parsed: ParsedFlow, lines: Sequence[str], step: Step) -> str:
    """As the file has it: its line, and the next where that only begins something."""
    place = parsed.places.get(id(step))
    if place is None or place.line > len(lines):
        return f"{step.word} {getattr(step, 'subflow', '')}".strip()
    words = lines[place.line - 1][place.column - 1 :].strip().removeprefix("- ")
    if words.endswith((":", "|", ">")) and place.line < len(lines):
        words = f"{words.rstrip('|> ')} {lines[place.line].strip()}"
    return _closed(words)


def _closed(words: str) -> str:
    """Without what closes the list that the step stands in: `[{send: Hi}]` has `{send: Hi}`."""
    depth = 0
    for index, letter in enumerate(words):
        depth += (letter in "[{") - (letter in "]}")
        if depth < 0 or (depth == 0 and letter == "}" and words.startswith("{")):
            return words[: index + (depth == 0)]
    return words


def _short(text: str, depth: int) -> str:
    room = LONGEST_ROW - 2 * depth
    return text if len(text) <= room else text[: room - 1].rstrip() + "…"


def _starts(flow: Flow, subflow: str) -> tuple[str, ...]:
    """What starts it, in a few words each."""
    found = ["start"] if flow.start == subflow else []
    return (*found, *(_trigger(one) for one in flow.triggers if one.do == subflow))


def _trigger(trigger: Trigger) -> str:
    said = [words.removeprefix("the ") for _, words in trigger.takes()]
    more = ", …" if said[2:] else ""
    return _short(", ".join(said[:2]) + more or trigger.word.replace("_", " "), 0)


# Links


def _links(subflow: str, steps: Steps, around: Path) -> Iterator[Link]:
    for index, step in enumerate(steps):
        path = (*around, index)
        match step:
            case Go(subflow=target):
                yield Link(subflow, path, target, "goes")
            case Call(subflow=target):
                yield Link(subflow, path, target, "calls")
            case Ai(subflows=targets):
                yield from (Link(subflow, path, target, "offers") for target in targets)
            case _:
                for button in _buttons(step):
                    yield Link(subflow, path, button.do, "offers")
        for name, inner in step.branches.items():
            yield from _links(subflow, inner, (*path, name))


def _buttons(one: Any) -> Iterator[FlowButton]:
    """Those of a step's own that lead somewhere: not those of the steps that it holds."""
    match one:
        case FlowButton():
            if one.do:
                yield one
            return
        case msgspec.Struct():
            inner: Any = (getattr(one, name) for name in one.__struct_fields__)
        case dict():
            inner = one.values()
        case tuple():
            inner = one
        case _:
            return
    for part in inner:
        if not isinstance(part, Step):
            yield from _buttons(part)


# Columns


def _columns(flow: Flow, links: Sequence[Link]) -> dict[str, int]:
    """How far each subflow is from the start, by the shortest way; what only triggers start is beside it."""
    near: dict[str, list[str]] = {}
    for link in links:
        near.setdefault(link.source, []).append(link.target)
    columns = _reached({flow.start: 0}, near)
    for trigger in flow.triggers:
        if trigger.do not in columns:
            columns = _reached({**columns, trigger.do: 0}, near)
    for name in flow.subflows:
        columns.setdefault(name, 0)
    return columns


def _reached(columns: Mapping[str, int], near: Mapping[str, Sequence[str]]) -> dict[str, int]:
    found, waiting = dict(columns), list(columns)
    for name in waiting:
        for target in near.get(name, ()):
            if target not in found:
                found[target] = found[name] + 1
                waiting.append(target)
    return found


# Mermaid


def as_mermaid(drawn: Picture) -> str:
    """The subflows and what leads where, as Mermaid's flowchart. It lays it out itself."""
    ids = {box.name: f"s{number}" for number, box in enumerate(drawn.boxes)}
    lines = ["flowchart LR"]
    for box in drawn.boxes:
        lines.append(f'  {ids[box.name]}["{_quoted(box.name)}"]')
        for number, start in enumerate(box.starts):
            lines.append(f'  {ids[box.name]}t{number}(["{_quoted(start)}"]) --> {ids[box.name]}')
    arrows = {"goes": "-->", "calls": "-- call -->", "offers": "-.->"}
    drawn_links = dict.fromkeys((link.source, link.target, link.kind) for link in drawn.links)
    lines += [f"  {ids[source]} {arrows[kind]} {ids[target]}" for source, target, kind in drawn_links]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "".join(f"#{ord(letter)};" if letter in '"#<>&;`' else letter for letter in text)
