"""A table for each step: what it does, in what it says, does and waits for."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from relevo.domain.calls import AiAnswer, CallFailed, HttpAnswer
from relevo.domain.flows import engine
from relevo.domain.flows.runs import (
    Act,
    AddLabel,
    AddTag,
    MakeCall,
    PauseBot,
    RemoveLabel,
    RemoveTag,
    Say,
    SendEmail,
    SetField,
    Stumble,
    Turn,
)
from relevo.domain.flows.steps import STEPS
from relevo.domain.messages import Location, Text, plain_text
from tests.domain.flows.walking import SCENE, flow_of, stored

MORE = "b: [{send: in b}]"
LATER = "time"
BACK = "back"

Row = tuple[str, tuple[object, ...], list[str]]
"""The steps; what happens then (words are what the customer writes); and what is seen, from first to last."""

TABLE: dict[str, list[Row]] = {
    "send": [
        ("send: Hello", (), ["Hello", "ends"]),
        ("send: 'Hello {{ name }}, {{ age }}'", (), ["Hello Ana Diaz, 42", "ends"]),
        ("send: '{% if nobody %}x{% endif %}'", (), ["ends"]),
        ("send: {image: '{{ nobody }}'}", (), ["! empty_message", "ends"]),
        ("send: {location: {latitude: 1, longitude: 2}}", (), ["1.0,2.0", "ends"]),
    ],
    "typing": [
        ("typing: 2s", (), ["ends"]),
        ("typing: 2s\n- send: x", (LATER,), ["ShowTyping", "waits for time, 2s", "x", "ends"]),
        ("typing\n- send: x", (), ["ShowTyping", "waits for time, 1s"]),
    ],
    "ask": [
        ("ask: Q", (), ["Q", "waits for answer"]),
        ("ask: Q\n- send: x", ("yes",), ["Q", "waits for answer", "x", "ends"]),
        ("ask: {text: Q, save: n}", ("yes",), ["Q", "waits for answer", "n = 'yes'", "ends"]),
        ("ask: {text: Q, kind: number, save: n}", ("about 5",), ["Q", "waits for answer", "n = 5", "ends"]),
        (
            "ask: {text: Q, kind: number, retry: No, give_up: {after: 2, do: b}}",
            ("x", "y"),
            ["Q", "waits for answer", "No", "waits for answer", "in b", "ends"],
        ),
        (
            "ask: {text: Q, kind: location, save: at}",
            (Location(1.5, -2),),
            ["Q", "waits for answer", "at = '1.5,-2'", "ends"],
        ),
        (
            "ask: {text: Q, choices: [Yes, {title: No, value: n}], save: it}",
            ("2",),
            ["Q", "waits for answer", "it = 'n'", "ends"],
        ),
        (
            "ask: {text: Q, timeout: {after: 5m, do: [{send: late}]}}\n- send: x",
            (LATER,),
            ["Q", "waits for answer, 300s", "late", "x", "ends"],
        ),
        (
            "ask: {text: Q, buttons: [{title: To b, do: b}]}",
            ("to b",),
            ["Q", "waits for answer", "in b", "ends"],
        ),
        ("ask: '{{ nobody }}'\n- send: x", (), ["x", "ends"]),
    ],
    "when": [
        (
            "when: {tag: vip}\n  then: [{send: yes}]\n  else: [{send: no}]\n- send: x",
            (),
            ["yes", "x", "ends"],
        ),
        ("when: {tag: nobody}\n  then: [{send: yes}]\n  else: [{send: no}]", (), ["no", "ends"]),
        ("when: {tag: nobody}\n  then: [{send: yes}]\n- send: x", (), ["x", "ends"]),
    ],
    "choose": [
        ("choose: [{do: [{send: x}]}, {do: [{send: x}]}]\n- send: y", (), ["x", "y", "ends"]),
        ("choose: [{weight: 3, do: b}, {do: b}]\n- send: y", (), ["in b", "ends"]),
    ],
    "repeat": [
        ("repeat: {times: 2, do: [{send: x}]}\n- send: y", (), ["x", "x", "y", "ends"]),
        ("repeat: {times: 5, until: {tag: t}, do: [{tag: t}]}", (), ["AddTag t", "ends"]),
    ],
    "set": [
        ("set: {n: 1, t: '{{ n }}2', age: null}", (), ["n = 1", "t = '12'", "age = None", "ends"]),
        ("set: {first_name: Bo}\n- send: '{{ first_name }}'", (), ["first_name = 'Bo'", "Bo", "ends"]),
    ],
    "tag": [
        ("tag: x", (), ["AddTag x", "ends"]),
        ("tag: [x, y]", (), ["AddTag x", "AddTag y", "ends"]),
    ],
    "untag": [
        ("untag: vip\n- send: '{{ tags | size }}'", (), ["RemoveTag vip", "0", "ends"]),
        ("untag: [x, y]", (), ["RemoveTag x", "RemoveTag y", "ends"]),
    ],
    "label": [("label: [x, y]", (), ["AddLabel x", "AddLabel y", "ends"])],
    "unlabel": [("unlabel: x", (), ["RemoveLabel x", "ends"])],
    "opt_in": [("opt_in: [sms, broadcasts]", (), ["WantsBroadcasts", "OptsIn", "ends"])],
    "opt_out": [("opt_out: email", (), ["OptsOut", "ends"])],
    "assign": [
        ("assign: {agent: luis@example.com}", (), ["AssignTo", "ends"]),
        ("assign: nobody", (), ["AssignTo", "ends"]),
    ],
    "note": [("note: '{{ name }}'", (), ["WriteNote", "ends"])],
    "status": [
        ("status: done\n- send: x", (), ["MoveTo", "x", "ends"]),
        (
            "status: done\n- when: {field: conversation.status, is: done}\n  then: [{send: done}]",
            (),
            ["MoveTo", "done", "ends"],
        ),
    ],
    "event": [
        ("event: Order", (), ["LogEvent", "ends"]),
        ("event: {name: Order, price: '{{ name }}'}", (), ["! wrong_type", "LogEvent", "ends"]),
    ],
    "go": [("go: b\n- send: never", (), ["in b", "ends"])],
    "call": [("call: b\n- send: x", (), ["in b", "x", "ends"])],
    "wait": [
        ("wait: 30s\n- send: x", (), ["waits for time, 30s"]),
        ("wait: 30s\n- send: x", (LATER,), ["waits for time, 30s", "x", "ends"]),
    ],
    "http": [
        ("http: https://a.example.com", (), ["MakeCall GET https://a.example.com", "waits for call"]),
        (
            "http: {url: https://a.example.com, save: {n: a.n}, status: s}",
            (HttpAnswer(200, b'{"a": {"n": 5}}'),),
            ["MakeCall GET https://a.example.com", "waits for call", "s = 200", "n = 5", "ends"],
        ),
        (
            "http: {url: https://a.example.com, method: DELETE, catch: {404: b}}",
            (CallFailed("status", 404),),
            ["MakeCall DELETE https://a.example.com", "waits for call", "in b", "ends"],
        ),
        (
            "http: https://a.example.com\n- send: x",
            (CallFailed("timeout"),),
            ["MakeCall GET https://a.example.com", "waits for call", "! call_failed", "x", "ends"],
        ),
    ],
    "ai": [
        (
            "ai: {url: https://a.example.com, model: m}",
            (AiAnswer(text="I am here"),),
            ["MakeCall m https://a.example.com/chat/completions", "waits for call", "I am here", "ends"],
        ),
        (
            "ai: {url: https://a.example.com, model: m, tools: {go_to: [b]}}",
            (AiAnswer(text="x", go_to="b"),),
            ["MakeCall m https://a.example.com/chat/completions", "waits for call", "x", "in b", "ends"],
        ),
        (
            "ai: {url: https://a.example.com, model: m, catch: {error: b}}",
            (CallFailed("nonsense"),),
            ["MakeCall m https://a.example.com/chat/completions", "waits for call", "in b", "ends"],
        ),
    ],
    "email": [
        ("email: {subject: S, text: T, to: a@example.com}", (), ["SendEmail a@example.com", "ends"]),
        ("email: {subject: S, text: T}", (), ["! no_email_address", "ends"]),
    ],
    "pause_bot": [
        ("pause_bot: {minutes: 5, say: Wait}\n- send: x", (), ["Wait", "PauseBot 300s", "waits for return"]),
        ("pause_bot\n- send: x", (BACK,), ["PauseBot for ever", "waits for return", "x", "ends"]),
        (
            "pause_bot: {returned: {do: [{send: back}]}}\n- send: x",
            (BACK,),
            ["PauseBot for ever", "waits for return", "back", "x", "ends"],
        ),
    ],
    "resume_bot": [
        ("resume_bot\n- send: x", (), ["ResumeBot", "x", "ends"]),
        (
            "resume_bot\n- when: {field: conversation.control, is: bot}\n  then: [{send: ours}]",
            (),
            ["ResumeBot", "ours", "ends"],
        ),
    ],
    "end": [
        ("end\n- send: never", (), ["ends"]),
        ("call: c", (), ["in c", "ends"]),
    ],
}


def test_the_table_has_every_step() -> None:
    assert list(TABLE) == list(STEPS)


@pytest.mark.parametrize(
    ("steps", "then", "seen"),
    [row for rows in TABLE.values() for row in rows],
    ids=[f"{word} {number}" for word, rows in TABLE.items() for number in range(1, len(rows) + 1)],
)
def test_what_each_step_does(steps: str, then: tuple[object, ...], seen: list[str]) -> None:
    flow = flow_of(f"- {steps}", more=f"{MORE}\nc: [{{send: in c}}, end]")
    turn = engine.begin(flow, "a", SCENE)
    found = list(told(turn))
    for what in then:
        run, scene = stored(turn.run), SCENE
        match what:
            case "time":
                assert run.waiting.deadline_at is not None
                scene = msgspec.structs.replace(SCENE, now=run.waiting.deadline_at)
                turn = engine.time_came(flow, run, scene)
            case "back":
                turn = engine.returned(flow, run, scene)
            case HttpAnswer() | AiAnswer() | CallFailed():
                turn = engine.answered(flow, run, what, scene)
            case Location():
                turn = engine.answer(flow, run, what, scene)
            case _:
                turn = engine.answer(flow, run, Text(str(what)), scene)
        found += told(turn)

    assert found == seen


def told(turn: Turn) -> list[str]:
    """What a turn does, and how it stands then, in words."""
    return [*map(in_words, turn.acts), stands(turn)]


def stands(turn: Turn) -> str:
    if turn.run is None:
        return "ends"
    waiting = turn.run.waiting
    left = f", {(waiting.deadline_at - SCENE.now).total_seconds():.0f}s" if waiting.deadline_at else ""
    return f"waits for {waiting.for_}{left if waiting.for_ != 'call' else ''}"


def in_words(act: Act) -> str:
    match act:
        case Say(content=content):
            return plain_text(content)
        case SetField(name=name, value=value):
            return f"{name} = {value!r}"
        case AddTag(name=name) | RemoveTag(name=name) | AddLabel(name=name) | RemoveLabel(name=name):
            return f"{type(act).__name__} {name}"
        case MakeCall(task=task):
            return f"MakeCall {getattr(task, 'method', '') or getattr(task, 'model', '')} {task.url}"
        case SendEmail(task=email):
            return f"SendEmail {email.to}"
        case PauseBot(pause_for=length):
            return f"PauseBot {f'{length // timedelta(seconds=1)}s' if length else 'for ever'}"
        case Stumble(code=code):
            return f"! {code}"
        case _:
            return type(act).__name__
