"""The workspace: its flows, its people, what it offers and shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from relevo.sdk.calling import Calls, Key, Texts, object_of, one, read, rows
from relevo.sdk.calls.flow import Role
from relevo.sdk.objects import Agent, Flow, Team


class Workspace(Calls):
    """The workspace: its flows, its people, what it offers and shows."""

    async def team_info(self) -> Team:
        """The workspace of the token, and who owns it."""
        return one(await self._get("/team-info"), Team)

    def team_flows(
        self, *, name: str | None = None, type: str | None = None, limit: int = 100
    ) -> AsyncIterator[Flow]:
        """Its flows, the first one first."""
        return self._pages("/team-flows", {"name": name, "type": type}, Flow, limit)

    def team_members(
        self, *, name: str | None = None, role: Role | None = None, limit: int = 100
    ) -> AsyncIterator[Agent]:
        """Everybody, and who is online."""
        return self._pages("/team-members", {"name": name, "role": role}, Agent, limit)

    # Settings

    async def channel_settings(self) -> dict[str, bool]:
        """Which types of channel can be added in the console."""
        return _offered(await self._get("/workspace-settings/channels"))

    async def update_channel_settings(
        self, /, *, idempotency_key: Key = None, **channels: bool
    ) -> dict[str, bool]:
        """Offer types of channel, or offer them no more; gives all of them."""
        body = {type_: int(offered) for type_, offered in channels.items()}
        return _offered(await self._post("/workspace-settings/update-channels", body, idempotency_key))

    async def live_chat_sidebar(self) -> list[str]:
        """What the list of conversations in the console hides."""
        return rows(await self._get("/workspace-settings/live-chat-sidebar"))

    async def update_live_chat_sidebar(self, data: Texts, *, idempotency_key: Key = None) -> list[str]:
        """Have it hide these, and nothing else."""
        path = "/workspace-settings/update-live-chat-sidebar"
        return rows(await self._post(path, {"data": data}, idempotency_key))


def _offered(answer: dict[str, Any]) -> dict[str, bool]:
    return read(object_of(answer), dict[str, bool])
