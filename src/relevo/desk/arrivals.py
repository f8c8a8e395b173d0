"""What a webhook means for the book."""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_never

import msgspec

from relevo.desk.book import Book, CustomerTypes, Line, State, Who
from relevo.sdk import Message, MessageReceived, PlatformEvent, Received
from relevo.sdk.objects import told

_WHO: dict[str, Who] = {"in": "customer", "out": "bot", "agent": "agent", "note": "note"}
_STATES: dict[str, State] = {"delivered": "delivered", "read": "read", "failed": "failed"}
_RETURNED = {
    "api": "The bot answers again: it was resumed over the API.",
    "member": "The bot answers again: somebody resumed it in the console.",
    "customer": "The bot answers again: the customer asked for it.",
    "time": "The bot answers again: the pause is over.",
    "flow": "The bot answers again: the flow took over.",
    "no_reply": "The bot spoke up: nobody had replied.",
    "customer_silent": "The bot took over: the customer was silent.",
    "platform_down": "The bot spoke up: this desk could not be reached.",
}
_REQUESTED = {
    "flow": "The customer asks for a person.",
    "api": "The bot was paused over the API.",
    "member": "Somebody paused the bot in the console.",
    "agent_reply": "The bot is paused: an agent has replied.",
}


def arrive(book: Book, received: Received, now: int, *, is_ours: bool = False) -> None:
    """Write into the book what a webhook says; what is new to us is left alone.

    `is_ours`: the desk itself is changing who answers in this conversation, and says so itself.
    """
    event = received.event
    match event:
        case MessageReceived(meta, message):
            _message(book, meta.user_ns, message, received.epoch, now)
        case PlatformEvent(meta, type_, data):
            note = Line(id=received.id, who="system", at=now)
            _event(book, meta.user_ns, type_, data, note, is_ours)
        case _:
            assert_never(event)


def line_of(message: Message) -> Line:
    """A message as a line; its number makes it the same one, however it came."""
    return Line(
        id=f"m{message.id}" if message.id else message.mid or message.object_id,
        who=_WHO.get(message.type, "system"),
        at=int(message.said_at.timestamp() * 1000),
        msg_type=message.msg_type,
        text=message.text,
        payload=message.payload,
        name=message.username,
        mid=message.mid,
        message_id=message.id,
    )


def pause_end(seconds_left: int, now: int) -> int | None:
    """`paused_diff_seconds` as an instant in milliseconds; None for a pause without end."""
    return None if seconds_left < 0 else now + seconds_left * 1000


def _message(book: Book, user_ns: str, message: Message, epoch: int, now: int) -> None:
    conversation = book.open(user_ns, now)
    line = line_of(message)
    is_new = book.tell(user_ns, line)
    if line.who == "customer":
        book.change(
            user_ns,
            name=message.username or conversation.name,
            unread=conversation.unread + int(is_new),
            status="open",
        )
        if epoch >= conversation.epoch:
            _agent_has_control(book, user_ns, message, epoch, now)


def _agent_has_control(book: Book, user_ns: str, message: Message, epoch: int, now: int) -> None:
    known = book.get(user_ns)
    left, agent_id = message.paused_diff_seconds, message.assigned_agent_id
    book.change(
        user_ns,
        control="agent",
        epoch=epoch,
        paused_until=pause_end(left, now) if left else known.paused_until,
        agent_id=agent_id,
        agent_name=known.agent_name if agent_id == known.agent_id else "",
    )


def _event(book: Book, user_ns: str, type_: str, data: dict[str, Any], note: Line, is_ours: bool) -> None:
    match type_:
        case "handoff.requested":
            _requested(book, user_ns, data, note, is_ours)
        case "handoff.accepted" if book.find(user_ns):
            book.change(user_ns, is_accepted=True)
        case "handoff.returned" if book.find(user_ns):
            _returned(book, user_ns, data, note, is_ours)
        case "message.sent" if book.find(user_ns) and isinstance(data.get("message"), dict):
            book.tell(user_ns, line_of(told(data["message"], Message)))
        case "message.status" if book.find(user_ns):
            _status(book, user_ns, data)
        case "conversation.assigned" if book.find(user_ns):
            name = str(data.get("agent_name") or "")
            book.change(user_ns, agent_id=int(data.get("agent_id") or 0), agent_name=name)
        case "typing" if book.find(user_ns):
            book.publish(CustomerTypes(user_ns))


def _requested(book: Book, user_ns: str, data: dict[str, Any], note: Line, is_ours: bool) -> None:
    until = _milliseconds(data.get("until"))
    known = book.open(user_ns, note.at)
    epoch = int(data.get("epoch") or known.epoch + 1)
    if epoch < known.epoch:
        return
    book.change(
        user_ns,
        status="open",
        control="agent",
        epoch=epoch,
        paused_until=until,
        is_accepted=known.is_accepted if epoch == known.epoch else is_ours,
        unread=known.unread if is_ours or epoch == known.epoch else max(known.unread, 1),
    )
    if epoch > known.epoch and not is_ours:
        _note(book, user_ns, note, _REQUESTED.get(str(data.get("reason")), "The bot is paused."))


def _returned(book: Book, user_ns: str, data: dict[str, Any], note: Line, is_ours: bool) -> None:
    known = book.get(user_ns)
    epoch = int(data.get("epoch") or known.epoch + 1)
    if epoch < known.epoch:
        return
    book.change(user_ns, control="bot", epoch=epoch, paused_until=None, is_accepted=True)
    if epoch > known.epoch and not is_ours:
        _note(book, user_ns, note, _RETURNED.get(str(data.get("reason")), "The bot answers again."))


def _status(book: Book, user_ns: str, data: dict[str, Any]) -> None:
    state = _STATES.get(str(data.get("status")))
    line = next((each for each in book.lines(user_ns) if each.message_id == data.get("id")), None)
    if state and line:
        problem = f"The channel did not take it: {data.get('error') or 'it gave no reason'}."
        book.progress(user_ns, line, state, problem if state == "failed" else "")


def _milliseconds(instant: str | None) -> int | None:
    return int(datetime.fromisoformat(instant).timestamp() * 1000) if instant else None


def _note(book: Book, user_ns: str, note: Line, text: str) -> None:
    book.put(user_ns, msgspec.structs.replace(note, text=text, at=book.after_all(user_ns, note.at)))
