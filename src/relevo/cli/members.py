"""Commands about the people of a workspace."""

from __future__ import annotations

import sys

import click

from relevo.admin import members
from relevo.admin.changing import Means
from relevo.cli.installation import everything, opened, run, workspace_named, workspace_option
from relevo.cli.tables import print_table
from relevo.domain.configuring import MemberWish
from relevo.domain.ids import WorkspaceId
from relevo.domain.workspaces import Member, Role
from relevo.store.directory import Directory

_password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from stdin; without this, one is made."
)
_email_option = click.option("--email", metavar="EMAIL", required=True, help="What they sign in with.")


@click.group()
def member() -> None:
    """Add and list people."""


@member.command()
@_email_option
@click.option("--name", metavar="TEXT", help="What others see; without it, the e-mail address up to the @.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    metavar="ROLE",
    default=Role.OWNER.value,
    help=f"What they may do: {', '.join(Role)}.",
)
@_password_option
@workspace_option
def add(email: str, name: str | None, role: str, password_stdin: bool, workspace: str | None) -> None:
    """Add somebody who can sign in.

    A password that was made stands alone on stdout, this once. The first member makes the first
    workspace.
    """
    given = _read_password() if password_stdin else None
    wish = MemberWish(email=email, name=name, role=Role(role))

    async def save() -> tuple[Member, str]:
        async with opened() as means:
            password = _chosen(means, given)
            workspace_id = await _workspace_id(means, workspace)
            await _refuse_known(means, workspace_id, email)
            saved = await members.save(means, workspace_id, wish, password=password)
            return saved.thing, password

    added, password = run(save())
    _tell(added, None if password_stdin else password)


@member.command()
@_email_option
@_password_option
@workspace_option
def password(email: str, password_stdin: bool, workspace: str | None) -> None:
    """Give a member another password.

    They are signed out everywhere.
    """
    given = _read_password() if password_stdin else None

    async def change() -> tuple[Member, str]:
        async with opened() as means:
            chosen = _chosen(means, given)
            found = await everything(means)
            who = _member_named(found, workspace_named(found, workspace).id, email)
            await members.set_password(means, who.id, chosen)
            return who, chosen

    who, chosen = run(change())
    _tell(who, None if password_stdin else chosen)


@member.command("list")
@workspace_option
def list_(workspace: str | None) -> None:
    """List people.

    Agents of a workspace file are among them; without a password they cannot sign in.
    """

    async def read() -> Directory:
        async with opened() as means:
            return await everything(means)

    found = run(read())
    within = workspace_named(found, workspace).id if workspace else None
    listed = [one for one in found.members.values() if within in (None, one.workspace_id)]
    rows = [[one.email, one.name, one.role.value, found.workspaces[one.workspace_id].name] for one in listed]
    print_table(
        ("email", "name", "role", "workspace"), rows, "There is nobody yet; `relevo member add` adds people."
    )


def _read_password() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _chosen(means: Means, given: str | None) -> str:
    return members.alphanumerics(means.chance, members.MADE_PASSWORD) if given is None else given


async def _workspace_id(means: Means, name: str | None) -> WorkspaceId | None:
    return workspace_named(await everything(means), name).id if name else None


async def _refuse_known(means: Means, workspace_id: WorkspaceId | None, email: str) -> None:
    """Who is there already, as an agent in a workspace file for instance, needs only a password."""
    everybody = (await everything(means)).members.values()
    if members.find([one for one in everybody if workspace_id in (None, one.workspace_id)], email):
        raise click.ClickException(
            f"{email} is a member already; `relevo member password --email {email}` lets them sign in"
        )


def _member_named(found: Directory, workspace_id: WorkspaceId, email: str) -> Member:
    everybody = [one for one in found.members.values() if one.workspace_id == workspace_id]
    who = members.find(everybody, email)
    if who is None:
        raise click.ClickException(f"There is no member {email}; `relevo member list` shows who there is")
    return who


def _tell(who: Member, made: str | None) -> None:
    """The password alone on stdout, for scripts."""
    if made is None:
        click.echo(f"{who.email} can sign in.", err=True)
    else:
        click.echo(f"{who.email} can sign in with this password, which is not shown again:", err=True)
        click.echo(made)
