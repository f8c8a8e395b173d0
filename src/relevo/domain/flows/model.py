"""A flow as data: triggers and subflows, made of steps.

Values only, made by `parsing.py` and walked by `engine.py`. A new kind of step is a struct here,
an entry in `step_parsing.STEPS`, a case in the engine and a heading in the reference; a step that
holds steps of its own also has a case in `branch`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import msgspec

from relevo.domain.flows.expressions import Template
from relevo.domain.flows.words import Keyword
from relevo.domain.subscribers import FieldValue

Words = str | Template
"""Text for the customer: plain, or to be filled in."""

# What is sent


class FlowButton(msgspec.Struct, frozen=True):
    """A button or a quick reply: it starts a subflow (`do`), opens a `url`, dials (`call`), or,
    with none of them, says its title."""

    title: Words
    do: str = ""
    url: Words = ""
    call: Words = ""


class TextMessage(msgspec.Struct, frozen=True, tag=True):
    text: Words
    buttons: tuple[FlowButton, ...] = ()
    quick_replies: tuple[FlowButton, ...] = ()


class MediaMessage(msgspec.Struct, frozen=True, tag=True):
    kind: Literal["image", "video", "audio", "file"]
    url: Words
    title: Words = ""
    caption: Words = ""
    buttons: tuple[FlowButton, ...] = ()
    quick_replies: tuple[FlowButton, ...] = ()


class LocationMessage(msgspec.Struct, frozen=True, tag=True):
    latitude: float
    longitude: float
    name: Words = ""
    address: Words = ""


FlowMessage = TextMessage | MediaMessage | LocationMessage

# Conditions


Comparison = Literal["is", "is_not", "more_than", "at_least", "less_than", "at_most", "contains"]


class Compare(msgspec.Struct, frozen=True, tag=True):
    """`field` is any variable or field. Text compares without regard to case and accents."""

    field: str
    by: Comparison
    value: FieldValue | Template


class Exists(msgspec.Struct, frozen=True, tag=True):
    """Whether a field holds anything."""

    field: str
    wanted: bool


class HasTag(msgspec.Struct, frozen=True, tag=True):
    tag: str


class AllOf(msgspec.Struct, frozen=True, tag=True):
    conditions: tuple[Condition, ...]


class AnyOf(msgspec.Struct, frozen=True, tag=True):
    conditions: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True, tag=True):
    condition: Condition


Condition = Compare | Exists | HasTag | AllOf | AnyOf | Not

# Steps


class Send(msgspec.Struct, frozen=True, tag="send"):
    message: FlowMessage


AnswerKind = Literal["text", "number", "email", "phone", "choice"]


class Choice(msgspec.Struct, frozen=True):
    """`value` is what is saved; the title, unless the file says otherwise."""

    title: str
    value: str


class GiveUp(msgspec.Struct, frozen=True):
    """After so many answers that do not fit: the steps to take before the path goes on."""

    after: int = 3
    do: tuple[Step, ...] = ()


class Timeout(msgspec.Struct, frozen=True):
    """After so long without an answer: the steps to take before the path goes on."""

    after: timedelta
    do: tuple[Step, ...] = ()


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Say something and wait for the answer. `retry` empty: the standard words for its kind."""

    message: TextMessage
    kind: AnswerKind = "text"
    choices: tuple[Choice, ...] = ()
    save: str = ""
    retry: Words = ""
    give_up: GiveUp = GiveUp()
    timeout: Timeout | None = None


class When(msgspec.Struct, frozen=True, tag="when"):
    condition: Condition
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...] = ()


class Set(msgspec.Struct, frozen=True, tag="set"):
    """None clears a field. In order, so that a later value may use an earlier one."""

    values: tuple[tuple[str, FieldValue | Template], ...]


class Tag(msgspec.Struct, frozen=True, tag="tag"):
    names: tuple[str, ...]


class Untag(msgspec.Struct, frozen=True, tag="untag"):
    names: tuple[str, ...]


class Go(msgspec.Struct, frozen=True, tag="go"):
    """Leave everything, callers too, for another subflow."""

    subflow: str


class Call(msgspec.Struct, frozen=True, tag="call"):
    """Walk another subflow and come back."""

    subflow: str


class Wait(msgspec.Struct, frozen=True, tag="wait"):
    wait_for: timedelta


class Pause(msgspec.Struct, frozen=True, tag="pause_bot"):
    """Hand over to an agent. `pause_for` None: until resumed."""

    pause_for: timedelta | None = None
    leave_words: tuple[str, ...] = ()


class End(msgspec.Struct, frozen=True, tag="end"):
    """Nothing more, of callers neither."""


Step = Send | Ask | When | Set | Tag | Untag | Go | Call | Wait | Pause | End


def branch(step: Step, name: str) -> tuple[Step, ...] | None:
    """The steps that a step holds under a name; None when it holds none of that name."""
    match step, name:
        case When(then=steps), "then":
            return steps
        case When(otherwise=steps), "else":
            return steps
        case Ask(give_up=GiveUp(do=steps)), "give_up":
            return steps
        case Ask(timeout=Timeout(do=steps)), "timeout":
            return steps
        case _:
            return None


# Triggers


class OnKeyword(msgspec.Struct, frozen=True, tag="keyword"):
    """A message with one of the words. `match`: anywhere in it, or it `is` nothing else."""

    words: tuple[Keyword, ...]
    do: str
    match: Literal["contains", "is"] = "contains"


class OnFirstMessage(msgspec.Struct, frozen=True, tag="first_message"):
    """The first message ever, when it has no keyword. Without this trigger it is `start`."""

    do: str


class OnDefault(msgspec.Struct, frozen=True, tag="default"):
    """A message that nothing else takes."""

    do: str


Trigger = OnKeyword | OnFirstMessage | OnDefault


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a bot. `region` (ISO 3166, `AU`) is where phone numbers without a country are."""

    name: str
    start: str
    triggers: tuple[Trigger, ...] = ()
    subflows: dict[str, tuple[Step, ...]]
    region: str | None = None
