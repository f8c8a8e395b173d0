"""Whom the token belongs to: what a client asks first, to see whether its settings are right."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.di import NamedDependency
from msgspec import Meta

from relevo.domain.ids import flow_ns
from relevo.web.api.calls import Call
from relevo.web.api.operations import reads

TAG = "User"


class TokenOwner(msgspec.Struct, frozen=True, kw_only=True):
    """The member in whose name the token speaks, and the flow that it belongs to. `id` 0 and no e-mail: the
    token has no member, and `name` is its own."""

    id: Annotated[int, Meta(examples=[55])]
    name: Annotated[str, Meta(examples=["Luis"])]
    email: Annotated[str, Meta(examples=["luis@example.com"])]
    flow_ns: Annotated[str, Meta(examples=["f1001"])]
    flow_name: Annotated[str, Meta(examples=["support"])]
    team_id: Annotated[int, Meta(examples=[1], description="The workspace.")]
    team_name: Annotated[str, Meta(examples=["Acme"])]
    scopes: Annotated[list[str], Meta(examples=[["Manage Flow"]])]


class MeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The same twice: clients look for it at the top, or in `data`."""

    id: int
    name: str
    email: str
    data: TokenOwner


_EXAMPLE = {
    "id": 55,
    "name": "Luis",
    "email": "luis@example.com",
    "data": {
        "id": 55,
        "name": "Luis",
        "email": "luis@example.com",
        "flow_ns": "f1001",
        "flow_name": "support",
        "team_id": 1,
        "team_name": "Acme",
        "scopes": ["Manage Flow"],
    },
}


@reads("/me", tag=TAG, title="Whose token this is", name="me", example=_EXAMPLE, scope=None)
async def me(call: NamedDependency[Call]) -> MeAnswer:
    """The member in whose name the token speaks, and the flow that it belongs to. Any token may ask."""
    owner = _owner(call)
    return MeAnswer(id=owner.id, name=owner.name, email=owner.email, data=owner)


def _owner(call: Call) -> TokenOwner:
    key = call.key
    member = call.services.catalog.directory.members.get(key.member_id) if key.member_id else None
    return TokenOwner(
        id=member.id if member else 0,
        name=member.name if member else key.name,
        email=member.email if member else "",
        flow_ns=flow_ns(key.flow_id),
        flow_name=call.flow.name,
        team_id=key.workspace_id,
        team_name=call.workspace.name,
        scopes=sorted(scope.value for scope in key.scopes),
    )
