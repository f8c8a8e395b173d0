"""The JSON Schema of a flow file: editors complete, explain and check with it while somebody types.

It knows the form of a file; what only the whole file can tell (that a subflow is there, that Liquid is
right) is for `relevo check`.
"""

from __future__ import annotations

from collections.abc import Iterable

from relevo.domain.flows import condition_parsing, messages
from relevo.domain.flows.answers import STANDARD_RETRY
from relevo.domain.flows.languages import CODES
from relevo.domain.flows.model import Step, Trigger
from relevo.domain.flows.parsing import VERSION
from relevo.domain.flows.reading import STEP_NAME
from relevo.domain.flows.shapes import (
    BOOLEAN,
    CONDITION,
    DURATION,
    FIELD,
    LABEL,
    SEGMENT,
    SINGLE,
    STEP_NAMED,
    STEPS,
    SUBFLOW,
    TAG,
    TEXT,
    TEXTS,
    WORDS,
    Shape,
    any_of,
    by_name,
    explained,
    listed,
    mapping,
    number,
    one_of,
    one_or_more,
    ref,
)
from relevo.domain.flows.steps import STEPS as KINDS
from relevo.domain.flows.triggers import TRIGGERS
from relevo.domain.flows.variables import TYPES

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def flow_schema() -> Shape:
    """The schema, as JSON has it."""
    return {"$schema": DRAFT, "title": "A flow of Relevo", **_file(), "$defs": _definitions()}


def _file() -> Shape:
    return mapping(
        {
            "version": explained("The version of the language.", {"const": VERSION}),
            "flow": explained("The name of the flow.", TEXT),
            "start": explained("The subflow that a new customer meets.", SUBFLOW),
            "region": explained("The country of phone numbers without one: AU, BR, DE …", TEXT),
            "languages": explained("The languages it speaks, the first being for everybody else.", TEXTS),
            "variables": explained(
                "Its fields: then a misspelt name is a mistake.", by_name(_variable(), of=FIELD)
            ),
            "retry": explained("What is said about answers that do not fit, by what they must be.", _retry()),
            "triggers": explained("What starts a subflow besides start.", listed(ref("trigger"))),
            "migrations": explained("How those in the middle of older versions come along.", _migrations()),
            "subflows": explained("Named lists of steps.", {**by_name(STEPS), "minProperties": 1}),
        },
        ("version", "flow", "start", "subflows"),
    )


def _retry() -> Shape:
    return mapping(dict.fromkeys(STANDARD_RETRY, WORDS))


def _migrations() -> Shape:
    names = explained("Old names of steps, and the new ones.", by_name(STEP_NAMED))
    return listed(mapping({"name": explained("What it is for.", TEXT), "steps": names}, ("name",)))


def _variable() -> Shape:
    default = any_of(SINGLE, listed(SINGLE))
    long = mapping({"type": one_of(TYPES), "default": default, "about": TEXT}, ("type",))
    return any_of(one_of(TYPES), long)


def _definitions() -> dict[str, Shape]:
    return {
        "text": {"type": ["string", "number", "boolean"]},
        "texts": one_or_more(TEXT),
        "single": {"type": ["string", "number", "boolean", "null"]},
        "words": explained(
            "Text for the customer. Liquid works: {{ first_name }}. With languages: a map by language.",
            any_of(TEXT, {**by_name(TEXT), "minProperties": 1, "propertyNames": ref("language")}),
        ),
        "language": {"pattern": f"^({'|'.join(CODES)})([-_][A-Za-z0-9]{{2,8}}){{0,3}}$"},
        "subflow": explained("The name of a subflow.", {"type": "string"}),
        "field": explained("The name of a field.", {"type": "string"}),
        "tag": explained("The name of a tag.", TEXT),
        "label": explained("The name of a label.", TEXT),
        "segment": explained("The name of a segment.", TEXT),
        "event": explained("The name of a custom event.", TEXT),
        "webhook": explained("The name of an inbound webhook.", TEXT),
        "agent": explained("An agent's e-mail address or name.", TEXT),
        "group": explained("The name of a group of agents.", TEXT),
        "step_name": explained("The name of a step of this flow.", TEXT),
        "duration": explained(
            "A number and its unit: 30s, 10m, 2h, 1d.", {"type": "string", "pattern": "^[0-9]{1,6} ?[smhd]$"}
        ),
        "buttons": explained(
            "Buttons under the message.", listed(_button("do", "url", "call"), most=messages.MAX_BUTTONS)
        ),
        "quick_replies": explained(
            "Suggested answers.", listed(_button("do"), most=messages.MAX_QUICK_REPLIES)
        ),
        "list": explained("Rows to choose from, with a line below each.", _list()),
        "row": any_of(TEXT, mapping({"title": WORDS, "about": WORDS, "do": SUBFLOW}, ("title",))),
        "do": explained("The name of a subflow to go to, or a list of steps.", any_of(SUBFLOW, STEPS)),
        "steps": listed(ref("step"), 1),
        "step": {"anyOf": [*_alone(KINDS.values()), *map(_step, KINDS.values())]},
        "trigger": {"anyOf": [_trigger(kind) for kind in TRIGGERS.values()]},
        "condition": {"anyOf": _conditions()},
    }


def _button(*actions: str) -> Shape:
    shapes = {
        "do": explained("The subflow that it starts.", SUBFLOW),
        "url": explained("What it opens.", TEXT),
        "call": explained("The phone number that it dials.", TEXT),
    }
    long = mapping({"title": WORDS, **{action: shapes[action] for action in actions}}, ("title",))
    return any_of(WORDS, {**long, "maxProperties": 2})


def _list() -> Shape:
    rows = listed(ref("row"), 1, messages.MAX_ROWS)
    section = mapping({"title": WORDS, "rows": rows}, ("title", "rows"))
    long = mapping({"button": WORDS, "rows": rows, "sections": listed(section)})
    return any_of(rows, {**long, "anyOf": [{"required": ["rows"]}, {"required": ["sections"]}]})


def _alone(kinds: Iterable[type[Step]]) -> list[Shape]:
    return [explained(kind.about, {"const": kind.word}) for kind in kinds if kind.alone() is not None]


def _step(kind: type[Step]) -> Shape:
    shape = kind.shape if kind.alone() is None else any_of({"type": "null"}, kind.shape)
    beside = kind.shapes_beside()
    needs = [kind.word, *(key for key in beside if key == "then")]
    name = explained("By which it is found again in another version.", TEXT)
    return mapping({kind.word: explained(kind.about, shape), **beside, STEP_NAME: name}, needs)


def _trigger(kind: type[Trigger]) -> Shape:
    on = explained(kind.about, {"const": kind.word})
    return mapping({"on": on, **kind.shapes, "do": SUBFLOW}, ("on", *kind.needs, "do"))


def _conditions() -> list[Shape]:
    several = listed(CONDITION, 1)
    return [
        mapping({"field": FIELD, **_tests()}, ("field",)),
        mapping({"tag": explained("Whether the person has this tag.", TAG)}, ("tag",)),
        mapping({"label": explained("Whether the person has this label.", LABEL)}, ("label",)),
        mapping(
            {"segment": explained("Whether the segment of this name has the person.", SEGMENT)}, ("segment",)
        ),
        mapping(
            {"business_hours": explained("Whether the company is there now.", one_of(("open", "closed")))},
            ("business_hours",),
        ),
        mapping({"all": explained("All of these hold.", several)}, ("all",)),
        mapping({"any": explained("One of these holds.", several)}, ("any",)),
        mapping({"not": explained("This does not hold.", CONDITION)}, ("not",)),
    ]


def _tests() -> dict[str, Shape]:
    shapes = dict.fromkeys(condition_parsing.TESTS, TEXT)
    shapes |= dict.fromkeys(condition_parsing.OF_NUMBERS, any_of(number(), {"type": "string"}))
    shapes |= dict.fromkeys(condition_parsing.AGES, DURATION)
    return {**shapes, "exists": BOOLEAN, "one_of": listed(SINGLE, 1)}
