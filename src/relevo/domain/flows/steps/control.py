"""Steps that hand the conversation to an agent, and take it back."""

from __future__ import annotations

from collections.abc import Mapping as ByName
from datetime import timedelta
from typing import ClassVar, Self

import msgspec

from relevo.domain.flows import runs
from relevo.domain.flows.messages import MESSAGE, Choice, FlowMessage, message
from relevo.domain.flows.model import Step, Steps, Words
from relevo.domain.flows.reading import Reader, fixed_texts
from relevo.domain.flows.shapes import (
    DO,
    DURATION,
    FIELD,
    NOTHING,
    STEP,
    TEXTS,
    WORDS,
    Shape,
    any_of,
    explained,
    listed,
    mapping,
    one_or_more,
    whole,
)
from relevo.domain.flows.steps.paths import do
from relevo.domain.flows.variables import as_text
from relevo.domain.flows.walking import Walk
from relevo.domain.handoffs import BRANCHES
from relevo.domain.subscribers import FieldValue
from relevo.domain.yaml_reading import Mapping, Value

MOST_TRANSCRIPT = 50
"""Messages that a handoff may bring along."""
_YEAR_OF_MINUTES = 366 * 24 * 60
_KEYS = ("minutes", "leave_words", "say", "tell", *BRANCHES, "returned")
_STANDARD_WAITS = {
    "not_accepted": timedelta(minutes=2),
    "no_reply": timedelta(minutes=5),
    "customer_silent": timedelta(minutes=30),
}
_MINUTES = whole(1, _YEAR_OF_MINUTES)
_TOLD = mapping({"summary": WORDS, "fields": one_or_more(FIELD), "transcript": whole(0, MOST_TRANSCRIPT)})


def _reaction_shape(name: str) -> Shape:
    steps = any_of(DO, listed(STEP, most=0))
    after = {"after": DURATION} if name in _STANDARD_WAITS else {}
    return any_of(NOTHING, mapping({**after, "do": steps}))


class Telling(msgspec.Struct, frozen=True):
    """What the platform is told with a handoff. `transcript`: how many of the latest messages."""

    summary: Words = ""
    fields: tuple[str, ...] = ()
    transcript: int = 0


class Reaction(msgspec.Struct, frozen=True):
    """What the flow does about something that comes up while an agent has control. `do` None: what is
    standard."""

    after: timedelta | None = None
    do: Steps | None = None


class PauseBot(Step, frozen=True):
    """Hand over to an agent. `pause_for` None: until resumed. `reactions` are by the names of branches."""

    pause_for: timedelta | None = None
    leave_words: tuple[str, ...] = ()
    say: FlowMessage | None = None
    tell: Telling = Telling()
    reactions: ByName[str, Reaction] = {}

    word: ClassVar[str] = "pause_bot"
    about: ClassVar[str] = "Hand the conversation to an agent."
    shape: ClassVar[Shape] = mapping(
        {
            "minutes": explained("How long, at most. Without it: until somebody ends it.", _MINUTES),
            "leave_words": explained("With these words the customer comes back to the bot.", TEXTS),
            "say": explained("What the customer is told.", MESSAGE),
            "tell": explained("What the platform is told.", _TOLD),
            **{name: _reaction_shape(name) for name in (*BRANCHES, "returned")},
        }
    )

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        value = keys["pause_bot"]
        if value.is_null:
            return cls()
        inner = value.mapping(_KEYS, "for example pause_bot: {minutes: 30}")
        if inner is None:
            return None
        minutes, words, say = inner.get("minutes"), inner.get("leave_words"), inner.get("say")
        length = minutes.integer(least=1, most=_YEAR_OF_MINUTES) if minutes else None
        return cls(
            pause_for=timedelta(minutes=length) if length else None,
            leave_words=fixed_texts(words) if words else (),
            say=message(say, reader) if say else None,
            tell=_telling(inner, reader),
            reactions=_reactions(inner, reader),
        )

    @classmethod
    def alone(cls) -> Self:
        return cls()

    @property
    def branches(self) -> ByName[str, Steps]:
        return {name: one.do for name, one in self.reactions.items() if one.do is not None}

    @property
    def waits(self) -> bool:
        return True

    @property
    def messages(self) -> tuple[tuple[FlowMessage, tuple[Choice, ...]], ...]:
        return ((self.say, ()),) if self.say is not None else ()

    def take(self, walk: Walk) -> None:
        if self.say is not None:
            walk.say(self.say)
        walk.hand_over(self.handing_over(walk))

    def handing_over(self, walk: Walk) -> runs.PauseBot:
        """What is asked for, with what the platform is told as it is now."""
        fields = {name: _known(walk, name) for name in self.tell.fields}
        return runs.PauseBot(
            self.pause_for,
            self.leave_words,
            runs.Briefing(walk.filled_in(self.tell.summary) or "", fields, self.tell.transcript),
            accept_within=self._after("not_accepted"),
            reply_within=self._after("no_reply"),
            silent_for=self._after("customer_silent"),
        )

    def _after(self, name: str) -> timedelta | None:
        one = self.reactions.get(name)
        return one.after if one else None


def _known(walk: Walk, name: str) -> FieldValue:
    """A field as it is; a variable as a text."""
    fields = walk.variables.subscriber.fields
    return fields[name] if name in fields else as_text(walk.variables.get(name))


def _telling(keys: Mapping, reader: Reader) -> Telling:
    value = keys.get("tell")
    inner = (
        value.mapping(("summary", "fields", "transcript"), "for example {transcript: 10}") if value else None
    )
    if inner is None:
        return Telling()
    fields, transcript = inner.get("fields"), inner.get("transcript")
    return Telling(
        summary=reader.optional_words(inner, "summary"),
        fields=tuple(filter(None, (reader.field_name(fields, name) for name in fixed_texts(fields))))
        if fields
        else (),
        transcript=(transcript.integer(least=0, most=MOST_TRANSCRIPT) or 0) if transcript else 0,
    )


def _reactions(keys: Mapping, reader: Reader) -> dict[str, Reaction]:
    found = {name: value for name in (*BRANCHES, "returned") if (value := keys.get(name)) is not None}
    return {name: _reaction(name, value, reader) for name, value in found.items()}


def _reaction(name: str, value: Value, reader: Reader) -> Reaction:
    """`after` and `do` may both be left out."""
    wait = _STANDARD_WAITS.get(name)
    if value.is_null:
        return Reaction(wait)
    inner = value.mapping(("after", "do") if wait else ("do",), _example(name))
    if inner is None:
        return Reaction(wait)
    after, steps = inner.get("after"), inner.get("do")
    is_nothing = steps is not None and steps.is_list and not steps.items()
    what = None if steps is None else () if is_nothing else do(inner, reader)
    return Reaction((after.duration() or wait) if after else wait, what)


def _example(name: str) -> str:
    wait = "after: 2m, " if name in _STANDARD_WAITS else ""
    return f"for example {name}: {{{wait}do: [{{send: …}}]}}"


class ResumeBot(Step, frozen=True):
    """Take control back, and go on."""

    word: ClassVar[str] = "resume_bot"
    about: ClassVar[str] = "Take control back from the agent, and go on."
    shape: ClassVar[Shape] = NOTHING
    takes_back: ClassVar[bool] = True

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        if not keys["resume_bot"].is_null:
            keys["resume_bot"].problem("resume_bot takes nothing", "write - resume_bot")
        return cls()

    @classmethod
    def alone(cls) -> Self:
        return cls()

    def take(self, walk: Walk) -> None:
        walk.take_back()
        walk.advance()
