"""The command about channels."""

from __future__ import annotations

import json
from typing import Any

import click

from relevo.admin import deleting
from relevo.cli.deleting import give_up_waiting, tell_deleted
from relevo.cli.installation import (
    channel_named,
    everything,
    opened,
    public_url,
    read_settings,
    run,
    workspace_named,
    workspace_option,
)
from relevo.cli.tables import print_table
from relevo.cli.verifying import why_unverified
from relevo.domain.ids import flow_ns
from relevo.domain.workspaces import Channel
from relevo.domain.yaml_reading import quoted
from relevo.store.directory import Directory


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As a JSON list, for programs.")
@click.option("--verify", metavar="NAME", help="Ask this API Chat channel's webhook_url for its key instead.")
@click.option("--delete", metavar="NAME", help="Delete this channel instead. Its conversations stay.")
@give_up_waiting
@workspace_option
def channels(
    as_json: bool, verify: str | None, delete: str | None, give_up_waiting: bool, workspace: str | None
) -> None:
    """List the channels and their hook URLs.

    For a web chat also the line for your site, and the address of the chat as a page of its own.
    """
    settings = read_settings()
    if verify is not None:
        run(_verify(verify, workspace))
        return
    if delete is not None:
        tell_deleted(delete, run(_delete(delete, workspace, may_give_up=give_up_waiting)))
        return

    async def read() -> Directory:
        async with opened(settings) as means:
            return await everything(means)

    found = run(read())
    within = workspace_named(found, workspace).id if workspace else None
    listed = [one for one in found.channels.values() if within in (None, one.workspace_id)]
    described = [describe(one, found, public_url(settings)) for one in listed]
    if as_json:
        click.echo(json.dumps(described, indent=2, ensure_ascii=False))
    else:
        _print(described)


async def _verify(name: str, workspace: str | None) -> None:
    async with opened() as means:
        found = await everything(means)
        within = workspace_named(found, workspace).id if workspace else None
        named = [one for one in found.channels.values() if one.name == name and one.type == "apichat"]
        channel = next((one for one in named if within in (None, one.workspace_id)), None)
        if channel is None:
            raise click.ClickException(f"There is no channel {quoted(name)} of type apichat.")
        problem = await why_unverified(means, channel)
    if problem is not None:
        raise click.ClickException(f"{name} is not verified: {problem}.")
    click.echo(f"{name} is verified.")


async def _delete(name: str, workspace: str | None, *, may_give_up: bool) -> int:
    async with opened() as means:
        one = channel_named(await everything(means), name, workspace)
        return await deleting.delete_channel(means, one.workspace_id, one.id, give_up_waiting=may_give_up)


def describe(channel: Channel, found: Directory, url: str) -> dict[str, Any]:
    """A channel as programs read it."""
    flow = found.flows[channel.flow_id]
    endpoint = found.endpoints.get(channel.live_chat.endpoint_id) if channel.live_chat.endpoint_id else None
    described = {
        "name": channel.name,
        "type": channel.type,
        "workspace": found.workspaces[channel.workspace_id].name,
        "flow": flow.name,
        "flow_ns": flow_ns(flow.id),
        "live_chat": {"mode": channel.live_chat.mode.value, "endpoint": endpoint.name if endpoint else None},
        "status": f"disabled: {channel.disabled_reason}" if channel.disabled_reason else "active",
        "hook_url": f"{url}/hooks/{channel.type}/{channel.key}",
    }
    return described | (_web(channel, url) if channel.type == "web" else {})


def _web(channel: Channel, url: str) -> dict[str, str]:
    """What the chat of a website is reached by."""
    script = f'<script type="module" src="{url}/widget.js" data-channel="{channel.key}"></script>'
    return {"widget": script, "chat_url": f"{url}/chat/{channel.key}"}


def _print(described: list[dict[str, Any]]) -> None:
    columns = ("name", "type", "flow", "status", "hook_url")
    rows = [[str(one[column]) for column in columns] for one in described]
    print_table(columns, rows, "There are no channels yet; `relevo apply FILE` makes some.")
    for one in described:
        if "widget" in one:
            click.echo(
                f"\n{one['name']}\n  on your site     {one['widget']}\n  as its own page  {one['chat_url']}"
            )
