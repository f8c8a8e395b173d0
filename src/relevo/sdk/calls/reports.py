"""What became of conversations, who did what, and the figures of days."""

from __future__ import annotations

from collections.abc import AsyncIterator

from relevo.sdk.calling import Calls, Range, read, rows
from relevo.sdk.objects import AgentActivity, AgentSummary, ConversationData, FlowSummary


class Reports(Calls):
    """What became of conversations, who did what, and the figures of days. Times are in Unix seconds, and
    at most six months back; `start_id` is a place to go on from."""

    def conversations_data(
        self,
        *,
        user_ns: str | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        start_id: int = 0,
        limit: int = 100,
    ) -> AsyncIterator[ConversationData]:
        """The conversations that were closed, in the order in which they were."""
        query = {"user_ns": user_ns, "start_time": start_time, "end_time": end_time}
        return self._from(start_id, "/flow/conversations/data", query, ConversationData, limit)

    def agent_activity_log(
        self,
        *,
        user_ns: str | None = None,
        agent_id: int | None = None,
        conv_id: int | None = None,
        action: str | None = None,
        source_type: str | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        start_id: int = 0,
        limit: int = 100,
    ) -> AsyncIterator[AgentActivity]:
        """What was done with conversations: opened, closed, assigned, answered, noted. `conv_id` is the `id`
        of a ConversationData."""
        whose = {"user_ns": user_ns, "agent_id": agent_id, "conv_id": conv_id}
        query = {**whose, "action": action, "source_type": source_type}
        when = {"start_time": start_time, "end_time": end_time}
        return self._from(start_id, "/flow/agent-activity-log/data", query | when, AgentActivity, limit)

    async def flow_summary(
        self, range: Range = "yesterday", *, flow_ns: str | None = None
    ) -> list[FlowSummary]:
        """The figures of every flow of the workspace, or of one, day by day."""
        answer = await self._get("/flow-summary", {"range": range, "flow_ns": flow_ns})
        return [read(row, FlowSummary) for row in rows(answer)]

    async def flow_agent_summary(
        self, range: Range = "yesterday", *, flow_ns: str | None = None
    ) -> list[AgentSummary]:
        """The figures of every agent, in every flow or in one, day by day."""
        answer = await self._get("/flow-agent-summary", {"range": range, "flow_ns": flow_ns})
        return [read(row, AgentSummary) for row in rows(answer)]
