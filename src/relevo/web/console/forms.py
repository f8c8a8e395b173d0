"""Forms as they come in, and as they are shown again with what is wrong beside each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import msgspec

from relevo.domain.errors import InvalidInput

MOST_FIELDS = 400
LONGEST_ID = 15  # digits

Errors = Mapping[str, Sequence[str]]


class Form(msgspec.Struct, frozen=True):
    """Values by field, in the order in which they stand in the form, and what is wrong with them."""

    values: Mapping[str, Sequence[str]] = {}
    errors: Errors = {}

    def get(self, field: str, default: str = "") -> str:
        """The (first) value of a field, without the space around it."""
        return self.raw(field, default).strip()

    def raw(self, field: str, default: str = "") -> str:
        """The (first) value of a field as it was written, line ends apart."""
        values = self.values.get(field)
        return values[0].replace("\r\n", "\n") if values else default

    def all(self, field: str) -> list[str]:
        """Every value of a field that may be there several times."""
        return [value.strip() for value in self.values.get(field, ())]

    def number(self, field: str) -> int | None:
        """An id or another whole number; None for anything else."""
        text = self.get(field)
        return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_ID else None

    def has(self, field: str, value: str) -> bool:
        """Whether a box or an option is chosen."""
        return value in self.values.get(field, ())

    def problems(self, field: str) -> Sequence[str]:
        """What is wrong with a field."""
        return self.errors.get(field, ())

    def refused(self, error: InvalidInput, **also: str) -> Form:
        """The same form with what is wrong with it. `also`: the fields of the form that problems of other
        names belong to."""
        errors: dict[str, list[str]] = {}
        for name, texts in error.errors.items():
            errors.setdefault(also.get(name, name), []).extend(texts)
        return Form(self.values, errors)


def read(body: bytes) -> Form:
    """A form that was posted. Raises `InvalidInput` when it is none, or has too many fields."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        what = f"this is not a form of ours, or has more than {MOST_FIELDS} fields; reload the page"
        raise InvalidInput({"form": [what]}) from None
    return of_pairs(pairs)


def of_pairs(pairs: Sequence[tuple[str, str]]) -> Form:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return Form(values)


def filled(**values: str | Sequence[str]) -> Form:
    """A form that shows what there is."""
    return Form({name: [value] if isinstance(value, str) else list(value) for name, value in values.items()})


def sentence(problem: str) -> str:
    """A problem as a sentence: what is wrong, and what would be right."""
    text = problem.strip()
    if text.split(" ", 1)[0].isalpha():  # and not a URL, a name in quotes or a setting
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
