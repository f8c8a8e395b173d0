"""The flows that people start from: without a mistake, and tested to the last branch."""

from __future__ import annotations

from pathlib import Path

import pytest

from relevo.channels.registry import adapter_for
from relevo.domain.flows import checking
from relevo.domain.flows.parsing import parse
from relevo.rehearsal import scripts
from relevo.rehearsal.coverage import Coverage
from relevo.rehearsal.playing import play
from relevo.rehearsal.scripts import Script

EXAMPLES = Path(__file__).parents[2] / "examples"
FLOWS = sorted(path.name.partition(".")[0] for path in EXAMPLES.glob("*.flow.yaml"))


def script_of(name: str) -> Script:
    found, problems = scripts.parse((EXAMPLES / f"{name}.test.yaml").read_text(), file=name)
    assert found is not None, problems
    return found


TESTS = [(name, index) for name in FLOWS for index in range(len(script_of(name).tests))]


@pytest.mark.parametrize("name", FLOWS)
def test_there_is_nothing_to_say_about_an_example(name: str) -> None:
    parsed = parse((EXAMPLES / f"{name}.flow.yaml").read_text(), file=name)

    assert parsed.problems == ()
    assert checking.check(parsed, {"web": adapter_for("web").capabilities.limits}) == ()
    assert parsed.flow is not None
    assert parsed.flow.name == name


@pytest.mark.parametrize(("name", "index"), TESTS)
def test_a_conversation_of_an_example_is_as_expected(name: str, index: int) -> None:
    script = script_of(name)
    flow = parse((EXAMPLES / script.flow).read_text(), file=name).flow
    assert flow is not None

    assert play(script.tests[index], flow).failure is None


@pytest.mark.parametrize("name", FLOWS)
def test_every_step_and_branch_of_an_example_is_tested(name: str) -> None:
    parsed = parse((EXAMPLES / f"{name}.flow.yaml").read_text(), file=name)
    assert parsed.flow is not None
    taken = [play(one, parsed.flow).taken for one in script_of(name).tests]

    assert Coverage.of(parsed, frozenset().union(*taken)).missed == ()


def test_the_list_of_examples_has_them_all() -> None:
    listed = (EXAMPLES / "README.md").read_text()

    assert [name for name in FLOWS if f"]({name}.flow.yaml)" not in listed] == []
