"""What became of conversations: closed cases, the activity log, and the figures of days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency
from msgspec import Meta

from relevo.domain import complaints
from relevo.domain.date_ranges import DateRange, days_of
from relevo.domain.errors import InvalidInput
from relevo.domain.figures import Figures, date_of, day_number
from relevo.domain.ids import (
    ConversationId,
    FlowId,
    MemberId,
    flow_ns,
    parse_flow_ns,
    user_ns,
)
from relevo.domain.live_chat import local_time
from relevo.domain.workspaces import Scope
from relevo.store import cases, day_figures
from relevo.store.cases import KeptCase, Window
from relevo.store.database import AnyRow, Connection
from relevo.web.api.calls import Call
from relevo.web.api.custom_events import DATA_WINDOW, window
from relevo.web.api.messages import Seconds
from relevo.web.api.operations import SUBSCRIBER, USER_NS, reads

TAG = "Reports"

Source = Literal["agent", "bot", "bot_user", "api", "webhook"]
Action = Literal[
    "open", "close", "assign", "reply", "note", "pending", "spam", "invalid", "add_collaborator",
    "remove_collaborator", "subscribe_to_bot", "unsubscribe_from_bot", "opt_in_sms", "opt_out_sms",
    "opt_in_email", "opt_out_email",
]  # fmt: skip
DataLimit = Annotated[int, Meta(ge=1, le=1000, description="How many at most.", examples=[100])]
OnlyOf = Annotated[
    str,
    Meta(pattern=r"^f[0-9]{1,12}u[0-9]{1,15}$", description="Only of them.", examples=[USER_NS]),
]
Time = Annotated[str, Meta(description="Empty: it never happened.", examples=["2026-09-21 14:13:20"])]
Length = Annotated[int, Meta(description="Seconds; 0 where it did not happen.", examples=[42])]
Count = Annotated[int, Meta(examples=[2])]


# Closed conversations


class ConversationsQuery(msgspec.Struct, frozen=True, kw_only=True):
    user_ns: OnlyOf = ""
    start_time: Annotated[
        Seconds | None, Meta(description="Closed since: unix seconds; left out: six months ago.")
    ] = None
    end_time: Annotated[Seconds | None, Meta(description="Closed until: unix seconds; left out: now.")] = None
    start_id: Annotated[
        int, Meta(ge=0, le=2**53, description="From this `id` on: `next_start_id` of the last answer.")
    ] = 0
    limit: DataLimit = 100


class ConversationRow(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation from when it was opened until it was closed. Ids are 0 for nobody."""

    id: Annotated[int, Meta(description="`conv_id` of the activity log.", examples=[812])]
    flow_ns: Annotated[str, Meta(examples=["f1001"])]
    user_ns: Annotated[str, Meta(examples=[USER_NS])]
    first_assign_agent_id: int
    first_reply_agent_id: int
    last_assign_agent_id: int
    first_close_agent_id: int
    last_close_agent_id: int
    is_new_bot_user: Literal[0, 1]
    created_at: Time
    source_type: Literal["agent", "new_user", "return_user"]
    first_open_at: Time
    first_close_at: Time
    last_open_at: Time
    last_close_at: Time
    first_assign_at: Time
    first_reply_at: Time
    last_assign_at: Time
    first_reply_after_last_assign_at: Time
    first_open_to_first_assign: Length
    first_open_to_first_reply: Length
    first_reply_after_first_assign: Length
    first_reply_after_last_assign: Length
    first_assign_to_first_close: Length
    first_reply_to_first_close: Length
    first_open_to_first_close: Length
    last_assign_to_last_close: Length
    first_open_to_last_close: Length
    handling_time: Annotated[int, Meta(description="Seconds for which it was somebody's, and open.")]
    avg_response_time: Annotated[
        int, Meta(description="Seconds, from when the customer began to wait for an agent.")
    ]
    avg_subsequent_response_time: Annotated[int, Meta(description="The same without the first answer.")]
    in_messages: Count
    agent_messages: Count
    bot_messages: Count
    number_of_agent_replies: Count
    number_of_notes: Count
    number_of_unique_agents: Count
    number_of_assignments: Count
    number_of_opens: Count
    number_of_closes: Count
    opened_source: Source
    closed_source: Source
    closing_note: Annotated[str, Meta(description="The closing note that was chosen.", examples=["Resolved"])]
    closing_summary: Annotated[str, Meta(description="What the agent wrote then.")]


class ConversationsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Closed conversations, in the order in which they were closed. `next_start_id` is where to go on; null
    at the end."""

    data: list[ConversationRow]
    next_start_id: Annotated[int | None, Meta(examples=[813])]
    status: Literal["ok"] = "ok"


_AT = "2026-09-21 14:13:20"
_LATER = "2026-09-21 14:20:00"
_CONVERSATION: dict[str, Any] = {
    "id": 812,
    "flow_ns": "f1001",
    "user_ns": USER_NS,
    **dict.fromkeys(
        (
            "first_assign_agent_id",
            "first_reply_agent_id",
            "last_assign_agent_id",
            "first_close_agent_id",
            "last_close_agent_id",
        ),
        55,
    ),
    "is_new_bot_user": 1,
    "created_at": _AT,
    "source_type": "new_user",
    "first_open_at": _AT,
    "first_close_at": _LATER,
    "last_open_at": _AT,
    "last_close_at": _LATER,
    "first_assign_at": _AT,
    "first_reply_at": "2026-09-21 14:14:02",
    "last_assign_at": _AT,
    "first_reply_after_last_assign_at": "2026-09-21 14:14:02",
    "first_open_to_first_assign": 0,
    "first_open_to_first_reply": 42,
    "first_reply_after_first_assign": 42,
    "first_reply_after_last_assign": 42,
    "first_assign_to_first_close": 400,
    "first_reply_to_first_close": 358,
    "first_open_to_first_close": 400,
    "last_assign_to_last_close": 400,
    "first_open_to_last_close": 400,
    "handling_time": 400,
    "avg_response_time": 42,
    "avg_subsequent_response_time": 0,
    "in_messages": 3,
    "agent_messages": 2,
    "bot_messages": 1,
    "number_of_agent_replies": 2,
    "number_of_notes": 1,
    "number_of_unique_agents": 1,
    "number_of_assignments": 1,
    "number_of_opens": 1,
    "number_of_closes": 1,
    "opened_source": "bot_user",
    "closed_source": "agent",
    "closing_note": "Resolved",
    "closing_summary": "Two mugs, paid.",
}


@reads(
    "/flow/conversations/data",
    tag=TAG,
    title="List closed conversations",
    name="listConversationData",
    asks=ConversationsQuery,
    example={"data": [_CONVERSATION], "next_start_id": None, "status": "ok"},
    about=SUBSCRIBER,
)
async def conversations_data(
    call: NamedDependency[Call], asked: NamedDependency[ConversationsQuery]
) -> ConversationsAnswer:
    """Conversations that were closed, at most six months back: who worked on each, how long the customer
    waited, what was said. A cursor goes through all of it: ask with `next_start_id` until it is null."""
    async with call.services.database.read() as connection:
        wanted = await _window(call, connection, asked)
        found = await cases.closed(connection, wanted)
    rows, more = found[: asked.limit], found[asked.limit :]
    return ConversationsAnswer(
        data=[_conversation(call, one) for one in rows], next_start_id=more[0].id if more else None
    )


async def _window(call: Call, connection: Connection, asked: ConversationsQuery | ActivityQuery) -> Window:
    """With one more than was asked for: then there is more. Raises NotFound for an unknown subscriber."""
    whose = (await call.subscriber(connection, asked.user_ns)).id if asked.user_ns else None
    since, until = window(call, asked.start_time, asked.end_time, DATA_WINDOW)
    return Window(
        flow_id=call.key.flow_id,
        start=since,
        end=until,
        start_id=asked.start_id,
        conversation_id=whose,
        limit=asked.limit + 1,
    )


def _conversation(call: Call, kept: KeptCase) -> ConversationRow:
    one, case = kept.closed, kept.closed.case
    zone = call.workspace.timezone

    def at(when: datetime | None) -> str:
        return local_time(when, zone) if when is not None else ""

    later = case.responses - 1
    return ConversationRow(
        id=kept.id,
        flow_ns=flow_ns(kept.flow_id),
        user_ns=user_ns(kept.flow_id, kept.conversation_id),
        first_assign_agent_id=case.first_assigned_to or 0,
        first_reply_agent_id=case.first_replied_by or 0,
        last_assign_agent_id=case.last_assigned_to or 0,
        first_close_agent_id=one.closed_by_member or 0,
        last_close_agent_id=one.closed_by_member or 0,
        is_new_bot_user=1 if case.is_first else 0,
        created_at=at(case.opened_at),
        source_type=case.begun_by,
        first_open_at=at(case.opened_at),
        first_close_at=at(one.closed_at),
        last_open_at=at(case.last_opened_at or case.opened_at),
        last_close_at=at(one.closed_at),
        first_assign_at=at(case.first_assigned_at),
        first_reply_at=at(case.first_replied_at),
        last_assign_at=at(case.last_assigned_at),
        first_reply_after_last_assign_at=at(case.replied_after_assignment_at),
        first_open_to_first_assign=_seconds(case.opened_at, case.first_assigned_at),
        first_open_to_first_reply=_seconds(case.opened_at, case.first_replied_at),
        first_reply_after_first_assign=_seconds(case.first_assigned_at, case.first_replied_at),
        first_reply_after_last_assign=_seconds(case.last_assigned_at, case.replied_after_assignment_at),
        first_assign_to_first_close=_seconds(case.first_assigned_at, one.closed_at),
        first_reply_to_first_close=_seconds(case.first_replied_at, one.closed_at),
        first_open_to_first_close=_seconds(case.opened_at, one.closed_at),
        last_assign_to_last_close=_seconds(case.last_assigned_at, one.closed_at),
        first_open_to_last_close=_seconds(case.opened_at, one.closed_at),
        handling_time=round(case.handled.total_seconds()),
        avg_response_time=_average(case.waited, case.responses),
        avg_subsequent_response_time=_average(case.waited - case.first_waited, later),
        in_messages=one.in_messages,
        agent_messages=case.agent_messages,
        bot_messages=case.bot_messages,
        number_of_agent_replies=case.replies,
        number_of_notes=case.notes,
        number_of_unique_agents=len(case.agents),
        number_of_assignments=case.assignments,
        number_of_opens=case.opens,
        number_of_closes=1,
        opened_source=case.opened_by,
        closed_source=one.closed_by,
        closing_note=one.closing.name if one.closing else "",
        closing_summary=one.closing.summary if one.closing else "",
    )


def _seconds(since: datetime | None, until: datetime | None) -> int:
    return 0 if since is None or until is None else max(0, round((until - since).total_seconds()))


def _average(total: timedelta, count: int) -> int:
    return round(total.total_seconds() / count) if count > 0 else 0


# The activity log


class ActivityQuery(msgspec.Struct, frozen=True, kw_only=True):
    user_ns: OnlyOf = ""
    agent_id: Annotated[int | None, Meta(description="Only what this agent did, or was given.")] = None
    conv_id: Annotated[
        int | None, Meta(description="Only what happened in this closed conversation: its `id`.")
    ] = None
    action: Annotated[Action | None, Meta(description="Only this.")] = None
    source_type: Annotated[Source | None, Meta(description="Only what these did.")] = None
    start_time: Annotated[Seconds | None, Meta(description="Unix seconds; left out: six months ago.")] = None
    end_time: Annotated[Seconds | None, Meta(description="Unix seconds; left out: now.")] = None
    start_id: Annotated[
        int, Meta(ge=0, le=2**53, description="From this `id` on: `next_start_id` of the last answer.")
    ] = 0
    limit: DataLimit = 100


class ActivityRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done. `agent_id` is who did it, or whose it is from then on; 0 is nobody."""

    id: Annotated[int, Meta(examples=[90210])]
    agent_id: Annotated[int, Meta(examples=[55])]
    user_ns: Annotated[str, Meta(examples=[USER_NS])]
    created_at: Annotated[str, Meta(examples=[_AT])]
    source_type: Source
    action: Annotated[Action, Meta(examples=["assign"])]


class ActivityAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, the oldest first. `next_start_id` is where to go on; null at the end."""

    data: list[ActivityRow]
    next_start_id: Annotated[int | None, Meta(examples=[90211])]
    status: Literal["ok"] = "ok"


_ACTIVITY = {
    "id": 90210,
    "agent_id": 55,
    "user_ns": USER_NS,
    "created_at": _AT,
    "source_type": "api",
    "action": "assign",
}


@reads(
    "/flow/agent-activity-log/data",
    tag=TAG,
    title="List what agents did",
    name="listAgentActivity",
    asks=ActivityQuery,
    example={"data": [_ACTIVITY], "next_start_id": None, "status": "ok"},
    about=SUBSCRIBER,
)
async def activity_data(call: NamedDependency[Call], asked: NamedDependency[ActivityQuery]) -> ActivityAnswer:
    """What was done with the conversations of the flow, at most six months back: opened, closed, assigned,
    answered, noted. Of UChat's other actions nothing is found."""
    async with call.services.database.read() as connection:
        wanted = await _window(call, connection, asked)
        if asked.conv_id is not None:
            one = await cases.find_closed(connection, call.key.flow_id, asked.conv_id)
            wanted = _within(wanted, one)
        found = await cases.activity(
            connection,
            wanted,
            member_id=MemberId(asked.agent_id) if asked.agent_id is not None else None,
            action=asked.action or "",
            source=asked.source_type or "",
        )
    rows, more = found[: asked.limit], found[asked.limit :]
    return ActivityAnswer(
        data=[_activity(call, row) for row in rows], next_start_id=more[0].id if more else None
    )


def _within(wanted: Window, one: KeptCase | None) -> Window:
    """What happened while a case was open; nothing for one that there is not."""
    if one is None or wanted.conversation_id not in (None, one.conversation_id):
        return msgspec.structs.replace(wanted, conversation_id=ConversationId(0))
    return msgspec.structs.replace(
        wanted,
        conversation_id=one.conversation_id,
        start=max(wanted.start, one.closed.case.opened_at),
        end=min(wanted.end, one.closed.closed_at),
    )


def _activity(call: Call, row: AnyRow) -> ActivityRow:
    return ActivityRow(
        id=row.id,
        agent_id=row.member_id or 0,
        user_ns=user_ns(FlowId(row.flow_id), ConversationId(row.conversation_id)),
        created_at=local_time(row.created_at, call.workspace.timezone),
        source_type=row.source,
        action=row.action,
    )


# The figures of days


class SummaryQuery(msgspec.Struct, frozen=True, kw_only=True):
    range: Annotated[
        DateRange, Meta(description="Which days, of the workspace's zone; none of them has today.")
    ] = "yesterday"
    flow_ns: Annotated[str, Meta(max_length=20, description="Only of this flow.", examples=["f1001"])] = ""


class FlowSummaryRow(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in a flow on a day. Averages are seconds, 0 when there is nothing to average."""

    flow_ns: Annotated[str, Meta(examples=["f1001"])]
    summary_date: Annotated[str, Meta(examples=["2026-09-21"])]
    total_bot_users: Annotated[
        int, Meta(description="Who had come until that day's end, those deleted since among them.")
    ]
    day_active_bot_users: Annotated[int, Meta(description="Who came that day.")]
    day_new_bot_users: int
    day_total_messages: Annotated[int, Meta(description="Notes are none.")]
    day_in_messages: int
    day_out_messages: int
    day_agent_messages: int
    day_note_messages: int
    day_assigned: Annotated[int, Meta(description="New that day, and given to somebody since.")]
    day_done: Annotated[int, Meta(description="New that day, and done since.")]
    day_email_sent: int = 0
    day_email_open: int = 0
    avg_agent_response_time: Annotated[
        int, Meta(description="From when the customer began to wait for an agent to the first answer.")
    ]
    avg_resolve_time: Annotated[int, Meta(description="From opening to closing, of what was closed then.")]


class AgentSummaryRow(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent did in a flow on a day. What is closed counts for whose it was."""

    flow_ns: Annotated[str, Meta(examples=["f1001"])]
    summary_date: Annotated[str, Meta(examples=["2026-09-21"])]
    agent_id: Annotated[int, Meta(examples=[55])]
    day_reply_bot_users: Annotated[int, Meta(description="To how many subscribers they answered.")]
    day_agent_messages: int
    day_note_messages: int
    day_assigned: int
    day_done: int
    avg_agent_response_time: int
    avg_resolve_time: int


class FlowSummaryAnswer(msgspec.Struct, frozen=True):
    """Each day of each flow, by flow and day."""

    data: list[FlowSummaryRow]
    status: Literal["ok"] = "ok"


class AgentSummaryAnswer(msgspec.Struct, frozen=True):
    """Each day of each agent who did anything, by flow and day."""

    data: list[AgentSummaryRow]
    status: Literal["ok"] = "ok"


_FLOW_DAY = {
    "flow_ns": "f1001",
    "summary_date": "2026-09-21",
    "total_bot_users": 1204,
    "day_active_bot_users": 78,
    "day_new_bot_users": 12,
    "day_total_messages": 640,
    "day_in_messages": 300,
    "day_out_messages": 240,
    "day_agent_messages": 100,
    "day_note_messages": 9,
    "day_assigned": 5,
    "day_done": 4,
    "day_email_sent": 0,
    "day_email_open": 0,
    "avg_agent_response_time": 42,
    "avg_resolve_time": 640,
}
_AGENT_DAY = {
    "flow_ns": "f1001",
    "summary_date": "2026-09-21",
    "agent_id": 55,
    "day_reply_bot_users": 14,
    "day_agent_messages": 60,
    "day_note_messages": 3,
    "day_assigned": 5,
    "day_done": 4,
    "avg_agent_response_time": 38,
    "avg_resolve_time": 600,
}


@reads(
    "/flow-summary",
    tag=TAG,
    title="Summarise flows",
    name="summariseFlows",
    asks=SummaryQuery,
    scope=Scope.MANAGE_TEAM,
    example={"data": [_FLOW_DAY], "status": "ok"},
)
async def flow_summary(
    call: NamedDependency[Call], asked: NamedDependency[SummaryQuery]
) -> FlowSummaryAnswer:
    """The figures of every flow of the workspace, or of one, day by day."""
    flows, days = _flows(call, asked.flow_ns), _days(call, asked.range)
    async with call.services.database.read() as connection:
        found = await day_figures.of_flows(connection, flows, days[0], days[-1])
        totals = await day_figures.arrived_before(connection, flows, days[0])
    return FlowSummaryAnswer(
        [
            _flow_day(flow_id, day, found.get((flow_id, day, day_figures.ALL), Figures()), totals)
            for flow_id in flows
            for day in days
        ]
    )


@reads(
    "/flow-agent-summary",
    tag=TAG,
    title="Summarise agents",
    name="summariseAgents",
    asks=SummaryQuery,
    scope=Scope.MANAGE_TEAM,
    example={"data": [_AGENT_DAY], "status": "ok"},
)
async def flow_agent_summary(
    call: NamedDependency[Call], asked: NamedDependency[SummaryQuery]
) -> AgentSummaryAnswer:
    """The figures of every agent, in every flow of the workspace or in one, day by day."""
    flows, days = _flows(call, asked.flow_ns), _days(call, asked.range)
    async with call.services.database.read() as connection:
        found = await day_figures.of_agents(connection, flows, days[0], days[-1])
    return AgentSummaryAnswer(
        [_agent_day(flow_id, day, member_id, one) for (flow_id, day, member_id), one in found.items()]
    )


def _flows(call: Call, wanted: str) -> list[FlowId]:
    """Those of the workspace. Raises InvalidInput for one that it does not have."""
    here = call.key.workspace_id
    flows = sorted(
        one.id for one in call.services.catalog.directory.flows.values() if one.workspace_id == here
    )
    if not wanted:
        return flows
    id_ = parse_flow_ns(wanted)
    if id_ not in flows:
        wrong = complaints.unknown("flow_ns", wanted, "flow in this workspace")
        raise InvalidInput({"flow_ns": [wrong]})
    return [FlowId(id_)]


def _days(call: Call, wanted: DateRange) -> list[int]:
    found = days_of(wanted, call.services.clock.now(), call.workspace.timezone)
    return [day_number(one.date) for one in found]


def _flow_day(flow_id: FlowId, day: int, one: Figures, totals: dict[FlowId, int]) -> FlowSummaryRow:
    """`totals` are of the days before this one; it is added to them."""
    totals[flow_id] = totals.get(flow_id, 0) + one.arrived
    return FlowSummaryRow(
        flow_ns=flow_ns(flow_id),
        summary_date=date_of(day).isoformat(),
        total_bot_users=totals[flow_id],
        day_active_bot_users=one.active_users,
        day_new_bot_users=one.arrived,
        day_total_messages=one.in_messages + one.out_messages + one.agent_messages,
        day_in_messages=one.in_messages,
        day_out_messages=one.out_messages,
        day_agent_messages=one.agent_messages,
        day_note_messages=one.note_messages,
        day_assigned=one.assigned_new,
        day_done=one.done_new,
        avg_agent_response_time=one.average_response,
        avg_resolve_time=one.average_resolution,
    )


def _agent_day(flow_id: FlowId, day: int, member_id: MemberId, one: Figures) -> AgentSummaryRow:
    return AgentSummaryRow(
        flow_ns=flow_ns(flow_id),
        summary_date=date_of(day).isoformat(),
        agent_id=member_id,
        day_reply_bot_users=one.replied_users,
        day_agent_messages=one.agent_messages,
        day_note_messages=one.note_messages,
        day_assigned=one.assigned_new,
        day_done=one.done_new,
        avg_agent_response_time=one.average_response,
        avg_resolve_time=one.average_resolution,
    )
