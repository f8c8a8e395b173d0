"""Steps that decide where the walk goes next, and when."""

from __future__ import annotations

from collections.abc import Mapping as ByName
from datetime import timedelta
from typing import ClassVar, Self

from relevo.domain.flows.condition_parsing import condition
from relevo.domain.flows.model import Condition, Step, Steps
from relevo.domain.flows.reading import Reader
from relevo.domain.flows.runs import Waiting
from relevo.domain.flows.walking import Walk
from relevo.domain.yaml_reading import Mapping


class When(Step, frozen=True):
    condition: Condition
    then: Steps
    otherwise: Steps = ()

    word: ClassVar[str] = "when"
    beside: ClassVar[tuple[str, ...]] = ("then", "else")

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        test = condition(keys["when"], reader)
        then_value, else_value = keys.need("then", "add then: and a list of steps"), keys.get("else")
        then = reader.steps(then_value) if then_value else ()
        otherwise = reader.steps(else_value) if else_value else ()
        return None if test is None else cls(test, then, otherwise)

    def take(self, walk: Walk) -> None:
        walk.enter("then" if walk.holds(self.condition) else "else")

    @property
    def branches(self) -> ByName[str, Steps]:
        return {"then": self.then, "else": self.otherwise}


class Go(Step, frozen=True):
    """Leave everything, callers too, for another subflow."""

    subflow: str

    word: ClassVar[str] = "go"

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        name = reader.subflow(keys["go"])
        return None if name is None else cls(name)

    def take(self, walk: Walk) -> None:
        walk.go(self.subflow)


def do(keys: Mapping, reader: Reader) -> Steps:
    """What `do` says: the steps themselves, or the name of a subflow to go to."""
    value = keys.get("do")
    if value is None:
        return ()
    if value.is_list:
        return reader.steps(value)
    name = reader.subflow(value)
    return () if name is None else (Go(name),)


class Call(Step, frozen=True):
    """Walk another subflow and come back."""

    subflow: str

    word: ClassVar[str] = "call"

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        name = reader.subflow(keys["call"])
        return None if name is None else cls(name)

    def take(self, walk: Walk) -> None:
        walk.call(self.subflow)


class Wait(Step, frozen=True):
    """In last place there is nothing to wait for."""

    wait_for: timedelta

    word: ClassVar[str] = "wait"

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        length = keys["wait"].duration()
        return None if length is None else cls(length)

    def take(self, walk: Walk) -> None:
        walk.advance()
        if walk.next_step() is not None:
            walk.stand(Waiting("time", deadline_at=walk.scene.now + self.wait_for))


class End(Step, frozen=True):
    """Nothing more, of callers neither."""

    word: ClassVar[str] = "end"

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        if not keys["end"].is_null:
            keys["end"].problem("end takes nothing", "write - end")
        return cls()

    @classmethod
    def alone(cls) -> Self:
        return cls()

    def take(self, walk: Walk) -> None:
        walk.end()
