"""What agents have ready: answers, and what they leave when they close a conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from relevo.sdk.calling import Calls, Key, one
from relevo.sdk.objects import ClosingNote, Shortcut

Demand = Literal[0, 1, 2]


class Canned(Calls):
    """What agents have ready: answers, and what they leave when they close a conversation."""

    # Shortcuts

    def shortcuts(self, *, name: str | None = None, limit: int = 100) -> AsyncIterator[Shortcut]:
        """The answers that agents have ready, the first one first."""
        return self._pages("/flow/shortcuts", {"name": name}, Shortcut, limit)

    async def shortcut(self, id: int) -> Shortcut:
        """One of them."""
        return one(await self._get(f"/flow/shortcuts/{id}"), Shortcut)

    async def create_shortcut(self, name: str, value: str, *, idempotency_key: Key = None) -> Shortcut:
        """Have an answer ready; `value` is its text."""
        body = {"name": name, "value": value}
        return one(await self._post("/flow/create-shortcut", body, idempotency_key), Shortcut)

    async def update_shortcut(
        self, id: int, *, name: str | None = None, value: str | None = None, idempotency_key: Key = None
    ) -> Shortcut:
        """Change what is named."""
        body = {"id": id, "name": name, "value": value}
        return one(await self._put("/flow/update-shortcut", body, idempotency_key), Shortcut)

    async def delete_shortcut(self, id: int, *, idempotency_key: Key = None) -> None:
        """Take an answer away."""
        await self._delete("/flow/delete-shortcut", {"id": id}, idempotency_key)

    # Closing notes

    def closing_notes(self, *, name: str | None = None, limit: int = 100) -> AsyncIterator[ClosingNote]:
        """What agents choose from when they close a conversation, the first one first."""
        return self._pages("/flow/closing-notes", {"name": name}, ClosingNote, limit)

    async def closing_note(self, id: int) -> ClosingNote:
        """One of them."""
        return one(await self._get(f"/flow/closing-notes/{id}"), ClosingNote)

    async def create_closing_note(
        self,
        name: str,
        *,
        description: str | None = None,
        require_summary: Demand = 0,
        require_attachment: Demand = 0,
        idempotency_key: Key = None,
    ) -> ClosingNote:
        """Have a note ready."""
        demands = {"require_summary": require_summary, "require_attachment": require_attachment}
        body = {"name": name, "description": description, **demands}
        return one(await self._post("/flow/create-closing-note", body, idempotency_key), ClosingNote)

    async def update_closing_note(
        self,
        id: int,
        *,
        name: str | None = None,
        description: str | None = None,
        require_summary: Demand | None = None,
        require_attachment: Demand | None = None,
        idempotency_key: Key = None,
    ) -> ClosingNote:
        """Change what is named."""
        demands = {"require_summary": require_summary, "require_attachment": require_attachment}
        body = {"id": id, "name": name, "description": description, **demands}
        return one(await self._put("/flow/update-closing-note", body, idempotency_key), ClosingNote)

    async def delete_closing_note(self, id: int, *, idempotency_key: Key = None) -> None:
        """Have it chosen no more."""
        await self._delete("/flow/delete-closing-note", {"id": id}, idempotency_key)
