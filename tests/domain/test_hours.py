"""Hours and holidays: whether it is open, and when it opens next."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.domain.hours import Holiday, Hours, Span, is_day, is_open, opens_at, read_span

DAY = (Span(9 * 60, 17 * 60),)
OFFICE = Hours(
    zone="Australia/Sydney",
    week={
        "mon": DAY,
        "tue": DAY,
        "wed": DAY,
        "thu": DAY,
        "fri": (Span(540, 720), Span(780, 960)),
    },
    holidays=(
        Holiday("12-25", "Christmas"),
        Holiday("2030-12-24", "Early closing", (Span(9 * 60, 12 * 60),)),
    ),
)
BAR = Hours(zone="Europe/Berlin", week={"sat": (Span(20 * 60, 3 * 60),), "sun": (Span(0, 24 * 60),)})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("hours", "now", "wanted"),
    [
        (OFFICE, "2030-05-16T08:59:59+10:00", False),
        (OFFICE, "2030-05-16T09:00:00+10:00", True),
        (OFFICE, "2030-05-15T23:00:00+00:00", True),
        (OFFICE, "2030-05-16T16:59:59+10:00", True),
        (OFFICE, "2030-05-16T17:00:00+10:00", False),
        (OFFICE, "2030-05-17T12:30:00+10:00", False),
        (OFFICE, "2030-05-17T13:00:00+10:00", True),
        (OFFICE, "2030-05-18T12:00:00+10:00", False),
        (OFFICE, "2030-12-24T11:00:00+11:00", True),
        (OFFICE, "2030-12-24T14:00:00+11:00", False),
        (OFFICE, "2031-12-25T11:00:00+11:00", False),
        (BAR, "2030-05-18T19:59:00+02:00", False),
        (BAR, "2030-05-18T23:59:00+02:00", True),
        (BAR, "2030-05-19T02:59:00+02:00", True),
        (BAR, "2030-05-19T23:59:59+02:00", True),
        (BAR, "2030-05-20T00:00:00+02:00", False),
        (Hours(zone="UTC"), "2030-05-20T12:00:00+00:00", False),
    ],
)
def test_whether_it_is_open(hours: Hours, now: str, wanted: bool) -> None:
    assert is_open(hours, at(now)) is wanted


@pytest.mark.parametrize(
    ("hours", "now", "wanted"),
    [
        (OFFICE, "2030-05-16T08:00:00+10:00", "2030-05-16T09:00:00+10:00"),
        (OFFICE, "2030-05-16T09:00:00+10:00", "2030-05-17T09:00:00+10:00"),
        (OFFICE, "2030-05-17T12:30:00+10:00", "2030-05-17T13:00:00+10:00"),
        (OFFICE, "2030-05-17T17:30:00+10:00", "2030-05-20T09:00:00+10:00"),
        (OFFICE, "2030-12-24T13:00:00+11:00", "2030-12-26T09:00:00+11:00"),
        (BAR, "2030-05-20T12:00:00+02:00", "2030-05-25T20:00:00+02:00"),
        (Hours(zone="UTC"), "2030-05-20T12:00:00+00:00", None),
    ],
)
def test_when_it_opens_next(hours: Hours, now: str, wanted: str | None) -> None:
    assert opens_at(hours, at(now)) == (at(wanted) if wanted else None)


def test_an_hour_that_summer_skips_begins_when_it_is_over() -> None:
    hours = Hours(zone="Europe/Berlin", week={"sun": (Span(150, 600),)})

    assert opens_at(hours, at("2030-03-31T00:00:00+01:00")) == at("2030-03-31T03:30:00+02:00")


SPANS = st.builds(Span, st.integers(0, 24 * 60 - 1), st.integers(0, 24 * 60)).filter(
    lambda span: span.start != span.end
)
HOURS = st.builds(
    Hours,
    zone=st.sampled_from(["UTC", "Australia/Lord_Howe", "America/New_York"]),
    week=st.dictionaries(st.sampled_from(["mon", "wed", "sat", "sun"]), st.tuples(SPANS), max_size=4),
)


@given(HOURS, st.datetimes(datetime(2030, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)))
def test_it_is_open_when_it_opens(hours: Hours, now: datetime) -> None:
    opening = opens_at(hours, now)

    assert opening is None or (opening > now and is_open(hours, opening))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("09:00-17:30", Span(540, 1050)),
        ("9:00 - 17:30", Span(540, 1050)),
        ("22:00–02:00", Span(1320, 120)),
        ("00:00-24:00", Span(0, 1440)),
        ("9-17", None),
        ("25:00-26:00", None),
        ("09:00-09:00", None),
        ("", None),
    ],
)
def test_reading_a_span(text: str, span: Span | None) -> None:
    assert read_span(text) == span
    assert span is None or read_span(str(span)) == span


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2030-12-25", True),
        ("12-25", True),
        ("02-29", True),
        ("2030-02-29", False),
        ("13-01", False),
        ("25.12.", False),
        ("20301225", False),
        ("", False),
    ],
)
def test_what_a_day_is(text: str, wanted: bool) -> None:
    assert is_day(text) is wanted
