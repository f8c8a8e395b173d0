"""Variables that a flow declares."""

from __future__ import annotations

import msgspec
import pytest

from relevo.domain.flows.parsing import parse
from relevo.domain.flows.runs import SetField, Stumble
from relevo.domain.flows.variables import VariableType, converted
from relevo.domain.subscribers import FieldValue
from relevo.domain.vocabulary import FieldType
from tests.domain.flows.walking import (
    SCENE,
    Customer,
    fields_set,
    flow_of,
    others,
    texts,
    walked,
    with_fields,
)

HEAD = """variables:
  plan: text
  seats: {type: number, default: 2, about: How many people come}
  colours: {type: array, default: [red]}
  joined: date
  bio: long text
"""


def problems(steps: str, *, head: str = HEAD) -> list[str]:
    text = f"version: 1\nflow: f\nstart: a\n{head}subflows:\n  a:\n    {steps}\n"
    return [str(one).split(":", 3)[3].strip() for one in parse(text, file="f").problems]


def test_a_variable_is_its_default_until_it_is_set() -> None:
    steps = "- send: '{{ seats }} {{ colours | join }} {{ plan }}.'\n- set: {seats: 3}\n- send: '{{ seats }}'"

    assert texts(walked(steps, head=HEAD, scene=with_fields())) == ["2 red .", "3"]


def test_a_default_is_seen_by_conditions() -> None:
    turn = walked("- when: {field: seats, is: 2}\n  then:\n    - send: two", head=HEAD, scene=with_fields())

    assert texts(turn) == ["two"]


def test_what_is_set_becomes_of_the_variables_type() -> None:
    turn = walked("- set: {seats: '{{ 3 | plus: 4 }}', joined: '{{ now }}', colours: blue}", head=HEAD)

    assert others(turn) == [
        SetField("seats", 7),
        SetField("joined", "2030-05-17"),
        SetField("colours", ["blue"]),
    ]


def test_what_cannot_be_of_the_type_is_not_set() -> None:
    turn = walked("- set: {seats: 'many {{ plan }}', plan: '{{ colours }}'}", head=HEAD)

    assert others(turn)[0] == Stumble("wrong_type", "a: step 1: what came out for seats is no number")


def test_an_answer_becomes_of_the_variables_type() -> None:
    ana = Customer(flow_of("- ask: {text: How many?, save: seats}", head=HEAD))

    ana.writes("12")

    assert others(ana.turn) == [SetField("seats", 12)]


def unknown(name: str, meant: str) -> str:
    return f'there is no variable "{name}"; did you mean "{meant}", or declare it under variables:'


NO_NUMBER = 'seats is a variable of type number and cannot be "many"; for example 12'
TYPES = "text, number, boolean, date, datetime, array, long text"


@pytest.mark.parametrize(
    ("type_", "set_", "kept"),
    [
        ("number", "'12'", 12),
        ("number", "'{{ \"1\" }}2.5'", 12.5),
        ("boolean", "'yes'", True),
        ("date", "2030-05-17", "2030-05-17"),
        ("datetime", "2030-05-17", "2030-05-17T00:00:00+00:00"),
        ("array", "[a, b]", ["a", "b"]),
        ("text", "5", "5"),
        ("longtext", "a", "a"),
    ],
)
def test_what_is_set_becomes_of_the_type_that_its_field_has(
    type_: FieldType, set_: str, kept: object
) -> None:
    scene = msgspec.structs.replace(SCENE, types={"it": type_})

    assert fields_set(walked(f"- set: {{it: {set_}}}", scene=scene)) == {"it": kept}


@pytest.mark.parametrize(
    ("type_", "set_"),
    [("number", "many"), ("boolean", "perhaps"), ("date", "tomorrow"), ("array", "a"), ("text", "[a]" * 99)],
)
def test_what_a_field_cannot_hold_is_not_set_at_all(type_: FieldType, set_: str) -> None:
    scene = msgspec.structs.replace(with_fields(it="before"), types={"it": type_})

    turn = walked(f"- set: {{it: '{set_}', other: 1}}\n- send: 'now {{{{ it }}}}'", scene=scene)

    assert others(turn)[0] == Stumble("wrong_type", f"a: step 1: what came out for it is no {type_}")
    assert fields_set(turn) == {"other": 1}
    assert texts(turn) == ["now before"]


def test_a_field_is_cleared_whatever_its_type() -> None:
    scene = msgspec.structs.replace(SCENE, types={"it": "number"})

    assert fields_set(walked("- set: {it: null}", scene=scene)) == {"it": None}


def test_what_the_flow_declares_and_the_workspace_says_both_count() -> None:
    scene = msgspec.structs.replace(SCENE, types={"seats": "text"})

    assert fields_set(walked("- set: {seats: '4'}", head=HEAD, scene=scene)) == {"seats": "4"}
    assert fields_set(walked("- set: {seats: '{{ last_input }}'}", head=HEAD, scene=scene)) == {}


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("- send: 'Hi {{ plann }}'", unknown("plann", "plan")),
        ("- send: 'Hi {{ fields.plann }}'", unknown("plann", "plan")),
        ("- set: {seat: 1}", unknown("seat", "seats")),
        ("- ask: {text: a, save: seat}", unknown("seat", "seats")),
        ("- when: {field: firstname, is: a}\n      then: [end]", unknown("firstname", "first_name")),
        ("- set: {seats: many}", NO_NUMBER),
        ("- when: {field: seats, is: many}\n      then: [end]", NO_NUMBER),
    ],
)
def test_a_misspelt_name_and_a_wrong_type_are_found_when_the_file_is_checked(step: str, problem: str) -> None:
    assert problems(step) == [problem]
    assert problems(step, head="") == []


@pytest.mark.parametrize(
    "step",
    [
        "- send: '{{ bot.anything }} {{ business_hours.is_open }} {{ fields.plan }} {{ fields }}'",
        "- send: '{% assign x = plan %}{{ x }}{% for one in colours %}{{ one }}{% endfor %}'",
        "- when: {field: bot.price, more_than: 3}\n      then: [end]",
        "- set: {email: a@example.com, seats: null}",
    ],
)
def test_names_that_are_known_are_no_problem(step: str) -> None:
    assert problems(step) == []


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (
            "variables: plan",
            'variables must be a mapping, not "plan"; for example {plan: text, seats: number}',
        ),
        (
            "variables: {plan: string}",
            f'plan must be one of {TYPES}, not "string"; use one of: {TYPES}',
        ),
        ("variables: {plan: {default: a}}", f'"type" is missing; add type: one of {TYPES}'),
        (
            "variables: {seats: {type: number, default: two}}",
            'default must be of type number, not "two"; for example 12',
        ),
        (
            "variables: {email: text}",
            '"email" cannot be the name of a variable; '
            "choose one that Relevo does not fill in, letters first",
        ),
        ("languages: [english]", '"english" is no language; write its tag, for example en, es or pt-BR'),
    ],
)
def test_mistakes_in_declarations(head: str, problem: str) -> None:
    assert problems("- end", head=f"{head}\n") == [problem]


@pytest.mark.parametrize(
    ("value", "to", "wanted"),
    [
        ("x", "text", "x"),
        (5, "text", "5"),
        ("x" * 256, "text", None),
        ("x" * 256, "long text", "x" * 256),
        ("5", "number", 5),
        ("5.5", "number", 5.5),
        ("five", "number", None),
        (True, "number", None),
        ("Yes", "boolean", True),
        (0, "boolean", False),
        (True, "boolean", True),
        ("perhaps", "boolean", None),
        ("2030-05-17", "date", "2030-05-17"),
        ("2030-05-17T12:00:00Z", "date", "2030-05-17"),
        ("17.5.2030", "date", None),
        (5, "date", None),
        ("2030-05-17", "datetime", "2030-05-17T00:00:00+00:00"),
        ("2030-05-17T12:00:00+10:00", "datetime", "2030-05-17T12:00:00+10:00"),
        ("soon", "datetime", None),
        (["a"], "array", ["a"]),
        ("a", "array", ["a"]),
    ],
)
def test_conversion(value: FieldValue, to: VariableType, wanted: FieldValue) -> None:
    assert converted(value, to) == wanted


def test_bot_fields_are_read_by_templates_and_conditions() -> None:
    scene = msgspec.structs.replace(SCENE, bot={"price": 9, "opening hours": "9 to 5"})
    steps = """
- when: {field: bot.price, is: 9}
  then:
    - send: '{{ bot.price }}, {{ bot["opening hours"] }}, {{ bot.nothing }}.'
"""

    assert texts(walked(steps, scene=scene)) == ["9, 9 to 5, ."]
