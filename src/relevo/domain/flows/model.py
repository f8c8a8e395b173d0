"""A flow as data: triggers and subflows, made of steps.

Values only, made by `parsing.py` and walked by `engine.py`. What every step and every trigger is
stands here; each of them in `steps/` and `triggers/`.
"""

from __future__ import annotations

from collections.abc import Mapping as ByName
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import msgspec

from relevo.domain.flows.expressions import ByLanguage, Template
from relevo.domain.flows.shapes import STEPS, Shape
from relevo.domain.flows.variables import Variable
from relevo.domain.messages import Content
from relevo.domain.subscribers import FieldValue

if TYPE_CHECKING:
    from relevo.domain.calls import CallResult
    from relevo.domain.flows.messages import Choice, FlowMessage
    from relevo.domain.flows.migrating import Migration
    from relevo.domain.flows.reading import Reader
    from relevo.domain.flows.walking import Walk
    from relevo.domain.yaml_reading import Mapping

Words = str | Template | ByLanguage
"""Text for the customer: plain, to be filled in, or one of these for each language."""

AnswerKind = Literal["text", "number", "email", "phone", "choice", "location", "contact"]
"""What the answer to a question may have to be."""

DEFAULTS = "defaults"
"""The name of the flow that the others of its workspace fall back on."""

# Conditions


Comparison = Literal[
    "is",
    "is_not",
    "more_than",
    "at_least",
    "less_than",
    "at_most",
    "contains",
    "starts_with",
    "ends_with",
    "one_of",
]
DateComparison = Literal["before", "after", "on"]
Ago = Literal["in_last", "in_next", "longer_ago"]


class Compare(msgspec.Struct, frozen=True, tag=True):
    """`field` is any variable or field. Text compares without regard to case and accents."""

    field: str
    by: Comparison
    value: FieldValue | Template


class CompareDate(msgspec.Struct, frozen=True, tag=True):
    """`value` is a date, an instant, or one of `today`, `tomorrow`, `yesterday` and `now`. A date is a
    whole day in the workspace's zone; what is no date is neither before nor after anything."""

    field: str
    by: DateComparison
    value: str | Template


class CompareAge(msgspec.Struct, frozen=True, tag=True):
    """How far the date of a field is from now."""

    field: str
    by: Ago
    length: timedelta


class Exists(msgspec.Struct, frozen=True, tag=True):
    """Whether a field holds anything."""

    field: str
    wanted: bool


class HasTag(msgspec.Struct, frozen=True, tag=True):
    tag: str


class HasLabel(msgspec.Struct, frozen=True, tag=True):
    label: str


class InSegment(msgspec.Struct, frozen=True, tag=True):
    """Whether the segment of this name has the person; one that the workspace does not have, has nobody."""

    segment: str


class InHours(msgspec.Struct, frozen=True, tag=True):
    """Whether the company is open (or closed) now; one that has not set its hours is open."""

    is_open: bool


class AllOf(msgspec.Struct, frozen=True, tag=True):
    conditions: tuple[Condition, ...]


class AnyOf(msgspec.Struct, frozen=True, tag=True):
    conditions: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True, tag=True):
    condition: Condition


Condition = (
    Compare
    | CompareDate
    | CompareAge
    | Exists
    | HasTag
    | HasLabel
    | InSegment
    | InHours
    | AllOf
    | AnyOf
    | Not
)

# Steps


class Step(msgspec.Struct, frozen=True):
    """One line of a subflow. The package's docstring says how one is added."""

    word: ClassVar[str]
    about: ClassVar[str]
    """What it does, in a sentence that editors show."""
    shape: ClassVar[Shape]
    """What may stand behind its word."""
    takes_back: ClassVar[bool] = False
    """Whether a subflow that begins with it may be started while an agent has control."""
    beside: ClassVar[tuple[str, ...]] = ()
    """The keys that stand beside a step's word rather than inside its value."""

    @classmethod
    def shapes_beside(cls) -> dict[str, Shape]:
        """What may stand behind the keys beside its word."""
        return dict.fromkeys(cls.beside, STEPS)

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

    @property
    def leaves(self) -> bool:
        """Whether nothing that follows it in its list is ever reached."""
        return False

    @property
    def waits(self) -> bool:
        """Whether the walk always stands still here."""
        return False

    @property
    def messages(self) -> tuple[tuple[FlowMessage, tuple[Choice, ...]], ...]:
        """What it says to the customer, with the choices that go with it."""
        return ()

    def held(self, name: str) -> Steps | None:
        """The steps under a name; None when it holds none of that name."""
        return self.branches.get(name)

    def after(self, walk: Walk, name: str) -> str:
        """Which of its lists comes after the one of this name; "" for none."""
        return ""

    @property
    def has_rounds(self) -> bool:
        """Whether a list of it may come again, so that its end is not the end of the step."""
        return False

    def answered(self, walk: Walk, content: Content, tries: int) -> None:
        """The customer has said something while the walk stood here; `tries` were refused before."""
        walk.lose()

    def timed_out(self, walk: Walk) -> None:
        """The walk stood here for an answer, and its time is over."""
        walk.lose()

    def called(self, walk: Walk, result: CallResult) -> None:
        """The call that the walk stood here for has an outcome."""
        walk.lose()


Steps = tuple[Step, ...]
Path = tuple[int | str, ...]
"""Indexes into lists of steps and, between them, the names of lists that a step holds."""

# Triggers


class Trigger(msgspec.Struct, frozen=True):
    """What starts the subflow `do`."""

    do: str

    word: ClassVar[str]
    about: ClassVar[str]
    """What it waits for, in a sentence that editors show."""
    shapes: ClassVar[dict[str, Shape]] = {}
    """What may stand beside `on` and `do`."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Which of these must."""

    @classmethod
    def read(cls, keys: Mapping, do: str, reader: Reader) -> Self | None:
        """The trigger that these keys say; None when it has mistakes, which are reported."""
        raise NotImplementedError

    def takes(self) -> list[tuple[object, str]]:
        """What it takes for itself, each with the words for it: no other trigger can have the same."""
        return []


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a bot. `region` (ISO 3166, `AU`) is where phone numbers without a country are.

    `languages`: what it speaks, the first being for everybody else. `variables`: those that it declares.
    """

    name: str
    start: str
    triggers: tuple[Trigger, ...] = ()
    heeds: frozenset[str] = frozenset()
    """The words of its triggers that are not about messages: most flows have none."""
    subflows: dict[str, Steps]
    region: str | None = None
    languages: tuple[str, ...] = ()
    variables: dict[str, Variable] = {}
    migrations: tuple[Migration, ...] = ()
    """How runs of older versions move to this one; without any they do not."""
    step_names: ByName[str, tuple[str, Path]] = {}
    """Where the steps are that have a name: the subflow, and the path in it."""
    standard: ByName[str, Steps] = {}
    """What is done where the file says nothing: each is overridden by a subflow of its name."""
    retry: ByName[AnswerKind, Words] = {}
    """What is said about an answer that does not fit, where the question has no words for it."""

    def falling_back_on(self, defaults: Flow | None) -> Flow:
        """With the subflows and words of the workspace's `DEFAULTS` where the file has none of its own."""
        if defaults is None:
            return self
        standard = {**self.standard, **defaults.subflows}
        return msgspec.structs.replace(self, standard=standard, retry={**defaults.retry, **self.retry})

    def steps_of(self, subflow: str) -> Steps | None:
        return self.subflows.get(subflow, self.standard.get(subflow))

    def takes_back(self, subflow: str) -> bool:
        """Whether a subflow begins by taking control from an agent."""
        steps = self.steps_of(subflow) or ()
        return any(step.takes_back for step in steps[:1])
