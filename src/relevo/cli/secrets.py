"""Commands about the secrets that flows send to other servers."""

from __future__ import annotations

import sys

import click

from relevo.admin import secrets as admin
from relevo.cli.installation import everything, opened, run, workspace_named, workspace_option
from relevo.cli.tables import print_table
from relevo.store.secrets import ListedSecret


@click.group()
def secrets() -> None:
    """Set, list and remove secrets of flows."""


@secrets.command("list")
@workspace_option
def list_(workspace: str | None) -> None:
    """List the secrets by name. None of them is ever shown."""

    async def read() -> list[ListedSecret]:
        async with opened() as means:
            id_ = workspace_named(await everything(means), workspace).id
            return await admin.listing(means, id_)

    rows = [[one.name, f"{one.updated_at:%Y-%m-%dT%H:%M:%SZ}"] for one in run(read())]
    nothing = "There are no secrets yet; `relevo secrets set NAME` sets one."
    print_table(("name", "set at"), rows, nothing)


@secrets.command("set")
@click.argument("name", metavar="NAME")
@workspace_option
def set_(name: str, workspace: str | None) -> None:
    """Set a secret, asked for without showing it, or read from stdin.

    A flow sends it as {{ secret.NAME }}: printenv SHOP_KEY | relevo secrets set SHOP_KEY
    """
    value = _asked(name) if sys.stdin.isatty() else sys.stdin.read().removesuffix("\n")

    async def put() -> None:
        async with opened() as means:
            id_ = workspace_named(await everything(means), workspace).id
            await admin.save(means, id_, name, value)

    run(put())
    click.echo(f"The secret {name} is set.", err=True)


@secrets.command()
@click.argument("name", metavar="NAME")
@workspace_option
def remove(name: str, workspace: str | None) -> None:
    """Remove a secret. Calls that need it fail from then on."""

    async def forget() -> None:
        async with opened() as means:
            id_ = workspace_named(await everything(means), workspace).id
            await admin.remove(means, id_, name)

    run(forget())
    click.echo(f"The secret {name} is removed.", err=True)


def _asked(name: str) -> str:
    return str(click.prompt(f"{name}", hide_input=True))
