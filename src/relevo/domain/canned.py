"""What agents have ready: answers to say, and notes to close a conversation with. They belong to a flow."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from relevo.domain.cases import Closing
from relevo.domain.configuring import Wrong, Wrongs, check_name
from relevo.domain.ids import FlowId

LONGEST_ANSWER, LONGEST_DESCRIPTION, LONGEST_SUMMARY = 10_000, 1000, 2000
MOST_OF_A_KIND = 1000


class Demand(IntEnum):
    """Whether something is asked for when a conversation is closed."""

    HIDDEN = 0
    OPTIONAL = 1
    REQUIRED = 2


class Shortcut(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: `name` is what an agent types to find it, `value` what is said."""

    id: int
    flow_id: FlowId
    name: str
    value: str


class ClosingNote(msgspec.Struct, frozen=True, kw_only=True):
    """Why a conversation is closed, and what its agent is to write besides."""

    id: int
    flow_id: FlowId
    name: str
    description: str = ""
    require_summary: Demand = Demand.HIDDEN
    require_attachment: Demand = Demand.HIDDEN

    @property
    def note_ns(self) -> str:
        return f"f{self.flow_id}cn{self.id}"


Canned = Shortcut | ClosingNote


def check_canned(one: Canned) -> Wrongs:
    """What is wrong with it, by field."""
    found = {"name": check_name(one.name)}
    if isinstance(one, Shortcut):
        found["value"] = _check_text("value", one.value, LONGEST_ANSWER, is_needed=True)
    else:
        found["description"] = _check_text("description", one.description, LONGEST_DESCRIPTION)
    return {field: wrong for field, wrong in found.items() if wrong is not None}


def check_closing(note: ClosingNote, closing: Closing) -> Wrongs:
    """Whether an agent has written what the closing note asks for."""
    found: Wrongs = {}
    for field, demand in (("summary", note.require_summary), ("attachment", note.require_attachment)):
        if demand is Demand.REQUIRED and not getattr(closing, field).strip():
            found[field] = Wrong(f"the closing note {note.name} asks for the {field}", "write it")
    return found


def _check_text(field: str, text: str, longest: int, *, is_needed: bool = False) -> Wrong | None:
    if is_needed and not text.strip():
        return Wrong(f"the {field} is empty", "write what is to be said")
    if len(text) > longest:
        return Wrong(f"the {field} has {len(text):,} characters", f"write at most {longest:,}")
    return None
