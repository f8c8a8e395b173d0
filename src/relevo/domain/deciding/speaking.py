"""What is said becomes a message, and goes to the customer where they may be written to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from relevo.domain.approved_templates import completed, usable_words
from relevo.domain.conversations import NewMessage, SendToCustomer, window_left
from relevo.domain.deciding.case_keeping import counted
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.numbering import remember_numbers
from relevo.domain.deciding.telling import notify, report
from relevo.domain.ids import MemberId
from relevo.domain.messages import Content, MessageStatus, MessageType, Other
from relevo.domain.workspaces import EventType


def _silence(draft: Draft, type_: MessageType) -> str:
    """Why the customer may not be told anything now but a template, in the words that vendors' refusals have;
    "": they may."""
    state, around = draft.state, draft.around
    window = around.window_of_humans if type_ is MessageType.AGENT else around.window
    if window is None or window_left(state.last_heard_at, window, around.now):
        return ""
    may_agent = window_left(state.last_heard_at, around.window_of_humans, around.now) > 0
    why = f"window_closed: the person has not written for {_length(window)}"
    remedy = (
        f"until {_length(around.window_of_humans)} are over an agent may write to them" if may_agent else ""
    )
    return "; ".join(filter(None, (why, remedy, usable_words(around.templates))))


def _length(window: timedelta | None) -> str:
    hours = int(window.total_seconds()) // 3600 if window else 0
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"


def hindrance(draft: Draft, content: Content) -> str:
    """Why the customer may not be told this by the bot now; "": they may."""
    return _as_sent(draft, MessageType.OUT, content)[1]


def _as_sent(draft: Draft, type_: MessageType, content: Content) -> tuple[Content, str]:
    """What the vendor is to be given, and why it is not; "": it is."""
    if draft.state.barred:
        return content, draft.state.barred
    if not (isinstance(content, Other) and content.type == "template"):
        return content, _silence(draft, type_)
    filled = completed(content, draft.around.templates)
    return (content, filled) if isinstance(filled, str) else (filled, "")


def speak(draft: Draft, type_: MessageType, content: Content, *, member_id: MemberId | None = None) -> None:
    """Say something to the customer; to one who may not be written to, it is kept as not said."""
    content, barred = _as_sent(draft, type_, content)
    status = MessageStatus.FAILED if barred else MessageStatus.QUEUED
    seq = record(draft, type_, content, member_id=member_id, status=status, error=barred)
    if not barred:
        draft.effects.append(SendToCustomer(seq, draft.is_patient))
        remember_numbers(draft, content)
    elif type_ is MessageType.OUT and barred != draft.state.barred:
        code, _, detail = barred.partition(": ")
        report(draft, code, detail)
    notify(draft, EventType.MESSAGE_SENT, message_seq=seq, data={"error": barred} if barred else None)


def record(
    draft: Draft,
    type_: MessageType,
    content: Content,
    *,
    mid: str = "",
    member_id: MemberId | None = None,
    status: MessageStatus = MessageStatus.SENT,
    error: str = "",
    referral: dict[str, Any] | None = None,
) -> int:
    """Add a message to the conversation; its seq."""
    seq = draft.state.message_seq + 1
    draft.messages.append(
        NewMessage(
            seq=seq,
            type=type_,
            content=content,
            username=_speaker(draft, type_, member_id),
            mid=mid,
            member_id=member_id,
            status=status,
            error=error,
            referral=referral,
        )
    )
    now = draft.around.now
    draft.change(
        message_seq=seq,
        last_message_at=now,
        last_message_type=type_,
        bot_spoke_at=now if type_ is MessageType.OUT else draft.state.bot_spoke_at,
        case=counted(draft.state, type_),
    )
    return seq


def _speaker(draft: Draft, type_: MessageType, member_id: MemberId | None) -> str:
    match type_:
        case MessageType.IN:
            return draft.state.subscriber.display_name
        case MessageType.OUT:
            return "Bot"
        case MessageType.AGENT | MessageType.NOTE:
            return draft.around.member_names.get(member_id, "Agent") if member_id else "Agent"
        case MessageType.SYSTEM:
            return ""
