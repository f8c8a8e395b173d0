"""What starts a subflow besides a message: something becomes known of the customer, happens elsewhere, or
its time has come.

A `Happening` is noted by the decision in which it happens; `started_by` finds what it starts. A trigger of
a kind that a flow does not have costs it nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from typing import ClassVar, NamedTuple, Self

from relevo.domain.configuring import check_timezone
from relevo.domain.flows.condition_parsing import condition
from relevo.domain.flows.conditions import holds
from relevo.domain.flows.expressions import TemplateFailed, Variables
from relevo.domain.flows.model import Condition, Trigger
from relevo.domain.flows.reading import Reader, fixed_text, fixed_texts
from relevo.domain.flows.shapes import (
    CONDITION,
    DURATION,
    EVENT,
    FIELD,
    TAG,
    TEXT,
    WEBHOOK,
    Shape,
    one_or_more,
)
from relevo.domain.schedules import NoSchedule, check
from relevo.domain.yaml_reading import Mapping, Value

SHORTEST_SILENCE = timedelta(minutes=1)
LONGEST_SILENCE = timedelta(days=30)
MOST_SCHEDULES = 50
"""Of one flow."""


class Happening(NamedTuple):
    """Something that triggers may be for: the word of these triggers, and which one of its kind it was."""

    word: str
    name: str = ""


class OnHappening(Trigger, frozen=True):
    """`when` must hold, if it is there."""

    when: Condition | None = None

    shapes: ClassVar[dict[str, Shape]] = {"when": CONDITION}

    def is_for(self, happening: Happening) -> bool:
        """Whether it is one of those that this trigger is for, whatever `when` says."""
        return happening.word == self.word


def started_by(triggers: Iterable[Trigger], happening: Happening, variables: Variables) -> OnHappening | None:
    """The first trigger that is for this, and whose condition holds."""
    for trigger in triggers:
        if isinstance(trigger, OnHappening) and trigger.is_for(happening) and _holds(trigger, variables):
            return trigger
    return None


def _holds(trigger: OnHappening, variables: Variables) -> bool:
    try:
        return trigger.when is None or holds(trigger.when, variables)
    except TemplateFailed:
        return False


def _when(keys: Mapping, reader: Reader) -> Condition | None:
    value = keys.get("when")
    return condition(value, reader) if value else None


class _OfNames(OnHappening, frozen=True):
    """One of some names: tags, fields, events. None: whichever."""

    names: tuple[str, ...] = ()

    key: ClassVar[str]

    @classmethod
    def read(cls, keys: Mapping, do: str, reader: Reader) -> Self | None:
        keys.only(("on", cls.key, "when", "do"))
        value = keys.get(cls.key)
        return cls(do, _when(keys, reader), fixed_texts(value) if value else ())

    def is_for(self, happening: Happening) -> bool:
        return happening.word == self.word and (not self.names or happening.name in self.names)


class OnTagAdded(_OfNames, frozen=True):
    """The person got a tag that they did not have."""

    word: ClassVar[str] = "tag_added"
    about: ClassVar[str] = "A tag was given to the person."
    shapes: ClassVar[dict[str, Shape]] = {"tag": one_or_more(TAG), "when": CONDITION}
    key: ClassVar[str] = "tag"


class OnTagRemoved(_OfNames, frozen=True):
    """The person lost a tag."""

    word: ClassVar[str] = "tag_removed"
    about: ClassVar[str] = "A tag was taken from the person."
    shapes: ClassVar[dict[str, Shape]] = {"tag": one_or_more(TAG), "when": CONDITION}
    key: ClassVar[str] = "tag"


class OnFieldChanged(_OfNames, frozen=True):
    """A field has another value than before."""

    word: ClassVar[str] = "field_changed"
    about: ClassVar[str] = "A field has another value than before."
    shapes: ClassVar[dict[str, Shape]] = {"field": one_or_more(FIELD), "when": CONDITION}
    key: ClassVar[str] = "field"


class OnCustomEvent(_OfNames, frozen=True):
    """A custom event was logged for the person."""

    word: ClassVar[str] = "custom_event"
    about: ClassVar[str] = "A custom event was logged for the person."
    shapes: ClassVar[dict[str, Shape]] = {"event": one_or_more(EVENT), "when": CONDITION}
    key: ClassVar[str] = "event"


class OnInboundWebhook(_OfNames, frozen=True):
    """Another system posted something about the person."""

    word: ClassVar[str] = "inbound_webhook"
    about: ClassVar[str] = "Another system posted something about the person."
    shapes: ClassVar[dict[str, Shape]] = {"webhook": one_or_more(WEBHOOK), "when": CONDITION}
    key: ClassVar[str] = "webhook"


class _Plain(OnHappening, frozen=True):
    @classmethod
    def read(cls, keys: Mapping, do: str, reader: Reader) -> Self | None:
        keys.only(("on", "when", "do"))
        return cls(do, _when(keys, reader))


class OnConversationOpened(_Plain, frozen=True):
    """A conversation that was done is open again."""

    word: ClassVar[str] = "conversation_opened"
    about: ClassVar[str] = "A conversation that was done is open again."


class OnConversationClosed(_Plain, frozen=True):
    """The conversation is done."""

    word: ClassVar[str] = "conversation_closed"
    about: ClassVar[str] = "The conversation is done."


class OnConversationAssigned(_Plain, frozen=True):
    """The conversation was given to an agent."""

    word: ClassVar[str] = "conversation_assigned"
    about: ClassVar[str] = "The conversation was given to an agent."


class OnAgentReturned(_Plain, frozen=True):
    """Control came back, and the flow has nothing to go on with."""

    word: ClassVar[str] = "agent_returned"
    about: ClassVar[str] = "Control came back, and the flow has nothing to go on with."


class OnNoReply(OnHappening, frozen=True):
    """The customer has been silent for so long, with the bot."""

    after: timedelta = SHORTEST_SILENCE

    word: ClassVar[str] = "no_reply"
    about: ClassVar[str] = "The customer has been silent for so long, with the bot."
    shapes: ClassVar[dict[str, Shape]] = {"after": DURATION, "when": CONDITION}
    needs: ClassVar[tuple[str, ...]] = ("after",)

    @classmethod
    def read(cls, keys: Mapping, do: str, reader: Reader) -> Self | None:
        keys.only(("on", "after", "when", "do"))
        value = keys.need("after", "add after: 30m")
        length = value.duration() if value else None
        if value and length and not SHORTEST_SILENCE <= length <= LONGEST_SILENCE:
            value.mismatch("from 1m to 30d", "for example 30m")
        return cls(do, _when(keys, reader), length or SHORTEST_SILENCE)

    def is_for(self, happening: Happening) -> bool:
        return happening.word == self.word and happening.name == str(self.after)

    def takes(self) -> list[tuple[object, str]]:
        return [] if self.when else [((type(self), self.after), f"no reply for {self.after}")]


class OnSchedule(OnHappening, frozen=True):
    """A cron line is due, for everybody whom `when` holds for. `zone` "": the workspace's."""

    cron: str = ""
    zone: str = ""

    word: ClassVar[str] = "schedule"
    about: ClassVar[str] = "A cron line is due, for everybody whom the condition holds for."
    shapes: ClassVar[dict[str, Shape]] = {"cron": TEXT, "zone": TEXT, "when": CONDITION}
    needs: ClassVar[tuple[str, ...]] = ("cron", "when")

    @classmethod
    def read(cls, keys: Mapping, do: str, reader: Reader) -> Self | None:
        keys.only(("on", "cron", "zone", "when", "do"))
        cron, zone = keys.need("cron", 'add cron: "0 9 * * mon-fri"'), keys.get("zone")
        who = keys.need("when", "add when: whom it is for, for example {tag: customer}")
        return cls(
            do,
            condition(who, reader) if who else None,
            (_cron(cron) or "") if cron else "",
            (_zone(zone) or "") if zone else "",
        )

    @property
    def key(self) -> str:
        """Tells it from the others of its flow, also in later versions: what has happened of it counts on."""
        return sha256(f"{self.cron} {self.zone} {self.do}".encode()).hexdigest()[:32]

    def is_for(self, happening: Happening) -> bool:
        return happening.word == self.word and happening.name == self.key

    def takes(self) -> list[tuple[object, str]]:
        return [((type(self), self.key), f"the schedule {self.cron} for {self.do}")]


def _cron(value: Value) -> str | None:
    text = fixed_text(value)
    try:
        if text is not None:
            check(text)
    except NoSchedule as wrong:
        value.problem(f"{value.shown} is no schedule: {wrong}", 'write one like "0 9 * * mon-fri"')
        return None
    return text


def _zone(value: Value) -> str | None:
    text = fixed_text(value)
    wrong = check_timezone(text) if text is not None else None
    if wrong is not None:
        value.problem(*wrong)
    return text


def silences(triggers: Iterable[Trigger]) -> list[timedelta]:
    """After how long without a reply something starts, the shortest first."""
    return sorted({trigger.after for trigger in triggers if isinstance(trigger, OnNoReply)})
