"""How far our messages have come."""

from __future__ import annotations

from relevo.domain.conversations import UpdateMessage
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.subscriber import reach_changed
from relevo.domain.deciding.surroundings import StoredMessage
from relevo.domain.deciding.telling import notify, report
from relevo.domain.events import ReceiptCame
from relevo.domain.messages import MessageStatus, is_progress
from relevo.domain.workspaces import EventType


def receipt_came(draft: Draft, event: ReceiptCame) -> None:
    if event.status is MessageStatus.FAILED:
        _learn_from_failure(draft, event)
    for message in draft.around.messages:
        if not (is_progress(message.status, event.status) or _was_redelivered(message, event)):
            continue
        mid = event.new_mid or message.mid
        draft.effects.append(
            UpdateMessage(message_id=message.id, status=event.status, mid=event.new_mid, error=event.error)
        )
        data = {"id": message.id, "mid": mid, "status": event.status.value, "error": event.error}
        notify(draft, EventType.MESSAGE_STATUS, data=data)


def _was_redelivered(message: StoredMessage, event: ReceiptCame) -> bool:
    """Our own couriers know: what had failed was sent all the same, because somebody asked for it."""
    failed = message.status is MessageStatus.FAILED
    return failed and event.status is MessageStatus.SENT and message.id in event.message_ids


def _learn_from_failure(draft: Draft, event: ReceiptCame) -> None:
    match event.error.partition(":")[0]:
        case "opted_out":
            reach_changed(draft, "opted_out")
        case "blocked":
            reach_changed(draft, "blocked")
        case _:
            pass
    if event.mids and not draft.around.messages:
        report(draft, "receipt_of_unknown_message", f"{', '.join(event.mids)} failed: {event.error}")
