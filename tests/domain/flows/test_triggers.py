"""Which subflow a message starts."""

from __future__ import annotations

import pytest

from relevo.domain.flows.model import Flow
from relevo.domain.flows.triggers.finding import find_trigger
from relevo.domain.messages import (
    Contact,
    Contacts,
    Content,
    Interactive,
    Location,
    Media,
    Other,
    Reaction,
    Text,
)
from tests.domain.flows.walking import flow_of

SUBFLOWS = "b: [end]\nc: [end]\nd: [end]\ngreeting: [end]\nfallback: [end]"
KEYWORDS = """triggers:
  - {on: keyword, words: [agent, human], do: b}
  - {on: keyword, words: [stop], match: is, do: c}
  - {on: keyword, words: [travel agent], do: d}
"""
REST = "  - {on: first_message, do: greeting}\n  - {on: default, do: fallback}\n"
PLAIN = flow_of("- end", more=SUBFLOWS, head=KEYWORDS)
FULL = flow_of("- end", more=SUBFLOWS, head=KEYWORDS + REST)


def started(
    flow: Flow, content: Content | str, *, first: bool = False, asking: bool = False, waiting: bool = False
) -> str | None:
    message = Text(content) if isinstance(content, str) else content
    return find_trigger(flow, message, is_first_message=first, asking=asking, waiting=waiting)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("content", "subflow"),
    [
        ("agent", "b"),
        ("I want a HUMAN!", "b"),
        ("stop", "c"),
        ("Stop.", "c"),
        ("travel agent", "d"),
        ("a travel agent", "b"),
        (Interactive("Agent", "say:whatever"), "b"),
        (Media("image", "https://x", caption="human?"), "b"),
        (Interactive("whatever", "do:c"), "c"),
        (Interactive("agent", "do:c"), "c"),
        (Interactive("agent", "do:gone"), "b"),
    ],
)
def test_buttons_and_keywords_start_their_subflow_whether_or_not_it_is_the_first_message(
    content: Content | str, subflow: str, first: bool
) -> None:
    assert started(PLAIN, content, first=first) == subflow
    assert started(FULL, content, first=first) == subflow


NO_KEYWORD: list[Content] = [
    Text("hello"),
    Text("please stop"),
    Text("?"),
    Text(""),
    Media("audio", "https://x"),
    Location(1, 2, name="agent"),
    Contacts((Contact("agent"),)),
    Other("order", text="agent"),
    Interactive("hello", "do:gone"),
]


@pytest.mark.parametrize("content", NO_KEYWORD, ids=str)
def test_a_first_message_without_a_keyword_starts_the_flow(content: Content) -> None:
    assert started(PLAIN, content, first=True) == "a"
    assert started(FULL, content, first=True) == "greeting"


@pytest.mark.parametrize("content", NO_KEYWORD, ids=str)
def test_a_later_message_without_a_keyword_gets_the_default_reply_or_silence(content: Content) -> None:
    assert started(PLAIN, content) is None
    assert started(FULL, content) == "fallback"


@pytest.mark.parametrize("content", NO_KEYWORD, ids=str)
def test_the_default_reply_does_not_interrupt_a_wait(content: Content) -> None:
    assert started(FULL, content, waiting=True) is None
    assert started(FULL, "an agent please", waiting=True) == "b"


@pytest.mark.parametrize(
    ("content", "subflow"),
    [
        ("agent", "b"),
        ("Agent!", "b"),
        ("stop", "c"),
        ("I want an agent", None),
        ("hello", None),
        (Interactive("x", "do:c"), "c"),
        (Interactive("x", "do:gone"), None),
    ],
)
def test_while_a_question_is_at_hand_only_a_whole_keyword_or_a_button_wins(
    content: Content | str, subflow: str | None
) -> None:
    assert started(FULL, content, asking=True) == subflow
    assert started(FULL, content, asking=True, first=True) == subflow


def test_a_reaction_starts_nothing() -> None:
    assert started(FULL, Reaction("👍", "mid"), first=True) is None


def test_a_flow_without_triggers_starts_once() -> None:
    flow = flow_of("- end")

    assert started(flow, "hello", first=True) == "a"
    assert started(flow, "hello") is None
