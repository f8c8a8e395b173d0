"""What a person may have happen in a rehearsal, and what is seen of it. Values only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import msgspec

from relevo.domain.calls import CallResult, CallTask
from relevo.domain.conversations import Status
from relevo.domain.custom_events import EventValues
from relevo.domain.emails import EmailTask
from relevo.domain.flows.runs import AddTag, RemoveTag, SetField
from relevo.domain.messages import Content

# What happens


class Write(msgspec.Struct, frozen=True):
    """The customer says something, maybe having come by a link with a parameter."""

    content: Content
    referral: str = ""


class Press(msgspec.Struct, frozen=True):
    """The customer presses the button with this title that they saw last."""

    title: str


class Open(msgspec.Struct, frozen=True):
    """The customer opens the chat, and says nothing."""


class Wait(msgspec.Struct, frozen=True):
    """Time passes."""

    length: timedelta


class Agent(msgspec.Struct, frozen=True):
    """An agent says something."""

    text: str


class Accept(msgspec.Struct, frozen=True):
    """An agent says that they will answer."""


class GiveBack(msgspec.Struct, frozen=True):
    """The platform gives control back to the bot."""

    reason: str = ""
    note: str = ""
    outcome: str = ""


class Answer(msgspec.Struct, frozen=True):
    """The server that the flow asks has answered."""

    result: CallResult


class Change(msgspec.Struct, frozen=True):
    """The platform changes the person's data."""

    acts: tuple[SetField | AddTag | RemoveTag, ...]


class Occur(msgspec.Struct, frozen=True):
    """The platform logs a custom event."""

    name: str
    values: EventValues = EventValues()


class Post(msgspec.Struct, frozen=True):
    """Another system posts to an inbound webhook of this name."""

    name: str


class Mark(msgspec.Struct, frozen=True):
    """An agent sets the status of the conversation."""

    status: Status


class Assign(msgspec.Struct, frozen=True):
    """The conversation is given to an agent; "": taken from whoever has it."""

    agent: str


class GoDown(msgspec.Struct, frozen=True):
    """The platform cannot be reached."""


Action = (
    Write
    | Press
    | Open
    | Wait
    | Agent
    | Accept
    | GiveBack
    | Answer
    | Change
    | Occur
    | Post
    | Mark
    | Assign
    | GoDown
)

# What is seen


Speaker = Literal["customer", "bot", "agent", "note"]


class Said(msgspec.Struct, frozen=True):
    """What the customer sees of a message, or colleagues of a note. `error`: why it was not sent."""

    by: Speaker
    content: Content
    error: str = ""


class Told(msgspec.Struct, frozen=True):
    """What the platform is told besides what is said."""

    event: str
    data: dict[str, Any] = {}


class Asked(msgspec.Struct, frozen=True):
    """The flow asks another server, and waits."""

    task: CallTask


class Mailed(msgspec.Struct, frozen=True):
    """The flow writes an e-mail."""

    task: EmailTask


class Counted(msgspec.Struct, frozen=True):
    """The flow logs a custom event."""

    name: str
    values: EventValues


class Stumbled(msgspec.Struct, frozen=True):
    """Something could not be done as written."""

    code: str
    detail: str


class Passed(msgspec.Struct, frozen=True):
    """So much time had passed when something happened by itself."""

    length: timedelta


Line = Said | Told | Asked | Mailed | Counted | Stumbled | Passed
