"""What two versions of a flow differ in, as somebody reads it before publishing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.domain.flows.differing import Difference, differences

OLD = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: keyword, words: [agent], do: person}
subflows:
  welcome:
    - send: Hello
    - ask: {text: "Your e-mail?", kind: email}   # why
    - send: Thanks
  person:
    - send: One moment
    - pause_bot:
        minutes: 30
        not_accepted:
          after: 2m
          do:
            - send: Nobody yet
            - tag: waited
"""


def changed(old: str, new: str, source: str = OLD) -> list[tuple[str, str, str, str]]:
    assert source.count(old) == 1, old
    found = differences(source, source.replace(old, new))
    return [(one.where, one.kind, one.before, one.after) for one in found]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("send: Hello\n", "send: Hi\n", [("welcome, step 1", "changed", "send: Hello", "send: Hi")]),
        ("    - send: Thanks\n", "", [("welcome, step 3", "removed", "send: Thanks", "")]),
        (
            "    - send: Thanks\n",
            "    - tag: known\n    - send: Thanks\n",
            [("welcome, step 3", "added", "", "tag: known")],
        ),
        (
            "    - send: Thanks\n",
            "    - wait: 1m\n",
            [
                ("welcome, step 3", "removed", "send: Thanks", ""),
                ("welcome, step 3", "added", "", "wait: 1m"),
            ],
        ),
        (
            "send: Nobody yet",
            "send: Please stay",
            [
                (
                    "person, step 2, pause_bot, not_accepted, step 1",
                    "changed",
                    "send: Nobody yet",
                    "send: Please stay",
                )
            ],
        ),
        ("start: welcome", "start: person", [("start", "changed", "welcome", "person")]),
        (
            "words: [agent]",
            "words: [agent, human]",
            [
                (
                    "triggers, trigger 1",
                    "changed",
                    "{on: keyword, words: [agent], do: person}",
                    "{on: keyword, words: [agent, human], do: person}",
                )
            ],
        ),
        ("  person:\n", "  human:\n", [("person", "removed"), ("human", "added")]),
        ("send: Hello\n", 'send: "Hello"\n', []),
        ("   # why", "", []),
    ],
)
def test_each_difference_has_its_place_and_both_texts(old: str, new: str, expected: list[object]) -> None:
    found = changed(old, new)

    assert [one[: len(wanted)] for one, wanted in zip(found, expected, strict=True)] == expected  # type: ignore[arg-type]


def test_a_step_that_is_another_in_more_than_its_steps_is_shown_whole() -> None:
    found = changed(
        "after: 2m\n          do:\n            - send: Nobody yet",
        "after: 3m\n          do:\n            - send: X",
    )

    assert [one[:2] for one in found] == [("person, step 2", "changed")]
    assert found[0][2].splitlines()[:2] == ["pause_bot:", "  minutes: 30"]


def test_what_is_no_yaml_is_different_as_a_whole() -> None:
    assert differences(OLD, "{") == (
        Difference(where="the whole text", kind="changed", before=OLD, after="{"),
    )


steps = st.lists(st.sampled_from(["send: A", "send: B", "tag: x", "wait: 1m", "end"]), min_size=1, max_size=6)


@given(steps, steps)
def test_nothing_is_told_of_what_is_the_same_and_something_of_what_is_not(
    old: list[str], new: list[str]
) -> None:
    before, after = (
        f"subflows:\n  a:\n{''.join(f'    - {one}{chr(10)}' for one in each)}" for each in (old, new)
    )

    found = differences(before, after)

    assert (found == ()) == (old == new)
    gained = sum(one.kind == "added" for one in found) - sum(one.kind == "removed" for one in found)
    assert gained == len(new) - len(old)
