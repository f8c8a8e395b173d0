"""Commands about the mail server of a workspace."""

from __future__ import annotations

import sys

import click

from relevo.admin import mailboxes as admin
from relevo.cli.installation import everything, opened, run, workspace_named, workspace_option
from relevo.domain.emails import Mailbox, Security


@click.group()
def email() -> None:
    """Set up, show and remove the mail server."""


@email.command("set")
@click.option("--host", required=True, metavar="NAME", help="The server, as in smtp.example.com.")
@click.option("--port", default=587, metavar="NUMBER", help="587 with starttls; 465 with tls, as a rule.")
@click.option(
    "--security",
    type=click.Choice(["starttls", "tls", "none"]),
    default="starttls",
    metavar="HOW",
    help="starttls, tls, or none.",
)
@click.option("--username", default="", metavar="TEXT", help="If the server wants one.")
@click.option("--from", "sender", required=True, metavar="ADDRESS", help="Acme <hello@acme.example>")
@click.option("--reply-to", default="", metavar="ADDRESS", help="Where answers go, if not there.")
@workspace_option
def set_(
    host: str,
    port: int,
    security: Security,
    username: str,
    sender: str,
    reply_to: str,
    workspace: str | None,
) -> None:
    """Have e-mails go over this server.

    With a user name the password is asked for without showing it, or read from stdin.
    """
    box = Mailbox(
        host=host,
        port=port,
        security=security,
        username=username,
        password=_password() if username else "",
        sender=sender,
        reply_to=reply_to,
    )

    async def put() -> None:
        async with opened() as means:
            await admin.save(means, workspace_named(await everything(means), workspace).id, box)

    run(put())
    click.echo(f"E-mails go over {host}, from {sender}.", err=True)


@email.command()
@workspace_option
def show(workspace: str | None) -> None:
    """Show the mail server, without its password."""

    async def read() -> Mailbox | None:
        async with opened() as means:
            return await admin.find(means, workspace_named(await everything(means), workspace).id)

    box = run(read())
    if box is None:
        click.echo("There is no mail server yet; `relevo email set` sets one up.", err=True)
    else:
        click.echo(f"{box.host}:{box.port} ({box.security}), from {box.sender}")


@email.command()
@workspace_option
def remove(workspace: str | None) -> None:
    """Write no e-mails any more. Those that wait are parked."""

    async def forget() -> None:
        async with opened() as means:
            await admin.remove(means, workspace_named(await everything(means), workspace).id)

    run(forget())
    click.echo("The mail server is removed.", err=True)


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True))
    return sys.stdin.read().removesuffix("\n")
