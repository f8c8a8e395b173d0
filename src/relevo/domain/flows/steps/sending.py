"""Steps that say something without waiting for an answer."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal, Self

from relevo.domain.flows.messages import MESSAGE, Choice, FlowMessage, message
from relevo.domain.flows.model import Step
from relevo.domain.flows.reading import Reader
from relevo.domain.flows.runs import ShowTyping, Waiting
from relevo.domain.flows.shapes import DURATION, Shape, any_of, one_of
from relevo.domain.flows.walking import Walk
from relevo.domain.yaml_reading import Mapping, read_duration

LONGEST_TYPING = timedelta(seconds=25)
"""What the most patient of vendors shows."""
A_LETTER = timedelta(milliseconds=30)
NATURAL_LEAST, NATURAL_MOST = timedelta(seconds=1), timedelta(seconds=6)


class Send(Step, frozen=True):
    """Say it."""

    message: FlowMessage

    word: ClassVar[str] = "send"
    about: ClassVar[str] = "Say something to the customer."
    shape: ClassVar[Shape] = MESSAGE

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        found = message(keys["send"], reader)
        return None if found is None else cls(found)

    def take(self, walk: Walk) -> None:
        walk.say(self.message)
        walk.advance()

    @property
    def messages(self) -> tuple[tuple[FlowMessage, tuple[Choice, ...]], ...]:
        return ((self.message, ()),)


class Typing(Step, frozen=True):
    """Show that somebody is typing, for a time; `natural`: as long as the next message takes to write."""

    length: timedelta | Literal["natural"]

    word: ClassVar[str] = "typing"
    about: ClassVar[str] = (
        "Show that somebody is typing: 2s, or natural, as long as writing what follows takes."
    )
    shape: ClassVar[Shape] = any_of(one_of(("natural",)), DURATION)

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        value = keys["typing"]
        if value.literal() == "natural":
            return cls("natural")
        length = read_duration(str(value.literal()))
        if length is None or not timedelta() < length <= LONGEST_TYPING:
            wanted = f"natural, or a duration of 1s to {LONGEST_TYPING.seconds}s"
            value.mismatch(wanted, "for example 2s; wait is for longer")
            return None
        return cls(length)

    @classmethod
    def alone(cls) -> Self:
        return cls("natural")

    @property
    def waits(self) -> bool:
        return True

    def take(self, walk: Walk) -> None:
        walk.advance()
        if not walk.has_more:
            return
        length = _natural(walk) if self.length == "natural" else self.length
        walk.do(ShowTyping())
        walk.stand(Waiting("time", deadline_at=walk.scene.now + length))


def _natural(walk: Walk) -> timedelta:
    """How long somebody takes to write what comes next, within what people have patience for."""
    step = walk.peek()
    words = walk.preview(step.message) if isinstance(step, Send) else ""
    return min(max(NATURAL_LEAST, len(words) * A_LETTER), NATURAL_MOST)
