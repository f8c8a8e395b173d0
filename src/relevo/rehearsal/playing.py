"""A test is played: what happens, and whether it is what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, assert_never

import msgspec
import yaml

from relevo.domain.flows.model import Flow
from relevo.domain.flows.model import Path as FlowPath
from relevo.domain.messages import plain_text
from relevo.domain.yaml_reading import Place
from relevo.rehearsal.actions import Asked, Counted, Line, Mailed, Said, Stumbled, Told
from relevo.rehearsal.scripts import (
    Bot,
    Call,
    Counts,
    Entry,
    Expectation,
    Mail,
    Note,
    Platform,
    State,
    Stumbles,
    Test,
)
from relevo.rehearsal.session import NotPossible, Rehearsal
from relevo.rehearsal.showing import Described, described, email, request, shown, state_of


class Failure(msgspec.Struct, frozen=True):
    """What was not as expected: `what` in a sentence, and how it differs (`-` expected, `+` seen)."""

    place: Place
    what: str
    difference: tuple[str, ...] = ()


class Played(msgspec.Struct, frozen=True):
    """What came of a test. `taken`: the places of the flow that it walked."""

    test: Test
    failure: Failure | None
    taken: frozenset[tuple[str, FlowPath]]


class _Failed(Exception):
    def __init__(self, what: str, difference: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.what, self.difference = what, difference


def play(test: Test, flow: Flow, **changes: Any) -> Played:
    """Play a test to its end, or to the first thing that is not as expected."""
    rehearsal = Rehearsal(test.stage(flow, **changes))
    failure = _Playing(rehearsal).through(test)
    return Played(test, failure, frozenset(rehearsal.taken))


class _Playing:
    """`unseen` is what has come of the last action and was not expected yet."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self.unseen: list[Line] = []
        self.since = Place(1, 1)

    def through(self, test: Test) -> Failure | None:
        for entry in test.steps:
            try:
                place = self._take(entry)
            except _Failed as failed:
                return Failure(entry.place, failed.what, failed.difference)
            if place is not None:
                return place
        return self._left()

    def _take(self, entry: Entry) -> Failure | None:
        match entry.does:
            case Bot() | Platform() | Call() | Mail() | Counts() | Note() | Stumbles() | State():
                self._compare(entry.does)
                return None
            case action:
                left = self._left()
                if left is None:
                    self._perform(action, entry.place)
                return left

    def _perform(self, action: Any, place: Place) -> None:
        try:
            self.unseen = self.rehearsal.perform(action)
        except NotPossible as refused:
            raise _Failed(f"this cannot happen: {refused}") from None
        self.since = place

    def _left(self) -> Failure | None:
        """What the bot said, and what went wrong, has to be expected."""
        for line in self.unseen:
            if isinstance(line, Said) and line.by == "bot":
                seen = tuple(f"+ {one}" for one in _as_lines(_spoken(line)))
                return Failure(self.since, "after this the bot says something that is not expected", seen)
            if isinstance(line, Stumbled):
                seen = (f"+ {line.code}: {line.detail}",)
                return Failure(self.since, "after this there is a problem that is not expected", seen)
        return None

    def _compare(self, wanted: Expectation) -> None:
        match wanted:
            case Bot(wanted=words):
                self._bot(words)
            case Platform(event=event, data=data):
                told = self._next(lambda one: isinstance(one, Told) and one.event == event)
                if not isinstance(told, Told):
                    raise _Failed(f"the platform is not told {event}", self._seen())
                _same("the platform is told something else", data, told.data)
            case Call(wanted=values):
                asked = self._next(lambda one: isinstance(one, Asked))
                if not isinstance(asked, Asked):
                    raise _Failed("no server is asked", self._seen())
                _same("a server is asked something else", values, request(asked.task))
            case Mail(wanted=values):
                mailed = self._next(lambda one: isinstance(one, Mailed))
                if not isinstance(mailed, Mailed):
                    raise _Failed("no e-mail is written", self._seen())
                _same("an e-mail says something else", values, email(mailed.task))
            case Counts(name=name):
                self._need(
                    lambda one: isinstance(one, Counted) and one.name == name, f"{name} is not counted"
                )
            case Note(text=text):
                self._need(lambda one: _is_note(one, text), f"there is no note {text!r}")
            case Stumbles(code=code):
                self._need(
                    lambda one: isinstance(one, Stumbled) and one.code == code, f"there is no problem {code}"
                )
            case State(wanted=values):
                _same("things stand differently", values, state_of(self.rehearsal))
            case _:
                assert_never(wanted)

    def _bot(self, wanted: Mapping[str, Any]) -> None:
        said = self._next(lambda one: isinstance(one, Said) and one.by == "bot")
        if not isinstance(said, Said):
            raise _Failed("the bot says nothing more", tuple(f"- {one}" for one in _as_lines(wanted)))
        seen = _spoken(said)
        missing = [words for words in _texts(wanted.get("contains")) if words not in _all_words(seen)]
        if missing:
            raise _Failed(f"what the bot says does not contain {missing[0]!r}", _plus(seen))
        _same("the bot says something else", {k: v for k, v in wanted.items() if k != "contains"}, seen)

    def _need(self, fits: Any, what: str) -> None:
        if self._next(fits) is None:
            raise _Failed(what, self._seen())

    def _next(self, fits: Any) -> Line | None:
        """The next that is so; it counts as expected then."""
        found = next((index for index, one in enumerate(self.unseen) if fits(one)), None)
        return self.unseen.pop(found) if found is not None else None

    def _seen(self) -> tuple[str, ...]:
        return tuple(f"+ {who}: {what}" for who, what in map(shown, self.unseen))


def _is_note(line: Line, text: str) -> bool:
    return isinstance(line, Said) and line.by == "note" and plain_text(line.content) == text


def _spoken(said: Said) -> Described:
    return {**described(said.content), **({"not_sent": said.error} if said.error else {})}


def _texts(value: Any) -> list[str]:
    return [] if value is None else [str(one) for one in (value if isinstance(value, list) else [value])]


def _all_words(seen: Described) -> str:
    return "\n".join(str(value) for value in seen.values())


def _plus(seen: Described) -> tuple[str, ...]:
    return tuple(f"+ {one}" for one in _as_lines(seen))


def _same(what: str, wanted: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
    """Whether each of the wanted values is so. Raises _Failed, with what is not."""
    if _fits(wanted, seen):
        return
    there = {key: seen.get(key) for key in wanted if not _fits(wanted[key], seen.get(key))}
    asked = {key: wanted[key] for key in there}
    difference = difflib.ndiff(_as_lines(asked), _as_lines(_narrowed(asked, there)))
    raise _Failed(what, tuple(line.rstrip("\n") for line in difference))


def _fits(wanted: Any, seen: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(seen, Mapping) and all(_fits(one, seen.get(key)) for key, one in wanted.items())
    if wanted is None or seen is None:
        return wanted in (None, "") and seen in (None, "")
    if isinstance(wanted, list):
        return isinstance(seen, list) and len(wanted) == len(seen) and all(map(_fits, wanted, seen))
    return bool(wanted == seen) or str(wanted) == str(seen)


def _narrowed(wanted: Any, seen: Any) -> Any:
    """Of what is seen, only what was asked for."""
    if isinstance(wanted, Mapping) and isinstance(seen, Mapping):
        return {key: _narrowed(one, seen.get(key)) for key, one in wanted.items()}
    return seen


def _as_lines(value: Any) -> list[str]:
    """A message alone as its text, all else as YAML."""
    if isinstance(value, Mapping) and list(value) == ["text"]:
        return str(value["text"]).splitlines()
    return list(_yaml(value))


def _yaml(value: Any) -> Iterator[str]:
    text = yaml.safe_dump(msgspec.to_builtins(value), allow_unicode=True, sort_keys=False, width=1000)
    return iter(text.rstrip("\n").split("\n"))
