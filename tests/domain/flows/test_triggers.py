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


# Ways to match


def started_by(
    trigger: str, said: str, *, asking: bool = False, language: str = "", head: str = ""
) -> str | None:
    flow = flow_of("- end", more=SUBFLOWS, head=f"{head}triggers:\n  - {{on: keyword, {trigger}, do: b}}")
    return find_trigger(flow, Text(said), is_first_message=False, asking=asking, language=language)


@pytest.mark.parametrize(
    ("trigger", "said", "started"),
    [
        ("words: [track order], match: words", "my ORDER, can I track it?", True),
        ("words: [track order], match: words", "track it", False),
        ("words: [order], match: part", "reorders", True),
        ("words: ['re order'], match: part", "re-orders", True),
        ("words: [order], match: part", "odrer", False),
        ("words: ['#\\d{4,}'], match: pattern", "about #12345", True),
        ("words: ['#\\d{4,}'], match: pattern", "about #123", False),
        ("words: '^refund', match: pattern", "Refund!", True),
        ("words: '^refund', match: pattern", "a refund", False),
    ],
)
def test_ways_to_match(trigger: str, said: str, started: bool) -> None:
    assert started_by(trigger, said) == ("b" if started else None)


def test_only_a_whole_message_wins_over_a_question() -> None:
    pattern = "words: ['#\\d+'], match: pattern"

    assert started_by(pattern, "#123", asking=True) == "b"
    assert started_by(pattern, "it is #123", asking=True) is None


@pytest.mark.parametrize(
    ("language", "said", "started"),
    [
        ("es", "agente", True),
        ("es-MX", "quiero un agente", True),
        ("es", "agent", True),
        ("en", "agente", False),
        ("", "agent", True),
        ("de", "Mensch", True),
        ("fr", "Mensch", False),
    ],
)
def test_words_by_language_are_those_of_the_person_and_of_the_first(
    language: str, said: str, started: bool
) -> None:
    words = "words: {en: [agent], es: [agente], de: Mensch}"

    found = started_by(words, said, language=language, head="languages: [en, es, de]\n")

    assert found == ("b" if started else None)


# Buttons and referrals

OUTSIDE = flow_of(
    "- end",
    more=SUBFLOWS,
    head="""triggers:
  - {on: referral, do: greeting}
  - {on: referral, ref: [spring, 'ad-*'], do: b}
  - {on: button, payload: [BUY, 'ITEM_*'], do: c}
  - {on: keyword, words: [hello], match: is, do: d}
""",
)


@pytest.mark.parametrize(
    ("payload", "started"), [("BUY", "c"), ("ITEM_7", "c"), ("buy", None), ("ITEM", None), ("do:d", "d")]
)
@pytest.mark.parametrize("asking", [True, False])
def test_a_payload_of_a_button_from_elsewhere_starts_a_subflow(
    payload: str, started: str | None, asking: bool
) -> None:
    content = Interactive("Anything", payload)

    assert find_trigger(OUTSIDE, content, is_first_message=False, asking=asking) == started


@pytest.mark.parametrize(
    ("referral", "started"),
    [
        ({"ref": "spring", "source": "deep_link"}, "b"),
        ({"source_id": "ad-12", "source_type": "ad"}, "b"),
        ({"ad_id": "ad-"}, "b"),
        ({"ref": "autumn"}, "greeting"),
        ({"source": "shop"}, "greeting"),
        ({}, "d"),
        (None, "d"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_referral_starts_the_subflow_of_its_ref_before_one_for_all(
    referral: dict[str, str] | None, started: str, first: bool
) -> None:
    found = find_trigger(OUTSIDE, Text("hello"), is_first_message=first, asking=False, referral=referral)

    assert found == started
