from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.domain.deliveries import (
    Accepted,
    Done,
    Forbidden,
    GiveUp,
    Outcome,
    Park,
    Refused,
    Rejected,
    RetryAt,
    Unreachable,
    Verdict,
)
from relevo.domain.retries import CHANNEL_SCHEDULE, WEBHOOK_SCHEDULE, decide, parse_retry_after

NOON = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
FIRST = WEBHOOK_SCHEDULE[0]

waits = st.none() | st.timedeltas(timedelta(), timedelta(days=999))
retryable = st.one_of(
    st.builds(Refused, st.integers(300, 599).filter(lambda status: status != 410), waits),
    st.builds(Unreachable, st.sampled_from(["dns", "connect", "tls", "timeout", "broken", "too_large"])),
    st.builds(Forbidden, st.just("10.0.0.1"), st.just("private")),
)
jitters = st.floats(0.8, 1.2)


def after(outcome: Outcome, attempts_made: int = 1, jitter: float = 1.0) -> Verdict:
    return decide(outcome, attempts_made=attempts_made, schedule=WEBHOOK_SCHEDULE, now=NOON, jitter=jitter)


def wait_after(outcome: Outcome, attempts_made: int = 1, jitter: float = 1.0) -> timedelta:
    verdict = after(outcome, attempts_made, jitter)
    assert isinstance(verdict, RetryAt)
    return verdict.when - NOON


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Accepted(200), Done()),
        (Accepted(204, mid="wamid.1"), Done()),
        (Refused(410), GiveUp("endpoint_gone", disable=True)),
        (Refused(410, retry_after=seconds(5)), GiveUp("endpoint_gone", disable=True)),
        (Rejected("media_refused"), GiveUp("media_refused")),
        (Refused(301), RetryAt(NOON + seconds(5))),
        (Refused(302), RetryAt(NOON + seconds(5))),
        (Refused(400), RetryAt(NOON + seconds(5))),
        (Refused(404), RetryAt(NOON + seconds(5))),
        (Refused(500), RetryAt(NOON + seconds(5))),
        (Refused(429), RetryAt(NOON + seconds(5))),
        (Refused(429, retry_after=seconds(2)), RetryAt(NOON + seconds(5))),
        (Refused(429, retry_after=seconds(7)), RetryAt(NOON + seconds(7))),
        (Refused(503, retry_after=seconds(7)), RetryAt(NOON + seconds(7))),
        (Refused(503, retry_after=seconds(11)), RetryAt(NOON + seconds(10))),
        (Refused(500, retry_after=seconds(7)), RetryAt(NOON + seconds(5))),
        (Refused(301, retry_after=seconds(7)), RetryAt(NOON + seconds(5))),
        (Unreachable("dns"), RetryAt(NOON + seconds(5))),
        (Unreachable("timeout"), RetryAt(NOON + seconds(5))),
        (Forbidden("10.0.0.1", "private"), RetryAt(NOON + seconds(5))),
    ],
)
def test_the_first_attempt_decides(outcome: Outcome, verdict: Verdict) -> None:
    assert after(outcome) == verdict


def test_the_schedules_are_those_of_the_documentation() -> None:
    assert [wait.total_seconds() for wait in WEBHOOK_SCHEDULE] == [
        5, 30, 2 * 60, 10 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600,
    ]  # fmt: skip
    assert [wait.total_seconds() for wait in CHANNEL_SCHEDULE] == [1, 5, 30, 2 * 60, 10 * 60, 30 * 60]


@pytest.mark.parametrize("outcome", [Refused(500), Unreachable("connect"), Forbidden("10.0.0.1", "private")])
def test_the_schedule_is_walked_to_its_end_and_then_parked(outcome: Outcome) -> None:
    verdicts = [after(outcome, attempts_made) for attempts_made in range(1, 10)]

    assert verdicts == [*[RetryAt(NOON + wait) for wait in WEBHOOK_SCHEDULE], Park("schedule_exhausted")]


def test_an_empty_schedule_parks_at_once() -> None:
    assert decide(Refused(500), attempts_made=1, schedule=(), now=NOON, jitter=1.0) == Park(
        "schedule_exhausted"
    )


@pytest.mark.parametrize(("jitter", "wait"), [(0.8, 4), (1.0, 5), (1.2, 6)])
def test_jitter_spreads_the_wait(jitter: float, wait: float) -> None:
    assert wait_after(Refused(500), jitter=jitter) == seconds(wait)


def test_jitter_brings_nobody_back_before_the_asked_time() -> None:
    assert wait_after(Refused(429, retry_after=seconds(8)), jitter=0.8) == seconds(8)


@given(retryable, st.integers(1, len(WEBHOOK_SCHEDULE)), jitters)
def test_every_wait_is_between_four_fifths_and_twice_the_scheduled(
    outcome: Outcome, attempts_made: int, jitter: float
) -> None:
    scheduled = WEBHOOK_SCHEDULE[attempts_made - 1]

    assert 0.8 * scheduled <= wait_after(outcome, attempts_made, jitter) <= 2 * scheduled


@given(st.sampled_from([429, 503]), waits, waits, jitters)
def test_asking_for_more_never_shortens_the_wait(
    status_code: int, one: timedelta | None, other: timedelta | None, jitter: float
) -> None:
    less, more = sorted([one or timedelta(), other or timedelta()])

    assert wait_after(Refused(status_code, less), jitter=jitter) <= wait_after(
        Refused(status_code, more), jitter=jitter
    )


@given(st.integers(10, 10_000), retryable, jitters)
def test_whatever_comes_after_the_schedule_is_parked(
    attempts_made: int, outcome: Outcome, jitter: float
) -> None:
    assert after(outcome, attempts_made, jitter) == Park("schedule_exhausted")


def test_waits_grow() -> None:
    for schedule in (WEBHOOK_SCHEDULE, CHANNEL_SCHEDULE):
        assert all(earlier < later for earlier, later in pairwise(schedule))


# Retry-After


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("0", seconds(0)),
        ("120", seconds(120)),
        (" 5 ", seconds(5)),
        ("007", seconds(7)),
        ("Tue, 01 Jan 2030 12:00:37 GMT", seconds(37)),
        ("Tuesday, 01-Jan-30 12:00:37 GMT", seconds(37)),
        ("Tue Jan  1 12:00:37 2030", seconds(37)),
        ("Tue, 01 Jan 2030 14:00:37 +0200", seconds(37)),
        ("Tue, 01 Jan 2030 11:59:00 GMT", seconds(0)),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("5 seconds", None),
        ("٣", None),
        ("²", None),
        ("Tue, 41 Jan 2030 12:00:37 GMT", None),
        ("2030-01-01T12:00:37Z", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, wait: timedelta | None) -> None:
    assert parse_retry_after(text, NOON) == wait


@given(
    st.text()
    | st.from_regex(r"\d{1,2} [a-z]{3} \d{1,9} \d\d:\d\d:\d\d [+-]\d{1,12}")
    | st.from_regex(r"[0-9]+")
)
def test_no_retry_after_is_an_error_or_negative(text: str) -> None:
    wait = parse_retry_after(text, NOON)

    assert wait is None or wait >= timedelta()


@given(st.integers(0, 10**8))
def test_seconds_are_read_as_they_are(number: int) -> None:
    assert parse_retry_after(str(number), NOON) == seconds(number)
