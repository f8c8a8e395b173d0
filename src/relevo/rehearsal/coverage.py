"""Which steps and branches of a flow were taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import Self

import msgspec

from relevo.domain.flows.model import Path, Step, Steps
from relevo.domain.flows.parsing import ParsedFlow
from relevo.domain.flows.picturing import drawn_path

Taken = Set[tuple[str, Path]]


class Spot(msgspec.Struct, frozen=True):
    """A step, or (`name`) a branch of one; where it stands in the file."""

    subflow: str
    path: Path
    line: int
    name: str = ""


class Coverage(msgspec.Struct, frozen=True):
    """Of one flow. What was `missed` is in the order of the file."""

    flow: str
    steps: int
    branches: int
    missed: tuple[Spot, ...]

    @classmethod
    def of(cls, parsed: ParsedFlow, taken: Taken) -> Self:
        """Of a flow without problems."""
        assert parsed.flow is not None
        subflows = parsed.flow.subflows.items()
        spots = [spot for name, steps in subflows for spot in _spots(parsed, name, steps, (), 0)]
        walked = {(subflow, drawn_path(path)) for subflow, path in taken}
        missed = tuple(one for one in spots if not _is_taken(one, walked))
        branches = sum(1 for one in spots if one.name)
        return cls(parsed.flow.name, len(spots) - branches, branches, missed)

    @property
    def missed_branches(self) -> int:
        return sum(1 for one in self.missed if one.name)

    @property
    def missed_steps(self) -> int:
        return len(self.missed) - self.missed_branches

    @property
    def percent(self) -> float:
        """Of steps and branches together; 100 of nothing."""
        total = self.steps + self.branches
        return 100 * (total - len(self.missed)) / total if total else 100.0

    @property
    def lines(self) -> str:
        """Where something was missed: `12, 14-16, 20 else`. A branch says it for its first step."""
        branches = {one.line for one in self.missed if one.name}
        steps = {one.line for one in self.missed} - branches
        named = [(one.line, f"{one.line} {one.name}") for one in self.missed if one.name]
        return ", ".join(dict.fromkeys(text for _, text in sorted([*named, *_spans(sorted(steps))])))


def _spans(lines: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Lines that follow each other, together."""
    first = 0
    for index, line in enumerate(lines):
        if index + 1 == len(lines) or lines[index + 1] != line + 1:
            yield lines[first], str(line) if first == index else f"{lines[first]}-{line}"
            first = index + 1


def _spots(parsed: ParsedFlow, subflow: str, steps: Steps, around: Path, above: int) -> Iterator[Spot]:
    for index, step in enumerate(steps):
        path = (*around, index)
        line = _line(parsed, step, above)
        yield Spot(subflow, path, line)
        for name, inner in step.branches.items():
            if inner or name == "else":
                yield Spot(subflow, (*path, name, 0), _line(parsed, inner[0], line) if inner else line, name)
            yield from _spots(parsed, subflow, inner, (*path, name), line)


def _line(parsed: ParsedFlow, step: Step, above: int) -> int:
    """A step that the reader has made itself (of `do: menu`) stands where the one does that has it."""
    place = parsed.places.get(id(step))
    return place.line if place else above


def _is_taken(spot: Spot, walked: Taken) -> bool:
    return (spot.subflow, spot.path) in walked
