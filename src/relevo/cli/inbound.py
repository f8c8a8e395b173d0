"""Commands about inbound webhooks."""

from __future__ import annotations

import json

import click

from relevo.admin import inbound_webhooks as admin
from relevo.cli.installation import (
    everything,
    inbound_named,
    opened,
    public_url,
    read_settings,
    run,
    workspace_named,
    workspace_option,
)
from relevo.cli.tables import print_table
from relevo.domain.inbound_webhooks import InboundWebhook, inbound_url
from relevo.domain.rotating import stamp
from relevo.store import inbound_webhooks
from relevo.store.directory import Directory
from relevo.store.inbound_webhooks import InboundCall

_name = click.argument("name", metavar="NAME")


@click.group()
def inbound() -> None:
    """List and look after inbound webhooks."""


@inbound.command("list")
@workspace_option
def list_(workspace: str | None) -> None:
    """List the inbound webhooks and their addresses.

    Whoever has an address can post there.
    """
    settings = read_settings()

    async def read() -> Directory:
        async with opened(settings) as means:
            return await everything(means)

    found = run(read())
    within = workspace_named(found, workspace).id if workspace else None
    listed = [one for one in found.inbound_webhooks.values() if within in (None, one.workspace_id)]
    headings = ("name", "flow", "starts", "status", "address")
    rows = [_row(one, found, public_url(settings)) for one in listed]
    print_table(headings, rows, "There are no inbound webhooks yet; `relevo apply FILE` makes some.")


def _row(one: InboundWebhook, found: Directory, url: str) -> list[str]:
    state = f"disabled: {one.disabled_reason}" if one.disabled_reason else "active"
    status = "listening" if one.listens and not one.disabled_reason else state
    return [one.name, found.flows[one.flow_id].name, one.start or "-", status, inbound_url(url, one)]


@inbound.command()
@_name
@click.option("--limit", type=click.IntRange(1, 1000), default=20, help="How many, at most.")
@click.option("--bodies", is_flag=True, help="With what was sent; what secrets are called is left out.")
@workspace_option
def log(name: str, limit: int, bodies: bool, workspace: str | None) -> None:
    """Show the latest requests to an inbound webhook.

    What became of each, and what was not taken of it, the newest first.
    """

    async def read() -> list[InboundCall]:
        async with opened() as means:
            one = inbound_named(await everything(means), name, workspace)
            async with means.database.read() as connection:
                return await inbound_webhooks.calls(connection, one.id, limit=limit)

    calls = run(read())
    headings = ("id", "at", "status", "code", "mapped", "not taken", *(["body"] if bodies else []))
    print_table(headings, [_call_row(one, bodies=bodies) for one in calls], "There was no request yet.")


def _call_row(one: InboundCall, *, bodies: bool) -> list[str]:
    mapped = json.dumps(one.mapped, ensure_ascii=False) if one.mapped else "-"
    wrongs = "; ".join(one.wrongs) or "-"
    shown = [str(one.id), stamp(one.at), str(one.status), one.code or "-", mapped, wrongs]
    return [*shown, one.body] if bodies else shown


@inbound.command()
@_name
@workspace_option
def renew(name: str, workspace: str | None) -> None:
    """Give an inbound webhook another address.

    The new address stands alone on stdout. The old one leads nowhere from now on.
    """
    settings = read_settings()

    async def change() -> InboundWebhook:
        async with opened(settings) as means:
            one = inbound_named(await everything(means), name, workspace)
            return await admin.renew(means, one.workspace_id, one.id)

    click.echo(inbound_url(public_url(settings), run(change())))


@inbound.command()
@_name
@workspace_option
def delete(name: str, workspace: str | None) -> None:
    """Delete an inbound webhook.

    Its address leads nowhere then. The log of its requests is forgotten.
    """

    async def end() -> None:
        async with opened() as means:
            one = inbound_named(await everything(means), name, workspace)
            await admin.delete(means, one.workspace_id, one.id)

    run(end())
    click.echo(f"{name} is deleted.", err=True)
