"""Where a customer stands in a flow, and what a flow wants done: values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from relevo.domain.calls import CallTask
from relevo.domain.emails import EmailTask
from relevo.domain.handoffs import Return
from relevo.domain.hours import Hours
from relevo.domain.ids import FlowVersionId
from relevo.domain.messages import Content
from relevo.domain.subscribers import By, FieldValue, Subscriber

if TYPE_CHECKING:
    from relevo.domain.flows.model import Condition
    from relevo.domain.vocabulary import FieldType


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """One subflow on the stack. `path` leads to the next step: indexes into step lists, and
    branch names (`then`, `else`, `timeout`, …) where a step holds lists of its own. It is left
    when the list is finished to which a path of the length `floor` leads."""

    subflow: str
    path: tuple[int | str, ...] = (0,)
    floor: int = 1


class Waiting(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a run stands still.

    `answer`: a question was asked; `time`: a `wait` step; `return_`: a `pause_bot` step,
    until control comes back; `call`: another server was asked. `deadline_at` is when the run goes on by
    itself (a question's time-out, the end of a wait). `tries` counts the answers refused so far; `call` is
    the number of the call whose outcome is awaited. `place` is where the `pause_bot` step stands: the run's
    stack leads to what follows it.
    """

    for_: Literal["answer", "time", "return", "call"]
    deadline_at: datetime | None = None
    tries: int = 0
    call: int = 0
    place: Frame | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A walk through one version of a flow. It keeps that version to its end, and that of the workspace's
    defaults (None: there were none).

    `epoch` is the control epoch under which it was planned: a run of an older epoch is stale.
    """

    version_id: FlowVersionId
    defaults: FlowVersionId | None = None
    epoch: int
    stack: tuple[Frame, ...]
    waiting: Waiting


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """All that a flow may look at: nothing else can influence a decision."""

    now: datetime
    version_id: FlowVersionId
    defaults: FlowVersionId | None = None
    epoch: int
    user_ns: str
    flow_ns: str
    channel_name: str
    channel_type: str
    subscriber: Subscriber
    last_input: str = ""
    chance: int = 0
    """What `choose` draws from: another number in another decision."""
    hours: Hours | None = None
    """When the company is there; None: nobody has said."""
    segments: Mapping[str, Condition] = {}
    """Conditions that the workspace has named."""
    bot: Mapping[str, FieldValue] = {}
    """The bot's own fields."""
    types: Mapping[str, FieldType] = {}
    """The types of the workspace's fields, where somebody has said them."""
    conversation: Mapping[str, object] = {}
    """What is known of the conversation, by the names of `expressions.OF_CONVERSATION`."""
    returned: Return | None = None
    """How the last handoff ended."""
    watch: Callable[[Frame], None] | None = None
    """Told of every step that is taken and every list that is entered, by whoever wants to know: nothing
    is decided by it."""


# What a flow wants done, in order. The conversation decides whether it may.


class Say(msgspec.Struct, frozen=True, tag=True):
    content: Content


class SetField(msgspec.Struct, frozen=True, tag=True):
    """Set a field of the subscriber; None clears it. The system fields `first_name`,
    `last_name`, `name`, `email` and `phone` change the profile."""

    name: str
    value: FieldValue


class AddTag(msgspec.Struct, frozen=True, tag=True):
    name: str


class RemoveTag(msgspec.Struct, frozen=True, tag=True):
    name: str


class ShowTyping(msgspec.Struct, frozen=True, tag=True):
    """Show the customer that somebody is typing, where the channel can."""


class AssignTo(msgspec.Struct, frozen=True, tag=True):
    """Give the conversation to an agent (by e-mail address or name) or to one of a group (by its name);
    with neither, take it from whoever has it."""

    agent: str = ""
    group: str = ""


class WriteNote(msgspec.Struct, frozen=True, tag=True):
    """Tell colleagues something; the customer never sees it."""

    text: str


class MoveTo(msgspec.Struct, frozen=True, tag=True):
    status: Literal["open", "pending", "done", "spam"]


class LogEvent(msgspec.Struct, frozen=True, tag=True):
    """Something that the company counts happened: a custom event, by its name."""

    name: str
    text: str | None = None
    price: float | None = None
    number: float | None = None


class Briefing(msgspec.Struct, frozen=True):
    """What the platform is told with a handoff. `transcript`: how many of the latest messages."""

    summary: str = ""
    fields: dict[str, FieldValue] = {}
    transcript: int = 0


class AddLabel(msgspec.Struct, frozen=True, tag=True):
    name: str


class RemoveLabel(msgspec.Struct, frozen=True, tag=True):
    name: str


Naming = AddTag | RemoveTag | AddLabel | RemoveLabel
"""What is done with a name alone."""


class RenameField(msgspec.Struct, frozen=True, tag=True):
    """What the subscriber has under `name` is under `to` from now on; what is there already stays."""

    name: str
    to: str


class OptsIn(msgspec.Struct, frozen=True, tag=True):
    """The person agrees to be written to in this way."""

    by: By
    through: str


class OptsOut(msgspec.Struct, frozen=True, tag=True):
    by: By


class WantsBroadcasts(msgspec.Struct, frozen=True, tag=True):
    """Whether the person wants what is said to many, on their channel."""

    wanted: bool


class PauseBot(msgspec.Struct, frozen=True, tag=True):
    """Hand the conversation over. None: until resumed. A message of the customer that *is*
    one of `leave_words` (case and surrounding space aside) brings the bot back. The last three are
    after how long a branch is taken; None: never."""

    pause_for: timedelta | None
    leave_words: tuple[str, ...] = ()
    briefing: Briefing = Briefing()
    accept_within: timedelta | None = None
    reply_within: timedelta | None = None
    silent_for: timedelta | None = None


class ResumeBot(msgspec.Struct, frozen=True, tag=True):
    """Take control back, if an agent has it."""


class MakeCall(msgspec.Struct, frozen=True, tag=True):
    """Ask another server. The run waits for what comes of it."""

    task: CallTask


class SendEmail(msgspec.Struct, frozen=True, tag=True):
    task: EmailTask


class Stumble(msgspec.Struct, frozen=True, tag=True):
    """The flow could not go on as written: kept as an error row on the conversation.

    `code` is stable (`too_many_steps`, `template_failed`, `unknown_subflow`, …); `detail`
    says which step, what and why, without message text.
    """

    code: str
    detail: str


Act = (
    Say
    | ShowTyping
    | SetField
    | AddTag
    | RemoveTag
    | AddLabel
    | RemoveLabel
    | OptsIn
    | OptsOut
    | WantsBroadcasts
    | AssignTo
    | WriteNote
    | MoveTo
    | LogEvent
    | PauseBot
    | MakeCall
    | SendEmail
    | ResumeBot
    | Stumble
)


class Turn(msgspec.Struct, frozen=True):
    """What the flow does now, and where it stands afterwards (None: it has ended).

    After a `PauseBot` the run waits for `return`; its `epoch` is left to the caller, who
    knows the new one.
    """

    acts: tuple[Act, ...] = ()
    run: Run | None = None
