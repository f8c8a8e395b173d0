"""Steps that hand the conversation to an agent."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Self

from relevo.domain.flows import runs
from relevo.domain.flows.model import Step
from relevo.domain.flows.reading import Reader, fixed_texts
from relevo.domain.flows.runs import Waiting
from relevo.domain.flows.walking import Walk
from relevo.domain.yaml_reading import Mapping

_YEAR_OF_MINUTES = 366 * 24 * 60


class PauseBot(Step, frozen=True):
    """Hand over to an agent. `pause_for` None: until resumed."""

    pause_for: timedelta | None = None
    leave_words: tuple[str, ...] = ()

    word: ClassVar[str] = "pause_bot"

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        value = keys["pause_bot"]
        if value.is_null:
            return cls()
        inner = value.mapping(("minutes", "leave_words"), "for example pause_bot: {minutes: 30}")
        if inner is None:
            return None
        minutes_value, words = inner.get("minutes"), inner.get("leave_words")
        minutes = minutes_value.integer(least=1, most=_YEAR_OF_MINUTES) if minutes_value else None
        leave_words = fixed_texts(words) if words else ()
        return cls(timedelta(minutes=minutes) if minutes else None, leave_words)

    @classmethod
    def alone(cls) -> Self:
        return cls()

    def take(self, walk: Walk) -> None:
        walk.advance()
        walk.leave_finished()
        walk.do(runs.PauseBot(self.pause_for, self.leave_words))
        walk.stand(Waiting("return"))
