"""Advice about flows that can be run: what is most likely not meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from relevo.domain.degrading import Limits
from relevo.domain.flows.checking import check
from relevo.domain.flows.parsing import parse
from relevo.domain.yaml_reading import Problem

SMS = Limits()
WEB = Limits(buttons=3, quick_replies=10, cards=True)
HEAD = "version: 1\nflow: f\nstart: a\n"


def advice(text: str, limits: dict[str, Limits] | None = None) -> tuple[Problem, ...]:
    parsed = parse(text, file="f.yaml")
    assert parsed.flow is not None, [str(problem) for problem in parsed.problems]
    return check(parsed, limits)


def told(steps: str, *, more: str = "", head: str = "", limits: dict[str, Limits] | None = None) -> list[str]:
    """LINE: what; the steps of `a` begin in line 6, or later with more of a `head`."""
    lines = "".join(f"    {line}\n" for line in steps.strip().split("\n"))
    text = f"{HEAD}{head}subflows:\n  a:\n{lines}{more}"
    return [f"{one.line}: {one.what}" for one in advice(text, limits)]


LOOP = "without waiting for the customer: a turn is stopped after 100 steps"


@pytest.mark.parametrize(
    ("steps", "more", "expected"),
    [
        ("- send: hello", "", []),
        ("- end\n- send: never", "", ["7: this step is never reached: end above it does not come back"]),
        (
            "- go: b\n- send: never\n- send: nor this",
            "  b: [end]\n",
            ["7: this step is never reached: go above it does not come back"],
        ),
        (
            "- when: {tag: x}\n  then: [end]\n  else: [{go: b}]\n- send: never",
            "  b: [end]\n",
            ["9: this step is never reached: when above it does not come back"],
        ),
        ("- when: {tag: x}\n  then: [end]\n- send: after", "", []),
        (
            "- choose: [{do: b}, {do: [end]}]\n- send: never",
            "  b: [end]\n",
            ["7: this step is never reached: choose above it does not come back"],
        ),
        (
            "- repeat: {times: 2, do: [end]}\n- send: never",
            "",
            ["7: this step is never reached: repeat above it does not come back"],
        ),
        ("- call: b\n- send: after", "  b: [end]\n", []),
        ("- send: a", "  b: [end]\n", ['7: nothing leads to the subflow "b"']),
        ("- send: a", "  b: [{go: c}]\n  c: [{go: b}]\n", [
            '7: nothing leads to the subflow "b"',
            f"7: b and c go round {LOOP}",
            '8: nothing leads to the subflow "c"',
            f"8: c and b go round {LOOP}",
        ]),
        ("- send: {text: a, buttons: [{title: b, do: b}]}", "  b: [end]\n", []),
        ("- send: a", "  handoff_no_reply: [end]\n", []),
        ("- send: again\n- go: a", "", [f"7: a goes round {LOOP}"]),
        ("- ask: again?\n- go: a", "", []),
        ("- wait: 1h\n- go: a", "", []),
        ("- typing: 1s\n- go: a", "", []),
        ("- pause_bot\n- go: a", "", []),
        ("- ask: {text: a, timeout: {after: 1h, do: a}}\n- end", "", []),
        ("- when: {tag: x}\n  then: [{ask: b?}]\n- go: a", "", [f"8: a goes round {LOOP}"]),
        ("- when: {tag: x}\n  then: [{ask: b?}]\n  else: [{wait: 1h}]\n- go: a", "", []),
        ("- call: b\n- go: a", "  b: [{ask: what?}]\n", []),
        ("- call: b\n- go: a", "  b: [{send: what?}]\n", [f"7: a goes round {LOOP}"]),
        ("- call: b", "  b: [{call: c}]\n  c: [{go: b}]\n", [
            f"7: b and c go round {LOOP}", f"8: c and b go round {LOOP}"
        ]),
        (
            "- repeat: {times: 50, do: [{send: a}, {send: b}, {send: c}]}",
            "",
            ["6: 50 rounds of 3 steps without waiting: a turn is stopped after 100 steps"],
        ),
        ("- repeat: {times: 50, do: [{send: a}, {wait: 1h}, {send: c}]}", "", []),
        ("- ask: a?", "", ["6: nothing comes after the answer to this question"]),
        ("- ask: {text: a?, save: x}\n- send: Thanks", "", []),
        ("- ask: {text: a?, buttons: [{title: b, do: b}]}", "  b: [end]\n", []),
        ("- ask: {text: a?, buttons: [{title: b, do: b}, c]}", "  b: [end]\n", [
            "6: nothing comes after the answer to this question"
        ]),
        ("- when: {tag: x}\n  then: [{ask: a?}]", "", [
            "7: nothing comes after the answer to this question"
        ]),
        ("- call: b\n- send: Thanks", "  b: [{ask: a?}]\n", []),
        ("- send: {text: a, quick_replies: [Yes]}", "", [
            '6: pressing "Yes" does nothing: no keyword and no default takes it'
        ]),
        ("- send: {text: a, buttons: [{title: Site, url: 'https://x'}, '{{ plan }}']}", "", []),
    ],
)  # fmt: skip
def test_advice(steps: str, more: str, expected: list[str]) -> None:
    assert told(steps, more=more) == expected


def test_a_button_that_a_trigger_takes_is_fine() -> None:
    steps = "- send: {text: a, quick_replies: [Yes]}"

    assert told(steps, head="triggers:\n  - {on: default, do: a}\n") == []
    assert told(steps, head="triggers:\n  - {on: keyword, words: [yes], do: a}\n") == []


def test_texts_that_are_missing_in_a_language() -> None:
    steps = """
- send: Hello
- send: {en: Hello, es: Hola}
- send: {en: Hello, es: Hola, pt: Olá}
- send: '{{ name }}'
- send: '{% if name %}👍{% endif %} 12'
- ask: {text: {en: a, es: b, pt: c}, choices: [Yes], retry: No}
- end
"""
    assert told(steps, head="languages: [en, es, pt]\n") == [
        "7: send has no words in es, pt",
        "8: send has no words in pt",
        "12: an entry of choices has no words in es, pt",
        "12: retry has no words in es, pt",
    ]
    assert told("- send: Hello", head="languages: [en]\n") == []


def test_what_a_channel_cannot_show() -> None:
    steps = """
- send: {text: a, buttons: [{title: b, do: b}]}
- ask: {text: c, choices: [d]}
- send: {cards: [{title: e}]}
- send: f
"""
    limits = {"sms": SMS, "web": WEB}

    assert told(steps, more="  b: [end]\n", limits=limits) == [
        "6: sms cannot show this as it is: buttons became text",
        "7: sms cannot show this as it is: quick replies became text",
        "8: sms cannot show this as it is: cards became messages",
    ]
    assert told(steps, more="  b: [end]\n", limits={"web": WEB}) == []


def test_advice_has_the_place_and_what_would_be_right() -> None:
    found = advice(f"{HEAD}subflows:\n  a:\n    - end\n    - send: never\n")

    assert [str(one) for one in found] == [
        "f.yaml:7:7: this step is never reached: end above it does not come back; "
        "move it above end, or take it out"
    ]


def test_about_a_file_with_mistakes_there_is_no_advice() -> None:
    assert check(parse("version: 1", file="f.yaml")) == ()


@pytest.mark.parametrize("name", ["lead", "support"])
def test_about_the_examples_there_is_nothing_to_say(name: str) -> None:
    text = (Path(__file__).parents[3] / "examples" / f"{name}.flow.yaml").read_text()

    assert advice(text) == ()


def test_a_thousand_subflows_in_a_ring_are_found_without_delay() -> None:
    subflows = "".join(f"  s{n}: [{{send: x}}, {{go: s{(n + 1) % 1000}}}]\n" for n in range(1000))
    text = f"version: 1\nflow: f\nstart: s0\nsubflows:\n{subflows}"

    found = advice(text)

    assert len(found) == 1000
    assert all(re.search("go round without waiting", one.what) for one in found)


def test_what_takes_the_place_of_the_standard_need_not_be_named() -> None:
    names = ["handoff_not_accepted", "handoff_returned", "handoff_platform_down"]

    assert told("- pause_bot", more="".join(f"  {name}: [{{send: x}}]\n" for name in names)) == []


# Fields


DECLARED = "variables: {seats: number, vip: boolean, name_of_it: text}\n"
KEPT_AS_TEXT = "seats is of type number, and the answer to this may be anything else"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("ask: {text: Q, save: seats}", [f"7: {KEPT_AS_TEXT}"]),
        ("ask: {text: Q, kind: phone, save: seats}", [f"7: {KEPT_AS_TEXT}"]),
        ("ask: {text: Q, kind: number, save: seats}", []),
        ("ask: {text: Q, choices: ['2', {title: Many, value: '9'}], save: seats}", []),
        (
            "ask: {text: Q, choices: ['2', Many], save: seats}",
            ['7: seats is of type number and cannot be "Many"'],
        ),
        ("ask: {text: Q, choices: ['Yes', 'No'], save: vip}", []),
        (
            "ask: {text: Q, choices: ['Yes', Perhaps], save: vip}",
            ['7: vip is of type boolean and cannot be "Perhaps"'],
        ),
        ("ask: {text: Q, kind: number, save: name_of_it}", []),
        ("ask: Q", []),
    ],
)
def test_an_answer_that_its_field_may_not_be_able_to_keep(step: str, expected: list[str]) -> None:
    assert told(f"- {step}\n- send: thanks", head=DECLARED) == expected


def test_what_is_set_is_compared_with_the_fields_of_the_workspace() -> None:
    text = f"{HEAD}subflows:\n  a:\n    - set: {{size: big, plan: pro, at: '{{{{ now }}}}'}}\n"
    parsed = parse(text, file="f.yaml")

    found = check(parsed, types={"size": "number", "plan": "text", "at": "date"})

    assert [str(one) for one in found] == [
        'f.yaml:6:7: size is a field of type number and cannot be "big"; for example 12'
    ]
    assert check(parsed) == ()
