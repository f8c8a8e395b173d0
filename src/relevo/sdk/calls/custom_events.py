"""What you count about subscribers, by names of your own."""

from __future__ import annotations

from collections.abc import AsyncIterator

from relevo.sdk.calling import Calls, Key, Range, read
from relevo.sdk.objects import CustomEvent, CustomEventSummary, LoggedEvent


class CustomEvents(Calls):
    """What you count about subscribers, by names of your own."""

    async def log_custom_event(
        self,
        user_ns: str,
        event_name: str,
        *,
        text_value: str | None = None,
        price_value: float | None = None,
        number_value: float | None = None,
        idempotency_key: Key = None,
    ) -> None:
        """Say that it happened to somebody. A flow may be triggered by it."""
        values = {"text_value": text_value, "price_value": price_value, "number_value": number_value}
        body = {"user_ns": user_ns, "event_name": event_name, **values}
        await self._post("/subscriber/log-custom-event", body, idempotency_key)

    def custom_events(self, *, name: str | None = None, limit: int = 100) -> AsyncIterator[CustomEvent]:
        """The events of the flow, the first one first."""
        return self._pages("/flow/custom-events", {"name": name}, CustomEvent, limit)

    async def custom_event_summary(self, event_ns: str, range: Range = "yesterday") -> CustomEventSummary:
        """How often it happened, and to how many: in all, on each day, with each text."""
        answer = await self._get("/flow/custom-events/summary", {"event_ns": event_ns, "range": range})
        return read(answer, CustomEventSummary)

    def custom_event_data(
        self,
        event_ns: str,
        *,
        start_time: int | None = None,
        end_time: int | None = None,
        start_id: int = 0,
        limit: int = 100,
    ) -> AsyncIterator[LoggedEvent]:
        """Each time that it happened, at most six months back, from a place (`start_id`) on."""
        query = {"event_ns": event_ns, "start_time": start_time, "end_time": end_time}
        return self._from(start_id, "/flow/custom-events/data", query, LoggedEvent, limit)
