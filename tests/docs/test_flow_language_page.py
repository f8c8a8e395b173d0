"""docs/reference/flow-language.md has every part of the language, nothing else, and examples that work."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from textwrap import indent
from typing import get_args

import pytest

from relevo.domain.deciding import organising
from relevo.domain.flows import patterns, steps, variables, walking
from relevo.domain.flows.condition_parsing import TESTS
from relevo.domain.flows.expressions import MAX_ROUNDS, MAX_TEXT, VARIABLES
from relevo.domain.flows.messages import MAX_BUTTONS, MAX_CARDS, MAX_QUICK_REPLIES, MAX_ROWS
from relevo.domain.flows.parsing import parse
from relevo.domain.flows.steps import STEPS, paths
from relevo.domain.flows.triggers import TRIGGERS
from relevo.domain.flows.triggers.messages import Match
from relevo.domain.subscribers import PROFILE_FIELDS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "flow-language.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
OTHERS = "".join(
    f"  {name}: [end]\n" for name in ("person", "goodbye", "menu", "prices", "welcome", "fallback")
)


def headings(section: str) -> list[str]:
    return re.findall(r"^### (\w+)$", SECTIONS[section], re.M)


def rows(section: str) -> list[str]:
    """What stands in the first column of a section's tables."""
    return re.findall(r"^\| `(\w+)` \| (?!the message)", SECTIONS[section], re.M)


def test_every_step_and_trigger_is_documented_and_nothing_else() -> None:
    assert headings("Steps") == list(STEPS)
    assert headings("Triggers") == list(TRIGGERS)


def test_every_variable_is_documented_and_nothing_else() -> None:
    assert set(rows("Variables")) == set(VARIABLES)
    assert all(f"`{name}`" in SECTIONS["Steps"] for name in PROFILE_FIELDS)


def test_every_comparison_is_documented() -> None:
    assert set(TESTS) <= set(rows("Steps"))


def test_every_way_to_match_is_documented_and_nothing_else() -> None:
    assert rows("Triggers") == list(get_args(Match))


def test_every_stumble_is_documented_and_nothing_else() -> None:
    sources = [walking, organising, *(module for _, module in inspect.getmembers(steps, inspect.ismodule))]
    code = r'(?:[_.](?:stop|stumble)\(|report\(\s*draft,)\s*"(\w+)"'
    codes = re.findall(code, "".join(map(inspect.getsource, sources)))

    assert set(rows("When a flow stumbles")) == set(codes)


def test_every_bound_is_told() -> None:
    told = set(re.findall(r"\d[\d,]*", PAGE))
    bounds = (
        MAX_BUTTONS,
        MAX_QUICK_REPLIES,
        MAX_CARDS,
        MAX_ROWS,
        paths.MAX_ROUNDS,
        paths.MAX_WAYS,
        variables.LONGEST_TEXT,
        patterns.MAX_PATTERN,
        patterns.MAX_PARTS,
        patterns.MAX_LOOKED_AT,
        MAX_TEXT,
        MAX_ROUNDS,
        walking.MAX_STEPS,
        walking.MAX_DEPTH,
    )

    assert {f"{bound:,}" for bound in (*bounds, walking.SAYS_OF_A_RUNAWAY)} <= told


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_right(example: str) -> None:
    parsed = parse(whole_file(example), file="example")

    assert [str(problem) for problem in parsed.problems] == []


def whole_file(example: str) -> str:
    if example.startswith("version:"):
        return example
    head = "version: 1\nflow: example\nstart: a\n"
    if example.startswith("- {on:"):
        return f"{head}triggers:\n{indent(example, '  ')}subflows:\n  a: [end]\n{OTHERS}"
    if example.startswith("- {"):  # conditions
        example = re.sub(r"^- (.*)$", r"- when: \1\n  then: [end]", example, flags=re.M)
    return f"{head}subflows:\n  a:\n{indent(example, '    ')}{OTHERS}"


def test_the_first_example_is_the_one_of_the_repository() -> None:
    file = (Path(__file__).parents[2] / "examples" / "support.flow.yaml").read_text()

    assert file.endswith(EXAMPLES[0])
