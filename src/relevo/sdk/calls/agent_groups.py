"""Who gets a conversation that is given to a group: `Client.assign_agent_group`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Literal, TypedDict, Unpack

from relevo.sdk.calling import Calls, Key, one
from relevo.sdk.objects import AgentGroup, GroupMember


class Rules(TypedDict, total=False):
    """How a group gives conversations to its members: see AgentGroup."""

    image: str
    assign_method: Literal["random", "least_assigned", "round_robin"]
    online_first: Literal[0, 1, 2]
    only_view_assigned_to_me: Literal[0, 1]


class AgentGroups(Calls):
    """Who gets a conversation that is given to a group."""

    def agent_groups(self, *, name: str | None = None, limit: int = 100) -> AsyncIterator[AgentGroup]:
        """The groups of the workspace with their members, the first one first."""
        return self._pages("/team/agent-groups", {"name": name}, AgentGroup, limit)

    async def agent_group(self, id: int) -> AgentGroup:
        """A group and its members."""
        return one(await self._get(f"/team/agent-group/{id}"), AgentGroup)

    async def create_agent_group(
        self, name: str, *, idempotency_key: Key = None, **rules: Unpack[Rules]
    ) -> AgentGroup:
        """A group without members yet."""
        body = {"name": name, **rules}
        return one(await self._post("/team/create-agent-group", body, idempotency_key), AgentGroup)

    async def update_agent_group(
        self, id: int, *, name: str | None = None, idempotency_key: Key = None, **rules: Unpack[Rules]
    ) -> AgentGroup:
        """Change what is named; the members stay."""
        body = {"name": name, **rules}
        return one(await self._put(f"/team/update-agent-group/{id}", body, idempotency_key), AgentGroup)

    async def update_agent_group_users(
        self, id: int, members: Sequence[GroupMember], *, idempotency_key: Key = None
    ) -> None:
        """Have these be in a group, and nobody else."""
        path = f"/team/update-agent-group-users/{id}"
        await self._post(path, {"members": members}, idempotency_key)

    async def delete_agent_group(self, id: int, *, idempotency_key: Key = None) -> None:
        """Delete a group. Conversations stay with whoever has them."""
        await self._delete(f"/team/delete-agent-group/{id}", {}, idempotency_key)
