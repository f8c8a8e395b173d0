"""Commands for whoever runs the server."""

from __future__ import annotations

import asyncio
import os

import click

from relevo.cli.tables import print_table
from relevo.settings import SETTINGS, Settings, load, shown


@click.command()
def settings() -> None:
    """List every setting and its value.

    Secrets are masked.
    """
    values = load(os.environ)
    rows = [
        [one.name, shown(one, values), "set" if os.environ.get(one.name) else "default"] for one in SETTINGS
    ]
    print_table(("name", "value", "from"), rows, "")
    click.echo("\nThey are environment variables; docs/reference/settings.md says what each means.", err=True)


@click.command()
def migrate() -> None:
    """Bring the database to the newest tables.

    `relevo serve` does so by itself.
    """
    before, after = asyncio.run(_migrate(load(os.environ)))
    if before == after:
        click.echo(f"The database has the newest tables already (migration {after}).")
    else:
        click.echo(f"The database now has the tables of migration {after} (before: {before or 'none'}).")


async def _migrate(values: Settings) -> tuple[str | None, str | None]:
    from relevo.store import schema
    from relevo.store.database import Database

    database = Database(values.database_url.reveal())
    try:
        before = await schema.current_revision(database)
        await schema.migrate(database)
        return before, await schema.current_revision(database)
    finally:
        await database.close()


@click.command()
def secret() -> None:
    """Make a signing secret.

    For the `secret` of an endpoint or a channel.
    """
    from relevo.admin.endpoints import new_secret
    from relevo.system.chance import SystemChance
    from relevo.system.clock import SystemClock

    click.echo(new_secret(SystemChance(SystemClock())))
