"""Tests of a flow, as YAML: who says what, how long nothing happens, and what is expected.

version: 1
flow: support.flow.yaml
tests:
  - name: Somebody asks for a person
    steps:
      - customer: agent
      - bot: I am getting somebody for you.
      - platform: handoff.requested
      - expect: {control: agent}
      - wait: 30m
      - expect: {control: bot}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from relevo.channels.registry import ADAPTERS
from relevo.domain.conversations import Status
from relevo.domain.custom_events import EventValues
from relevo.domain.flows.condition_parsing import condition
from relevo.domain.flows.model import Flow
from relevo.domain.flows.reading import Reader
from relevo.domain.flows.runs import AddTag, RemoveTag, SetField
from relevo.domain.messages import Contact, Contacts, Location, Media, Text
from relevo.domain.subscribers import Profile
from relevo.domain.workspace_file import HOURS_KEYS, hours_in
from relevo.domain.yaml_reading import Mapping as Keys
from relevo.domain.yaml_reading import Place, Problem, Problems, Value, did_you_mean, read
from relevo.rehearsal.actions import (
    Accept,
    Action,
    Agent,
    Answer,
    Assign,
    Change,
    GiveBack,
    GoDown,
    Mark,
    Occur,
    Open,
    Post,
    Press,
    Wait,
    Write,
)
from relevo.rehearsal.answers import EXAMPLE, NoAnswer, answer_of
from relevo.rehearsal.stage import Answering, Stage

VERSION = 1

Seen = Mapping[str, Any]


class Bot(msgspec.Struct, frozen=True):
    """The bot says this next: these keys of it, or, with `contains`, a message with these words."""

    wanted: Seen


class Platform(msgspec.Struct, frozen=True):
    """The platform is told this, with these values among others."""

    event: str
    data: Seen = {}


class Call(msgspec.Struct, frozen=True):
    """A server is asked, with these values among others."""

    wanted: Seen


class Mail(msgspec.Struct, frozen=True):
    """An e-mail is written, with these values among others."""

    wanted: Seen


class Counts(msgspec.Struct, frozen=True):
    """The flow logs a custom event."""

    name: str


class Note(msgspec.Struct, frozen=True):
    """The flow leaves a note for colleagues."""

    text: str


class Stumbles(msgspec.Struct, frozen=True):
    """Something cannot be done as written."""

    code: str


class State(msgspec.Struct, frozen=True):
    """How things stand, by the keys of `showing.state_of`."""

    wanted: Seen


Expectation = Bot | Platform | Call | Mail | Counts | Note | Stumbles | State


class Entry(msgspec.Struct, frozen=True):
    """A step of a test, and where it stands."""

    place: Place
    does: Action | Expectation


class Test(msgspec.Struct, frozen=True):
    """`staged` are changes to the stage: everything but its flow."""

    name: str
    place: Place
    steps: tuple[Entry, ...]
    staged: dict[str, Any]

    __test__ = False

    def stage(self, flow: Flow, **changes: Any) -> Stage:
        return Stage(flow=flow, **{**self.staged, **changes})


class Script(msgspec.Struct, frozen=True):
    """`flow` is the path of the flow's file, from this one on; `flow_place` where that is said."""

    file: str
    flow: str
    flow_place: Place
    tests: tuple[Test, ...]


_STAGE_KEYS = (
    "channel", "person", "fields", "tags", "begins", "timezone", "hours", "segments", "bot_fields", "answers",
)  # fmt: skip
STATE_KEYS = ("control", "handoff", "status", "agent", "waiting", "place", "tags", "fields", "time")


def parse(text: str, *, file: str) -> tuple[Script | None, tuple[Problem, ...]]:
    """The tests of a file, or all that is wrong with it."""
    problems = Problems(file)
    root = read(text, problems)
    found = _script(root, file) if root else None
    return (None, problems.found) if problems.found else (found, ())


def parse_answers(text: str, *, file: str) -> tuple[tuple[Answering, ...], tuple[Problem, ...]]:
    """A list of what servers answer: `- {url: "https://shop.example.com/*", status: 200, json: {…}}`."""
    problems = Problems(file)
    root = read(text, problems)
    found = _answers(root) if root else ()
    return found, problems.found


def _script(root: Value, file: str) -> Script | None:
    keys = root.mapping(
        ("version", "flow", *_STAGE_KEYS, "tests"), "start with version: 1 and flow: the flow's file"
    )
    if keys is None:
        return None
    version = keys.need("version", "add version: 1")
    if version and version.literal() != VERSION:
        version.mismatch(str(VERSION), f"write version: {VERSION}")
    flow, tests = (
        keys.need("flow", "add flow: the path of the flow's file, from this file on"),
        keys.need("tests"),
    )
    staged = _staged(keys)
    items = tests.items("write a list: each with a name and steps") if tests else []
    found = [one for item in items if (one := _test(item, staged)) is not None]
    path = flow.text() if flow else None
    return Script(file, path, flow.place, tuple(found)) if flow and path else None


def _test(item: Value, staged: dict[str, Any]) -> Test | None:
    keys = item.mapping(("name", *_STAGE_KEYS, "steps"), "for example {name: It greets, steps: [...]}")
    if keys is None:
        return None
    name, steps = keys.need("name", "say in a sentence what is tested"), keys.need("steps")
    entries = [_entry(one) for one in (steps.items("write a list of steps") if steps else [])]
    own = {**staged, **_staged(keys)}
    title = name.text() if name else None
    return Test(title or "", item.place, tuple(one for one in entries if one), own)


# The stage


def _staged(keys: Keys) -> dict[str, Any]:
    """The changes to the stage that are written here."""
    zone = (_zone(keys["timezone"]) or "UTC") if "timezone" in keys else None
    readers: dict[str, Callable[[Value], Any]] = {
        "channel": lambda value: value.one_of(list(ADAPTERS)),
        "person": _person,
        "fields": _plain,
        "tags": lambda value: value.texts(),
        "begins": lambda value: _moment(value, zone or "UTC"),
        "timezone": lambda value: zone,
        "hours": _hours,
        "segments": _segments,
        "bot_fields": _plain,
        "answers": _answers,
    }
    found = {key: readers[key](keys[key]) for key in _STAGE_KEYS if key in keys}
    named = {"bot" if key == "bot_fields" else key: value for key, value in found.items()}
    return {key: value for key, value in named.items() if value is not None}


def _person(value: Value) -> Profile:
    inner = value.mapping(Profile.__struct_fields__, "for example {name: Ana Diaz, language: es}")
    return Profile(**{key: one.text() or "" for key, one in inner.items()}) if inner else Profile()


def _zone(value: Value) -> str | None:
    name = value.text("write the name of a zone, as in Europe/Madrid")
    try:
        return ZoneInfo(name).key if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        value.problem(f"there is no time zone {value.shown}", "write it as in Europe/Madrid")
        return None


def _moment(value: Value, zone: str) -> datetime | None:
    text = value.text("write it as 2030-05-15 12:00")
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        value.problem(f"{value.shown} is no date with a time", "write it as 2030-05-15 12:00")
        return None
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _hours(value: Value) -> Any:
    keys = value.mapping(HOURS_KEYS, "write them as in a workspace file: {mon: 09:00-17:00}")
    if keys is None:
        return None
    return hours_in(keys, (_zone(keys["zone"]) or "") if "zone" in keys else "")


def _segments(value: Value) -> Any:
    inner = value.mapping(remedy="write the name of each segment, then its condition")
    found = {name: condition(one, Reader(None, {})) for name, one in inner.items()} if inner else {}
    return {name: one for name, one in found.items() if one is not None}


def _answers(value: Value) -> tuple[Answering, ...]:
    items = value.items("write a list: each with a url and what it answers")
    return tuple(one for item in items if (one := _answering(item)) is not None)


def _answering(item: Value) -> Answering | None:
    keys = item.mapping(remedy='for example {url: "https://shop.example.com/*", status: 200}')
    url = keys.need("url", "say for which: * is anything") if keys else None
    pattern = url.text() if url else None
    if keys is None or pattern is None:
        return None
    answer = {key: _plain(one) for key, one in keys.items() if key != "url"}
    failure = answer.pop("fails", None)
    result = _result(item, failure if failure and not answer else answer)
    return Answering(pattern, result) if result else None


def _result(value: Value, answer: Any) -> Any:
    try:
        return answer_of(answer)
    except NoAnswer as wrong:
        value.problem(str(wrong), EXAMPLE)
        return None


def _plain(value: Value) -> Any:
    """The value as JSON would have it."""
    if value.is_list:
        return [_plain(item) for item in value.items()]
    if value.is_mapping:
        inner = value.mapping()
        return {key: _plain(one) for key, one in inner.items()} if inner else {}
    return value.literal()


# What happens, and what is expected


def _entry(item: Value) -> Entry | None:
    if not item.is_mapping:
        word = item.text("write a step, for example - customer: Hello")
        does = _ALONE.get(word or "")
        if word and does is None:
            item.problem(f"{item.shown} is no step of a test", did_you_mean(word, (*_STEPS, *_ALONE)))
        return Entry(item.place, does) if does else None
    keys = item.mapping()
    heads = [key for key in keys or () if key in _STEPS]
    if keys is None or len(heads) != 1:
        known = next(iter(keys or ()), "")
        what = f"{' and '.join(heads)} in one step" if heads else f"{item.shown} is no step of a test"
        item.problem(what, "keep one of them" if heads else did_you_mean(known, (*_STEPS, *_ALONE)))
        return None
    head = heads[0]
    keys.only((head, *_BESIDE.get(head, ())))
    found = _STEPS[head](keys[head], keys)
    return Entry(item.place, found) if found is not None else None


Found = Action | Expectation | None


def _with_text(make: Callable[[str], Any]) -> Callable[[Value, Keys], Found]:
    def read_text(value: Value, keys: Keys) -> Found:
        text = value.text()
        return make(text) if text is not None else None

    return read_text


def _customer(value: Value, keys: Keys) -> Found:
    referral = keys.get("referral")
    ref = (referral.text() or "") if referral else ""
    if not value.is_mapping:
        text = value.text("write what the customer says, or {image: …}, {location: …} and so on")
        return Write(Text(text), ref) if text else None
    inner = value.mapping(("image", "video", "audio", "file", "caption", "location", "contact"))
    if inner is None:
        return None
    caption = inner.get("caption")
    for kind in ("image", "video", "audio", "file"):
        if kind in inner:
            url = inner[kind].text() or ""
            return Write(Media(kind, url, caption=(caption.text() or "") if caption else ""), ref)
    return _shared(inner)


def _shared(inner: Keys) -> Found:
    if "location" in inner:
        try:
            latitude, longitude = (float(part) for part in (inner["location"].text() or "").split(","))
        except ValueError:
            inner["location"].mismatch("two numbers", "for example -33.86,151.21")
            return None
        return Write(Location(latitude, longitude))
    if "contact" in inner:
        return Write(Contacts((Contact("Contact", (inner["contact"].text() or "",)),)))
    inner.problem("this says nothing", "write one of image, video, audio, file, location, contact")
    return None


def _wait(value: Value, keys: Keys) -> Found:
    length = value.duration()
    return Wait(length) if length else None


def _return(value: Value, keys: Keys) -> Found:
    inner = value.mapping(("reason", "note", "outcome"), "for example {reason: solved}")
    return GiveBack(**{key: one.text() or "" for key, one in inner.items()}) if inner else None


def _answer(value: Value, keys: Keys) -> Found:
    result = _result(value, _plain(value))
    return Answer(result) if result else None


def _set(value: Value, keys: Keys) -> Found:
    inner = value.mapping(remedy="for example {plan: pro}")
    return Change(tuple(SetField(name, _plain(one)) for name, one in inner.items())) if inner else None


def _tags(act: type[AddTag] | type[RemoveTag]) -> Callable[[Value, Keys], Found]:
    return lambda value, keys: Change(tuple(act(name) for name in value.texts()))


def _status(value: Value, keys: Keys) -> Found:
    status = value.one_of(get_args(Status))
    return Mark(status) if status else None  # type: ignore[arg-type]


def _assign(value: Value, keys: Keys) -> Found:
    name = value.text("write an agent, or nobody")
    return Assign("" if name == "nobody" else name) if name else None


def _occurs(value: Value, keys: Keys) -> Found:
    name = value.text()
    given = {key: _plain(keys[key]) for key in _BESIDE["event"] if key in keys}
    return Occur(name, EventValues(**given)) if name else None


def _bot(value: Value, keys: Keys) -> Found:
    if value.is_mapping:
        return Bot(_plain(value))
    text = value.text("write what the bot says")
    return Bot({"text": text}) if text is not None else None


def _platform(value: Value, keys: Keys) -> Found:
    event, data = value.text("write what it is told, for example handoff.requested"), keys.get("with")
    if data is not None and data.mapping() is None:
        return None
    return Platform(event, _plain(data) if data else {}) if event else None


def _call(value: Value, keys: Keys) -> Found:
    if value.is_mapping:
        return Call(_plain(value))
    url = value.text("write the URL, or {method: …, url: …, json: …}")
    return Call({"url": url}) if url else None


def _mail(value: Value, keys: Keys) -> Found:
    inner = value.mapping(remedy="for example {to: ana@example.com, subject: Your order}")
    return Mail(_plain(value)) if inner else None


def _expect(value: Value, keys: Keys) -> Found:
    inner = value.mapping(STATE_KEYS, "for example {control: agent, fields: {plan: pro}, tags: [lead]}")
    return State(_plain(value)) if inner else None


_STEPS: dict[str, Callable[[Value, Keys], Found]] = {
    "customer": _customer,
    "press": _with_text(Press),
    "wait": _wait,
    "agent": _with_text(Agent),
    "return": _return,
    "answer": _answer,
    "set": _set,
    "tag": _tags(AddTag),
    "untag": _tags(RemoveTag),
    "event": _occurs,
    "post": _with_text(Post),
    "status": _status,
    "assign": _assign,
    "bot": _bot,
    "platform": _platform,
    "call": _call,
    "email": _mail,
    "counted": _with_text(Counts),
    "note": _with_text(Note),
    "problem": _with_text(Stumbles),
    "expect": _expect,
}
_BESIDE = {"customer": ("referral",), "platform": ("with",), "event": ("text", "price", "number")}
_ALONE: dict[str, Action] = {"open": Open(), "accept": Accept(), "return": GiveBack(), "down": GoDown()}
