"""`relevo try` and `relevo test`: no database, no network."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Relevo

TESTS = """\
version: 1
flow: support.flow.yaml
tests:
  - name: Somebody asks for a person
    steps:
      - customer: hi
      - bot: "Hello Ana. Write *agent* to talk to a person."
      - customer: agent
      - bot: I am getting somebody for you.
      - platform: handoff.requested
"""
CALLING = """\
version: 1
flow: a
start: a
subflows:
  a:
    - http: {url: https://a.example.com, save: {n: n}}
    - send: "{{ n }} left"
"""


@pytest.fixture
def tests(folder: Path) -> Path:
    file = folder / "support.test.yaml"
    file.write_text(TESTS)
    return file


def test_a_person_talks_with_a_flow(relevo: Relevo, folder: Path) -> None:
    given = "hi\n/wait soon\nagent\n/state\n/help\n/restart\nhi\n/quit\nagent\n"
    result = relevo("try", "support.flow.yaml", given=given)

    assert result.exit_code == 0
    assert result.stdout.count("bot> Hello Ana. Write *agent* to talk to a person.") == 2
    assert result.stdout.count("platform> handoff.requested") == 1
    assert "! /wait needs a duration, not 'soon'; for example /wait 10m" in result.stdout
    assert "control: agent" in result.stdout
    assert "/press TITLE" in result.stdout
    assert not (folder / "data").exists()


def test_what_was_tried_is_recorded_as_a_test(relevo: Relevo, folder: Path) -> None:
    recorded = relevo("try", "support.flow.yaml", "--record", "new.test.yaml", given="hi\nagent\n/wait 30m\n")

    assert "new.test.yaml: written" in recorded.stderr
    assert "handoff.returned" in (folder / "new.test.yaml").read_text()
    assert relevo("test", "new.test.yaml").exit_code == 0


def test_a_file_says_what_servers_answer(relevo: Relevo, folder: Path) -> None:
    (folder / "a.flow.yaml").write_text(CALLING)
    (folder / "answers.yaml").write_text('- {url: "https://a.example.com*", json: {n: 7}}\n')

    assert "7 left" in relevo("try", "a.flow.yaml", "--answers", "answers.yaml", given="hi\n").stdout
    (folder / "answers.yaml").write_text("- {url: a, statis: 7}\n")
    refused = relevo("try", "a.flow.yaml", "--answers", "answers.yaml", given="hi\n")
    assert (refused.exit_code, "answers.yaml:1:3: unknown key 'statis'" in refused.stderr) == (1, True)


def test_tests_that_pass_end_well_and_say_what_is_covered(relevo: Relevo, tests: Path) -> None:
    result = relevo("test")

    assert result.exit_code == 0, result.stderr
    assert result.stdout == (
        "support.test.yaml: 1 of 1 as expected\n\n"
        "FLOW     STEPS  BRANCHES  COVERED  MISSING LINES\n"
        "support  3/3    0/0       100 %\n\n"
        "1 test, 0 failed\n"
    )
    assert "COVERED" not in relevo("test", "--no-coverage").stdout


def test_a_test_that_fails_is_told_with_its_place_and_the_difference(relevo: Relevo, tests: Path) -> None:
    tests.write_text(TESTS.replace("Hello Ana", "Hello Bea"))

    result = relevo("test", str(tests))

    assert result.exit_code == 1
    place = f"{tests}:7:9: Somebody asks for a person: the bot says something else"
    assert place in result.stdout
    assert "    - Hello Bea. Write" in result.stdout
    assert "    + Hello Ana. Write" in result.stdout
    assert "1 test, 1 failed" in result.stdout


def test_too_little_covered_is_a_failure(relevo: Relevo, tests: Path) -> None:
    tests.write_text("\n".join(TESTS.splitlines()[:7]) + "\n")

    assert relevo("test", "--fail-under", "30").exit_code == 0
    refused = relevo("test", "--fail-under", "90")
    assert (refused.exit_code, refused.stderr) == (1, "support: 33 % are covered, less than 90 %\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (TESTS.replace("support.f", "suport.f"), "2:7: there is no file suport.flow.yaml; write its path"),
        (
            TESTS.replace("customer", "custommer", 1),
            '6:9: a mapping with custommer is no step of a test; did you mean "customer"?',
        ),
    ],
)  # fmt: skip
def test_mistakes_of_a_test_file_are_told_with_their_places(
    relevo: Relevo, tests: Path, text: str, problem: str
) -> None:
    tests.write_text(text)

    result = relevo("test")

    assert (result.exit_code, result.stderr) == (1, f"support.test.yaml:{problem}\n")


def test_without_tests_that_is_said(relevo: Relevo, folder: Path) -> None:
    result = relevo("test")

    assert result.exit_code == 1
    assert "there are no tests here: no file is named *.test.yaml" in result.stderr


def test_the_defaults_beside_a_flow_are_those_of_its_workspace(relevo: Relevo, folder: Path) -> None:
    head = "version: 1\nflow: {0}\nstart: {1}\nsubflows:\n  {1}: [{{{2}}}]\n"
    (folder / "a.flow.yaml").write_text(head.format("a", "a", "pause_bot: {not_accepted: }"))
    (folder / "defaults.flow.yaml").write_text(head.format("defaults", "handoff_not_accepted", "send: ours"))

    tried = relevo("try", "a.flow.yaml", "--record", "a.test.yaml", given="hi\n/wait 3m\n")

    assert "bot> ours" in tried.stdout
    assert relevo("test", "a.test.yaml").exit_code == 0
    (folder / "defaults.flow.yaml").unlink()
    assert relevo("test", "a.test.yaml").exit_code == 1
