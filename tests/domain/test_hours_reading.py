"""Business hours as people write them."""

from __future__ import annotations

import pytest

from relevo.domain.hours import Holiday, Span
from relevo.domain.hours_reading import NoHours, holidays, holidays_in_words, in_words, spans

MORNING, NIGHT = Span(540, 720), Span(1320, 120)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("Closed", ()),
        ("09:00-12:00", (MORNING,)),
        ("22:00-02:00, 9:00-12:00", (MORNING, NIGHT)),
    ],
)
def test_the_hours_of_a_day(text: str, found: tuple[Span, ...]) -> None:
    assert spans(text) == found
    assert spans(in_words(found)) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("9 to 5", '"9 to 5" is no span of hours; write it like 09:00-17:00'),
        ("09:00-12:00,", '"" is no span of hours; write it like 09:00-17:00'),
        (", ".join(["09:00-12:00"] * 7), "7 spans of hours in one day; at most 6 are possible"),
    ],
)
def test_what_are_no_hours(text: str, why: str) -> None:
    with pytest.raises(NoHours) as wrong:
        spans(text)

    assert str(wrong.value) == why


def test_holidays_are_lines() -> None:
    text = "12-25 Christmas Day\n\n 2026-12-24 09:00-12:00, 22:00-02:00 Early closing\n2026-12-28"

    found = holidays(text)

    assert found == (
        Holiday("12-25", "Christmas Day"),
        Holiday("2026-12-24", "Early closing", (MORNING, NIGHT)),
        Holiday("2026-12-28"),
    )
    assert holidays(holidays_in_words(found)) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Christmas", '"Christmas" is no day; write 2026-12-25, or 12-25 for every year'),
        ("25.12.", '"25.12." is no day; write 2026-12-25, or 12-25 for every year'),
        ("\n".join(["12-25"] * 501), "501 holidays; at most 500 are possible"),
    ],
)
def test_what_are_no_holidays(text: str, why: str) -> None:
    with pytest.raises(NoHours) as wrong:
        holidays(text)

    assert str(wrong.value) == why
