"""A flow as data: triggers and subflows, made of steps.

Values only, made by `parsing.py` and walked by `engine.py`. What every step and every trigger is
stands here; each of them in `steps/` and `triggers/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

import msgspec

from relevo.domain.flows.expressions import Template
from relevo.domain.messages import Content
from relevo.domain.subscribers import FieldValue

if TYPE_CHECKING:
    from collections.abc import Mapping as ByName

    from relevo.domain.flows.reading import Reader
    from relevo.domain.flows.walking import Walk
    from relevo.domain.yaml_reading import Mapping

Words = str | Template
"""Text for the customer: plain, or to be filled in."""

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


class Step(msgspec.Struct, frozen=True):
    """One line of a subflow. The package's docstring says how one is added."""

    word: ClassVar[str]
    beside: ClassVar[tuple[str, ...]] = ()
    """The keys that stand beside a step's word rather than inside its value."""

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        """The step that these keys say; None when it has mistakes, which are reported."""
        raise NotImplementedError

    @classmethod
    def alone(cls) -> Self | None:
        """The step that the word alone says (`- end`); None when it says nothing."""
        return None

    def take(self, walk: Walk) -> None:
        """Do it, and lead the walk on, or have it stand still here."""
        raise NotImplementedError

    @property
    def branches(self) -> ByName[str, tuple[Step, ...]]:
        """The steps that it holds, each list under the name that places give it."""
        return {}

    def answered(self, walk: Walk, content: Content, tries: int) -> None:
        """The customer has said something while the walk stood here; `tries` were refused before."""
        walk.lose()

    def timed_out(self, walk: Walk) -> None:
        """The walk stood here for an answer, and its time is over."""
        walk.lose()


Steps = tuple[Step, ...]

# Triggers


class Trigger(msgspec.Struct, frozen=True):
    """What starts the subflow `do`."""

    do: str

    word: ClassVar[str]

    @classmethod
    def read(cls, keys: Mapping, do: str, reader: Reader) -> Self | None:
        """The trigger that these keys say; None when it has mistakes, which are reported."""
        raise NotImplementedError

    def takes(self) -> list[tuple[object, str]]:
        """What it takes for itself, each with the words for it: no other trigger can have the same."""
        return []


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a bot. `region` (ISO 3166, `AU`) is where phone numbers without a country are."""

    name: str
    start: str
    triggers: tuple[Trigger, ...] = ()
    subflows: dict[str, Steps]
    region: str | None = None
