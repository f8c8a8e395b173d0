"""What is understood by an answer, kind by kind."""

from __future__ import annotations

import pytest

from relevo.domain.flows.answers import understood
from relevo.domain.flows.messages import Choice
from relevo.domain.flows.model import AnswerKind
from relevo.domain.messages import Content, Interactive, Location, Media, Text


def meant(
    kind: AnswerKind, said: Content | str, region: str | None = None, choices: tuple[Choice, ...] = ()
) -> object:
    return understood(kind, choices, Text(said) if isinstance(said, str) else said, region)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("  hello ", "hello"),
        ("   ", None),
        (Media("image", "https://x/1.png", caption="my cat"), "my cat"),
        (Media("image", "https://x/1.png"), "https://x/1.png"),
        (Location(1.5, 2.5), "1.5,2.5"),
        (Interactive("Yes, pl…", "say:Yes, please"), "Yes, please"),
        (Interactive("Yes", "do:x"), "Yes"),
        (Interactive("Yes"), "Yes"),
        (Interactive("Yes", "say:"), "Yes"),
    ],
)
def test_text(said: Content | str, value: str | None) -> None:
    assert meant("text", said) == value


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("12", 12),
        ("-3", -3),
        ("+3", 3),
        ("12.5", 12.5),
        ("12,5", 12.5),
        ("1,000", 1000),
        ("1.000", 1.0),
        ("0,125", 0.125),
        ("1,234.5", 1234.5),
        ("1.234,5", 1234.5),
        ("-1,234,567", -1234567),
        ("1.234.567", 1234567),
        ("about 5 people", 5),
        ("10%", 10),
        ("$50.", 50),
        ("٣", 3),
        ("no", None),
        ("3-4", None),
        ("5 or 6", None),
        ("12b", None),
        ("b12", None),
        ("12:30", None),
        ("1,2,3", None),
        ("1.2,3.4", None),
        ("1,234,567.8.9", None),
        ("9" * 15, int("9" * 15)),
        ("9" * 16, None),
        ("9" * 20_000, None),
        ("", None),
    ],
)
def test_number(said: str, number: float | None) -> None:
    value = meant("number", said)

    assert value == number
    assert type(value) is type(number)


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("ana@example.com", "ana@example.com"),
        ("Ana@EXAMPLE.com", "Ana@example.com"),
        ("It is ana@example.com.", "ana@example.com"),
        ("<mailto:ana@example.com>", "ana@example.com"),
        ("ana@example", None),
        ("ana", None),
        ("ana@example.com or bo@example.com", None),
        ("@", None),
        ("a" * 5_000 + "@example.com", None),
    ],
)
def test_email(said: str, address: str | None) -> None:
    assert meant("email", said) == address


@pytest.mark.parametrize(
    ("said", "region", "number"),
    [
        ("+61 400 123 456", None, "+61400123456"),
        ("0400 123 456", "AU", "+61400123456"),
        ("it is (02) 5550 1234, thanks", "AU", "+61255501234"),
        ("0400 123 456", None, None),
        ("+1", None, None),
        ("12", "AU", None),
        ("+61 400 123 456 or +61 400 123 457", None, None),
        ("no", "AU", None),
    ],
)
def test_phone(said: str, region: str | None, number: str | None) -> None:
    assert meant("phone", said, region) == number


CHOICES = (Choice("Pro plan", "pro"), Choice("Básico", "Básico"), Choice("3", "three"), Choice("👍", "👍"))


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("Pro plan", "pro"),
        ("pro PLAN!", "pro"),
        ("pro", "pro"),
        ("basico", "Básico"),
        ("1", "pro"),
        ("2", "Básico"),
        ("3", "three"),
        ("4", "👍"),
        ("5", None),
        ("0", None),
        ("00000001", None),
        ("👍", "👍"),
        ("👎", None),
        ("plan", None),
        ("", None),
        ("?", None),
        (Interactive("Pro pl…", "say:pro"), "pro"),
        (Interactive("Pro plan", "say:gone"), "pro"),
        (Interactive("Pro plan"), "pro"),
        (Interactive("What?", "say:what"), None),
    ],
)
def test_choice(said: Content | str, value: str | None) -> None:
    assert meant("choice", said, choices=CHOICES) == value
