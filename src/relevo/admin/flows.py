"""Flows: publishing their texts."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from relevo.admin.changing import Changing, Means, Saved, changing, named, refuse, refuse_taken
from relevo.domain.configuring import Wrong, check_name
from relevo.domain.errors import InvalidInput
from relevo.domain.flows.editing import CannotEdit, without_subflow
from relevo.domain.flows.model import Flow
from relevo.domain.flows.parsing import parse
from relevo.domain.ids import FlowId, WorkspaceId
from relevo.domain.workspaces import FlowEntry
from relevo.domain.yaml_reading import Problem
from relevo.store import configuring, directory


class InvalidFlow(InvalidInput):
    """The text of a flow has mistakes. `problems` has each with its place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__({"source": [str(problem) for problem in problems]})


async def publish(
    means: Means,
    workspace_id: WorkspaceId,
    source: str,
    *,
    file: str = "flow.yaml",
    flow_id: FlowId | None = None,
) -> Saved[FlowEntry]:
    """Make a flow of this text, or the text that of the flow of this id, which then bears the name
    that the text gives it. Raises `InvalidFlow`: the running version stays."""
    flow = _parsed(source, file)
    async with changing(means) as change:
        old = None if flow_id is None else change.get(FlowEntry, workspace_id, flow_id)
        refuse_taken("a flow", flow.name, change.of(FlowEntry, workspace_id), old)
        return await _write(change, workspace_id, source, flow, old)


async def put(change: Changing, workspace_id: WorkspaceId, source: str, *, file: str) -> Saved[FlowEntry]:
    """Have this be the text of the flow that it names."""
    flow = _parsed(source, file)
    old = named(change.of(FlowEntry, workspace_id), flow.name)
    return await _write(change, workspace_id, source, flow, old)


async def delete_subflow(change: Changing, workspace_id: WorkspaceId, flow_id: FlowId, name: str) -> None:
    """Publish the flow without one of its subflows; nothing happens when it is not in the running text.
    Raises `InvalidInput` while something leads there."""
    entry = change.get(FlowEntry, workspace_id, flow_id)
    found = await directory.flow_source(change.connection, entry.version_id)
    if found is None or name not in _parsed(found[1], "flow").subflows:
        return
    try:
        source = without_subflow(found[1], name)
    except CannotEdit as why:
        refuse({"sub_flow_ns": Wrong(f"the subflow {name} cannot be deleted", str(why))})
        raise AssertionError("refused") from None
    await _write(change, workspace_id, source, _parsed(source, "flow"), entry)


def _parsed(source: str, file: str) -> Flow:
    parsed = parse(source, file=file)
    if parsed.flow is None:
        raise InvalidFlow(parsed.problems)
    wrong = check_name(parsed.flow.name)
    refuse({"source": wrong} if wrong else {})
    return parsed.flow


async def _write(
    change: Changing, workspace_id: WorkspaceId, source: str, flow: Flow, old: FlowEntry | None
) -> Saved[FlowEntry]:
    connection, now = change.connection, change.means.clock.now()
    entry = old or await configuring.insert_flow(connection, workspace_id, flow.name, now)
    if entry.name != flow.name:
        await configuring.rename_flow(connection, entry.id, flow.name)
        entry = msgspec.structs.replace(entry, name=flow.name)
    found = await directory.flow_source(connection, entry.version_id)
    is_new = found is None or found[1] != source
    if is_new:
        entry = await configuring.publish(connection, entry, source, flow.subflows, now)
    change.note(entry)
    return await _saved(change, entry, old, is_new=is_new)


async def _saved(
    change: Changing, entry: FlowEntry, old: FlowEntry | None, *, is_new: bool
) -> Saved[FlowEntry]:
    if not is_new:
        return Saved(thing=entry, action="unchanged")
    newest = (await configuring.versions_of(change.connection, entry.id))[0]
    version = (f"version {newest.number}",)
    return Saved(thing=entry, action="updated" if old else "created", changed=version)
