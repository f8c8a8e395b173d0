"""Who answers, who has the conversation, and whether work is left."""

from __future__ import annotations

from typing import Literal

from relevo.sdk.calling import Calls, Key

Status = Literal["open", "pending", "spam", "done"]


class Control(Calls):
    """Who answers, who has the conversation, and whether work is left."""

    async def pause_bot(self, user_ns: str, minutes: int | None = 30, *, idempotency_key: Key = None) -> None:
        """Give control to the agents for `minutes`; None: until somebody resumes the bot."""
        body = {"user_ns": user_ns, "minutes": minutes or 0}
        await self._post("/subscriber/pause-bot", body, idempotency_key)

    async def resume_bot(self, user_ns: str, *, idempotency_key: Key = None) -> None:
        """Give control back to the bot."""
        await self._post("/subscriber/resume-bot", {"user_ns": user_ns}, idempotency_key)

    async def accept_handoff(
        self,
        user_ns: str,
        *,
        agent_id: int | None = None,
        epoch: int | None = None,
        idempotency_key: Key = None,
    ) -> None:
        """Say that an agent will answer. Raises `Refused` (409) when the bot has control or somebody else has
        accepted, and, if you give the `epoch` of what you answer to, when control has changed hands since."""
        body = {"user_ns": user_ns, "agent_id": agent_id, "epoch": epoch}
        await self._post("/handoff/accept", body, idempotency_key)

    async def return_handoff(
        self,
        user_ns: str,
        *,
        reason: str = "",
        note: str = "",
        outcome: str = "",
        agent_id: int | None = None,
        epoch: int | None = None,
        idempotency_key: Key = None,
    ) -> None:
        """Give control back to the bot, and say how it went: why in a word, a note for colleagues, and what
        came of it for the flow."""
        said = {"reason": reason or None, "note": note or None, "outcome": outcome or None}
        body = {"user_ns": user_ns, **said, "agent_id": agent_id, "epoch": epoch}
        await self._post("/handoff/return", body, idempotency_key)

    # Whose it is

    async def assign_agent(self, user_ns: str, agent_id: int, *, idempotency_key: Key = None) -> None:
        """Give the conversation to an agent. That does not pause the bot."""
        body = {"user_ns": user_ns, "agent_id": agent_id}
        await self._post("/subscriber/assign-agent", body, idempotency_key)

    async def assign_agent_group(
        self, user_ns: str, agent_group_id: int, *, idempotency_key: Key = None
    ) -> None:
        """Give it to one of the group, as its rules say."""
        body = {"user_ns": user_ns, "agent_group_id": agent_group_id}
        await self._post("/subscriber/assign-agent-group", body, idempotency_key)

    async def unassign_agent(self, user_ns: str, *, idempotency_key: Key = None) -> None:
        """Take it from whoever had it."""
        await self._post("/subscriber/unassign-agent", {"user_ns": user_ns}, idempotency_key)

    async def set_presence(
        self,
        agent_id: int,
        online: bool = True,
        *,
        minutes: int | None = None,
        idempotency_key: Key = None,
    ) -> None:
        """Say that an agent is there, for `minutes` (the server's default is 10): say it again meanwhile."""
        body = {"agent_id": agent_id, "online": int(online), "minutes": minutes}
        await self._post("/handoff/presence", body, idempotency_key)

    # Whether work is left

    async def move_chat_to(
        self,
        user_ns: str,
        status: Status,
        *,
        closing_note_id: int | None = None,
        summary: str | None = None,
        attachment: str | None = None,
        idempotency_key: Key = None,
    ) -> None:
        """Set the status, which says whether work is left; it does not change who answers. What is `done`
        may be left with a closing note."""
        left = {"closing_note_id": closing_note_id, "summary": summary, "attachment": attachment}
        body = {"user_ns": user_ns, "status": status, **left}
        await self._post("/subscriber/move-chat-to", body, idempotency_key)
