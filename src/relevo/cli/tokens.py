"""Commands about tokens of the API."""

from __future__ import annotations

import click

from relevo.admin import members, tokens
from relevo.admin.tokens import DEFAULT_NAME, NewToken
from relevo.cli.installation import everything, flow_named, opened, run, workspace_named, workspace_option
from relevo.cli.tables import print_table
from relevo.domain.ids import ApiKeyId, MemberId
from relevo.domain.workspaces import FlowEntry, Member, Scope
from relevo.store.accounts import ListedKey
from relevo.store.directory import Directory


@click.group()
def token() -> None:
    """Make, list and revoke tokens of the API."""


@token.command()
@click.option("--flow", required=True, metavar="NAME", help="The flow that it is for: its name, or f1001.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope], case_sensitive=False),
    metavar="SCOPE",
    default=[Scope.MANAGE_FLOW.value],
    help=f"What it may do: {', '.join(Scope)}. Again for more than one.",
)
@click.option("--name", metavar="TEXT", default=DEFAULT_NAME, help="What it is called in lists.")
@click.option("--member", metavar="EMAIL", help="In whose name it speaks.")
@workspace_option
def create(flow: str, scopes: tuple[str, ...], name: str, member: str | None, workspace: str | None) -> None:
    """Make a token and print it, this once.

    It stands alone on stdout: TOKEN=$(relevo token create --flow support).
    """

    async def make() -> NewToken:
        async with opened() as means:
            found = await everything(means)
            entry = flow_named(found, flow, workspace)
            return await tokens.create(
                means,
                entry.workspace_id,
                entry.id,
                name=name,
                scopes={Scope(scope) for scope in scopes},
                member_id=_member_id(found, entry, member),
            )

    click.echo(run(make()).token)


@token.command("list")
@workspace_option
def list_(workspace: str | None) -> None:
    """List the tokens.

    Of each only its last characters are known.
    """

    async def read() -> tuple[Directory, list[ListedKey]]:
        async with opened() as means:
            found = await everything(means)
            id_ = workspace_named(found, workspace).id if workspace else None
            return found, await tokens.listing(means, id_)

    found, listed = run(read())
    rows = [_row(one, found) for one in listed]
    headings = ("id", "name", "flow", "scopes", "ends in", "made", "last used", "status")
    print_table(headings, rows, "There are no tokens yet; `relevo token create --flow NAME` makes one.")


@token.command()
@click.argument("key_id", metavar="ID", type=int)
def revoke(key_id: int) -> None:
    """Let a token mean nothing from now on.

    `relevo token list` has its ID.
    """

    async def end() -> str:
        async with opened() as means:
            return (await tokens.revoke(means, None, ApiKeyId(key_id))).name

    click.echo(f"Token {key_id} ({run(end())}) is revoked.", err=True)


def _member_id(found: Directory, flow: FlowEntry, email: str | None) -> MemberId | None:
    if email is None:
        return None
    everybody = [one for one in found.members.values() if one.workspace_id == flow.workspace_id]
    member: Member | None = members.find(everybody, email)
    if member is None:
        raise click.ClickException(f"There is no member {email}; `relevo member add` adds one")
    return member.id


def _row(one: ListedKey, found: Directory) -> list[str]:
    return [
        str(one.key.id),
        one.key.name,
        found.flows[one.key.flow_id].name,
        ", ".join(sorted(one.key.scopes)),
        one.hint,
        f"{one.key.created_at:%Y-%m-%d}",
        f"{one.last_used_at:%Y-%m-%d}" if one.last_used_at else "never",
        "revoked" if one.revoked_at else "active",
    ]
