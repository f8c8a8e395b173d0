"""The workspace of the demo, made from the files that any workspace can be made from."""

from __future__ import annotations

from pathlib import Path

import msgspec

from relevo.admin import apply as applying
from relevo.admin import tokens
from relevo.admin.changing import Means, reading
from relevo.admin.channels import channel_types
from relevo.admin.endpoints import new_secret
from relevo.domain.ids import WorkspaceId
from relevo.domain.workspace_file import FlowText, WorkspacePlan, parse
from relevo.domain.workspaces import Scope

FILES = Path(__file__).parent / "files"
HEADER = "X-Desk-Key"
"""The custom header that the workspace file gives to the endpoint."""

SPEAKER = "Luis Ortega"
"""Who speaks at the platform where nobody is in charge of a conversation."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo's page and its platform must know of the workspace."""

    workspace_id: WorkspaceId
    channel_key: str
    header: str
    secret: str
    token: str

    def __repr__(self) -> str:
        return f"Sample({self.workspace_id})"


async def set_up(means: Means, webhook_url: str) -> Sample:
    """Make the workspace, with its endpoint at this URL, and a token for the platform."""
    secret, header = new_secret(means.chance), means.chance.token(12)
    await applying.apply(means, _plan(webhook_url, secret, header))
    found = await reading(means)
    (channel,) = found.channels.values()
    speaker = next(member.id for member in found.members.values() if member.name == SPEAKER)
    new = await tokens.create(
        means,
        channel.workspace_id,
        channel.flow_id,
        name="desk",
        scopes=frozenset(Scope),
        member_id=speaker,
    )
    return Sample(
        workspace_id=channel.workspace_id,
        channel_key=channel.key,
        header=f"{HEADER}: {header}",
        secret=secret,
        token=new.token,
    )


def _plan(webhook_url: str, secret: str, header: str) -> WorkspacePlan:
    parsed = parse(
        (FILES / "demo.yaml").read_text(),
        file="demo.yaml",
        environ={"DESK_URL": webhook_url, "DESK_SECRET": secret, "DESK_KEY": header},
        types=channel_types(),
        read_flow=lambda name: FlowText(name, (FILES / name).read_text()),
    )
    if parsed.plan is None:
        raise ValueError("\n".join(str(problem) for problem in parsed.problems))
    return parsed.plan
