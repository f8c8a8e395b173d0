"""Tests of flows: read, played, recorded, and what they cover."""

from __future__ import annotations

import pytest

from relevo.domain.flows.parsing import parse as parse_flow
from relevo.rehearsal import commands, scripts
from relevo.rehearsal.actions import Action, Line
from relevo.rehearsal.coverage import Coverage
from relevo.rehearsal.playing import Failure, play
from relevo.rehearsal.recording import recorded
from relevo.rehearsal.scripts import Script
from relevo.rehearsal.session import Rehearsal
from relevo.rehearsal.stage import WEDNESDAY_NOON, Stage

FLOW = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: keyword, words: [agent], do: person}
  - {on: keyword, words: [order], do: order}
subflows:
  welcome:
    - when: {business_hours: open}
      then: [{send: "Hello {{ first_name }}"}]
      else: [{send: "We are closed"}]
    - ask: {text: Which plan?, choices: [Pro, Basic], save: plan}
    - tag: lead
    - note: "Wants {{ plan }}"
    - event: Asked
    - assign: {agent: luis@example.com}
  person:
    - pause_bot: {minutes: 30, tell: {summary: "Plan {{ plan }}"}}
    - send: |
        I am back.
        What now?
  order:
    - http: {url: "https://shop.example.com/1", method: POST, json: {a: 1}, save: {state: state}}
    - send: "{{ state }}"
"""
HEAD = "version: 1\nflow: x.flow.yaml\ntests:\n  - name: It works\n    steps:\n"


def script(steps: str, **staged: str) -> Script:
    lines = "".join(f"      - {line}\n" for line in steps.strip().splitlines())
    found, problems = scripts.parse(
        HEAD + lines + "".join(f"{k}: {v}\n" for k, v in staged.items()), file="t"
    )
    assert found is not None, problems
    return found


def failure(steps: str, **staged: str) -> Failure | None:
    flow = parse_flow(FLOW, file="x").flow
    assert flow is not None
    return play(script(steps, **staged).tests[0], flow).failure


WHOLE = """
customer: hi
bot: Hello Ana
bot: {text: "Which plan?", quick_replies: [Pro, Basic]}
press: Pro
note: Wants Pro
counted: Asked
expect: {fields: {plan: Pro}, tags: [lead], agent: luis@example.com, control: bot, waiting: nothing}
customer: agent
platform: handoff.requested
expect: {control: agent, handoff: requested}
accept
agent: Hello
wait: 29m
expect: {control: agent, handoff: active}
wait: 1m
bot: "I am back.\\nWhat now?\\n"
customer: order
call: {method: POST, url: "https://shop.example.com/1", json: {a: 1}}
answer: {status: 200, json: {state: sent}}
bot: {contains: sen}
"""


def test_what_is_as_expected_passes() -> None:
    assert failure(WHOLE) is None


def test_the_stage_is_set_for_all_tests_or_for_one() -> None:
    closed = "customer: hi\nbot: We are closed\nbot: Which plan?"
    hours = "{wed: 13:00-17:00}"

    assert failure(closed, hours=hours) is None
    assert (
        failure(closed.replace("We are closed", "Hello Ana"), hours=hours, begins="2030-05-15 14:00") is None
    )
    assert failure("customer: hi\nbot: Hello Bea\nbot: Which plan?", person="{name: Bea}") is None
    assert failure("customer: order\nbot: here", answers='[{url: "*", json: {state: here}}]') is None
    assert failure("customer: order\nproblem: call_failed", answers='[{url: "*", fails: timeout}]') is None


@pytest.mark.parametrize(
    ("steps", "line", "what", "difference"),
    [
        ("customer: hi\nbot: Hello Bea", 7, "the bot says something else", ("- Hello Bea", "+ Hello Ana")),
        (
            "customer: hi\nbot: Hello Ana",
            6,
            "the bot says something that is not expected",
            ("+ text: Which plan?",),
        ),
        ("customer: hi\nwait: 1m", 6, "not expected", ("+ Hello Ana",)),
        ("wait: 1m\nbot: Hello", 7, "the bot says nothing more", ("- Hello",)),
        ("customer: hi\nbot: {contains: Bea}", 7, "does not contain 'Bea'", ("+ Hello Ana",)),
        ("expect: {fields: {plan: Pro}}", 6, "things stand differently", ("-   plan: Pro", "+   plan: null")),
        ("expect: {tags: [a]}", 6, "things stand differently", ("- - a", "+ tags: []")),
        (
            "customer: agent\nplatform: handoff.returned",
            7,
            "is not told handoff.returned",
            ("handoff.requested",),
        ),
        ("customer: agent\nplatform: handoff.requested\ncall: https://a", 8, "no server is asked", ()),
        ("customer: order\ncall: https://a", 7, "something else", ("- url: https://a",)),
        ("customer: order\nanswer: timeout", 7, "a problem that is not expected", ("+ call_failed",)),
        ("answer: 200", 6, "this cannot happen: no server was asked anything", ()),
        ("press: Pro", 6, "this cannot happen: there is no button 'Pro'", ()),
        ("note: Nothing", 6, "there is no note 'Nothing'", ()),
        ("counted: Nothing", 6, "Nothing is not counted", ()),
        ("problem: call_failed", 6, "there is no problem call_failed", ()),
    ],
)
def test_what_is_not_as_expected_is_told_with_its_place(
    steps: str, line: int, what: str, difference: tuple[str, ...]
) -> None:
    found = failure(steps)

    assert found is not None
    assert found.place.line == line
    assert what in found.what
    for words in difference:
        assert any(words in one for one in found.difference), found.difference


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("flow: x\ntests: []", ["1:1"]),
        ("version: 1\ntests: []", ["1:1"]),
        (HEAD + "      - customr: hi", ["6:9"]),
        (HEAD + "      - acept", ["6:9"]),
        (HEAD + "      - {customer: hi, bot: ho}", ["6:9"]),
        (HEAD + "      - wait: soon", ["6:15"]),
        (HEAD + "      - answer: {stat: 200}", ["6:17"]),
        (HEAD + "      - expect: {contrl: bot}", ["6:18"]),
        (HEAD + "      - customer: {}\n      - status: gone", ["6:19", "7:17"]),
        (HEAD + "      - accept\nchannel: fax\nbegins: noon\ntimezone: Mars", ["7:10", "8:9", "9:11"]),
    ],
)
def test_every_mistake_of_a_file_is_told_with_its_place(text: str, problems: list[str]) -> None:
    found, told = scripts.parse(text, file="t")

    assert found is None
    assert [f"{one.line}:{one.column}" for one in told] == problems
    assert all(one.remedy for one in told)


def happened(*lines: str) -> list[tuple[Action, list[Line]]]:
    flow = parse_flow(FLOW, file="x").flow
    assert flow is not None
    rehearsal, found = Rehearsal(Stage(flow=flow)), []
    for line in lines:
        action = commands.read(line)
        assert not isinstance(action, str)
        found.append((action, rehearsal.perform(action)))
    return found


def test_what_was_played_becomes_a_test_that_passes() -> None:
    typed = [
        "hi", "/press Pro", "agent", "/accept", "/agent Yes?", "/set plan = pro", "/tag a", "/untag a",
        "/event Bought", "/post shop", "/status pending", "/assign luis", "/assign", "/return ok", "/open",
        "order", '/answer 200 {"state": "sent"}', "order", "/answer timeout", "order", "/answer 404",
        "/location 1,2", "/image https://example.com/a.png", "/contact +61400123456", "agent", "/wait 2h",
        "agent", "/down",
    ]  # fmt: skip
    text = recorded(
        happened(*typed), flow="x.flow.yaml", name="All of it", channel="web", begins=WEDNESDAY_NOON
    )

    found, problems = scripts.parse(text, file="t")

    assert found is not None, problems
    flow = parse_flow(FLOW, file="x").flow
    assert flow is not None
    assert play(found.tests[0], flow).failure is None
    assert "text: |" in text or "bot: |" in text


def test_an_e_mail_is_seen_expected_and_recorded() -> None:
    source = (
        FLOW[: FLOW.index("  welcome:")]
        + "  welcome:\n    - email: {to: a@example.com, subject: Hi, text: Ho}\n"
    )
    source = source.replace("  - {on: keyword, words: [agent], do: person}\n", "")
    source = source.replace("  - {on: keyword, words: [order], do: order}\n", "").replace("triggers:\n", "")
    flow = parse_flow(source, file="x").flow
    assert flow is not None
    rehearsal, hi = Rehearsal(Stage(flow=flow)), commands.read("hi")
    assert not isinstance(hi, str)

    text = recorded(
        [(hi, rehearsal.perform(hi))], flow="x", name="It writes", channel="web", begins=WEDNESDAY_NOON
    )

    assert "subject: Hi" in text
    for steps, what in (
        (text, None),
        (text.replace("subject: Hi", "subject: Ho"), "an e-mail says something else"),
    ):
        found, problems = scripts.parse(steps, file="t")
        assert found is not None, problems
        failure = play(found.tests[0], flow).failure
        assert (failure and failure.what) == what


def test_coverage_counts_steps_and_branches_and_names_the_lines_that_were_missed() -> None:
    parsed = parse_flow(FLOW, file="x")
    assert parsed.flow is not None
    taken = play(script(WHOLE).tests[0], parsed.flow).taken

    covered = Coverage.of(parsed, taken)

    assert (covered.steps, covered.branches) == (12, 2)
    assert (covered.missed_steps, covered.missed_branches) == (1, 1)
    assert covered.lines == "11 else"
    assert Coverage.of(parsed, frozenset()).percent == 0
    assert round(covered.percent) == 86


def test_rounds_of_a_repeat_and_steps_of_one_word_are_counted_once() -> None:
    source = """\
version: 1
flow: round
start: a
subflows:
  a:
    - repeat: {times: 3, do: [{send: Again}]}
    - choose: [{do: a2}, {do: [{end: }]}]
  a2: [end]
"""
    parsed = parse_flow(source.replace("{end: }", "end"), file="x")
    assert parsed.flow is not None, parsed.problems
    taken = play(script("customer: hi\nbot: Again\nbot: Again\nbot: Again").tests[0], parsed.flow).taken

    covered = Coverage.of(parsed, taken)

    assert "6" not in covered.lines.split(", ")
    assert covered.missed_branches == 1


def test_a_condition_that_was_never_false_has_a_branch_missing_though_there_is_no_else() -> None:
    source = "version: 1\nflow: x\nstart: a\nsubflows:\n  a:\n"
    source += "    - when: {not: {tag: b}}\n      then: [{send: Hi}]\n"
    parsed = parse_flow(source, file="x")
    assert parsed.flow is not None

    taken = play(script("customer: hi\nbot: Hi").tests[0], parsed.flow).taken
    both = taken | play(script("customer: hi", tags="[b]").tests[0], parsed.flow).taken

    assert Coverage.of(parsed, taken).lines == "6 else"
    assert Coverage.of(parsed, both).percent == 100
