"""What the commands that delete something have in common."""

from __future__ import annotations

import click

from relevo.admin.deleting import in_words

give_up_waiting = click.option(
    "--give-up-waiting", is_flag=True, help="Give up the deliveries that wait for what is deleted."
)


def tell_deleted(name: str, waiting: int) -> None:
    click.echo(f"{name} is deleted.", err=True)
    if waiting:
        click.echo(f"{in_words(waiting)} for it: a running server gives up what does.", err=True)
