"""The published schema says of a flow file what the parser says, as far as the form goes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from relevo.domain import yaml_reading
from relevo.domain.flows.parsing import parse
from relevo.domain.flows.schema import flow_schema
from relevo.domain.flows.steps import STEPS
from relevo.domain.flows.triggers import TRIGGERS
from tests.docs.test_flow_language_page import EXAMPLES, whole_file
from tests.domain.flows.test_mistakes import START
from tests.domain.flows.test_mistakes import STEPS as MISTAKES

SCHEMA = flow_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def in_yaml(text: str) -> Any:
    """As editors read it: YAML 1.2, in which `on` and `no` are text."""

    class Loader(yaml.CSafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":timestamp"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))
    return yaml.load(text, Loader)


def is_valid(text: str) -> bool:
    return bool(VALIDATOR.is_valid(in_yaml(text)))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_is_right_is_right_for_the_schema(example: str) -> None:
    VALIDATOR.validate(in_yaml(whole_file(example)))


@pytest.mark.parametrize("name", ["lead", "support"])
def test_the_examples_are_right_for_the_schema(name: str) -> None:
    text = (Path(__file__).parents[3] / "examples" / f"{name}.flow.yaml").read_text()

    VALIDATOR.validate(in_yaml(text))


ABOUT_THE_FORM = re.compile(
    r"unknown key|is missing|there is no step|there are no|has no steps"
    r"|must be (a mapping|a list|true or|one of)"
    r"|must be a whole number|does not belong beside|does several things"
)
WRONG = [
    (step, problem)
    for step, problems in MISTAKES
    for problem in problems[:1]
    if ABOUT_THE_FORM.search(problem) and '"choices" is missing' not in problem
]


@pytest.mark.parametrize(("step", "problem"), WRONG, ids=[step for step, _ in WRONG])
def test_a_wrong_form_is_wrong_for_the_schema(step: str, problem: str) -> None:
    indented = step.replace("\n", "\n    ")

    assert not is_valid(f"{START}    {indented}\n"), problem


# The keys, both ways

LANGUAGES = {frozenset({"en", "es", "pt-BR"}), frozenset({"en", "es"})}
"""Texts by language, in the examples."""
KEYS_OF_NOTHING = {frozenset[str]()}


def objects(shape: Any) -> Iterator[frozenset[str]]:
    """The keys of each mapping that a schema has."""
    if isinstance(shape, dict):
        if shape.get("type") == "object" and shape["additionalProperties"] is False:
            yield frozenset(shape["properties"])
        for inner in shape.values():
            yield from objects(inner)
    elif isinstance(shape, list):
        for inner in shape:
            yield from objects(inner)


def read_keys(monkeypatch: pytest.MonkeyPatch, texts: Iterable[str]) -> set[frozenset[str]]:
    """The keys that the parser asks for while it reads these."""
    asked: set[frozenset[str]] = set()
    of = yaml_reading.Mapping.only

    def only(self: yaml_reading.Mapping, known: Iterable[str]) -> None:
        names = list(known)
        asked.add(frozenset(names))
        of(self, names)

    monkeypatch.setattr(yaml_reading.Mapping, "only", only)
    for text in texts:
        parse(text, file="f")
    return asked


def test_the_parser_and_the_schema_know_the_same_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [whole_file(example) for example in EXAMPLES]
    texts += [f"{START}    {step.replace(chr(10), chr(10) + '    ')}\n" for step, _ in MISTAKES]

    asked = read_keys(monkeypatch, texts) - KEYS_OF_NOTHING
    known = set(objects(SCHEMA))

    steps = {frozenset((step.word, *step.beside, "name")) for step in STEPS.values()}
    assert {keys for keys in asked if keys not in known} - LANGUAGES == set()
    assert {keys for keys in known if keys not in asked} - steps - KEYS_OF_NOTHING == set()


def test_every_step_and_trigger_explains_itself() -> None:
    for about in [kind.about for kind in STEPS.values()] + [kind.about for kind in TRIGGERS.values()]:
        assert about.endswith(".")
        assert len(about) < 100


def test_the_shipped_file_is_the_schema() -> None:
    """Write it anew with `relevo flow schema > docs/reference/flow.schema.json`."""
    file = Path(__file__).parents[3] / "docs" / "reference" / "flow.schema.json"

    assert json.loads(file.read_text()) == SCHEMA
