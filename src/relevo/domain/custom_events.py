"""Custom events: what a company counts about its subscribers, by a name of its own (*Order placed*)."""

from __future__ import annotations

import msgspec

from relevo.domain.ids import ConversationId, CustomEventId, FlowId, event_ns

LONGEST_TEXT_VALUE = 500
MOST_CUSTOM_EVENTS = 1000
"""Of one flow. Each is in the memory of every process."""


class CustomEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of event of a flow. The labels say what its values mean, for people."""

    id: CustomEventId
    flow_id: FlowId
    name: str
    description: str = ""
    text_label: str = ""
    price_label: str = ""
    number_label: str = ""

    @property
    def event_ns(self) -> str:
        return event_ns(self.flow_id, self.id)


class EventValues(msgspec.Struct, frozen=True, kw_only=True):
    """What is logged with a custom event; None: nothing."""

    text: str | None = None
    price: float | None = None
    number: float | None = None


class LogCustomEvent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What a decision asks for: keep that a custom event happened."""

    event_id: CustomEventId
    values: EventValues


class LoggedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A custom event that happened to a subscriber, to be kept."""

    event_id: CustomEventId
    conversation_id: ConversationId
    values: EventValues
