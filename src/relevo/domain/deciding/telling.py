"""What the platform is told, each endpoint in its own order."""

from __future__ import annotations

from typing import Any

from relevo.domain.conversations import NotifyPlatform, Report, paused_seconds
from relevo.domain.deciding.case_keeping import reopen, wait_for_agent
from relevo.domain.deciding.draft import Draft
from relevo.domain.ids import EndpointId
from relevo.domain.workspaces import EventType


def tell_platform(draft: Draft, seq: int) -> None:
    draft.needs_platform = True
    reopen(draft, "bot_user")
    wait_for_agent(draft)
    notify(draft, EventType.MESSAGE_RECEIVED, message_seq=seq)


def tell_listeners(draft: Draft, seq: int) -> None:
    for endpoint_id in draft.around.audience.with_bot:
        notify_one(draft, endpoint_id, EventType.MESSAGE_RECEIVED, message_seq=seq)


def notify(
    draft: Draft,
    event_type: EventType,
    *,
    message_seq: int | None = None,
    data: dict[str, Any] | None = None,
    transcript: int = 0,
) -> None:
    """Tell every endpoint that is told of such events on this channel."""
    for endpoint_id in draft.around.audience.by_type.get(event_type, ()):
        notify_one(draft, endpoint_id, event_type, message_seq=message_seq, data=data, transcript=transcript)


def notify_one(
    draft: Draft,
    endpoint_id: EndpointId,
    event_type: EventType,
    *,
    message_seq: int | None = None,
    data: dict[str, Any] | None = None,
    transcript: int = 0,
) -> None:
    """Tell one endpoint, as the next number of its lane."""
    seq = draft.state.webhook_seqs.get(endpoint_id, 0) + 1
    draft.change(webhook_seqs={**draft.state.webhook_seqs, endpoint_id: seq})
    draft.effects.append(
        NotifyPlatform(
            endpoint_id=endpoint_id,
            event_type=event_type,
            seq=seq,
            epoch=draft.state.epoch,
            member_id=draft.state.member_id,
            paused_seconds=paused_seconds(draft.state.pause, draft.around.now),
            message_seq=message_seq,
            data=data,
            transcript=transcript,
        )
    )


def report(draft: Draft, code: str, detail: str) -> None:
    draft.effects.append(Report(code, detail))
