"""Lines as people read them, and as tests compare them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, assert_never

import msgspec

from relevo.domain.calls import CallTask, HttpTask
from relevo.domain.emails import EmailTask
from relevo.domain.messages import (
    Button,
    Cards,
    Contacts,
    Content,
    Interactive,
    Location,
    Media,
    Other,
    QuickReply,
    Reaction,
    Text,
    plain_text,
)
from relevo.rehearsal.actions import Asked, Counted, Line, Mailed, Passed, Said, Stumbled, Told
from relevo.rehearsal.session import Rehearsal

Described = dict[str, Any]


def described(content: Content) -> Described:
    """A message by the keys that flow files have, without what is empty."""
    match content:
        case Text(text=text, buttons=buttons, quick_replies=replies, list_button=opened_by):
            found: Described = {"text": text, **_pressable(buttons, replies), "list": opened_by}
        case Media(type=type_, url=url, title=title, caption=caption, buttons=buttons, quick_replies=replies):
            found = {type_: url, "title": title, "caption": caption, **_pressable(buttons, replies)}
        case Location(latitude=latitude, longitude=longitude, name=name):
            found = {"location": f"{latitude},{longitude}", "name": name}
        case Contacts(contacts=contacts):
            found = {"contact": ", ".join(one.name for one in contacts)}
        case Cards(cards=cards, quick_replies=replies):
            buttons = tuple(button for card in cards for button in card.buttons)
            found = {"cards": [card.title for card in cards], **_pressable(buttons, replies)}
        case Interactive(title=title):
            found = {"press": title}
        case Reaction(emoji=emoji):
            found = {"reaction": emoji}
        case Other(type=type_):
            found = {type_: plain_text(content) or content.payload}
        case _:
            assert_never(content)
    return {key: value for key, value in found.items() if value not in ("", [])}


def _pressable(buttons: tuple[Button, ...], replies: tuple[QuickReply, ...]) -> Described:
    return {"buttons": [one.title for one in buttons], "quick_replies": [one.title for one in replies]}


def request(task: CallTask) -> Described:
    """What is asked of a server, by the keys that flow files have."""
    if isinstance(task, HttpTask):
        body: Described = (
            {} if task.kind == "none" else {"body" if task.kind == "text" else task.kind: task.body}
        )
        headers = {"headers": task.headers} if task.headers else {}
        return {"method": task.method, "url": task.url, **headers, **body}
    said = {"instructions": task.instructions, "question": task.question}
    tools = {"tools": [one.name for one in task.tools]} if task.tools else {}
    return {"model": task.model, "url": task.url, **{k: v for k, v in said.items() if v}, **tools}


def email(task: EmailTask) -> Described:
    """An e-mail, without what is empty."""
    return {key: value for key, value in msgspec.to_builtins(task).items() if value not in ("", [], None)}


def state_of(rehearsal: Rehearsal) -> Described:
    """How things stand: what `expect` compares and `/state` shows."""
    state = rehearsal.state
    profile = msgspec.to_builtins(state.subscriber.profile)
    found = {
        "control": state.control.value,
        "handoff": state.pause.phase.value if state.pause else "",
        "status": state.status,
        "agent": rehearsal.agent,
        "waiting": state.run.waiting.for_ if state.run else "nothing",
        "place": _place(rehearsal),
        "tags": list(state.subscriber.tags),
        "fields": {**profile, **state.subscriber.fields},
        "time": f"{rehearsal.now:%Y-%m-%d %H:%M:%S}",
    }
    return found


def _place(rehearsal: Rehearsal) -> str:
    """`menu: step 1`: where the run stands."""
    run = rehearsal.state.run
    if run is None or not run.stack:
        return ""
    frame = run.waiting.place or run.stack[-1]
    return place_in_words(frame.subflow, frame.path)


def place_in_words(subflow: str, path: tuple[int | str, ...]) -> str:
    parts = (f"step {part + 1}" if isinstance(part, int) else part for part in path)
    return f"{subflow}: {', '.join(parts)}"


def duration(length: timedelta) -> str:
    """`90s`, `10m`, `2h`, `1d`: as flow files have it, rounded to seconds."""
    seconds = round(length.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


# For people


def shown(line: Line) -> tuple[str, str]:
    """Who, and what: a line of the conversation. What has several lines stays so."""
    match line:
        case Said(by=by, content=content, error=error):
            lost = f"\n(not sent: {error})" if error else ""
            return by, "\n".join(_words(content)) + lost
        case Told(event=event, data=data):
            return "platform", f"{event} {_json(data)}".strip()
        case Asked(task=task):
            return "call", _json(request(task))
        case Mailed(task=task):
            return "email", _json(email(task))
        case Counted(name=name, values=values):
            said = {key: value for key, value in msgspec.to_builtins(values).items() if value is not None}
            return "event", f"{name} {_json(said) if said else ''}".strip()
        case Stumbled(code=code, detail=detail):
            return "problem", f"{code}: {detail}"
        case Passed(length=length):
            return "time", f"{duration(length)} later"
        case _:
            assert_never(line)


def _words(content: Content) -> Iterator[str]:
    for key, value in described(content).items():
        match key:
            case "text" | "caption" | "title" | "press":
                yield str(value)
            case "buttons" | "quick_replies":
                yield " ".join(f"[{title}]" for title in value)
            case _:
                yield f"({key}: {', '.join(value) if isinstance(value, list) else value})"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
