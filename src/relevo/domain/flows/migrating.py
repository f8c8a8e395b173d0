"""Runs of an older version move to the one that is running now, where that one says how.

A file that has `migrations:` moves them: each run whose places all have a name (`name:` beside a step) that
is in the new version, too, or that a migration maps to one. The migrations apply in the order of the file,
so that what began three versions ago comes along; they stay in the file. A run with a place that cannot be
found keeps its version until it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from relevo.domain.flows.model import Flow, Path, Step, Steps
from relevo.domain.flows.runs import Frame, Run
from relevo.domain.ids import FlowVersionId

_STANDS_AT_THE_STEP = ("answer", "call")
"""What is awaited where the run's path leads to the very step that awaits it; else, to what follows."""


class Migration(msgspec.Struct, frozen=True):
    """What steps are called now: old names to new ones."""

    name: str
    steps: Mapping[str, str]


def moved(run: Run, old: Flow, new: Flow, version_id: FlowVersionId) -> Run | None:
    """The run in the new version; None when it cannot move."""
    if not new.migrations:
        return None
    names = {place: name for name, place in old.step_names.items()}
    stack = []
    for depth, frame in enumerate(run.stack, 1):
        stands = depth == len(run.stack) and run.waiting.for_ in _STANDS_AT_THE_STEP
        found = _moved(frame, old, new, names, stands=stands)
        if found is None:
            return None
        stack.append(found)
    place = run.waiting.place
    if place is not None and (place := _target(place, old, new, names)) is None:
        return None
    waiting = msgspec.structs.replace(run.waiting, place=place)
    return msgspec.structs.replace(run, version_id=version_id, stack=tuple(stack), waiting=waiting)


def _moved(
    frame: Frame, old: Flow, new: Flow, names: Mapping[tuple[str, Path], str], *, stands: bool
) -> Frame | None:
    """Behind the step that was taken last there, or at the one that is next: whichever has a name."""
    if frame.floor != 1:
        return None
    taken = _beside(frame, -1)
    if not stands and taken is not None and (after := _target(taken, old, new, names)) is not None:
        return _beside(after, 1)
    return _target(frame, old, new, names)


def _target(frame: Frame, old: Flow, new: Flow, names: Mapping[tuple[str, Path], str]) -> Frame | None:
    """Where the step of this place is now, if it is a step of the same kind."""
    name = names.get((frame.subflow, frame.path))
    place = new.step_names.get(_now_called(name, new)) if name else None
    if place is None:
        return None
    before, now = step_at(old, frame.subflow, frame.path), step_at(new, *place)
    return Frame(*place) if type(before) is type(now) else None


def _now_called(name: str, new: Flow) -> str:
    for migration in new.migrations:
        name = migration.steps.get(name, name)
    return name


def _beside(frame: Frame, by: int) -> Frame | None:
    index = frame.path[-1]
    assert isinstance(index, int)
    return Frame(frame.subflow, (*frame.path[:-1], index + by)) if index + by >= 0 else None


def step_at(flow: Flow, subflow: str, path: Path) -> Step | None:
    return next((step for place, step in places(flow) if place == (subflow, path)), None)


def places(flow: Flow) -> Iterator[tuple[tuple[str, Path], Step]]:
    """Every step of the file with its place."""
    for subflow, steps in flow.subflows.items():
        yield from _within(subflow, (), steps)


def _within(subflow: str, path: Path, steps: Steps) -> Iterator[tuple[tuple[str, Path], Step]]:
    for index, step in enumerate(steps):
        here = (*path, index)
        yield (subflow, here), step
        for name, inner in step.branches.items():
            yield from _within(subflow, (*here, name), inner)
