"""Steps that say something without waiting for an answer."""

from __future__ import annotations

from typing import ClassVar, Self

from relevo.domain.flows.messages import FlowMessage, message
from relevo.domain.flows.model import Step
from relevo.domain.flows.reading import Reader
from relevo.domain.flows.walking import Walk
from relevo.domain.yaml_reading import Mapping


class Send(Step, frozen=True):
    """Say it."""

    message: FlowMessage

    word: ClassVar[str] = "send"

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        found = message(keys["send"], reader)
        return None if found is None else cls(found)

    def take(self, walk: Walk) -> None:
        walk.say(self.message)
        walk.advance()
