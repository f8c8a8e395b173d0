"""What `http` and `ai` ask, and what becomes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from relevo.domain import sealing
from relevo.domain.calls import AiAnswer, AiTask, CallFailed, CallResult, HttpAnswer, HttpTask, Retry
from relevo.domain.flows import engine
from relevo.domain.flows.parsing import parse
from relevo.domain.flows.runs import MakeCall, PauseBot, Stumble, Turn
from tests.domain.flows.walking import SCENE, fields_set, flow_of, others, stored, texts, walked

MORE = "b: [{send: b}]\nc: [{send: c}]"


def asked(steps: str) -> Any:
    """What the first step asks of another server."""
    turn = walked(steps, more=MORE)
    assert turn.run is not None
    assert turn.run.waiting.for_ == "call"
    (call,) = [act for act in turn.acts if isinstance(act, MakeCall)]
    return call.task


def after(steps: str, result: CallResult) -> Turn:
    """What the steps do once the first has its outcome."""
    flow = flow_of(steps, more=MORE)
    return engine.answered(flow, stored(engine.begin(flow, "a", SCENE).run), result, SCENE)


# What is asked


@pytest.mark.parametrize(
    ("step", "task"),
    [
        ("- http: https://x.example/a", {"method": "GET", "url": "https://x.example/a", "kind": "none"}),
        (
            '- http: {url: "https://x.example/{{ plan | downcase }}?q={{ last_input | url_encode }}"}',
            {"url": "https://x.example/pro?q=Hi+there"},
        ),
        (
            '- http: {url: https://x.example, json: {a: "{{ age }}", b: [1, true, null, ""], c: {d: x}}}',
            {
                "method": "POST",
                "kind": "json",
                "body": {"a": "42", "b": [1, True, None, ""], "c": {"d": "x"}},
            },
        ),
        (
            '- http: {url: https://x.example, method: PUT, form: {a: "{{ name }}"}}',
            {"method": "PUT", "kind": "form", "body": {"a": "Ana Diaz"}},
        ),
        ('- http: {url: https://x.example, body: "<a/>"}', {"kind": "text", "body": "<a/>"}),
        (
            '- http: {url: https://x.example, headers: {X-A: "{{ name }}", X-B: "{{ secret.B }}"}}',
            {"headers": {"X-A": "Ana Diaz", "X-B": sealing.mark("B")}},
        ),
        (
            "- http: {url: https://x.example, timeout: 3s, retry: {times: 3, after: 1s, factor: 3}}",
            {
                "timeout": timedelta(seconds=3),
                "schedule": (timedelta(seconds=1), timedelta(seconds=3), timedelta(seconds=9)),
            },
        ),
        ("- http: {url: https://x.example, retry: {times: 0}}", {"schedule": ()}),
    ],
)
def test_what_http_asks(step: str, task: dict[str, Any]) -> None:
    found = asked(step)

    assert isinstance(found, HttpTask)
    assert {name: getattr(found, name) for name in task} == task


def test_a_customer_cannot_add_a_header() -> None:
    scene = msgspec.structs.replace(SCENE, last_input="a\r\nX-Evil: 1")
    turn = walked('- http: {url: https://x.example, headers: {X-A: "{{ last_input }}"}}', scene=scene)

    (call,) = [act for act in turn.acts if isinstance(act, MakeCall)]
    assert call.task.headers == {"X-A": "a X-Evil: 1"}


AI = "- ai: {url: https://ai.example/v1/, model: small%s}"


@pytest.mark.parametrize(
    ("more", "task"),
    [
        ("", {"url": "https://ai.example/v1/chat/completions", "model": "small", "history": 10, "tools": ()}),
        (', key: "{{ secret.K }}"', {"headers": {"Authorization": f"Bearer {sealing.mark('K')}"}}),
        (', instructions: "Help {{ name }}."', {"instructions": "Help Ana Diaz."}),
        (", max_completion_tokens: 70", {"max_tokens": 70, "limit_as": "max_completion_tokens"}),
        (", temperature: 0.5, rounds: 2, history: 0", {"temperature": 0.5, "rounds": 2, "history": 0}),
    ],
)
def test_what_ai_asks(more: str, task: dict[str, Any]) -> None:
    found = asked(AI % more)

    assert isinstance(found, AiTask)
    assert {name: getattr(found, name) for name in task} == task


def test_the_tools_of_a_model_are_those_that_the_step_allows() -> None:
    task = asked(AI % ", tools: {hand_off: true, set_fields: [city, size], go_to: [b]}")

    assert [tool.name for tool in task.tools] == ["hand_off", "set_field", "go_to"]
    assert task.tools[1].arguments["name"] == ("city", "size")
    assert task.tools[2].arguments["subflow"] == ("b",)


# What becomes of it

PRICED = {"price": 9, "gone": None, "code": 201}
SAVING = '- http: {url: https://x.example, save: {price: "items[0].price", gone: nowhere}, status: code}'


@pytest.mark.parametrize(
    ("steps", "result", "said", "fields"),
    [
        (SAVING, HttpAnswer(201, b'{"items": [{"price": 9}]}'), ["next"], PRICED),
        ("- http: https://x.example", HttpAnswer(204), ["next"], {}),
        (AI % "", AiAnswer(text="Hello!"), ["Hello!", "next"], {}),
        (AI % ", save: said", AiAnswer(text="Hello!"), ["next"], {"said": "Hello!"}),
        (
            AI % ", tools: {set_fields: [city]}",
            AiAnswer(text="Fine.", fields=(("city", "Rome"), ("plan", "x"))),
            ["Fine.", "next"],
            {"city": "Rome"},
        ),
        (AI % ", tools: {go_to: [b]}", AiAnswer(text="So.", go_to="b"), ["So.", "b"], {}),
        (AI % ", tools: {go_to: [b]}", AiAnswer(text="So.", go_to="c"), ["So.", "next"], {}),
        (AI % ", tools: {hand_off: c}", AiAnswer(hands_off=True), ["c"], {}),
    ],
)  # fmt: skip
def test_use_is_made_of_an_answer(
    steps: str, result: CallResult, said: list[str], fields: dict[str, object]
) -> None:
    turn = after(f"{steps}\n- send: next", result)

    assert texts(turn) == said
    assert fields_set(turn) == fields


def test_a_model_that_calls_a_person_pauses_the_bot() -> None:
    turn = after(AI % ", tools: {hand_off: true}" + "\n- send: back", AiAnswer(text="Wait.", hands_off=True))

    assert texts(turn) == ["Wait."]
    assert isinstance(turn.acts[-1], PauseBot)
    assert turn.run is not None
    assert turn.run.waiting.for_ == "return"


CATCHING = """
- http:
    url: https://x.example
    save: {a: a}
    catch: {%s}
- send: next
"""


@pytest.mark.parametrize(
    ("catch", "result", "said"),
    [
        ("404: b, 4xx: c, error: c", CallFailed("status", 404), ["b"]),
        ("404: c, 4xx: b, error: c", CallFailed("status", 422), ["b"]),
        ("status: b, error: c", CallFailed("status", 500), ["b"]),
        ("timeout: c, status: c, error: b", CallFailed("unreachable"), ["b"]),
        ("timeout: b, error: c", CallFailed("timeout"), ["b"]),
        ("error: b", CallFailed("nonsense"), ["b"]),
        ("error: b", HttpAnswer(200, b"<html>"), ["b"]),
        ("error: [{send: sorry}]", CallFailed("timeout"), ["sorry", "next"]),
        ("404: b", CallFailed("status", 500), ["next"]),
    ],
)
def test_a_failure_takes_the_most_particular_way(catch: str, result: CallResult, said: list[str]) -> None:
    assert texts(after(CATCHING % catch, result)) == said


def test_what_nobody_catches_is_told_and_the_flow_goes_on() -> None:
    turn = after("- http: https://x.example\n- send: next", CallFailed("status", 500, "it was answered 500"))

    assert others(turn) == [Stumble("call_failed", "a: step 1: it was answered 500")]
    assert texts(turn) == ["next"]


def test_a_status_is_kept_of_a_failure_too() -> None:
    turn = after("- http: {url: https://x.example, status: code}", CallFailed("status", 503))

    assert fields_set(turn) == {"code": 503}


def test_a_call_of_which_nothing_is_heard_has_timed_out() -> None:
    flow = flow_of(CATCHING % "timeout: b", more=MORE)
    run = stored(engine.begin(flow, "a", SCENE).run)

    assert run.waiting.deadline_at is not None
    assert run.waiting.deadline_at > SCENE.now + Retry().longest(timedelta(seconds=10))
    assert texts(engine.time_came(flow, run, SCENE)) == ["b"]


def test_a_template_that_fails_fails_the_call() -> None:
    steps = '- http: {url: "https://x.example/{{ age | divided_by: 0 }}", catch: {error: b}}'

    assert texts(walked(steps, more=MORE)) == ["b"]


# UChat's External Request

DYNAMIC = "- http: {url: https://x.example, answer: dynamic_content, catch: {error: c}}\n- send: next"


def dynamic(**content: Any) -> HttpAnswer:
    return HttpAnswer(200, msgspec.json.encode({"version": "v1", "content": content}))


def test_an_answer_may_be_dynamic_content() -> None:
    turn = after(
        DYNAMIC,
        dynamic(
            messages=[{"type": "text", "text": "Hi"}],
            actions=[
                {"action": "add_tag", "tag_name": "lead"},
                {"action": "set_field_value", "field_name": "size", "value": 42},
            ],
        ),
    )

    assert texts(turn) == ["Hi", "next"]
    assert fields_set(turn) == {"size": 42}


def test_dynamic_content_may_go_to_a_subflow() -> None:
    assert texts(after(DYNAMIC, dynamic(messages=[{"type": "text", "text": "Hi"}], goto="b"))) == ["Hi", "b"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"content": {"messages": [{"type": "gif"}]}}', b"\xff"])
def test_what_is_no_dynamic_content_is_a_failure(body: bytes) -> None:
    assert texts(after(DYNAMIC, HttpAnswer(200, body))) == ["c"]


# Mistakes


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("- http: ftp://x.example", "must be a URL"),
        ("- http: {}", '"url" is missing'),
        ("- http: {url: https://x, method: BREW}", "must be one of GET"),
        ("- http: {url: https://x, json: 1, body: x}", "json and body in one request"),
        ("- http: {url: https://x, timeout: 1h}", "at most 2m are possible"),
        ("- http: {url: https://x, retry: {times: 99}}", "from 0 to 10"),
        ("- http: {url: https://x, retry: {factor: 0.5}}", "from 1 to 10"),
        ("- http: {url: https://x, catch: {later: b}}", "nothing that can be caught"),
        ("- http: {url: https://x, catch: {error: nowhere}}", "there is no subflow"),
        ("- http: {url: https://x, save: {a: 'b..c'}}", "not a place in JSON"),
        ("- http: {url: https://x, headers: {Host: x}}", "set by Relevo itself"),
        ("- http: {url: 'https://x/{{ secret.A | upcase }}'}", "a secret is written"),
        ("- send: 'My {{ secret.A }}'", "only in the URL, the headers and the body of a call"),
        ("- set: {a: '{{ secret.A }}'}", "only in the URL, the headers and the body of a call"),
        ("- ai: {url: https://x}", '"model" is missing'),
        ("- ai: {url: https://x, model: m, tools: {go_to: [nowhere]}}", "there is no subflow"),
        ("- ai: {url: https://x, model: m, temperature: 9}", "from 0 to 2"),
    ],
)
def test_mistakes_are_named(step: str, problem: str) -> None:
    text = f"version: 1\nflow: t\nstart: a\nsubflows:\n  a:\n    {step}\n  b: [end]\n"
    found = [str(one) for one in parse(text, file="t").problems]

    assert any(problem in one for one in found), found
