"""docs/reference/api.md says what the API does, no more and no less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relevo.admin.deliveries import BeingAttempted, NotWaiting
from relevo.domain import dynamic_content, errors
from relevo.engine.housekeeping import KEYS_ARE_KEPT_FOR
from relevo.web.api import CALLS
from relevo.web.api.document import make_document
from relevo.web.not_ours import NOT_OURS
from relevo.web.refusals import INTERNAL_ERROR

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text()
SECTIONS = dict(re.findall(r"^### ((?:GET|POST|PUT|DELETE) /\S+)\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))
DOCUMENT = make_document(CALLS, "https://relevo.example.com")


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def test_every_call_is_documented_and_nothing_else() -> None:
    assert set(SECTIONS) == {call for call, _ in operations()}


@pytest.mark.parametrize(("call", "operation"), [*operations()], ids=lambda value: str(value)[:60])
def test_the_section_of_a_call_has_its_parameters_and_no_others(call: str, operation: dict[str, Any]) -> None:
    rows = re.findall(r"^\| (`.*?) \|", SECTIONS[call], re.M)
    documented = {found for row in rows for found in re.findall(r"`(\w+)`(\*?)", row)}

    assert documented == {(name, "*" if required else "") for name, required in parameters(operation)}


def parameters(operation: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query":
            yield parameter["name"], parameter["required"]
    if "requestBody" in operation:
        name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        schema = DOCUMENT["components"]["schemas"][name]
        for name in schema["properties"]:
            yield name, name in schema["required"]


def test_every_status_and_code_of_an_error_is_documented_and_nothing_else() -> None:
    rows = re.findall(r"^\| (\d{3}) \| (`.*?) \|", PAGE, re.M)
    documented = {(int(status), code) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    ours: list[type[errors.RelevoError]] = [
        errors.Unauthenticated, errors.ScopeRequired, errors.NotFound, errors.TooLarge, errors.InvalidInput,
        errors.IdempotencyKeyReused, errors.TooManyRequests, errors.DecisionFailed, errors.Unavailable,
        errors.Busy, errors.NotSent, BeingAttempted, NotWaiting, errors.NoHandoff, errors.HandoffTaken,
        errors.ControlChanged,
    ]  # fmt: skip

    told = {int(status) for _, operation in operations() for status in operation["responses"]}
    assert {status for status, _ in documented} == (told - {200}) | {HTTPStatus.METHOD_NOT_ALLOWED}
    assert documented == {
        *((error.status, error.code) for error in ours),
        (405, "method_not_allowed"),
        (500, INTERNAL_ERROR),
    }


def test_the_content_on_the_page_is_taken() -> None:
    content = re.search(r"```json\n(.*?)```", PAGE, re.S)
    assert content is not None

    taken = dynamic_content.read(msgspec.json.decode(content[1]), {"person": "person"})

    assert (len(taken.contents), len(taken.acts)) == (3, 2)


def test_the_limits_on_the_page_are_those_that_hold() -> None:
    limits = {
        "`messages`": dynamic_content.MOST_MESSAGES,
        "`buttons` of a message or a card": dynamic_content.MOST_BUTTONS,
        "`actions`": dynamic_content.MOST_ACTIONS,
        "`quick_replies`": dynamic_content.MOST_QUICK_REPLIES,
    }

    rows = re.findall(r"^\| (`.*?) \| (\d+) \|", PAGE, re.M)
    assert {part: int(most) for part, most in rows} == limits


def test_the_page_says_how_long_a_key_is_kept() -> None:
    hours = KEYS_ARE_KEPT_FOR // timedelta(hours=1)

    assert f"are kept for {hours} hours" in PAGE
    assert f"remembered for {hours} hours" in str(operations_of_keys())


def operations_of_keys() -> list[Any]:
    return [parameter for _, one in operations() for parameter in one.get("parameters", [])]


def test_all_that_is_not_ours_is_named() -> None:
    section = PAGE.partition("## What is not part of Relevo")[2].partition("\n## ")[0]

    named = re.findall(r"`(/[^`]+)`", section)
    assert named == [path for paths in NOT_OURS.values() for path in paths]
