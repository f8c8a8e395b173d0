"""Texts for translators: out, and back into the file."""

from __future__ import annotations

from io import BytesIO

import pytest
from babel.messages.pofile import read_po as read_catalogue

from relevo.domain.flows.parsing import ParsedFlow, parse
from relevo.domain.flows.texts import (
    NoTable,
    Text,
    as_csv,
    as_po,
    read_csv,
    read_po,
    texts_of,
    translated,
)

FILE = """\
version: 1
flow: f
start: a
languages: [en, es]
subflows:
  a:
    # who is it?
    - send: "Hello, {{ first_name }}"   # the greeting
    - send: {en: Bye, es: Adiós}
    - ask:
        text: |
          One
          two?
        choices:
          - Yes
          - title:
              en: No
          # nothing else
        retry: 'It''s yes or no'
    - when: {tag: x}
      then:
        - send: {text: Bye, buttons: [{title: 'Go: "on"', do: a}]}
"""
WITH_SPANISH = """\
version: 1
flow: f
start: a
languages: [en, es]
subflows:
  a:
    # who is it?
    - send: {en: "Hello, {{ first_name }}", es: "Hola, {{ first_name }}"}   # the greeting
    - send: {en: "Bye", es: "Chau"}
    - ask:
        text: {en: "One\\ntwo?\\n", es: "¿Uno\\ndos?"}
        choices:
          - {en: "Yes", es: "Sí"}
          - title:
              {en: "No", es: "No"}
          # nothing else
        retry: {en: "It's yes or no", es: "Sí o no"}
    - when: {tag: x}
      then:
        - send: {text: {en: "Bye", es: "Hasta luego"}, buttons: [{title: {en: "Go: \\"on\\"", es: "Ir: \\"ya\\""}, do: a}]}
"""  # noqa: E501
SPANISH = ["Hola, {{ first_name }}", "Chau", "¿Uno\ndos?", "Sí", "No", "Sí o no", "Hasta luego", 'Ir: "ya"']


def parsed(text: str) -> ParsedFlow:
    found = parse(text, file="f.yaml")
    assert found.flow is not None, [str(problem) for problem in found.problems]
    return found


def filled_in() -> list[Text]:
    texts = sorted(texts_of(parsed(FILE)), key=lambda text: ORDER.index((text.at, text.source)))
    return [
        Text(text.at, {"en": text.source, "es": spanish})
        for text, spanish in zip(texts, SPANISH, strict=True)
    ]


ORDER = [
    ("a: step 1: send", "Hello, {{ first_name }}"),
    ("a: step 2: send", "Bye"),
    ("a: step 3: text", "One\ntwo?\n"),
    ("a: step 3: an entry of choices", "Yes"),
    ("a: step 3: title", "No"),
    ("a: step 3: retry", "It's yes or no"),
    ("a: step 4, then, step 1: text", "Bye"),
    ("a: step 4, then, step 1: title", 'Go: "on"'),
]


def test_every_text_is_found_with_its_place() -> None:
    assert {(text.at, text.source) for text in texts_of(parsed(FILE))} == set(ORDER)


def test_the_words_of_a_flow_for_its_answers_are_texts_in_the_order_of_the_file() -> None:
    file = FILE.replace("subflows:", "retry: {number: Only digits}\nsubflows:")

    found = texts_of(parse(file, file="f"))

    assert [one.at for one in found][:2] == ["retry: number", "a: step 1: send"]
    assert found[0].texts == {"en": "Only digits"}


@pytest.mark.parametrize("form", ["csv", "po"])
def test_what_goes_out_comes_back_and_changes_nothing_else_of_the_file(form: str) -> None:
    if form == "csv":
        brought = read_csv(as_csv(filled_in(), ["en", "es"]), ["en", "es"])
    else:
        brought = read_po(as_po(filled_in(), "es"), "en", "es")

    text, count = translated(parsed(FILE), FILE, brought)

    assert (text, count) == (WITH_SPANISH, 8)
    assert translated(parsed(text), text, brought) == (text, 0)


def test_a_text_that_moved_keeps_its_translation() -> None:
    moved = FILE.replace("    # who is it?\n", "    - tag: new\n")

    text, count = translated(parsed(moved), moved, filled_in())

    assert count == 8
    assert '- send: {en: "Hello, {{ first_name }}", es: "Hola, {{ first_name }}"}' in text


def test_what_is_empty_or_unknown_changes_nothing() -> None:
    brought = [
        Text("a: step 1: send", {"en": "Hello, {{ first_name }}", "es": ""}),
        Text("a: step 1: send", {"en": "Something else", "es": "Otra cosa"}),
        Text("a: step 2: send", {"en": "Bye", "fr": "Salut"}),
    ]

    assert translated(parsed(FILE), FILE, brought) == (FILE, 0)


def test_a_catalogue_is_one_of_gettext() -> None:
    catalogue = read_catalogue(BytesIO(as_po(filled_in(), "es").encode()), abort_invalid=True)

    assert {(one.context, one.id): one.string for one in catalogue if one.id} == {
        (text.at, text.source): text.texts["es"] for text in filled_in()
    }


def test_a_catalogue_as_tools_write_it_is_understood() -> None:
    po = """
# a comment
#: f.yaml:8
#, fuzzy
msgid ""
msgstr ""
"Language: es\\n"

msgctxt "a: step 1: send"
msgid ""
"Hello, "
"{{ first_name }}"
msgstr "Hola, {{ first_name }}"

msgid "Bye"
msgstr "Chau"
"""

    assert read_po(po, "en", "es") == (
        Text("a: step 1: send", {"en": "Hello, {{ first_name }}", "es": "Hola, {{ first_name }}"}),
        Text("", {"en": "Bye", "es": "Chau"}),
    )


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("", "the first line is ''; it must be 'at,en,es', or a part of it"),
        ("at,en,fr\n", "the first line is 'at,en,fr'; it must be 'at,en,es', or a part of it"),
        ("at,en\nx,y,z\n", "line 2 has 3 columns; the first line has 2"),
    ],
)
def test_a_table_that_cannot_be_read(table: str, why: str) -> None:
    with pytest.raises(NoTable) as wrong:
        read_csv(table, ["en", "es"])

    assert str(wrong.value) == why


@pytest.mark.parametrize("line", ["msgid Hello", '"Hello"', "hello"])
def test_a_catalogue_that_cannot_be_read(line: str) -> None:
    with pytest.raises(NoTable) as wrong:
        read_po(line, "en", "es")

    assert str(wrong.value).startswith("line 1 is ")
