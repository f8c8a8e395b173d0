"""Commands about the versions of flows."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from relevo.admin import flows as admin
from relevo.admin.changing import Means, Saved
from relevo.admin.flows import Why
from relevo.cli.installation import everything, flow_named, opened, run, workspace_named, workspace_option
from relevo.cli.tables import print_table
from relevo.domain.flows.differing import Difference, differences
from relevo.domain.rotating import stamp
from relevo.domain.workspaces import FlowEntry
from relevo.store import configuring
from relevo.store.configuring import FlowVersion

_name = click.argument("name", metavar="FLOW")
_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_message = click.option(
    "-m", "--message", default="", metavar="TEXT", help="Why, for those who read it later."
)


@click.command()
@_file
@_message
@workspace_option
def publish(file: Path, message: str, workspace: str | None) -> None:
    """Have this be the text of the flow that it names.

    A flow of that name gets a new version; one that is new is made. Whoever is in the middle of the flow
    goes on with the version they began, unless the file has migrations. Mistakes are told as by `relevo
    check`, and nothing is published.
    """
    source = file.read_text(encoding="utf-8-sig")

    async def save() -> Saved[FlowEntry]:
        async with opened() as means:
            found = await everything(means)
            return await admin.publish_named(
                means, workspace_named(found, workspace).id, source, file=str(file), why=_why(message)
            )

    _tell(run(save()))


@click.command()
@_name
@workspace_option
def versions(name: str, workspace: str | None) -> None:
    """List the versions of a flow, the newest first."""

    async def read() -> tuple[FlowEntry, list[FlowVersion]]:
        async with opened() as means, means.database.read() as connection:
            one = flow_named(await everything(means), name, workspace)
            return one, await configuring.versions_of(connection, one.id)

    one, found = run(read())
    rows = [_row(version, is_running=version.id == one.version_id) for version in found]
    print_table(("version", "published", "by", "message", ""), rows, "Nothing is published yet.")


def _row(version: FlowVersion, *, is_running: bool) -> list[str]:
    running = "running" if is_running else ""
    return [str(version.number), stamp(version.created_at), version.author or "-", version.message, running]


@click.command()
@_name
@click.argument("before", type=int, required=False)
@click.argument("after", type=int, required=False)
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Compare with this file instead, before it is published.")  # fmt: skip
@workspace_option
def diff(name: str, before: int | None, after: int | None, file: Path | None, workspace: str | None) -> None:
    """Show what two versions differ in, step by step.

    Without numbers: the running version and the one before it. With one: that one and the running version.
    With --file: the running version, or BEFORE, and the file.
    """

    text = file.read_text(encoding="utf-8-sig") if file else None

    async def read() -> tuple[Difference, ...]:
        async with opened() as means:
            one = flow_named(await everything(means), name, workspace)
            return await _compared(means, one, before, after, text)

    found = run(read())
    click.echo("\n\n".join(map(_shown, found)) if found else "Nothing is different.")


async def _compared(
    means: Means, flow: FlowEntry, before: int | None, after: int | None, text: str | None
) -> tuple[Difference, ...]:
    async with means.database.read() as connection:
        numbers = {one.id: one.number for one in await configuring.versions_of(connection, flow.id)}
        running = numbers.get(flow.version_id, 0)
        if text is None:
            before = max(running - 1, 1) if before is None else before
            return await admin.compare(connection, flow, before, running if after is None else after)
        version = await admin.version_numbered(connection, flow, running if before is None else before)
        source = await admin.source_of(connection, version)
        return differences(source, text)


def _shown(one: Difference) -> str:
    lines = [f"{one.where}: {one.kind}"]
    lines += [f"  - {line}" for line in one.before.splitlines()]
    lines += [f"  + {line}" for line in one.after.splitlines()]
    return "\n".join(lines)


@click.command()
@_name
@click.argument("number", type=int)
@_message
@workspace_option
def rollback(name: str, number: int, message: str, workspace: str | None) -> None:
    """Publish the text of an earlier version once more, as a new version."""

    async def save() -> Saved[FlowEntry]:
        async with opened() as means:
            one = flow_named(await everything(means), name, workspace)
            return await admin.roll_back(means, one.workspace_id, one.id, number, _why(message))

    _tell(run(save()))


def _why(message: str) -> Why:
    """Who is signed in to this machine, as far as it knows."""
    try:
        return Why(message, getpass.getuser())
    except (OSError, KeyError):
        return Why(message)


def _tell(saved: Saved[FlowEntry]) -> None:
    if saved.action == "unchanged":
        click.echo(f"{saved.thing.name}: nothing is different, nothing was published")
    else:
        click.echo(f"{saved.thing.name}: {', '.join(saved.changed)} is running")
