"""What happened, told and counted: custom events, conversations, what agents did, the figures of days.

Times are as on the wire, durations are in seconds; None: it did not happen.
"""

from __future__ import annotations

import msgspec


class CustomEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of thing that you count. The labels say what its three values are."""

    event_ns: str
    name: str = ""
    description: str = ""
    text_label: str = ""
    price_label: str = ""
    number_label: str = ""


class LoggedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One time that it happened."""

    id: int = 0
    user_ns: str = ""
    event_ns: str = ""
    text_value: str = ""
    price_value: str = ""
    number_value: str = ""
    created_at: str = ""


class EventCount(msgspec.Struct, frozen=True, kw_only=True):
    """How often, and to how many subscribers: in all, on a day (`start_date`), or with a text."""

    num: int = 0
    unique_user_num: int = 0
    start_date: str = ""
    text_value: str = ""


class CustomEventSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How often an event happened from `start_date` to `end_date`."""

    event: CustomEvent = msgspec.field(name="data")
    total: EventCount = EventCount()
    stats: tuple[EventCount, ...] = ()
    text_values: tuple[EventCount, ...] = ()
    start_date: str = ""
    end_date: str = ""


class ConversationData(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation from its opening to its closing: who worked on it, how long it took, what was said."""

    id: int = 0
    flow_ns: str = ""
    user_ns: str = ""
    is_new_bot_user: bool = False
    source_type: str = ""
    created_at: str = ""
    first_assign_agent_id: int = 0
    first_reply_agent_id: int = 0
    last_assign_agent_id: int = 0
    first_close_agent_id: int = 0
    last_close_agent_id: int = 0
    first_open_at: str = ""
    first_assign_at: str = ""
    first_reply_at: str = ""
    first_close_at: str = ""
    last_open_at: str = ""
    last_assign_at: str = ""
    first_reply_after_last_assign_at: str = ""
    last_close_at: str = ""
    first_open_to_first_assign: int | None = None
    first_open_to_first_reply: int | None = None
    first_open_to_first_close: int | None = None
    first_open_to_last_close: int | None = None
    first_reply_after_first_assign: int | None = None
    first_reply_after_last_assign: int | None = None
    first_assign_to_first_close: int | None = None
    first_reply_to_first_close: int | None = None
    last_assign_to_last_close: int | None = None
    handling_time: int | None = None
    avg_response_time: int | None = None
    avg_subsequent_response_time: int | None = None
    in_messages: int = 0
    agent_messages: int = 0
    bot_messages: int = 0
    number_of_agent_replies: int = 0
    number_of_notes: int = 0
    number_of_unique_agents: int = 0
    number_of_assignments: int = 0
    number_of_opens: int = 0
    number_of_closes: int = 0
    opened_source: str = ""
    closed_source: str = ""
    closing_note: str = ""
    closing_summary: str = ""


class AgentActivity(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done with a conversation. `agent_id` 0: nobody of the workspace did it."""

    id: int = 0
    agent_id: int = 0
    user_ns: str = ""
    source_type: str = ""
    action: str = ""
    created_at: str = ""


class AgentSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent did in a flow on a day."""

    flow_ns: str = ""
    summary_date: str = ""
    agent_id: int = 0
    day_reply_bot_users: int = 0
    day_agent_messages: int = 0
    day_note_messages: int = 0
    day_assigned: int = 0
    day_done: int = 0
    avg_agent_response_time: int | None = None
    avg_resolve_time: int | None = None


class FlowSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in a flow on a day."""

    flow_ns: str = ""
    summary_date: str = ""
    total_bot_users: int = 0
    day_active_bot_users: int = 0
    day_new_bot_users: int = 0
    day_total_messages: int = 0
    day_in_messages: int = 0
    day_out_messages: int = 0
    day_agent_messages: int = 0
    day_note_messages: int = 0
    day_assigned: int = 0
    day_done: int = 0
    day_email_sent: int = 0
    day_email_open: int = 0
    avg_agent_response_time: int | None = None
    avg_resolve_time: int | None = None
