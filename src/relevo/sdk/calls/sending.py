"""Saying something to one customer, and having the bot say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relevo.sdk.calling import Calls, Key


class Sending(Calls):
    """Saying something to one customer, and having the bot say it."""

    # As an agent

    async def send_text(
        self,
        user_ns: str,
        text: str,
        *,
        send_as_agent: bool = True,
        agent_id: int | None = None,
        idempotency_key: Key = None,
    ) -> None:
        """Say it as an agent: `agent_id`, or whose the token is. If the bot has control, Relevo pauses it.
        Not `send_as_agent`: the bot says it, and nobody is paused."""
        whose = {"send_as_agent": None if send_as_agent else 0, "agent_id": agent_id}
        body = {"user_ns": user_ns, "content": text, **whose}
        await self._post("/subscriber/send-text", body, idempotency_key)

    async def send_content(
        self,
        user_ns: str,
        content: Mapping[str, Any],
        *,
        send_as_agent: bool = False,
        agent_id: int | None = None,
        idempotency_key: Key = None,
    ) -> None:
        """Send dynamic content v1: `{"messages": [{"type": "image", "url": …}, …], …}`.

        The bot says it, unless `send_as_agent`; then `agent_id` does, or whose the token is.
        """
        data = {"version": "v1", "content": content}
        body = {"user_ns": user_ns, "data": data, "send_as_agent": int(send_as_agent), "agent_id": agent_id}
        await self._post("/subscriber/send-content", body, idempotency_key)

    async def typing(self, user_ns: str, *, idempotency_key: Key = None) -> None:
        """Show the customer that an agent is typing, where the channel can."""
        await self._post("/handoff/typing", {"user_ns": user_ns}, idempotency_key)

    async def seen(self, user_ns: str, *, idempotency_key: Key = None) -> None:
        """Tell that an agent has read the conversation so far."""
        await self._post("/handoff/seen", {"user_ns": user_ns}, idempotency_key)

    # At any time

    async def send_whatsapp_template(
        self, user_ns: str, content: Mapping[str, Any], *, idempotency_key: Key = None
    ) -> None:
        """Say what Meta has approved: `{"name": …, "lang": …, "params": {"BODY_{{1}}": …}}`."""
        body = {"user_ns": user_ns, "content": content}
        await self._post("/subscriber/send-whatsapp-template", body, idempotency_key)

    async def send_whatsapp_template_by_user_id(
        self,
        user_id: str,
        content: Mapping[str, Any],
        *,
        create_if_not_found: bool = False,
        contact: Mapping[str, str] | None = None,
        idempotency_key: Key = None,
    ) -> None:
        """The same to a number; `contact` has the name of somebody new: `{"user_name": …}`."""
        may_be_new = "yes" if create_if_not_found else "no"
        whom = {"user_id": user_id, "create_if_not_found": may_be_new, "contact": contact}
        path = "/subscriber/send-whatsapp-template-by-user-id"
        await self._post(path, {**whom, "content": content}, idempotency_key)

    async def send_sms(self, user_ns: str, content: str, *, idempotency_key: Key = None) -> None:
        """Say it to their telephone, through the SMS channel."""
        await self._post("/subscriber/send-sms", {"user_ns": user_ns, "content": content}, idempotency_key)

    async def send_email(
        self, user_ns: str, content: str, *, subject: str | None = None, idempotency_key: Key = None
    ) -> None:
        """Write to their address, over the workspace's own mail server."""
        body = {"user_ns": user_ns, "content": content, "subject": subject}
        await self._post("/subscriber/send-email", body, idempotency_key)

    # By the flow

    async def send_main_flow(self, user_ns: str, *, idempotency_key: Key = None) -> None:
        """Have the flow begin anew."""
        await self._post("/subscriber/send-main-flow", {"user_ns": user_ns}, idempotency_key)

    async def send_sub_flow(self, user_ns: str, sub_flow_ns: str, *, idempotency_key: Key = None) -> None:
        """Leave whatever the flow is doing, and begin a subflow."""
        body = {"user_ns": user_ns, "sub_flow_ns": sub_flow_ns}
        await self._post("/subscriber/send-sub-flow", body, idempotency_key)

    async def send_sub_flow_by_flow_name(
        self, user_ns: str, flow_name: str, *, idempotency_key: Key = None
    ) -> None:
        """The same, by the name that the subflow has in the flow's file."""
        body = {"user_ns": user_ns, "flow_name": flow_name}
        await self._post("/subscriber/send-sub-flow-by-flow-name", body, idempotency_key)

    async def send_sub_flow_by_user_id(
        self, user_id: str, sub_flow_ns: str, *, idempotency_key: Key = None
    ) -> None:
        """The same, by the id inside the channel."""
        body = {"user_id": user_id, "sub_flow_ns": sub_flow_ns}
        await self._post("/subscriber/send-sub-flow-by-user-id", body, idempotency_key)

    async def send_node(self, user_ns: str, node_ns: str, *, idempotency_key: Key = None) -> None:
        """Begin a subflow at one of its steps."""
        await self._post("/subscriber/send-node", {"user_ns": user_ns, "node_ns": node_ns}, idempotency_key)
