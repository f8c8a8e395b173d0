"""The flow: its people, its parts, and what went wrong in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from relevo.sdk.calling import Calls, Key
from relevo.sdk.objects import Agent, ErrorLog, InboundWebhook, Subflow

Role = Literal["owner", "admin", "member", "agent"]


class FlowCalls(Calls):
    """The flow: its people, its parts, and what went wrong in it."""

    def agents(
        self, *, name: str | None = None, role: Role | None = None, limit: int = 100
    ) -> AsyncIterator[Agent]:
        """Whom a conversation can be assigned to."""
        return self._pages("/flow/agents", {"name": name, "role": role}, Agent, limit)

    def inbound_webhooks(self, *, name: str | None = None, limit: int = 100) -> AsyncIterator[InboundWebhook]:
        """The addresses that other systems post to."""
        return self._pages("/flow/inbound-webhooks", {"name": name}, InboundWebhook, limit)

    # Subflows

    def subflows(self, *, name: str | None = None, limit: int = 100) -> AsyncIterator[Subflow]:
        """The named parts of the flow as it runs now."""
        return self._pages("/flow/subflows", {"name": name}, Subflow, limit)

    async def set_default_start_flow(self, sub_flow_ns: str, *, idempotency_key: Key = None) -> None:
        """Which one starts for whoever writes first."""
        await self._post("/flow/set-default-start-flow", {"sub_flow_ns": sub_flow_ns}, idempotency_key)

    async def set_web_chat_widget_default_start_flow(
        self, sub_flow_ns: str, *, idempotency_key: Key = None
    ) -> None:
        """Which one starts for whoever opens the web chat."""
        path = "/flow/set-web-chat-widget-default-start-flow"
        await self._post(path, {"sub_flow_ns": sub_flow_ns}, idempotency_key)

    async def delete_sub_flow(self, sub_flow_ns: str, *, idempotency_key: Key = None) -> None:
        """Publish the flow without one. Raises `Invalid` while something leads there."""
        await self._delete("/flow/delete-sub-flow", {"sub_flow_ns": sub_flow_ns}, idempotency_key)

    # What went wrong

    def error_logs(
        self,
        *,
        user_ns: str | None = None,
        node_ns: str | None = None,
        search: str | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        limit: int = 100,
    ) -> AsyncIterator[ErrorLog]:
        """Whatever was dropped, refused or went wrong within a month, the newest first."""
        about = {"user_ns": user_ns, "node_ns": node_ns, "search": search}
        query = {**about, "start_time": start_time, "end_time": end_time}
        return self._pages("/flow/error-logs/data", query, ErrorLog, limit)
