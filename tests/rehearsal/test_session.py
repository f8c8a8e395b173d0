"""A conversation in memory behaves as one that is stored does."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from relevo.domain.calls import AiAnswer, CallFailed, HttpAnswer
from relevo.domain.messages import Text
from relevo.rehearsal import commands
from relevo.rehearsal.actions import Accept, Answer, GiveBack, Open, Passed, Press, Said, Told, Wait, Write
from relevo.rehearsal.session import NotPossible, Rehearsal
from relevo.rehearsal.showing import described, shown, state_of
from relevo.rehearsal.stage import WEDNESDAY_NOON, Answering, Stage
from tests.domain.scenes import compiled

HANDOFF = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: keyword, words: [agent], do: person}
  - {on: schedule, cron: "0 9 * * *", when: {tag: lead}, do: morning}
subflows:
  welcome:
    - send: {text: "Hello {{ first_name }}", buttons: [{title: A person, do: person}]}
    - typing: 3s
    - send: How are you?
  person:
    - pause_bot: {minutes: 30, not_accepted: {after: 2m, do: [{send: Please stay}]}}
    - send: I am back
  morning:
    - send: Good morning
"""
CALL = """\
version: 1
flow: shop
start: look
subflows:
  look:
    - http: {url: "https://shop.example.com/{{ last_input }}", headers: {Key: "{{ secret.KEY }}"}, save: {state: state}, catch: {404: gone}}
    - send: "It is {{ state }}."
  gone:
    - send: There is no such order.
"""  # noqa: E501


def held(source: str = HANDOFF, **staged: object) -> Rehearsal:
    return Rehearsal(Stage(flow=compiled(source), **staged))  # type: ignore[arg-type]


def played(rehearsal: Rehearsal, *lines: str) -> list[tuple[str, str]]:
    """What comes of the last of these, as people read it."""
    seen: list[tuple[str, str]] = []
    for line in lines:
        action = commands.read(line)
        assert not isinstance(action, str)
        seen = [shown(one) for one in rehearsal.perform(action)]
    return seen


def test_the_bot_answers_and_nobody_waits_for_it_to_type() -> None:
    rehearsal = held()

    assert played(rehearsal, "hi") == [
        ("customer", "hi"),
        ("bot", "Hello Ana\n[A person]"),
        ("bot", "How are you?"),
    ]
    assert rehearsal.now == WEDNESDAY_NOON + timedelta(seconds=3)


def test_what_happens_by_itself_happens_at_its_time() -> None:
    rehearsal = held()
    assert played(rehearsal, "hi", "/press a person")[-1][0] == "platform"

    seen = played(rehearsal, "/wait 3m")

    assert seen == [("time", "2m later"), ("bot", "Please stay")]
    assert rehearsal.now == WEDNESDAY_NOON + timedelta(minutes=3, seconds=3)
    assert state_of(rehearsal)["handoff"] == "requested"
    assert [who for who, _ in played(rehearsal, "/wait 1h")] == ["time", "platform", "bot"]
    assert state_of(rehearsal)["control"] == "bot"


def test_a_schedule_comes_round_for_whom_it_is_for() -> None:
    rehearsal = held(tags=("lead",))
    played(rehearsal, "hi")

    assert [what for who, what in played(rehearsal, "/wait 2d") if who == "bot"] == ["Good morning"] * 2
    assert played(held(), "hi", "/wait 2d") == []


def test_an_agent_accepts_and_gives_back() -> None:
    rehearsal = held()
    rehearsal.perform(Write(Text("agent")))

    accepted = rehearsal.perform(Accept())
    returned = rehearsal.perform(GiveBack(reason="solved"))

    assert [one.event for one in accepted if isinstance(one, Told)] == [
        "handoff.accepted",
        "conversation.assigned",
    ]
    assert [one.event for one in returned if isinstance(one, Told)] == ["handoff.returned"]
    assert described(said(returned)[-1].content) == {"text": "I am back"}


def said(lines: object) -> list[Said]:
    assert isinstance(lines, list)
    return [one for one in lines if isinstance(one, Said)]


def test_what_cannot_happen_now_says_why() -> None:
    rehearsal = held()

    for action, why in (
        (Accept(), "Nobody is asked for"),
        (Answer(HttpAnswer(200)), "no server was asked"),
        (Press("Nothing"), "nothing with buttons was said"),
    ):
        with pytest.raises(NotPossible, match=why):
            rehearsal.perform(action)
    rehearsal.perform(Open())
    with pytest.raises(NotPossible, match="there are A person"):
        rehearsal.perform(Press("Nothing"))


def test_a_server_answers_what_the_person_says() -> None:
    rehearsal = held(CALL)

    asked = played(rehearsal, "77")[-1]
    assert asked[0] == "call"
    assert "https://shop.example.com/77" in asked[1]
    assert "{{ secret.KEY }}" in asked[1]
    assert played(rehearsal, '/answer 200 {"state": "sent"}') == [("bot", "It is sent.")]
    assert played(held(CALL), "77", "/answer 404") == [("bot", "There is no such order.")]
    assert played(held(CALL), "77", "/answer timeout")[0][0] == "problem"
    with pytest.raises(NotPossible, match="no answer to this call"):
        played(held(CALL), "77", "/answer It was sent")


def test_what_the_stage_has_an_answer_to_is_not_asked() -> None:
    answers = (
        Answering("https://shop.example.com/7*", HttpAnswer(200, b'{"state": "lost"}')),
        Answering("*", CallFailed("status", 404)),
    )

    assert played(held(CALL, answers=answers), "77")[-1] == ("bot", "It is lost.")
    assert played(held(CALL, answers=answers), "9")[-1] == ("bot", "There is no such order.")


def test_a_model_answers_in_words() -> None:
    source = CALL.replace("- http:", "- ai:").replace("save: {state: state}", "model: small, save: state")

    assert played(held(source), "77", "/answer on its way") == [("bot", "It is on its way.")]
    seen = held(source)
    seen.perform(Write(Text("77")))
    assert said(seen.perform(Answer(AiAnswer(text="here"))))[0].content == Text("It is here.")


def test_the_customer_sees_what_the_channel_can_show() -> None:
    seen = played(held(channel="sms"), "hi")

    assert seen[1] == ("bot", "Hello Ana\n1. A person")
    at_once = HANDOFF.replace("    - typing: 3s\n", "")
    assert "platform" in dict(played(held(at_once, channel="sms"), "hi", "1"))


def test_the_same_actions_have_the_same_lines() -> None:
    source = HANDOFF.replace("- typing: 3s", "- choose: [{do: [{send: A}]}, {do: [{send: B}]}]")
    lines = [[played(rehearsal, "hi", "hi") for rehearsal in [held(source)]] for _ in range(2)]

    assert lines[0] == lines[1]


def test_time_that_nothing_happens_in_is_not_told_of() -> None:
    rehearsal = held()

    assert rehearsal.perform(Wait(timedelta(days=3))) == []
    assert not any(isinstance(one, Passed) for one in rehearsal.perform(Open()))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("/waity 3m", 'did you mean "wait"'),
        ("/wait soon", "/wait 10m"),
        ("/press", "needs words"),
        ("/accept now", "takes nothing"),
        ("/answer 999", "999 is no status"),
        ("/answer {", "no JSON"),
        ('/answer {"sais": 1}', "unknown key 'sais'"),
        ("/set plan", "/set plan = pro"),
        ("/status gone", "use one of: open"),
        ("/location here", "two numbers"),
    ],
)
def test_what_is_not_understood_is_told_with_what_would_be_right(line: str, problem: str) -> None:
    with pytest.raises(commands.NotUnderstood) as refused:
        commands.read(line)

    assert problem in str(refused.value)


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_command_does_something_or_says_why_not(name: str) -> None:
    example = commands.COMMANDS[name].words.replace("TITLE", "A person").replace("LAT,LON", "1,2")
    action = commands.read(f"/{name} {example}".replace("[", "").replace("]", ""))
    assert not isinstance(action, str)
    with suppress(NotPossible):
        held().perform(action)
