"""Steps that decide where the walk goes next, and when."""

from __future__ import annotations

from collections.abc import Mapping as ByName
from datetime import timedelta
from typing import ClassVar, Self

import msgspec

from relevo.domain.flows.condition_parsing import condition
from relevo.domain.flows.model import Condition, Step, Steps
from relevo.domain.flows.reading import Reader
from relevo.domain.flows.runs import Waiting
from relevo.domain.flows.shapes import (
    CONDITION,
    DO,
    DURATION,
    NOTHING,
    STEPS,
    SUBFLOW,
    Shape,
    listed,
    mapping,
    whole,
)
from relevo.domain.flows.walking import Walk
from relevo.domain.yaml_reading import Mapping, Value

MAX_WAYS = 20
MAX_WEIGHT = 10_000
MAX_ROUNDS = 50
"""Rounds of one `repeat`."""


def _all_leave(*lists: Steps) -> bool:
    """Whether none of these lists comes to its end."""
    return all(any(step.leaves for step in steps) for steps in lists)


class When(Step, frozen=True):
    condition: Condition
    then: Steps
    otherwise: Steps = ()

    word: ClassVar[str] = "when"
    about: ClassVar[str] = "One path or another, by a condition."
    shape: ClassVar[Shape] = CONDITION
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
    def leaves(self) -> bool:
        return _all_leave(self.then, self.otherwise)

    @property
    def branches(self) -> ByName[str, Steps]:
        return {"then": self.then, "else": self.otherwise}


class Way(msgspec.Struct, frozen=True):
    """One of the ways of `choose`."""

    weight: int
    do: Steps


class Choose(Step, frozen=True):
    """One of several ways, by weight: a way of weight 2 is taken twice as often as one of weight 1."""

    ways: tuple[Way, ...]

    word: ClassVar[str] = "choose"
    about: ClassVar[str] = "One of several ways by chance, by weight."
    shape: ClassVar[Shape] = listed(mapping({"weight": whole(1, MAX_WEIGHT), "do": DO}, ("do",)), 2, MAX_WAYS)

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        value = keys["choose"]
        items = value.items("write a list: [{weight: 1, do: …}, …]")
        if value.is_list and not 2 <= len(items) <= MAX_WAYS:
            value.problem(f"choose has {len(items)} ways", f"write 2 to {MAX_WAYS}")
        return cls(tuple(way for item in items if (way := _way(item, reader)) is not None))

    def take(self, walk: Walk) -> None:
        drawn = walk.draw(sum(way.weight for way in self.ways))
        for number, way in enumerate(self.ways, 1):
            drawn -= way.weight
            if drawn < 0:
                walk.enter(f"way {number}")
                return
        walk.advance()

    @property
    def leaves(self) -> bool:
        return _all_leave(*(way.do for way in self.ways))

    @property
    def branches(self) -> ByName[str, Steps]:
        return {f"way {number}": way.do for number, way in enumerate(self.ways, 1)}


def _way(value: Value, reader: Reader) -> Way | None:
    keys = value.mapping(("weight", "do"), "for example {weight: 1, do: welcome}")
    if keys is None:
        return None
    weight_value = keys.get("weight")
    weight = weight_value.integer(least=1, most=MAX_WEIGHT) if weight_value else 1
    keys.need("do", "add do: the steps, or the subflow to go to")
    return None if weight is None else Way(weight, do(keys, reader))


class Repeat(Step, frozen=True):
    """The same steps again, so many times at most; `until` is looked at after each round."""

    times: int
    do: Steps
    until: Condition | None = None

    word: ClassVar[str] = "repeat"
    about: ClassVar[str] = "The same steps again, so many times at most."
    shape: ClassVar[Shape] = mapping(
        {"times": whole(1, MAX_ROUNDS), "until": CONDITION, "do": STEPS}, ("times", "do")
    )

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        inner = keys["repeat"].mapping(("times", "until", "do"), "for example {times: 3, do: [...]}")
        if inner is None:
            return None
        times_value = inner.need("times", f"add times: at most {MAX_ROUNDS}")
        times = times_value.integer(least=1, most=MAX_ROUNDS) if times_value else None
        until = condition(inner["until"], reader) if "until" in inner else None
        do_value = inner.need("do", "add do: and a list of steps")
        steps = reader.steps(do_value) if do_value else ()
        return None if times is None else cls(times, steps, until)

    def take(self, walk: Walk) -> None:
        walk.enter("round 1")

    @property
    def leaves(self) -> bool:
        return _all_leave(self.do)

    @property
    def branches(self) -> ByName[str, Steps]:
        return {"round": self.do}

    def held(self, name: str) -> Steps | None:
        number = name.removeprefix("round ")
        return self.do if number.isdecimal() and 1 <= int(number) <= self.times else None

    def after(self, walk: Walk, name: str) -> str:
        done = int(name.removeprefix("round "))
        if done >= self.times or (self.until is not None and walk.holds(self.until)):
            return ""
        return f"round {done + 1}"

    @property
    def has_rounds(self) -> bool:
        return True


class Go(Step, frozen=True):
    """Leave everything, callers too, for another subflow."""

    subflow: str

    word: ClassVar[str] = "go"
    about: ClassVar[str] = "Leave for another subflow, for good."
    shape: ClassVar[Shape] = SUBFLOW

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        name = reader.subflow(keys["go"])
        return None if name is None else cls(name)

    @property
    def leaves(self) -> bool:
        return True

    def take(self, walk: Walk) -> None:
        walk.go(self.subflow)


def do(keys: Mapping, reader: Reader) -> Steps:
    """What `do` says: the steps themselves, or the name of a subflow to go to."""
    value = keys.get("do")
    return () if value is None else do_of(value, reader)


def do_of(value: Value, reader: Reader) -> Steps:
    """The same, of a value that stands under another key."""
    if value.is_list:
        return reader.steps(value)
    name = reader.subflow(value)
    return () if name is None else (Go(name),)


class Call(Step, frozen=True):
    """Walk another subflow and come back."""

    subflow: str

    word: ClassVar[str] = "call"
    about: ClassVar[str] = "Walk another subflow and come back."
    shape: ClassVar[Shape] = SUBFLOW

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
    about: ClassVar[str] = "Stand still for a time."
    shape: ClassVar[Shape] = DURATION

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        length = keys["wait"].duration()
        return None if length is None else cls(length)

    @property
    def waits(self) -> bool:
        return True

    def take(self, walk: Walk) -> None:
        walk.advance()
        if walk.has_more:
            walk.stand(Waiting("time", deadline_at=walk.scene.now + self.wait_for))


class End(Step, frozen=True):
    """Nothing more, of callers neither."""

    word: ClassVar[str] = "end"
    about: ClassVar[str] = "Nothing more."
    shape: ClassVar[Shape] = NOTHING

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        if not keys["end"].is_null:
            keys["end"].problem("end takes nothing", "write - end")
        return cls()

    @classmethod
    def alone(cls) -> Self:
        return cls()

    @property
    def leaves(self) -> bool:
        return True

    def take(self, walk: Walk) -> None:
        walk.end()
