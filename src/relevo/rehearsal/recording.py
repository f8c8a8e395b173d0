"""What was played becomes a test: readable YAML, which `scripts.py` reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, assert_never

import msgspec
import yaml

from relevo.domain.calls import AiAnswer, CallFailed, CallResult, HttpAnswer
from relevo.domain.flows.runs import AddTag, RemoveTag, SetField
from relevo.domain.messages import Contacts, Content, Location, Media, plain_text
from relevo.rehearsal.actions import (
    Accept,
    Action,
    Agent,
    Answer,
    Asked,
    Assign,
    Change,
    Counted,
    GiveBack,
    GoDown,
    Line,
    Mailed,
    Mark,
    Occur,
    Open,
    Passed,
    Post,
    Press,
    Said,
    Stumbled,
    Told,
    Wait,
    Write,
)
from relevo.rehearsal.scripts import VERSION
from relevo.rehearsal.showing import described, duration, email, request


class _Dumper(yaml.SafeDumper):
    """Lists indented, and texts of several lines as blocks: as people write them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)

Step = str | dict[str, Any]
Happened = Sequence[tuple[Action, Sequence[Line]]]

_WORDS_OF_EVENTS = ("epoch", "until", "agent_id")
"""What is of no use in a test: numbers and times that any change moves."""


def recorded(happened: Happened, *, flow: str, name: str, channel: str, begins: datetime) -> str:
    """A file with one test. `flow` is the path of the flow's file, from this one on."""
    steps: list[Step] = []
    for action, lines in happened:
        steps += _done(action)
        steps += [step for line in lines for step in _seen(line)]
    script: dict[str, Any] = {
        "version": VERSION,
        "flow": flow,
        "channel": channel,
        "begins": f"{begins:%Y-%m-%d %H:%M:%S}Z",
        "tests": [{"name": name, "steps": steps}],
    }
    return yaml.dump(script, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)


def _done(action: Action) -> list[Step]:
    match action:
        case Write(content=content, referral=ref):
            return [{"customer": _written(content), **({"referral": ref} if ref else {})}]
        case Press(title=title):
            return [{"press": title}]
        case Open():
            return ["open"]
        case Wait(length=length):
            return [{"wait": duration(length)}]
        case Agent(text=text):
            return [{"agent": text}]
        case Accept():
            return ["accept"]
        case GiveBack():
            said = {key: value for key, value in msgspec.structs.asdict(action).items() if value}
            return [{"return": said} if said else "return"]
        case Answer(result=result):
            return [{"answer": _answer(result)}]
        case Change(acts=acts):
            return [_change(act) for act in acts]
        case Occur(name=name, values=values):
            given = {key: value for key, value in msgspec.structs.asdict(values).items() if value is not None}
            return [{"event": name, **given}]
        case Post(name=name):
            return [{"post": name}]
        case Mark(status=status):
            return [{"status": status}]
        case Assign(agent=agent):
            return [{"assign": agent or "nobody"}]
        case GoDown():
            return ["down"]
        case _:
            assert_never(action)


def _written(content: Content) -> Any:
    match content:
        case Media(type=type_, url=url):
            return {type_: url}
        case Location(latitude=latitude, longitude=longitude):
            return {"location": f"{latitude},{longitude}"}
        case Contacts(contacts=contacts):
            return {"contact": contacts[0].phones[0]}
        case _:
            return plain_text(content)


def _answer(result: CallResult) -> Any:
    match result:
        case HttpAnswer(status=status, body=body):
            try:
                return {"status": status, "json": msgspec.json.decode(body)}
            except msgspec.DecodeError:
                return {"status": status, "body": body.decode(errors="replace")} if body else status
        case CallFailed(kind="status", status=status):
            return status
        case CallFailed(kind=kind):
            return kind
        case AiAnswer(text=text, fields=fields, go_to=go_to, hands_off=hands_off):
            said = {"says": text, "set": dict(fields), "go_to": go_to, "hand_off": hands_off}
            return {key: value for key, value in said.items() if value}
        case _:
            assert_never(result)


def _change(act: SetField | AddTag | RemoveTag) -> Step:
    match act:
        case SetField(name=name, value=value):
            return {"set": {name: value}}
        case AddTag(name=name):
            return {"tag": name}
        case RemoveTag(name=name):
            return {"untag": name}
        case _:
            assert_never(act)


def _seen(line: Line) -> list[Step]:
    match line:
        case Said(by="bot", content=content, error=error):
            found = {**described(content), **({"not_sent": error} if error else {})}
            return [{"bot": found["text"] if list(found) == ["text"] else found}]
        case Said(by="note", content=content):
            return [{"note": plain_text(content)}]
        case Said() | Passed():
            return []
        case Told(event=event, data=data):
            kept = {key: value for key, value in data.items() if key not in _WORDS_OF_EVENTS}
            return [{"platform": event, **({"with": kept} if kept else {})}]
        case Asked(task=task):
            return [{"call": request(task)}]
        case Mailed(task=task):
            return [{"email": email(task)}]
        case Counted(name=name):
            return [{"counted": name}]
        case Stumbled(code=code):
            return [{"problem": code}]
        case _:
            assert_never(line)
