"""The picture of a flow: everything in it, nothing on top of each other, and safe whatever the words are."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from relevo.domain.flows.drawing import WIDTH, Crowd, as_svg
from relevo.domain.flows.parsing import parse
from relevo.domain.flows.picturing import Picture, as_mermaid, picture

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.flow.yaml"))
FLOW = """\
version: 1
flow: drawn
start: welcome
triggers:
  - {on: keyword, words: [agent, human, help], do: person}
  - {on: schedule, cron: "0 9 * * *", when: {tag: a}, do: person}
subflows:
  welcome:
    - send: {text: "<b>Hello</b> & \\"welcome\\"", buttons: [{title: Person, do: person}]}
    - ask:
        text: What is it that you would like to tell the people who answer here?
        timeout: {after: 1d, do: person}
    - when: {tag: vip}
      then: [{call: prices}, {send: Thanks}]
  prices:
    - go: welcome
  person: [pause_bot]
"""


def drawn(source: str = FLOW) -> Picture:
    parsed = parse(source, file="x")
    assert parsed.flow is not None, parsed.problems
    return picture(parsed, source)


def test_a_box_has_the_steps_of_its_subflow_as_the_file_says_them() -> None:
    welcome, prices, person = drawn().boxes

    assert [(row.text, row.depth) for row in welcome.rows] == [
        ('send: {text: "<b>Hello</b> & \\"welcome\\"", bu…', 0),
        ("ask: text: What is it that you would like to…", 0),
        ("timeout", 1),
        ("go person", 2),
        ("when: {tag: vip}", 0),
        ("then", 1),
        ("{call: prices}", 2),
        ("{send: Thanks}", 2),
    ]
    assert [row.path for row in welcome.rows if row.depth == 2] == [
        (1, "timeout", 0),
        (2, "then", 0),
        (2, "then", 1),
    ]
    assert (welcome.starts, prices.starts) == (("start",), ())
    assert person.starts == ('keyword "agent", keyword "human", …', "schedule 0 9 * * * for person")
    assert [box.column for box in drawn().boxes] == [0, 1, 1]


def test_an_arrow_is_wherever_one_subflow_leads_to_another() -> None:
    found = {(one.source, one.path, one.target, one.kind) for one in drawn().links}

    assert found == {
        ("welcome", (0,), "person", "offers"),
        ("welcome", (1, "timeout", 0), "person", "goes"),
        ("welcome", (2, "then", 0), "prices", "calls"),
        ("prices", (0,), "welcome", "goes"),
    }


def test_mermaid_has_the_same_boxes_and_arrows() -> None:
    text = as_mermaid(drawn())

    assert text.startswith('flowchart LR\n  s0["welcome"]\n  s0t0(["start"]) --> s0\n')
    assert "  s0 -.-> s2\n  s0 --> s2\n  s0 -- call --> s1\n  s1 --> s0\n" in text
    assert "keyword #34;agent#34;" in text


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_the_svg_of_an_example_is_well_formed_and_its_boxes_are_apart(file: Path) -> None:
    source = file.read_text()
    root = ElementTree.fromstring(as_svg(drawn(source)))
    boxes = [
        tuple(float(one.get(key, "0")) for key in ("x", "y", "width", "height"))
        for one in root.iter("{http://www.w3.org/2000/svg}rect")
        if one.get("class") == "flow-box"
    ]

    assert len(boxes) == len(drawn(source).boxes)
    for index, (x, y, width, height) in enumerate(boxes):
        assert x + width <= float(root.get("width", "0"))
        assert y + height <= float(root.get("height", "0"))
        for other_x, other_y, _, other_height in boxes[:index]:
            is_beside = abs(other_x - x) >= WIDTH
            assert is_beside or y >= other_y + other_height or other_y >= y + height


def test_people_stand_where_they_wait() -> None:
    svg = as_svg(drawn(), {("welcome", (1,)): Crowd(1200, 40), ("gone", (0,)): Crowd(1)}, alone=False)

    assert "1,200 waiting here" in svg
    assert "40 without an answer for a day" in svg
    assert "<style>" not in svg
    assert svg.count("<title>") == 2


def test_words_of_the_flow_are_never_markup() -> None:
    assert "<b>" not in as_svg(drawn())
    assert "&lt;b&gt;Hello" in as_svg(drawn())


def test_it_is_readable_in_the_dark() -> None:
    assert "prefers-color-scheme: dark" in as_svg(drawn())
