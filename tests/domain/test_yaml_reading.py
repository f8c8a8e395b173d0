"""YAML with places: what is read, what is refused, and where each problem is said to be."""

from __future__ import annotations

from datetime import timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from relevo.domain import yaml_reading
from relevo.domain.yaml_reading import (
    MAX_BYTES,
    Mapping,
    Place,
    Problems,
    Value,
    did_you_mean,
    nearest,
    quoted,
    read,
)

NO_DURATION = (
    'a must be a duration of 1s to 366d, not "soon"; '
    "write a number and its unit, s, m, h or d: 30s, 10m, 2h, 1d"
)


def top(text: str) -> tuple[Mapping, Problems]:
    problems = Problems("f.yaml")
    root = read(text, problems)
    assert root is not None
    mapping = root.mapping()
    assert mapping is not None
    return mapping, problems


def value_of(text: str) -> tuple[Value, Problems]:
    """The value that follows `a:`."""
    mapping, problems = top(f"a: {text}")
    return mapping["a"], problems


def texts_of(problems: Problems) -> list[str]:
    return [str(problem) for problem in problems.found]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: the file is empty; write something into it"),
        ("# nothing", "1:1: the file is empty; write something into it"),
        ("x" * (MAX_BYTES + 1), "1:1: the file is larger than 1,000,000 bytes; split it into smaller files"),
        (
            "é" * (MAX_BYTES // 2 + 1),
            "1:1: the file is larger than 1,000,000 bytes; split it into smaller files",
        ),
        (
            "a: b: c",
            "1:5: this is not YAML: mapping values are not allowed in this context; "
            'a text with ": " in it needs quotes; otherwise check the indentation',
        ),
        (
            "a:\n\tb: 1",
            "2:1: this is not YAML: while scanning for the next token (from line 2), found character that "
            "cannot start any token; indent with spaces, not tabs; "
            "a text that starts with a special character needs quotes",
        ),
        (
            "a: 1\nb: [x",
            "3:1: this is not YAML: while parsing a flow sequence (from line 2), did not find expected "
            "',' or ']'; check the indentation, and that brackets and quotes are closed",
        ),
        ("a: 1\né: \x01", "2:4: U+0001 is a character that YAML does not allow; leave it out"),
        ("a: \ud800", "1:4: U+D800 is a character that YAML does not allow; leave it out"),
        ("[" * 61, "1:61: this is nested more than 60 deep; nest it less"),
        ("- " * 400_000, "1:121: this is nested more than 60 deep; nest it less"),
        (
            "a: *b",
            "1:4: there is no anchor for *b; "
            "a text that starts with * needs quotes; otherwise define &b above",
        ),
        ("&a [*a]", "1:5: *a stands inside what it names; write it out"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, problem: str) -> None:
    problems = Problems("f.yaml")

    assert read(text, problems) is None
    assert texts_of(problems) == [f"f.yaml:{problem}"]


def test_aliases_cannot_blow_a_small_file_up() -> None:
    lines = ["a: &a [" + ", ".join("x" * 10) + "]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]"
        for before, name in zip("abcdefg", "bcdefgh", strict=True)
    ]
    problems = Problems("f.yaml")

    assert read("\n".join(lines), problems) is None
    assert "the file holds more than 200,000 values" in texts_of(problems)[0]


def test_an_alias_stands_for_what_it_names() -> None:
    mapping, problems = top("a: &x [one, two]\nb: *x")

    assert mapping["b"].texts() == ("one", "two")
    assert problems.found == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", '3:1: "a" is given twice, first in line 1; keep one of them'),
        (
            "a: {{ x }}",
            '1:5: a list or a mapping cannot be a key; put text that starts with "{" or "[" in quotes',
        ),
        ("a: !!int 5", "1:4: !!int is a YAML tag, which means nothing here; leave it out"),
        ("a: !secret x", "1:4: !secret is a YAML tag, which means nothing here; leave it out"),
        (
            "a: 1\n---\nb: 2",
            '2:1: a second document starts here; leave out the "---": a file holds one document',
        ),
    ],
)
def test_what_is_read_in_spite_of_a_mistake_is_reported(text: str, problem: str) -> None:
    _, problems = top(text)

    assert texts_of(problems) == [f"f.yaml:{problem}"]


def test_all_problems_come_in_the_order_of_the_file_and_each_once() -> None:
    mapping, problems = top("a: &x 1\nb: *x\nc: [2]")

    mapping["c"].number()
    mapping["b"].boolean()
    mapping["a"].boolean()

    assert texts_of(problems) == [
        "f.yaml:1:4: b must be true or false, not 1; write true or false",
        "f.yaml:1:4: a must be true or false, not 1; write true or false",
        "f.yaml:3:4: c must be a number, not a list; for example 1.5",
    ]


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "0400", "12:30", "1.5", "true", "~x", "2026-11-22", "+61"]
)
def test_text_is_as_it_was_written(text: str) -> None:
    value, problems = value_of(text)

    assert value.text() == text
    assert problems.found == ()


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ('"12"', "12"),
        ("'true'", "true"),
        ("yes", "yes"),
        ("0400", "0400"),
        ("+61", "+61"),
        ("1_000", "1_000"),
        ("0x1f", "0x1f"),
        (".inf", ".inf"),
        ("12:30", "12:30"),
    ],
)
def test_plain_values_mean_what_they_mean_in_json(text: str, literal: object) -> None:
    value, problems = value_of(text)

    assert value.literal() == literal
    assert type(value.literal()) is type(literal)
    assert problems.found == ()


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("1s", timedelta(seconds=1)),
        ("30s", timedelta(seconds=30)),
        ("10m", timedelta(minutes=10)),
        ("2 h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("366d", timedelta(days=366)),
    ],
)
def test_durations_have_a_number_and_a_unit(text: str, length: timedelta) -> None:
    value, problems = value_of(text)

    assert value.duration() == length
    assert problems.found == ()


@pytest.mark.parametrize(
    ("text", "reading", "problem"),
    [
        ("[1]", "text", "a must be text, not a list; write a text"),
        ("''", "text", 'a must be text, not ""; write a text'),
        ("", "text", "a must be text, not nothing; write a text"),
        ("{x: 1, y: 2}", "texts", "a must be text, not a mapping with x, y; write a text or a list of texts"),
        (
            "[]",
            "literal",
            "a must be a single value, not an empty list; write a text, a number, true, false or null",
        ),
        ("1", "boolean", "a must be true or false, not 1; write true or false"),
        ("yes", "boolean", 'a must be true or false, not "yes"; write true or false'),
        ("true", "number", "a must be a number, not true; for example 1.5"),
        ("soon", "duration", NO_DURATION),
        ("0s", "duration", NO_DURATION.replace("soon", "0s")),
        ("367d", "duration", NO_DURATION.replace("soon", "367d")),
        ("[x]", "duration", NO_DURATION.replace('"soon"', "a list")),
        ("{}", "items", "a must be a list, not an empty mapping; write a list"),
        ("x", "mapping", 'a must be a mapping, not "x"; write it as key: value'),
    ],
)
def test_a_value_of_another_kind_is_shown(text: str, reading: str, problem: str) -> None:
    value, problems = value_of(text)

    assert not getattr(value, reading)()
    assert [f"{found.what}; {found.remedy}" for found in problems.found] == [problem]


@pytest.mark.parametrize(
    ("text", "fits"), [("1", True), ("5", True), ("0", False), ("6", False), ("1.0", False), ("true", False)]
)
def test_whole_numbers_have_bounds(text: str, fits: bool) -> None:
    value, problems = value_of(text)

    assert (value.integer(least=1, most=5) is not None) is fits
    assert [problem.what for problem in problems.found] == (
        [] if fits else [f"a must be a whole number from 1 to 5, not {text}"]
    )


def test_the_texts_of_a_list_that_are_none_are_left_out() -> None:
    mapping, problems = top("a: [x, [y], z]\nb: alone")

    assert (mapping["a"].texts(), mapping["b"].texts()) == (("x", "z"), ("alone",))
    assert [problem.what for problem in problems.found] == ["an entry of a must be text, not a list"]


def test_numbers_are_read() -> None:
    mapping, problems = top("a: 1\nb: 1.5\nc: true")

    assert (mapping["a"].number(), mapping["b"].number(), mapping["c"].boolean()) == (1, 1.5, True)
    assert problems.found == ()


def test_one_of_names_the_nearest() -> None:
    mapping, problems = top("a: emial\nb: xyz\nc: [x]\nd: email\ne: foo")

    assert [mapping[key].one_of(["email", "phone"]) for key in "abcd"] == [None, None, None, "email"]
    assert mapping["e"].one_of(["bar"]) is None
    assert texts_of(problems) == [
        'f.yaml:1:4: a must be one of email, phone, not "emial"; did you mean "email"?',
        'f.yaml:2:4: b must be one of email, phone, not "xyz"; use one of: email, phone',
        "f.yaml:3:4: c must be one of email, phone, not a list; use one of: email, phone",
        'f.yaml:5:4: e must be bar, not "foo"; only bar is known here',
    ]


def test_a_mapping_reports_what_is_missing_and_what_is_unknown() -> None:
    problems = Problems("f.yaml")
    root = read("\n  naem: x\n  other: y\n", problems)
    mapping = root.mapping(known=("name", "words")) if root else None

    assert mapping is not None
    assert mapping.need("name") is None
    assert mapping.need("words", "add some words") is None
    assert mapping.get("name") is None
    assert texts_of(problems) == [
        'f.yaml:2:3: unknown key "naem"; did you mean "name"?',
        'f.yaml:2:3: "name" is missing; add name: …',
        'f.yaml:2:3: "words" is missing; add some words',
        'f.yaml:3:3: unknown key "other"; use one of: name, words',
    ]


def test_a_mapping_keeps_the_order_of_the_file() -> None:
    mapping, _ = top("b: 1\na: 2")

    assert list(mapping) == ["b", "a"]
    assert [(key, value.literal()) for key, value in mapping.items()] == [("b", 1), ("a", 2)]
    assert (len(mapping), "a" in mapping, "c" in mapping) == (2, True, False)
    assert (mapping.place, mapping.key_place("a"), mapping["a"].place) == ((1, 1), (2, 1), (2, 4))


def test_an_empty_mapping_is_there_all_the_same() -> None:
    value, problems = value_of("{}")
    mapping = value.mapping()

    assert mapping
    assert len(mapping) == 0
    assert problems.found == ()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: some words", Place(1, 9)),
        ("a: 'some words'", Place(1, 10)),
        ('a: "some words"', Place(1, 10)),
        ("a: |\n   some words", Place(2, 9)),
        ("a: |\r\n   some words\r\n", Place(2, 9)),
        ("a: |-\n\n  x\n  some words", Place(4, 8)),
        ("a: >\n  some words", Place(1, 4)),
        ('a: "so\\u006de words"', Place(1, 4)),
        ("a: some\n  words", Place(1, 4)),
    ],
)
def test_a_place_within_a_text_is_found_where_the_text_is_verbatim(text: str, place: Place) -> None:
    mapping, problems = top(text)
    written = mapping["a"].text() or ""

    mapping["a"].problem_in_text(written.index("words"), "here", "look")

    assert [(problem.line, problem.column) for problem in problems.found] == [place]


def test_a_place_within_what_is_no_text_is_its_start() -> None:
    mapping, problems = top("a: [x]\nb: y")

    mapping["a"].problem_in_text(3, "here", "look")
    mapping["b"].problem_in_text(None, "here", "look")

    assert [(problem.line, problem.column) for problem in problems.found] == [(1, 4), (2, 4)]


def test_a_block_that_is_folded_by_chomping_falls_back_to_its_start() -> None:
    value, problems = value_of("|2\n    indented\n  words")

    value.problem_in_text((value.text() or "").index("words"), "here", "look")

    assert [(problem.line, problem.column) for problem in problems.found] == [(3, 3)]


def test_long_values_are_cut_where_they_are_shown() -> None:
    assert quoted("x" * 100) == '"' + "x" * 56 + '…"'
    assert quoted("short") == '"short"'


def test_long_lists_of_names_are_cut() -> None:
    assert did_you_mean("?", [f"name{number}" for number in range(30)]).endswith("name19, …")


def test_the_nearest_word_is_found_whatever_its_case() -> None:
    assert nearest("SEND", ["send", "ask"]) == "send"
    assert nearest("xyz", ["send", "ask"]) is None


@pytest.mark.parametrize(
    "text", ["a: [1, x]\nb:\n  - &c {d: |\n   e\n   }\n  - *c\n", "a: [", "a: \x01", "\t", "- " * 99]
)
def test_without_libyaml_it_reads_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = Problems("f.yaml")
    fast_root = read(text, fast)
    monkeypatch.setattr(yaml_reading, "_Loader", yaml.BaseLoader)
    slow = Problems("f.yaml")
    slow_root = read(text, slow)

    assert (slow_root and slow_root.shown) == (fast_root and fast_root.shown)
    assert len(slow.found) == len(fast.found)


@given(st.text())
def test_no_text_makes_reading_raise(text: str) -> None:
    problems = Problems("f.yaml")

    assert read(text, problems) is not None or problems.found


@given(st.text(alphabet="a1:-[]{}&*!|>'\"#,? \n\t%@`\\", max_size=60))
def test_no_jumble_of_yaml_signs_makes_reading_raise(text: str) -> None:
    problems = Problems("f.yaml")

    assert read(text, problems) is not None or problems.found
