"""Steps for the people behind the bot: whose the conversation is, and what they find in it."""

from __future__ import annotations

from typing import ClassVar, Literal, Self, get_args

from relevo.domain.custom_events import LONGEST_TEXT_VALUE
from relevo.domain.flows.expressions import Template
from relevo.domain.flows.model import Step, Words
from relevo.domain.flows.reading import Reader, fixed_text
from relevo.domain.flows.runs import AssignTo, LogEvent, MoveTo, WriteNote
from relevo.domain.flows.shapes import AGENT, EVENT, GROUP, TEXT, Shape, any_of, mapping, number, one_of
from relevo.domain.flows.variables import as_number
from relevo.domain.flows.walking import Walk
from relevo.domain.yaml_reading import Mapping, Value

Status = Literal["open", "pending", "done", "spam"]
_STATUSES: tuple[Status, ...] = get_args(Status)
_AMOUNT = any_of(number(), {"type": "string"})


class Assign(Step, frozen=True):
    """To an agent or to one of a group; to nobody with neither."""

    agent: str | Template = ""
    group: str | Template = ""

    word: ClassVar[str] = "assign"
    about: ClassVar[str] = "Give the conversation to an agent or to one of a group."
    shape: ClassVar[Shape] = any_of(
        one_of(("nobody",)),
        {**mapping({"agent": AGENT, "group": GROUP}), "minProperties": 1, "maxProperties": 1},
    )

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        value = keys["assign"]
        if not value.is_mapping:
            return cls() if value.one_of(("nobody",)) else None
        inner = value.mapping(("agent", "group"))
        assert inner is not None
        if len(inner) != 1:
            inner.problem("assign needs one of agent and group", "for example {group: Sales}")
            return None
        agent, group = inner.get("agent"), inner.get("group")
        return cls(
            (reader.template(agent) or "") if agent else "", (reader.template(group) or "") if group else ""
        )

    def take(self, walk: Walk) -> None:
        agent, group = walk.filled_in(self.agent), walk.filled_in(self.group)
        if agent is not None and group is not None:
            walk.do(AssignTo(agent.strip(), group.strip()))
        walk.advance()


class Note(Step, frozen=True):
    text: str | Template

    word: ClassVar[str] = "note"
    about: ClassVar[str] = "Write a note for colleagues, which the customer never sees."
    shape: ClassVar[Shape] = TEXT

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        text = reader.template(keys["note"])
        return None if text is None else cls(text)

    def take(self, walk: Walk) -> None:
        text = walk.filled_in(self.text)
        if text is not None and text.strip():
            walk.do(WriteNote(text))
        walk.advance()


class SetStatus(Step, frozen=True):
    status: Status

    word: ClassVar[str] = "status"
    about: ClassVar[str] = "Set the status of the conversation."
    shape: ClassVar[Shape] = one_of(get_args(Status))

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        word = keys["status"].one_of(_STATUSES)
        found = next((status for status in _STATUSES if status == word), None)
        return None if found is None else cls(found)

    def take(self, walk: Walk) -> None:
        walk.do(MoveTo(self.status))
        walk.learn("status", self.status)
        walk.advance()


class LogsEvent(Step, frozen=True):
    """Count a custom event, with values of it."""

    name: str
    text: Words = ""
    price: float | Template | None = None
    number: float | Template | None = None

    word: ClassVar[str] = "event"
    about: ClassVar[str] = "Count a custom event of the flow."
    shape: ClassVar[Shape] = any_of(
        EVENT,
        mapping({"name": EVENT, "text": TEXT, "price": _AMOUNT, "number": _AMOUNT}, ("name",)),
    )

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        value = keys["event"]
        if not value.is_mapping:
            name = fixed_text(value)
            return None if name is None else cls(name)
        inner = value.mapping(("name", "text", "price", "number"))
        assert inner is not None
        name_value, text = inner.need("name", "add name: that of the custom event"), inner.get("text")
        name = fixed_text(name_value) if name_value else None
        if name is None:
            return None
        words = (reader.template(text) or "") if text else ""
        return cls(name, words, _number(inner, "price", reader), _number(inner, "number", reader))

    def take(self, walk: Walk) -> None:
        text = walk.filled_in(self.text)
        price, number = _value_of(walk, self.price), _value_of(walk, self.number)
        walk.do(LogEvent(self.name, text[:LONGEST_TEXT_VALUE] if text else None, price, number))
        walk.advance()


def _number(keys: Mapping, key: str, reader: Reader) -> float | Template | None:
    value: Value | None = keys.get(key)
    if value is None:
        return None
    given = reader.field_value(value)
    if isinstance(given, Template | float) or type(given) is int:
        return given
    value.mismatch("a number", "for example 9.5")
    return None


def _value_of(walk: Walk, value: float | Template | None) -> float | None:
    if not isinstance(value, Template):
        return value
    filled = walk.filled_in(value)
    number = as_number(filled)
    if filled is not None and filled.strip() and number is None:
        walk.stumble("wrong_type", "what came out for a value of the event is no number")
    return number
