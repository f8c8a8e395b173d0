"""Keywords and what people write."""

from __future__ import annotations

import pytest

from relevo.domain.flows.folding import folded
from relevo.domain.flows.words import Said, keyword, words_of


@pytest.mark.parametrize(
    ("written", "message", "is_in", "is_all"),
    [
        ("agent", "agent", True, True),
        ("agent", "Agent!", True, True),
        ("agent", "  AGENT  ", True, True),
        ("agent", "an agent, please", True, False),
        ("agent", "agents", False, False),
        ("agent", "reagent", False, False),
        ("agent", "", False, False),
        ("agent", "?!", False, False),
        ("talk to a person", "can I talk to a person?", True, False),
        ("talk to a person", "talk to the person", False, False),
        ("Talk to a Person", "talk  to a\nperson", True, True),
        ("don't", "DON'T", True, True),
        ("señor", "senor", True, True),
        ("senor", "Señor López", True, False),
        ("Straße", "STRASSE", True, True),
        ("помощь", "ПОМОЩЬ!", True, True),
        ("βοήθεια", "ΒΟΗΘΕΙΑ", True, True),
        ("istanbul", "İstanbul", True, True),
        ("مساعدة", "أريد مُساعدة", True, False),
        ("人工", "我要人工客服", True, False),
        ("担当者", "担当者と話したい", True, False),
        ("คน", "ขอคุยกับคนหน่อย", True, False),
        ("?", "what?", True, False),
        ("?", "?", True, True),
        ("👋", "👋🏽 hello", True, False),
        ("❤️", "❤", True, True),
        ("ｆｕｌｌ", "full", True, True),
        ("42", "room 42", True, False),
        ("42", "420", False, False),
    ],
)
def test_keywords_match_whole_words_whatever_their_form(
    written: str, message: str, is_in: bool, is_all: bool
) -> None:
    word, said = keyword(written), Said.of(message)

    assert (word.is_in(said), word.is_all_of(said)) == (is_in, is_all)


def test_folding_takes_case_accents_and_space_away() -> None:
    assert folded("  Élan\n") == folded("elan") == "elan"


def test_words_are_what_is_left_without_punctuation() -> None:
    assert words_of("Hello, World! 😀") == "hello world"
    assert words_of("?!") == ""
