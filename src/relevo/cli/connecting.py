"""Commands about one channel: connecting it with its vendor, and checking that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import click
import msgspec

from relevo.admin import channels, connecting, templates
from relevo.admin.changing import Means
from relevo.admin.connecting import AskVendor
from relevo.admin.reaching_us import Ourselves, ourselves
from relevo.channels.adapter import Adapter, Findings
from relevo.channels.registry import ADAPTERS
from relevo.cli.installation import (
    everything,
    opened,
    public_url,
    read_settings,
    run,
    workspace_named,
    workspace_option,
)
from relevo.couriers.dialogues import Vendors, asking
from relevo.domain.configuring import ChannelWish
from relevo.domain.ids import WorkspaceId
from relevo.domain.workspaces import Channel
from relevo.domain.yaml_reading import did_you_mean, quoted
from relevo.http_client.client import HttpClient
from relevo.store.directory import Directory

_TIMEOUT = timedelta(seconds=15)


@click.group()
def channel() -> None:
    """Connect a channel with its vendor, and check it."""


@channel.command()
@click.argument("type_", metavar="TYPE")
@click.option("--name", metavar="NAME", help="The channel's name; without it, its type.")
@click.option("--flow", metavar="NAME", help="The flow that answers there; asked for if there are several.")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of this type; required ones that are left out are asked for. Again for more.",
)
@workspace_option
def connect(
    type_: str, name: str | None, flow: str | None, options: tuple[str, ...], workspace: str | None
) -> None:
    """Make a channel, or take the one of this name, and connect it.

    Where the vendor can be told where to post, it is; else the values to copy are printed.
    """
    if type_ not in ADAPTERS:
        raise click.UsageError(f"There is no channel type {quoted(type_)}; {did_you_mean(type_, ADAPTERS)}")
    given = dict(_pair(option) for option in options)

    async def work() -> tuple[Channel, Findings]:
        async with opened() as means, _vendors(means) as ask:
            saved = await _save(means, ADAPTERS[type_], name or type_, flow, given, workspace)
            found = await connecting.connect(ask, saved, _us(means))
            return saved, await templates.synced_besides(means, ask, saved, found)

    saved, findings = run(work())
    click.echo(f"The channel {saved.name} is saved.")
    if findings.problems or not ADAPTERS[type_].capabilities.connects:
        findings = _with_what_to_copy(saved, findings)
    _tell(findings)


@channel.command()
@click.argument("name")
@workspace_option
def check(name: str, workspace: str | None) -> None:
    """Ask the vendor whether all is well with a channel, and ourselves whether the world reaches us."""

    async def ask_about() -> Findings:
        async with opened() as means, _vendors(means) as ask:
            found = await everything(means)
            return await connecting.check(ask, _named(found, name, workspace), _us(means))

    _tell(run(ask_about()))


def _us(means: Means) -> Ourselves:
    return ourselves(means, public_url(read_settings()))


def _with_what_to_copy(channel: Channel, findings: Findings) -> Findings:
    """For whoever has to set it up by hand."""
    hook = connecting.hook_url(public_url(read_settings()), channel)
    values = [one for one in ADAPTERS[channel.type].to_copy(channel, hook) if one not in findings.facts]
    return msgspec.structs.replace(findings, facts=(*findings.facts, *values))


def _tell(findings: Findings) -> None:
    for name, value in findings.facts:
        click.echo(f"{name}: {value}")
    if findings.problems:
        raise click.ClickException("\n".join(findings.problems))
    click.echo("All is well.")


@asynccontextmanager
async def _vendors(means: Means) -> AsyncIterator[AskVendor]:
    http = HttpClient(means.guard, means.clock.monotonic)
    try:
        yield asking(Vendors(http=http, clock=means.clock, timeout=_TIMEOUT))
    finally:
        await http.close()


def _pair(option: str) -> tuple[str, str]:
    name, sign, value = option.partition("=")
    if not sign:
        raise click.UsageError(f"{quoted(option)} is not an option; write NAME=VALUE")
    return name, value


async def _save(
    means: Means,
    adapter: Adapter,
    name: str,
    flow: str | None,
    given: dict[str, Any],
    workspace: str | None,
) -> Channel:
    found = await everything(means)
    workspace_id = workspace_named(found, workspace).id
    known = [one for one in _channels(found, workspace_id) if one.name == name]
    if not known:
        given = _asked_for(adapter, given)
        flow = flow or _only_flow(found, workspace_id)
    wish = ChannelWish(name=name, type=adapter.type, flow=flow, config=given)
    saved = await channels.save(means, workspace_id, wish, known[0].id if known else None)
    return saved.thing


def _asked_for(adapter: Adapter, given: dict[str, Any]) -> dict[str, Any]:
    """With what is required and was not given; secrets are not shown as they are typed."""
    missing = [option for option in adapter.options if option.required and option.name not in given]
    for option in missing:
        click.echo(option.hint, err=True)
        given[option.name] = click.prompt(option.label, hide_input=option.kind == "secret", err=True)
    return given


def _only_flow(found: Directory, workspace_id: WorkspaceId) -> str | None:
    flows = [one.name for one in found.flows.values() if one.workspace_id == workspace_id]
    return flows[0] if len(flows) == 1 else str(click.prompt("Flow", type=click.Choice(flows), err=True))


def _channels(found: Directory, workspace_id: WorkspaceId | None) -> Sequence[Channel]:
    return [one for one in found.channels.values() if workspace_id in (None, one.workspace_id)]


def _named(found: Directory, name: str, workspace: str | None) -> Channel:
    listed = _channels(found, workspace_named(found, workspace).id if workspace else None)
    names = [one.name for one in listed]
    if name not in names:
        remedy = did_you_mean(name, names) if names else "`relevo channel connect TYPE` makes one"
        raise click.ClickException(f"There is no channel {quoted(name)}; {remedy}")
    return listed[names.index(name)]
