"""What the flow's WhatsApp numbers may say at any time, because Meta has approved it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from relevo.sdk.calling import Calls, Key
from relevo.sdk.objects import WhatsAppTemplate


class Templates(Calls):
    """What the flow's WhatsApp numbers may say at any time. `channel` names one of them, which is needed
    where the flow has several."""

    def whatsapp_templates(
        self, *, name: str | None = None, limit: int = 100
    ) -> AsyncIterator[WhatsAppTemplate]:
        """What Meta told when they were last synced, by name."""
        path = "/whatsapp-template/list"
        return self._pages(path, {"name": name}, WhatsAppTemplate, limit, method="POST")

    async def create_whatsapp_template(
        self,
        name: str,
        language: str,
        category: str,
        components: Sequence[Mapping[str, Any]],
        *,
        channel: str | None = None,
        idempotency_key: Key = None,
    ) -> None:
        """Ask Meta to approve one; `components` are as Meta has them."""
        body = {"name": name, "language": language, "category": category, "components": components}
        await self._post("/whatsapp-template/create", {**body, "channel": channel}, idempotency_key)

    async def delete_whatsapp_template(
        self, name: str, *, channel: str | None = None, idempotency_key: Key = None
    ) -> None:
        """Have Meta forget one, in all its languages."""
        await self._delete("/whatsapp-template/delete", {"name": name, "channel": channel}, idempotency_key)

    async def sync_whatsapp_templates(
        self, *, channel: str | None = None, idempotency_key: Key = None
    ) -> None:
        """Ask Meta for all of them."""
        await self._post("/whatsapp-template/sync", {"channel": channel}, idempotency_key)
