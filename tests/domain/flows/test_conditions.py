"""Conditions, as they are written, and whether they hold for Ana."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from relevo.domain.flows.model import AllOf, HasTag, InSegment, Not
from relevo.domain.flows.runs import Scene
from relevo.domain.flows.variables import as_number, as_text
from relevo.domain.hours import Hours, Span
from tests.domain.flows.walking import ANA, SCENE, fields_set, others, walked, with_fields

DATES = {**ANA.fields, "due": "2030-05-18", "bought": "2030-05-17T11:00:00Z"}
SCENE_OF_DATES = with_fields(**DATES)


def holds(condition: str, scene: Scene = SCENE_OF_DATES) -> bool:
    steps = f"- when: {condition}\n  then:\n    - set: {{it: true}}\n  else:\n    - set: {{it: false}}"
    return fields_set(walked(steps, scene=scene))["it"] is True


OFFICE = Hours(zone="Australia/Sydney", week={"fri": (Span(9 * 60, 17 * 60),)})
BEHIND = Hours(zone="America/New_York", week={"fri": (Span(8 * 60, 17 * 60),)})


@pytest.mark.parametrize(("hours", "is_open"), [(None, True), (OFFICE, False), (BEHIND, True)])
def test_business_hours(hours: Hours | None, is_open: bool) -> None:
    scene = msgspec.structs.replace(SCENE, hours=hours)

    assert holds("{business_hours: open}", scene) is is_open
    assert holds("{business_hours: closed}", scene) is not is_open


def test_days_are_those_of_the_companys_zone() -> None:
    late = msgspec.structs.replace(SCENE, hours=OFFICE)  # 22:00 there
    later = msgspec.structs.replace(late, now=late.now.replace(hour=15))

    assert holds("{field: now, on: 2030-05-17}", late)
    assert holds("{field: now, on: 2030-05-18}", later)
    assert holds("{field: now, on: today}", later)


def test_segments_are_conditions_that_the_workspace_has_named() -> None:
    condition = AllOf((HasTag("vip"), Not(InSegment("gone"))))
    loop = InSegment("loop")
    scene = msgspec.structs.replace(SCENE, segments={"best": condition, "loop": loop})

    assert holds("{segment: best}", scene)
    assert not holds("{segment: gone}", scene)
    assert not holds("{segment: loop}", scene)


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("{field: plan, is: pro}", True),
        ("{field: plan, is: ' PRO '}", True),
        ("{field: plan, is: basic}", False),
        ("{field: plan, is_not: basic}", True),
        ("{field: plan, is_not: pro}", False),
        ("{field: nothing, is_not: pro}", True),
        ("{field: age, is: 42}", True),
        ("{field: age, is: 42.0}", True),
        ("{field: age, is: '42'}", True),
        ("{field: seats, is: 7}", True),
        ("{field: seats, is: 8}", False),
        ("{field: plan, is: 7}", False),
        ("{field: paid, is: true}", True),
        ("{field: paid, is: false}", False),
        ("{field: paid, is: 1}", False),
        ("{field: plan, is: '{{ plan | upcase }}'}", True),
        ("{field: age, more_than: 41}", True),
        ("{field: age, more_than: 42}", False),
        ("{field: age, at_least: 42}", True),
        ("{field: age, at_least: 43}", False),
        ("{field: age, less_than: 43}", True),
        ("{field: age, less_than: 42}", False),
        ("{field: age, at_most: 42}", True),
        ("{field: age, at_most: 41}", False),
        ("{field: age, more_than: 18, less_than: 65}", True),
        ("{field: age, more_than: 18, less_than: 40}", False),
        ("{field: age, more_than: '{{ seats }}'}", True),
        ("{field: seats, less_than: 7.5}", True),
        ("{field: plan, more_than: 1}", False),
        ("{field: plan, at_most: 1}", False),
        ("{field: nothing, less_than: 1}", False),
        ("{field: age, less_than: '{{ plan }}'}", False),
        ("{field: plan, contains: R}", True),
        ("{field: plan, contains: x}", False),
        ("{field: colours, contains: Red}", True),
        ("{field: colours, contains: re}", False),
        ("{field: tags, contains: vip}", True),
        ("{field: last_input, contains: hi}", True),
        ("{field: channel, is: web}", True),
        ("{field: first_name, is: ana}", True),
        ("{field: plan, exists: true}", True),
        ("{field: plan, exists: false}", False),
        ("{field: nothing, exists: true}", False),
        ("{field: nothing, exists: false}", True),
        ("{field: empty, exists: true}", False),
        ("{field: email, exists: false}", True),
        ("{field: plan, starts_with: P}", True),
        ("{field: plan, starts_with: ro}", False),
        ("{field: plan, ends_with: RO}", True),
        ("{field: plan, ends_with: p}", False),
        ("{field: plan, one_of: [basic, pro]}", True),
        ("{field: age, one_of: [41, 42]}", True),
        ("{field: plan, one_of: [basic, free]}", False),
        ("{field: today, on: today}", True),
        ("{field: today, on: 2030-05-17}", True),
        ("{field: now, on: '2030-05-17'}", True),
        ("{field: now, before: tomorrow}", True),
        ("{field: now, before: today}", False),
        ("{field: now, after: yesterday}", True),
        ("{field: now, after: 2030-05-17T11:59:00Z}", True),
        ("{field: now, after: '2030-05-17T14:00:00+02:00'}", False),
        ("{field: now, on: now}", True),
        ("{field: due, before: 2030-05-18}", False),
        ("{field: due, on: 2030-05-18}", True),
        ("{field: due, on: '{{ due }}'}", True),
        ("{field: due, after: now}", True),
        ("{field: due, in_next: 13h}", True),
        ("{field: due, in_next: 11h}", False),
        ("{field: bought, in_last: 2h}", True),
        ("{field: bought, in_last: 30m}", False),
        ("{field: bought, longer_ago: 30m}", True),
        ("{field: bought, longer_ago: 2h}", False),
        ("{field: plan, before: now}", False),
        ("{field: plan, in_last: 1d}", False),
        ("{field: nothing, after: today}", False),
        ("{field: due, before: '{{ plan }}'}", False),
        ("{field: subscribed_at, on: today}", True),
        ("{tag: vip}", True),
        ("{tag: VIP}", False),
        ("{not: {tag: vip}}", False),
        ("{any: [{tag: no}, {field: plan, is: pro}]}", True),
        ("{any: [{tag: no}, {tag: neither}]}", False),
        ("{all: [{tag: vip}, {field: plan, is: pro}]}", True),
        ("{all: [{tag: vip}, {not: {any: [{tag: vip}]}}]}", False),
    ],
)
def test_conditions(condition: str, wanted: bool) -> None:
    assert holds(condition) is wanted


def test_a_condition_that_cannot_be_told_does_not_hold() -> None:
    turn = walked(
        "- when: {field: a, is: '{{ 1 | divided_by: 0 }}'}\n  then: [end]\n  else: [{tag: x}]", scene=SCENE
    )

    assert [str(act) for act in others(turn)] == [
        "Stumble(code='template_failed', detail='a: step 1: FilterArgumentError in line 1 of the text')",
        "AddTag(name='x')",
    ]


def test_a_field_may_have_the_name_of_a_field_of_the_platform() -> None:
    turn = walked(
        "- when: {field: Order number, is: 5}\n  then: [{tag: x}]", scene=with_fields(**{"Order number": "5"})
    )

    assert [str(act) for act in others(turn)] == ["AddTag(name='x')"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (5.0, "5"),
        (5.5, "5.5"),
        (5, "5"),
        ("x", "x"),
        ([1, "a", True], "1, a, true"),
        (date(2030, 5, 17), "2030-05-17"),
    ],
)
def test_values_read_as_people_write_them(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        (5.5, 5.5),
        ("5", 5),
        (" -5.5 ", -5.5),
        ("5,5", None),
        ("x", None),
        (True, None),
        (None, None),
        ("1" * 16, None),
    ],
)
def test_only_numbers_are_numbers(value: object, number: float | None) -> None:
    assert as_number(value) == number
