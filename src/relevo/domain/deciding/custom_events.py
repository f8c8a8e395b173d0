"""What happened to a subscriber outside of the conversation, by names of the company's own."""

from __future__ import annotations

from relevo.domain.custom_events import LogCustomEvent
from relevo.domain.deciding.draft import Draft
from relevo.domain.events import CustomEventLogged


def custom_event_logged(draft: Draft, event: CustomEventLogged) -> None:
    draft.effects.append(LogCustomEvent(event_id=event.custom_event.id, values=event.values))
    draft.note("custom_event", event.custom_event.name)
