"""The wire: what crossed the border between Relevo and the platform, in the order in which it ended."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Literal

import msgspec

from relevo.domain.deliveries import Accepted, Attempt, Delivery, Forbidden, Refused, RetryAt, Unreachable
from relevo.domain.ids import WorkspaceId
from relevo.engine.hub import Hub, Listener, WireSeen, workspace_topic

KEPT = 200
"""Entries; older ones are forgotten."""
LARGEST_BODY = 16 * 1024
"""Bytes of a body that are shown."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One half of an exchange, as a person may see it: secrets are masked."""

    headers: dict[str, str] = {}
    body: str = ""


class Webhook(msgspec.Struct, frozen=True, kw_only=True, tag="webhook"):
    """An attempt to bring an event to the platform. Times in milliseconds; `retry_at` while there is to
    be another attempt; `status` is that of the answer, or in words why there is none."""

    id: int
    at: int
    took_ms: float
    event: str
    seq: int
    webhook_id: str
    attempt: int
    status: int | str
    outcome: Literal["done", "retry", "over"]
    retry_at: int | None
    url: str
    asked: Side
    answered: Side


class Call(msgspec.Struct, frozen=True, kw_only=True, tag="call"):
    """A request of the platform to the API."""

    id: int
    at: int
    took_ms: float
    method: str
    path: str
    status: int
    asked: Side
    answered: Side


class Switched(msgspec.Struct, frozen=True, kw_only=True, tag="switched"):
    """Somebody took the platform down, or brought it back."""

    id: int
    at: int
    is_down: bool


Entry = Webhook | Call | Switched


class Wire:
    """Keeps the last entries, and tells the hub of each new one."""

    def __init__(self, hub: Hub, workspace_id: WorkspaceId) -> None:
        self._hub, self.workspace_id = hub, workspace_id
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self.last_id = 0
        self.is_down = False
        """Whether the platform was taken down."""

    def after(self, id_: int) -> list[Entry]:
        """What there is after an entry; from the oldest that is kept, if that is later."""
        return [entry for entry in self._entries if entry.id > id_]

    def add(self, entry: Entry) -> None:
        """Keep an entry; its id is given here."""
        self.last_id += 1
        self._entries.append(msgspec.structs.replace(entry, id=self.last_id))
        self._hub.publish([WireSeen(self.workspace_id, None, RECORDED)])

    def switch(self, is_down: bool, now: datetime) -> None:
        """Note that the platform was taken down or brought back; when it was so already, nothing."""
        if self.is_down != is_down:
            self.is_down = is_down
            self.add(Switched(id=0, at=milliseconds(now), is_down=is_down))

    async def collect(self) -> None:
        """Keep every webhook that is attempted, until the hub closes."""
        with self._hub.listen(workspace_topic(self.workspace_id)) as listener:
            await self._collect(listener)

    async def _collect(self, listener: Listener) -> None:
        async for notice in listener:
            if isinstance(notice, WireSeen) and isinstance(notice.data, tuple):
                delivery, attempt = notice.data
                if delivery.destination.kind == "endpoint":
                    self.add(_webhook(delivery, attempt))


RECORDED = "recorded"
"""What the hub is told about an entry: that there is one."""


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def text(body: bytes) -> str:
    """As much of a body as is shown."""
    cut = body[:LARGEST_BODY].decode("utf-8", "replace")
    return cut if len(body) <= LARGEST_BODY else f"{cut} …"


def _webhook(delivery: Delivery, attempt: Attempt) -> Webhook:
    exchange, verdict = attempt.exchange, attempt.verdict
    return Webhook(
        id=0,
        at=milliseconds(attempt.started_at),
        took_ms=round(attempt.took.total_seconds() * 1000, 1),
        event=delivery.event_type,
        seq=delivery.seq,
        webhook_id=delivery.webhook_id,
        attempt=attempt.number,
        status=_status(attempt),
        outcome=_outcome(attempt),
        retry_at=milliseconds(verdict.when) if isinstance(verdict, RetryAt) else None,
        url=exchange.url if exchange else "",
        asked=Side(headers=exchange.request_headers if exchange else {}, body=text(delivery.body)),
        answered=Side(
            headers=exchange.answer_headers if exchange else {},
            body=text(exchange.answer_body.encode()) if exchange else "",
        ),
    )


def _outcome(attempt: Attempt) -> Literal["done", "retry", "over"]:
    if isinstance(attempt.outcome, Accepted):
        return "done"
    return "retry" if isinstance(attempt.verdict, RetryAt) else "over"


def _status(attempt: Attempt) -> int | str:
    match attempt.outcome:
        case Accepted(status_code=status) | Refused(status_code=status):
            return status
        case Unreachable(reason=reason):
            return f"no answer: {reason}"
        case Forbidden():
            return "forbidden address"
        case _:
            return attempt.outcome.reason
