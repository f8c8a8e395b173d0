"""Who gets which of several languages."""

from __future__ import annotations

import msgspec
import pytest

from relevo.domain.flows.languages import best, is_language
from relevo.domain.flows.runs import Scene
from relevo.domain.messages import QuickReply, Text
from relevo.domain.subscribers import Profile
from tests.domain.flows.walking import ANA, SCENE, Customer, flow_of, said, texts, walked

SPEAKS = "languages: [en, es, pt-BR, zh-Hant]"


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("es", "es"),
        ("ES_mx", "es"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("pt-br", "pt-BR"),
        ("zh-Hant-TW", "zh-Hant"),
        ("fr", "en"),
        ("", "en"),
        ("?", "en"),
    ],
)
def test_the_nearest_language_is_chosen(wanted: str, got: str) -> None:
    assert best(wanted, ("en", "es", "pt-BR", "zh-Hant")) == got


def test_of_no_languages_none_is_chosen() -> None:
    assert best("en", ()) == ""


@pytest.mark.parametrize(
    ("tag", "wanted"), [("en", True), ("pt-BR", True), ("zh_Hant_TW", True), ("english", False), ("", False)]
)
def test_what_a_language_is(tag: str, wanted: bool) -> None:
    assert is_language(tag) is wanted


def speaking(language: str, locale: str = "") -> Scene:
    person = msgspec.structs.replace(ANA, profile=Profile(name="Ana", language=language, locale=locale))
    return msgspec.structs.replace(SCENE, subscriber=person)


@pytest.mark.parametrize(
    ("language", "locale", "words"),
    [
        ("es", "", "Hola Ana"),
        ("pt", "", "Olá"),
        ("", "es_MX", "Hola Ana"),
        ("de", "", "Hello Ana"),
        ("zh", "", "Hello Ana"),
    ],
)
@pytest.mark.parametrize(
    "form", ["- send: {%s}", "- send: {text: {%s}}", "- ask: {%s}", "- ask: {text: {%s}}"]
)
def test_a_text_is_said_in_the_language_of_the_person(
    form: str, language: str, locale: str, words: str
) -> None:
    by_language = "es: 'Hola {{ name }}', en: 'Hello {{ name }}', pt-BR: Olá"

    turn = walked(form % by_language, head=SPEAKS, scene=speaking(language, locale))

    assert texts(turn) == [words]


CHOICES = """
- ask:
    text: {en: Which?, es: ¿Cuál?}
    choices: [{title: {en: The basic one, es: El básico}, value: basic}, {en: Pro, es: Profesional}]
    save: plan
    retry: {en: One of these., es: Uno de estos.}
- send: '{{ plan }}'
"""


def test_choices_are_shown_in_one_language_and_understood_in_all() -> None:
    ana = Customer(flow_of(CHOICES, head=SPEAKS))

    assert said(ana.turn) == Text(
        "¿Cuál?", quick_replies=(QuickReply("El básico", "say:basic"), QuickReply("Profesional", "say:Pro"))
    )
    assert ana.writes("?") == ["Uno de estos."]
    assert ana.writes("the basic one") == ["basic"]


def test_a_button_is_pressed_by_its_words_in_any_language() -> None:
    steps = "- ask: {text: What?, buttons: [{title: {en: A person, es: Una persona}, do: b}], save: it}"
    for words in ("a person", "una persona"):
        ana = Customer(flow_of(steps, more="b:\n  - send: b", head=SPEAKS))

        assert ana.writes(words) == ["b"]


def test_a_language_that_was_set_is_spoken_at_once() -> None:
    turn = walked("- set: {language: en}\n- send: {en: Hello, es: Hola}", head=SPEAKS)

    assert texts(turn) == ["Hello"]
