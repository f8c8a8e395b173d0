"""Actions as people type them: words of the customer, and `/wait 10m`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import msgspec

from relevo.domain.conversations import Status
from relevo.domain.flows.runs import AddTag, RemoveTag, SetField
from relevo.domain.messages import Contact, Contacts, Location, Media, Text
from relevo.domain.yaml_reading import did_you_mean, read_duration
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
from relevo.rehearsal.answers import NoAnswer, read_answer

Wish = Literal["state", "restart", "help", "quit"]
"""What is asked of whoever holds the rehearsal."""


class NotUnderstood(ValueError):
    """The text says what is wrong, and what would be right."""


class _Command(msgspec.Struct, frozen=True):
    words: str
    about: str
    read: Callable[[str], Action]


def read(line: str) -> Action | Wish:
    """What a line says. Raises NotUnderstood."""
    line = line.strip()
    if not line.startswith("/") or line.startswith("//"):
        return Write(Text(line[1:] if line.startswith("//") else line))
    name, _, rest = line[1:].partition(" ")
    if name in get_args(Wish):
        return name  # type: ignore[return-value]
    command = COMMANDS.get(name)
    if command is None:
        raise NotUnderstood(f"there is no /{name}; {did_you_mean(name, (*COMMANDS, *get_args(Wish)))}")
    return command.read(rest.strip())


def help_lines() -> list[tuple[str, str]]:
    """Every command, and what it does."""
    rows = [("TEXT", "The customer says it. What begins with / is written //.")]
    rows += [(f"/{name} {one.words}".strip(), one.about) for name, one in COMMANDS.items()]
    return [*rows, ("/state", "Show fields, tags and where everything stands."),
            ("/restart", "Begin anew."), ("/quit", "Leave.")]  # fmt: skip


def _wait(rest: str) -> Action:
    length = read_duration(rest)
    if not length:
        raise NotUnderstood(f"/wait needs a duration, not {rest!r}; for example /wait 10m")
    return Wait(length)


def _words(name: str, make: Callable[[str], Action]) -> Callable[[str], Action]:
    def read_words(rest: str) -> Action:
        if not rest:
            raise NotUnderstood(f"/{name} needs words behind it")
        return make(rest)

    return read_words


def _alone(name: str, action: Action) -> Callable[[str], Action]:
    def read_alone(rest: str) -> Action:
        if rest:
            raise NotUnderstood(f"/{name} takes nothing behind it")
        return action

    return read_alone


def _answer(rest: str) -> Action:
    try:
        return Answer(read_answer(rest))
    except NoAnswer as wrong:
        raise NotUnderstood(str(wrong)) from None


def _set(rest: str) -> Action:
    name, equals, value = rest.partition("=")
    if not equals or not name.strip():
        raise NotUnderstood("/set needs a field and its value; for example /set plan = pro")
    return Change((SetField(name.strip(), value.strip() or None),))


def _status(rest: str) -> Action:
    if rest not in get_args(Status):
        raise NotUnderstood(f"{rest!r} is no status; use one of: {', '.join(get_args(Status))}")
    return Mark(rest)  # type: ignore[arg-type]


def _location(rest: str) -> Action:
    try:
        latitude, longitude = (float(part) for part in rest.split(","))
    except ValueError:
        raise NotUnderstood("/location needs two numbers; for example /location -33.86,151.21") from None
    return Write(Location(latitude, longitude))


def _media(kind: Literal["image", "file"]) -> Callable[[str], Action]:
    return _words(kind, lambda url: Write(Media(kind, url)))


COMMANDS: dict[str, _Command] = {
    "wait": _Command("10m", "Time passes: s, m, h or d.", _wait),
    "press": _Command("TITLE", "The customer presses a button.", _words("press", Press)),
    "open": _Command("", "The customer opens the chat without a word.", _alone("open", Open())),
    "image": _Command("URL", "The customer sends a picture.", _media("image")),
    "file": _Command("URL", "The customer sends a file.", _media("file")),
    "location": _Command("LAT,LON", "The customer sends where they are.", _location),
    "contact": _Command(
        "PHONE",
        "The customer shares a contact.",
        _words("contact", lambda phone: Write(Contacts((Contact("Contact", (phone,)),)))),
    ),
    "agent": _Command("TEXT", "An agent says something.", _words("agent", Agent)),
    "accept": _Command("", "An agent accepts the handoff.", _alone("accept", Accept())),
    "return": _Command("[REASON]", "The platform gives control back.", GiveBack),
    "answer": _Command('200 {"a": 1}', "The server has answered: so, or timeout, or in words.", _answer),
    "set": _Command("FIELD = VALUE", "The platform sets a field.", _set),
    "tag": _Command("NAME", "It gives a tag.", _words("tag", lambda name: Change((AddTag(name),)))),
    "untag": _Command("NAME", "It takes one away.", _words("untag", lambda name: Change((RemoveTag(name),)))),
    "event": _Command("NAME", "It logs a custom event.", _words("event", Occur)),
    "post": _Command("NAME", "An inbound webhook is called.", _words("post", Post)),
    "status": _Command("done", "An agent sets the status.", _status),
    "assign": _Command("[NAME]", "The conversation is given to an agent.", Assign),
    "down": _Command("", "The platform cannot be reached.", _alone("down", GoDown())),
}  # fmt: skip
