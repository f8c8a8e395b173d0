"""Each mistake that a flow file can hold: where it is said to be, what, and what would be right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.domain.flows.parsing import parse
from relevo.domain.flows.steps import STEPS as KNOWN
from relevo.domain.flows.triggers import TRIGGERS
from relevo.domain.yaml_reading import did_you_mean

START = "version: 1\nflow: f\nstart: a\nsubflows:\n  b: [end]\n  a:\n"


def blocks() -> list[tuple[str, list[str]]]:
    """The steps of mistakes.txt, each with its problems."""
    text = (Path(__file__).parent / "mistakes.txt").read_text()
    found = [block.strip("\n").split("\n=> ") for block in text.split("\n\n")[1:]]
    return [(step, list(map(_with_steps, problems))) for step, *problems in found]


def _with_steps(problem: str) -> str:
    return problem.replace("write one of: STEPS", f"write one of: {', '.join(KNOWN)}").replace(
        "use one of: STEPS", did_you_mean("", KNOWN)
    )


STEPS = blocks()


def problems_of(text: str) -> list[str]:
    """LINE:COL: what; remedy."""
    parsed = parse(text, file="f.yaml")
    assert (parsed.flow is None) is bool(parsed.problems)
    return [str(problem).removeprefix("f.yaml:") for problem in parsed.problems]


@pytest.mark.parametrize(("step", "problems"), STEPS, ids=[step for step, _ in STEPS])
def test_mistakes_in_steps(step: str, problems: list[str]) -> None:
    indented = step.replace("\n", "\n    ")

    assert problems_of(f"{START}    {indented}\n") == problems


def test_mistakes_at_the_top() -> None:
    text = """\
version: 2
flow: [f]
start: b
start: a
region: Australia
subflow: {}
subflows:
  a: []
  1x: [end]
  b b: end
"""
    assert problems_of(text) == [
        "1:10: version must be 1, not 2; write version: 1",
        "2:7: flow must be text, not a list; write a text",
        '3:8: there is no subflow "b"; use one of: a, 1x, b b',
        '4:1: "start" is given twice, first in line 3; keep one of them',
        '5:9: region must be a country\'s code of two capital letters, not "Australia"; '
        "for example AU, BR, DE or US",
        '6:1: unknown key "subflow"; did you mean "subflows"?',
        "8:6: a has no steps; add one, or leave it out",
        '9:3: "1x" cannot be the name of a subflow; '
        "start with a letter; then letters, digits, spaces, _ - and ., at most 40",
        '10:8: b b must be a list, not "end"; write a list of steps, each on a line that starts with -',
    ]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["1:1: the file is empty; write something into it"]),
        (
            "[]",
            ["1:1: the file must be a mapping, not an empty list; start with version: 1 and flow: its name"],
        ),
        (
            "{}",
            [
                '1:1: "version" is missing; add version: 1',
                '1:1: "subflows" is missing; add subflows: and under it the name of each with its steps',
                '1:1: "flow" is missing; add flow: its name',
                '1:1: "start" is missing; add start: the subflow that a new customer meets',
            ],
        ),
        (
            "version: 1\nflow: f\nstart: a\nsubflows: [a]",
            ["4:11: subflows must be a mapping, not a list; write the name of each subflow, then its steps"],
        ),
        (
            "version: 1\nflow: f\nstart: a\nsubflows: {}",
            ["4:11: there are no subflows; write the name of each, then its steps"],
        ),
        (
            "version: '1'\nflow: f\nstart: a\nsubflows: {a: [end]}",
            ['1:10: version must be 1, not "1"; write version: 1'],
        ),
        (
            "version: 1\nflow: f\nstart: [a]\nregion: [AU]\nsubflows: {a: [end]}",
            [
                "3:8: start must be text, not a list; write the name of a subflow",
                "4:9: region must be text, not a list; for example AU",
            ],
        ),
    ],
)
def test_files_that_are_no_flow(text: str, problems: list[str]) -> None:
    assert problems_of(text) == problems


@pytest.mark.parametrize(
    ("trigger", "problem"),
    [
        (
            "{on: keyword, words: ['a(b'], match: pattern, do: a}",
            "5:29: this is no pattern: a ( is not closed; "
            r"write letters, . [a-z] \d \w \s \b ^ $ ( | ) and how often: * + ? {2,4}",
        ),
        ("{on: button, do: a}", '5:5: "payload" is missing; add payload: BUY, or a list of them'),
        (
            "{on: keyword, words: {en: [a], es: [b]}, do: a}",
            "5:26: words by language, in a flow that does not say which it speaks; "
            "add languages: [en, es] at the top of the file",
        ),
    ],
)
def test_mistakes_in_one_trigger(trigger: str, problem: str) -> None:
    start = "version: 1\nflow: f\nstart: a\ntriggers:\n"

    assert problems_of(f"{start}  - {trigger}\nsubflows:\n  a: [end]\n") == [problem]


def test_mistakes_in_triggers() -> None:
    text = """\
version: 1
flow: f
start: a
triggers:
  - {on: keywrd, words: [a], do: a}
  - {words: [a], do: a}
  - {on: keyword, do: a}
  - {on: keyword, words: [x, Ý], do: aa}
  - {on: keyword, words: y, match: exactly, do: a}
  - {on: keyword, words: [x], match: is, do: a}
  - {on: default, do: a}
  - {on: default}
  - {on: first_message, do: a, words: [x]}
  - go
  - {on: first_message, do: a}
subflows: {a: [end]}
"""
    triggers = ", ".join(TRIGGERS)
    assert problems_of(text) == [
        f'5:10: on must be one of {triggers}, not "keywrd"; did you mean "keyword"?',
        f'6:5: "on" is missing; add on: one of {triggers}',
        '7:5: "words" is missing; add words: [agent, human]',
        '8:38: there is no subflow "aa"; did you mean "a"?',
        '9:5: the keyword "y" has a trigger already, in line 8; keep one of them',
        '9:36: match must be one of contains, is, words, part, pattern, not "exactly"; '
        "use one of: contains, is, words, part, pattern",
        '12:5: "do" is missing; add do: the subflow to start',
        "12:5: the default reply has a trigger already, in line 11; keep one of them",
        '13:32: unknown key "words"; use one of: on, do',
        '14:5: an entry of triggers must be a mapping, not "go"; '
        "for example {on: keyword, words: [agent], do: person}",
        "15:5: the first message has a trigger already, in line 13; keep one of them",
    ]


def test_texts_have_a_bound() -> None:
    long = "x" * 20_001
    step = f"    - send: {long}\n    - tag: {long}\n    - set: {{a: {long}}}\n    - send: {long[1:]}\n"

    assert problems_of(START + step) == [
        "7:13: send has 20,001 characters; at most 20,000 are allowed",
        "8:12: tag has 20,001 characters; at most 20,000 are allowed",
        "9:16: a has 20,001 characters; at most 20,000 are allowed",
    ]


def test_all_mistakes_come_at_once_and_in_order() -> None:
    steps = "    - snd: hi\n    - wait: 5\n    - go: nowhere\n    - send: '{{ x'\n    - end: 1\n"

    assert [problem.split(":")[0] for problem in problems_of(START + steps)] == ["7", "8", "9", "10", "11"]


@pytest.mark.parametrize("name", ["support", "lead"])
def test_the_examples_have_none(name: str) -> None:
    text = (Path(__file__).parents[3] / "examples" / f"{name}.flow.yaml").read_text()

    parsed = parse(text, file=name)

    assert parsed.problems == ()
    assert parsed.flow is not None
    assert parsed.flow.name == name


SOME_WORDS = (
    "send ask when set tag go call wait pause_bot end then else text do buttons quick_replies title field "
    "is any not 10m {{x}} {{ a timeout after kind choices save give_up location image minutes leave_words"
)
WORDS = st.sampled_from(SOME_WORDS.split())
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@given(ANYTHING)
def test_whatever_a_step_is_nothing_raises(step: object) -> None:
    problems_of(f"{START}    - {as_yaml(step)}\n")


@given(ANYTHING, ANYTHING, ANYTHING)
def test_whatever_the_file_holds_nothing_raises(top: object, triggers: object, subflows: object) -> None:
    problems_of(as_yaml(top))
    problems_of(
        as_yaml({"version": 1, "flow": "f", "start": "a", "triggers": triggers, "subflows": subflows})
    )


@given(st.text(max_size=80))
def test_no_text_raises(text: str) -> None:
    problems_of(text)
    problems_of(START + "    - send: " + text)


def as_yaml(value: object) -> str:
    """As JSON, which is YAML."""
    return json.dumps(value, ensure_ascii=False)
