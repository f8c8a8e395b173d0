"""What the desk knows: conversations and their lines, bounded, in memory.

Every change is published in the form in which the page reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

Who = Literal["customer", "agent", "bot", "note", "system"]
Control = Literal["agent", "bot"]
State = Literal["sending", "sent", "delivered", "read", "failed"]

LAST = 2**63
"""Of lines said at once, those without a number come last: they were made here, later."""

_PROGRESS = {"sending": 0, "failed": 1, "sent": 2, "delivered": 3, "read": 4}


class UnknownConversation(Exception):
    """The desk has no such conversation: it was never handed over, or it was dropped to make room."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing said, or one thing that happened. `at` is in milliseconds since 1970.

    `message_id` is Relevo's, 0 while it is not known. `agent_id` 0 is nobody in particular.
    `key` is what makes a repeated reply happen once.
    """

    id: str
    who: Who
    at: int
    msg_type: str = "text"
    text: str = ""
    payload: dict[str, Any] = {}
    name: str = ""
    agent_id: int = 0
    mid: str = ""
    message_id: int = 0
    state: State = "sent"
    problem: str = ""
    key: str = ""


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """One customer. `paused_until` is in milliseconds; None: until somebody resumes the bot.

    `epoch` grows each time that control changes hands; what is older says nothing about control.
    """

    user_ns: str
    name: str = ""
    channel: str = ""
    phone: str = ""
    email: str = ""
    tags: tuple[str, ...] = ()
    status: Literal["open", "done"] = "open"
    control: Control = "agent"
    paused_until: int | None = None
    epoch: int = 0
    is_accepted: bool = True
    """Whether an agent has said that they will answer; False from a handoff's request on until one has."""
    agent_id: int = 0
    agent_name: str = ""
    unread: int = 0
    last_at: int = 0
    last_who: Who = "customer"
    last_text: str = ""
    history: Literal["none", "loading", "loaded", "failed"] = "none"
    problem: str = ""


class ConversationChanged(msgspec.Struct, frozen=True, tag="conversation"):
    conversation: Conversation


class LineChanged(msgspec.Struct, frozen=True, tag="line"):
    user_ns: str
    line: Line


class ConversationDropped(msgspec.Struct, frozen=True, tag="dropped"):
    user_ns: str


class CustomerTypes(msgspec.Struct, frozen=True, tag="typing"):
    user_ns: str


Change = ConversationChanged | LineChanged | ConversationDropped | CustomerTypes


class Book:
    """Keeps the latest conversations, and the latest lines of each."""

    def __init__(
        self, publish: Callable[[Change], None], *, most_conversations: int = 200, most_lines: int = 500
    ) -> None:
        self.publish = publish
        self._most_conversations = most_conversations
        self._most_lines = most_lines
        self._conversations: dict[str, Conversation] = {}
        self._lines: dict[str, dict[str, Line]] = {}

    def conversations(self) -> list[Conversation]:
        """All of them, the latest first."""
        return sorted(self._conversations.values(), key=lambda each: each.last_at, reverse=True)

    def find(self, user_ns: str) -> Conversation | None:
        return self._conversations.get(user_ns)

    def get(self, user_ns: str) -> Conversation:
        try:
            return self._conversations[user_ns]
        except KeyError:
            raise UnknownConversation(f"the desk has no conversation {user_ns!r}") from None

    def lines(self, user_ns: str) -> list[Line]:
        """In the order in which they were said."""
        self.get(user_ns)
        return sorted(self._lines[user_ns].values(), key=lambda line: (line.at, line.message_id or LAST))

    def after_all(self, user_ns: str, at: int) -> int:
        """`at`, or when the latest line was said: Relevo's clock may be ahead of ours."""
        return max([at, *(line.at for line in self._lines[user_ns].values())])

    def find_line(self, user_ns: str, line_id: str) -> Line | None:
        return self._lines.get(user_ns, {}).get(line_id)

    def open(self, user_ns: str, at: int) -> Conversation:
        """The conversation; made when there is none, in the place of an old one if need be."""
        found = self.find(user_ns)
        if found is not None:
            return found
        self._make_room()
        self._lines[user_ns] = {}
        self._conversations[user_ns] = Conversation(user_ns=user_ns, last_at=at)
        return self.change(user_ns)

    def change(self, user_ns: str, **changes: Any) -> Conversation:
        changed = msgspec.structs.replace(self.get(user_ns), **changes)
        self._conversations[user_ns] = changed
        self.publish(ConversationChanged(changed))
        return changed

    def put(self, user_ns: str, line: Line) -> Line:
        """Add a line, or replace the one with its id."""
        lines = self._lines[user_ns]
        lines[line.id] = line
        while len(lines) > self._most_lines:
            del lines[min(lines.values(), key=lambda each: each.at).id]
        self.publish(LineChanged(user_ns, line))
        self._summarise(user_ns, line)
        return line

    def tell(self, user_ns: str, line: Line) -> bool:
        """Add what Relevo tells was said; False when it was known.

        A reply of ours that comes back keeps our line, which now has a number.
        """
        twin = self._twin(user_ns, line)
        if twin is not None:
            known = twin.message_id != 0
            state = line.state if _PROGRESS[line.state] > _PROGRESS[twin.state] else twin.state
            self.put(
                user_ns, msgspec.structs.replace(line, id=twin.id, at=twin.at, key=twin.key, state=state)
            )
            return not known
        self.put(user_ns, line)
        return True

    def progress(self, user_ns: str, line: Line, state: State, problem: str = "") -> Line:
        """Move a line on; what came further already stays there."""
        current = self.find_line(user_ns, line.id) or line
        if _PROGRESS[state] < _PROGRESS[current.state] and state != "failed":
            return current
        return self.put(user_ns, msgspec.structs.replace(current, state=state, problem=problem))

    def _twin(self, user_ns: str, line: Line) -> Line | None:
        lines = self._lines[user_ns].values()
        for known in lines:
            if known.id == line.id or (line.message_id and known.message_id == line.message_id):
                return known
        if line.who != "agent":
            return None
        unnumbered = [each for each in lines if each.who == "agent" and not each.message_id]
        alike = [each for each in unnumbered if _says(each) == _says(line)]
        return min(alike, key=lambda each: (each.state == "failed", each.at), default=None)

    def _summarise(self, user_ns: str, line: Line) -> None:
        known = self.get(user_ns)
        is_older = known.last_text != "" and line.at < known.last_at
        if line.who in ("system", "note") or is_older:
            return
        text = line.text or line.msg_type
        if (line.at, line.who, text) != (known.last_at, known.last_who, known.last_text):
            self.change(user_ns, last_at=line.at, last_who=line.who, last_text=text)

    def _make_room(self) -> None:
        while len(self._conversations) >= self._most_conversations:
            oldest = min(self._conversations.values(), key=lambda each: (each.status == "open", each.last_at))
            del self._conversations[oldest.user_ns], self._lines[oldest.user_ns]
            self.publish(ConversationDropped(oldest.user_ns))


def _says(line: Line) -> tuple[str, str]:
    return line.text, str(line.payload.get("url", ""))
