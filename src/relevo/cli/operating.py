"""Commands for whoever runs the server."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

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
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Copy the SQLite database.

    Also while a server runs. FILE must not be there yet. The key and the files of customers are beside the
    database in the data folder, and are not copied.
    """
    from relevo.store.backups import CannotCopy, copy_sqlite
    from relevo.store.database import driver_url

    url = driver_url(load(os.environ).database_url.reveal())
    if url.get_backend_name() != "sqlite":
        raise click.ClickException("The database is PostgreSQL: use pg_dump, or its own backups.")
    try:
        copy_sqlite(Path(url.database or ""), file)
    except CannotCopy as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{file} is a copy of {url.database}, as it was a moment ago.")


@click.command()
def secret() -> None:
    """Make a signing secret.

    For the `secret` of an endpoint or a channel.
    """
    from relevo.admin.endpoints import new_secret
    from relevo.system.chance import SystemChance
    from relevo.system.clock import SystemClock

    click.echo(new_secret(SystemChance(SystemClock())))
