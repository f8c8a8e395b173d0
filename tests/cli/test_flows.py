"""The commands about the versions of flows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Relevo

FIRST = "version: 1\nflow: sales\nstart: a\nsubflows:\n  a:\n    - send: Hello\n"
SECOND = FIRST.replace("Hello", "Hi")


@pytest.fixture
def sales(installed: Relevo, folder: Path) -> Path:
    """The file of a flow with two versions."""
    file = folder / "sales.flow.yaml"
    for text, message in ((FIRST, "the beginning"), (SECOND, "shorter")):
        file.write_text(text)
        published = installed("flow", "publish", str(file), "-m", message)
        assert published.exit_code == 0, published.stderr
    return file


def test_the_versions_have_who_when_and_why(installed: Relevo, sales: Path) -> None:
    headings, second, first = installed("flow", "versions", "sales").stdout.splitlines()

    assert headings.split()[:3] == ["VERSION", "PUBLISHED", "BY"]
    assert (second.split()[0], "shorter" in second, "running" in second) == ("2", True, True)
    assert (first.split()[0], "the beginning" in first, "running" in first) == ("1", True, False)


def test_the_difference_is_told_step_by_step(installed: Relevo, sales: Path) -> None:
    expected = "a, step 1: changed\n  - send: Hello\n  + send: Hi\n"

    assert installed("flow", "diff", "sales").stdout == expected
    assert installed("flow", "diff", "sales", "1", "2").stdout == expected
    assert installed("flow", "diff", "sales", "1").stdout == expected
    assert installed("flow", "diff", "sales", "2", "2").stdout == "Nothing is different.\n"


def test_a_file_is_compared_before_it_is_published(installed: Relevo, sales: Path) -> None:
    sales.write_text(SECOND + "    - end\n")

    assert installed("flow", "diff", "sales", "--file", str(sales)).stdout == "a, step 2: added\n  + end\n"


def test_going_back_publishes_the_old_text_once_more(installed: Relevo, sales: Path) -> None:
    assert installed("flow", "rollback", "sales", "1").stdout == "sales: version 3 is running\n"
    assert "Back to version 1" in installed("flow", "versions", "sales").stdout.splitlines()[1]
    assert installed("flow", "diff", "sales", "1", "3").stdout == "Nothing is different.\n"
    again = installed("flow", "rollback", "sales", "1").stdout
    assert again == "sales: nothing is different, nothing was published\n"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["rollback", "sales", "9"], "The flow sales has no version 9."),
        (["diff", "sales", "7"], "The flow sales has no version 7."),
        (["versions", "sale"], 'There is no flow "sale"; did you mean "sales"?'),
    ],
)
def test_what_is_not_there_is_told(installed: Relevo, sales: Path, words: list[str], problem: str) -> None:
    failed = installed("flow", *words)

    assert (failed.exit_code, problem in failed.stderr) == (1, True), failed.stderr


def test_a_text_with_mistakes_is_not_published(installed: Relevo, sales: Path) -> None:
    sales.write_text(SECOND.replace("send", "sned"))

    failed = installed("flow", "publish", str(sales))

    assert failed.exit_code == 1
    assert f'{sales}:6:7: there is no step "sned"; did you mean "send"?' in failed.stderr
    assert len(installed("flow", "versions", "sales").stdout.splitlines()) == 3


def test_the_picture_of_a_flow_is_printed(installed: Relevo, sales: Path) -> None:
    assert installed("flow", "graph", str(sales)).stdout == (
        'flowchart LR\n  s0["a"]\n  s0t0(["start"]) --> s0\n'
    )
    assert installed("flow", "graph", str(sales), "--svg").stdout.startswith("<svg ")
    sales.write_text("version: 1\n")
    refused = installed("flow", "graph", str(sales))
    assert (refused.exit_code, f"{sales}:1:1" in refused.stderr) == (1, True)
