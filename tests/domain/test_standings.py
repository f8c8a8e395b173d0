"""What several processes say of an endpoint, put together."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.domain.health import State
from relevo.domain.standings import Happening, Report, Standing, fold, happened, is_hopeless
from relevo.testing.clock import NOON

SOON = timedelta(seconds=10)


def report(state: State, at: datetime = NOON, node: str = "a", **seen: datetime) -> Report:
    bare = Report(node=node, state=state, at=at, failure="connect")
    return msgspec.structs.replace(bare, **seen)


def after(*reports: Report) -> tuple[Standing, list[Happening]]:
    standing, told = Standing(), []
    for one in reports:
        before, standing = standing, fold(standing, one)
        if (happening := happened(before, standing)) is not None:
            told.append(happening)
    return standing, told


def test_one_process_that_opens_and_recovers_is_told_once_each() -> None:
    standing, told = after(
        report(State.OPEN),
        report(State.OPEN, NOON + SOON),
        report(State.FAILING, NOON + 2 * SOON),
        report(State.HEALTHY, NOON + 3 * SOON),
    )

    assert told == [Happening.OPEN, Happening.RECOVERED]
    assert (standing.state, standing.since, standing.ill_since) == (State.HEALTHY, NOON + 3 * SOON, None)


def test_it_stands_as_the_worst_that_anybody_says() -> None:
    standing, told = after(
        report(State.OPEN, node="a"),
        report(State.OPEN, NOON + SOON, node="b"),
        report(State.HEALTHY, NOON + 2 * SOON, node="a"),
    )

    assert (standing.state, standing.since) == (State.OPEN, NOON)
    assert told == [Happening.OPEN]


def test_who_is_not_heard_of_any_more_says_nothing() -> None:
    later = NOON + timedelta(seconds=61)
    standing, told = after(report(State.OPEN, node="a"), report(State.HEALTHY, later, node="b"))

    assert standing.state is State.HEALTHY
    assert told == [Happening.OPEN, Happening.RECOVERED]
    assert set(standing.views) == {"b"}


def test_one_that_fails_now_and_then_is_told_as_failing() -> None:
    assert after(report(State.FAILING))[1] == [Happening.FAILING]


@pytest.mark.parametrize(
    ("succeeded", "failed", "expected"),
    [
        (None, timedelta(days=5), True),
        (None, timedelta(days=4), False),
        (timedelta(days=2), timedelta(days=6), False),
        (timedelta(days=2), timedelta(days=7), True),
        (-timedelta(days=30), timedelta(days=5), True),
    ],
)
def test_days_of_failure_without_a_success_are_hopeless(
    succeeded: timedelta | None, failed: timedelta, expected: bool
) -> None:
    first = report(State.FAILING, failed_at=NOON)
    seen = {} if succeeded is None else {"succeeded_at": NOON + succeeded}
    last = report(State.FAILING, NOON + timedelta(days=9), "a", failed_at=NOON + failed, **seen)
    standing, _ = after(first, last)

    assert is_hopeless(standing, timedelta(days=5)) is expected
    assert not is_hopeless(standing, None)


def test_one_that_nobody_asked_for_a_week_is_not_hopeless() -> None:
    standing, _ = after(
        report(State.OPEN, failed_at=NOON), report(State.OPEN, NOON + timedelta(days=8), failed_at=NOON)
    )

    assert not is_hopeless(standing, timedelta(days=5))


states = st.sampled_from([State.HEALTHY, State.FAILING, State.OPEN])
stories = st.lists(st.tuples(states, st.sampled_from("abc"), st.integers(0, 90)), max_size=40)


@given(stories)
def test_every_bad_notice_is_followed_by_a_good_one(story: list[tuple[State, str, int]]) -> None:
    """Whoever keeps a list of what is broken by the notices alone has the truth."""
    now, reports = NOON, []
    for state, node, seconds in story:
        now += timedelta(seconds=seconds)
        reports.append(report(state, now, node))
    standing, told = after(*reports)

    assert (told[-1:] in ([], [Happening.RECOVERED])) is (standing.state is State.HEALTHY)
