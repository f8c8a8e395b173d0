"""Flows: publishing their texts, comparing versions and going back to one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from relevo.admin.changing import Changing, Means, Saved, changing, named, refuse, refuse_taken
from relevo.domain.configuring import Wrong, check_name
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.flows.differing import Difference, differences
from relevo.domain.flows.editing import CannotEdit, without_subflow
from relevo.domain.flows.model import Flow
from relevo.domain.flows.naming import names_in
from relevo.domain.flows.parsing import parse
from relevo.domain.ids import FlowId, WorkspaceId
from relevo.domain.workspaces import FlowEntry
from relevo.domain.yaml_reading import Problem
from relevo.store import configuring, defining, directory
from relevo.store.configuring import FlowVersion
from relevo.store.database import Connection

LONGEST_MESSAGE = 500
"""Characters."""


class Why(msgspec.Struct, frozen=True):
    """What somebody says of a version, and who."""

    message: str = ""
    author: str = ""


NOTHING_SAID = Why()


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
    why: Why = NOTHING_SAID,
) -> Saved[FlowEntry]:
    """Make a flow of this text, or the text that of the flow of this id, which then bears the name
    that the text gives it. Raises `InvalidFlow`: the running version stays."""
    _check_message(why.message)
    flow = _parsed(source, file)
    async with changing(means) as change:
        old = None if flow_id is None else change.get(FlowEntry, workspace_id, flow_id)
        refuse_taken("a flow", flow.name, change.of(FlowEntry, workspace_id), old)
        return await _write(change, workspace_id, source, flow, old, why)


async def publish_named(
    means: Means, workspace_id: WorkspaceId, source: str, *, file: str, why: Why
) -> Saved[FlowEntry]:
    """Have this be the text of the flow that it names, which is made if there is none."""
    _check_message(why.message)
    flow = _parsed(source, file)
    async with changing(means) as change:
        old = named(change.of(FlowEntry, workspace_id), flow.name)
        return await _write(change, workspace_id, source, flow, old, why)


async def roll_back(
    means: Means, workspace_id: WorkspaceId, flow_id: FlowId, number: int, why: Why = NOTHING_SAID
) -> Saved[FlowEntry]:
    """Publish the text of an earlier version once more: what was published stays as it is. Raises
    `InvalidFlow` when Relevo does not take that text any more."""
    _check_message(why.message)
    async with changing(means) as change:
        old = change.get(FlowEntry, workspace_id, flow_id)
        version = await version_numbered(change.connection, old, number)
        source = await source_of(change.connection, version)
        flow = _parsed(source, f"version {number}")
        refuse_taken("a flow", flow.name, change.of(FlowEntry, workspace_id), old)
        why = msgspec.structs.replace(why, message=why.message or f"Back to version {number}")
        return await _write(change, workspace_id, source, flow, old, why)


async def version_numbered(connection: Connection, flow: FlowEntry, number: int) -> FlowVersion:
    for one in await configuring.versions_of(connection, flow.id):
        if one.number == number:
            return one
    raise NotFound(f"The flow {flow.name} has no version {number}.")


async def source_of(connection: Connection, version: FlowVersion) -> str:
    found = await directory.flow_source(connection, version.id)
    return found[1] if found else ""


async def compare(connection: Connection, flow: FlowEntry, before: int, after: int) -> tuple[Difference, ...]:
    """What is different between two versions."""
    versions = [await version_numbered(connection, flow, number) for number in (before, after)]
    return differences(*[await source_of(connection, one) for one in versions])


def _check_message(message: str) -> None:
    if len(message) > LONGEST_MESSAGE:
        wrong = Wrong(f"the message has {len(message):,} characters", f"at most {LONGEST_MESSAGE:,} are kept")
        refuse({"message": wrong})


async def put(change: Changing, workspace_id: WorkspaceId, source: str, *, file: str) -> Saved[FlowEntry]:
    """Have this be the text of the flow that it names."""
    flow = _parsed(source, file)
    old = named(change.of(FlowEntry, workspace_id), flow.name)
    return await _write(change, workspace_id, source, flow, old, NOTHING_SAID)


async def delete_subflow(change: Changing, workspace_id: WorkspaceId, flow_id: FlowId, name: str) -> None:
    """Publish the flow without one of its subflows; nothing happens when it is not in the running text.
    Raises `InvalidInput` while something leads there."""
    entry = change.get(FlowEntry, workspace_id, flow_id)
    found = await directory.flow_source(change.connection, entry.version_id)
    if found is None or name not in _parsed(found[1], "flow").subflows:
        return
    try:
        source = without_subflow(found[1], name)
    except CannotEdit as wrong:
        refuse({"sub_flow_ns": Wrong(f"the subflow {name} cannot be deleted", str(wrong))})
        raise AssertionError("refused") from None
    why = Why(f"The subflow {name} was deleted")
    await _write(change, workspace_id, source, _parsed(source, "flow"), entry, why)


def _parsed(source: str, file: str) -> Flow:
    parsed = parse(source, file=file)
    if parsed.flow is None:
        raise InvalidFlow(parsed.problems)
    wrong = check_name(parsed.flow.name)
    refuse({"source": wrong} if wrong else {})
    return parsed.flow


async def _write(
    change: Changing, workspace_id: WorkspaceId, source: str, flow: Flow, old: FlowEntry | None, why: Why
) -> Saved[FlowEntry]:
    connection, now = change.connection, change.means.clock.now()
    entry = old or await configuring.insert_flow(connection, workspace_id, flow.name, now)
    if entry.name != flow.name:
        await configuring.rename_flow(connection, entry.id, flow.name)
        entry = msgspec.structs.replace(entry, name=flow.name)
    found = await directory.flow_source(connection, entry.version_id)
    is_new = found is None or found[1] != source
    if is_new:
        entry = await configuring.publish(
            connection, entry, source, flow.subflows, now, message=why.message, author=why.author
        )
        await defining.register(connection, entry.id, names_in(flow), now)
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
