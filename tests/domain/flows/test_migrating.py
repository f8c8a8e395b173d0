"""Running conversations keep their version, or move to another by the names of its steps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from relevo.domain.conversations import Conversation, Decision
from relevo.domain.deciding import decide
from relevo.domain.events import AnyEvent, BotResumed, ByConversation, MessageReceived, TimeCame
from relevo.domain.flows.parsing import parse
from relevo.domain.ids import FlowVersionId
from relevo.domain.messages import Text, plain_text
from relevo.testing.clock import NOON
from tests.domain.scenes import ANA, VERSION, compiled, surroundings

HERE = ByConversation(ANA.id)
NEXT = FlowVersionId(VERSION + 1)
TOP = "version: 1\nflow: support\nstart: a\nsubflows:\n"

OLD = f"""{TOP}\
  a:
    - call: b
      name: detour
    - send: done
      name: farewell
  b:
    - ask: E-mail?
      name: email question
    - wait: 1m
      name: nap
    - pause_bot
      name: person
    - send: back
""".replace("- pause_bot\n", "- pause_bot: {minutes: 5}\n")

NEW = f"""{TOP}\
  a:
    - send: new beginning
    - call: b
      name: detour
    - send: new end
  b:
    - send: new start
    - ask: Phone?
      name: contact question
    - wait: 2m
      name: nap
    - send: rested
    - pause_bot: {{minutes: 9}}
      name: handover
    - send: new back
migrations:
  - {{name: phone first, steps: {{email question: phone question}}}}
  - {{name: one question, steps: {{phone question: contact question, person: handover}}}}
"""


def said(decision: Decision) -> list[str]:
    return [plain_text(one.content) for one in decision.messages if one.type.value == "out"]


def standing(*events: AnyEvent) -> Conversation:
    """Ana, so far in the old version."""
    state = ANA
    for event in events:
        state = decide(state, event, surroundings(OLD, now=NOON)).conversation
    return msgspec.json.decode(msgspec.json.encode(state), type=Conversation)


def then(state: Conversation, event: AnyEvent, new: str = NEW, later: int = 0, **changes: Any) -> Decision:
    """What happens when the new version is running."""
    flows = {VERSION: compiled(OLD), NEXT: compiled(new)}
    now = NOON + timedelta(minutes=later)
    return decide(state, event, surroundings(OLD, now=now, current_version=NEXT, flows=flows))


def says(text: str) -> MessageReceived:
    return MessageReceived(to=HERE, content=Text(text))


def test_who_was_asked_answers_the_question_that_took_its_place() -> None:
    asked = standing(says("Hi"))

    answered = then(asked, says("ana@example.com"))

    assert answered.conversation.run is not None
    assert answered.conversation.run.version_id == NEXT
    assert answered.conversation.run.waiting.deadline_at == NOON + timedelta(minutes=2)


def test_who_waits_goes_on_behind_the_step_of_this_name_and_then_behind_the_call() -> None:
    waiting = standing(says("Hi"), says("ana@example.com"))

    woken = then(waiting, TimeCame(to=HERE), later=1)
    back = then(woken.conversation, BotResumed(to=HERE, by="api"), later=2)

    assert said(woken) == ["rested"]
    assert said(back) == ["new back", "new end"]


def test_who_is_with_an_agent_goes_on_behind_the_pause_of_this_name() -> None:
    paused = decide(
        standing(says("Hi"), says("ana@example.com")),
        TimeCame(to=HERE),
        surroundings(OLD, now=NOON + timedelta(minutes=1)),
    ).conversation

    assert said(then(paused, BotResumed(to=HERE, by="api"), later=2)) == ["new back", "new end"]


def test_without_migrations_everybody_keeps_their_version() -> None:
    without = NEW.partition("migrations:")[0]
    asked = standing(says("Hi"))

    answered = then(asked, says("ana@example.com"), without)

    assert answered.conversation.run is not None
    assert answered.conversation.run.version_id == VERSION


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("name: detour", "name: other"),  # a caller has no place any more
        ("phone question: contact question", "x: contact question"),
        ("- ask: Phone?", "- send: Phone?"),  # a step of another kind cannot take the answer
    ],
)
def test_who_has_no_place_there_keeps_their_version(before: str, after: str) -> None:
    assert NEW.count(before) == 1
    answered = then(standing(says("Hi")), says("ana@example.com"), NEW.replace(before, after))

    assert answered.conversation.run is not None
    assert answered.conversation.run.version_id == VERSION


def test_moving_twice_is_moving_once() -> None:
    first = then(standing(says("Hi")), TimeCame(to=HERE))

    assert then(first.conversation, TimeCame(to=HERE)).conversation == first.conversation


def test_the_names_of_steps_are_found_in_branches_too() -> None:
    flow = compiled(f"{TOP}  a:\n    - when: {{tag: x}}\n      then: [{{send: hi, name: inner}}]\n")

    assert flow.step_names == {"inner": ("a", (0, "then", 0))}


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("  a: [{send: x, name: one}, {send: y, name: one}]", 'there is another step named "one", in line 5'),
        ("  a: [{send: x, name: 3d}]", '"3d" cannot be the name of a field'),
        ("  a: [end]\nmigrations: [{name: m, steps: {x: y}}]", 'no step is named "y"'),
        ("  a: [end]\nmigrations: [{steps: {x: y}}]", '"name" is missing'),
        ("  a: [end]\nmigrations: [{name: m, steps: [x]}]", "steps must be a mapping"),
    ],
)
def test_mistakes(rest: str, problem: str) -> None:
    found = [str(one) for one in parse(f"{TOP}{rest}\n", file="f").problems]

    assert any(problem in one for one in found), found
