"""The SDK has a call for each operation of the document, and nothing else; it says all that can be said, and
tells all that is answered."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
import pytest

from relevo.sdk import Client
from relevo.sdk.transport import Asked
from tests.web.api.sdk_calls import (
    DOCUMENT,
    NAMES,
    OPERATIONS,
    Recorder,
    answer_of,
    filled,
    made,
    operation_of,
    parameters,
    requests_of,
)

TWO_CALLS = {
    ("GET", "/handoff/events"): {"events", "all_events"},
    ("POST", "/handoff/redeliver-many"): {"redeliver_many", "count_redeliverable"},
}
"""Where one operation does two things."""

NOT_SAID = {
    ("GET", "/handoff/deliveries"): {"before_id"},  # where the next page begins
    ("GET", "/handoff/redeliveries"): {"before_id"},
    ("POST", "/workspace-settings/update-channels"): {"*"},  # whatever channels there are
}

Json = dict[str, Any]


def said(asked: Asked) -> set[str]:
    body = msgspec.json.decode(asked.body) if asked.body else {}
    return {*dict(asked.query), *body}


def sayable(operation: tuple[str, str]) -> set[str]:
    """What the document says that can be said to an operation."""
    told = OPERATIONS[operation]
    words = {one["name"] for one in told.get("parameters", []) if one["in"] == "query"}
    if "requestBody" in told:
        words |= properties(told["requestBody"]["content"]["application/json"]["schema"]["$ref"]).keys()
    return words


def properties(ref: str) -> Json:
    schema: Json = DOCUMENT["components"]["schemas"][ref.rpartition("/")[2]]
    found: Json = schema.get("properties", {})
    return found


async def test_each_operation_has_one_call_and_each_call_one_operation() -> None:
    calls: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name in NAMES:
        (operation,) = {operation_of(asked) for asked in await requests_of(name)}
        calls[operation].add(name)

    assert calls.keys() == OPERATIONS.keys()
    assert {operation: names for operation, names in calls.items() if len(names) > 1} == TWO_CALLS


async def test_everything_that_an_operation_takes_can_be_said_and_nothing_else() -> None:
    words: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name in NAMES:
        for asked in await requests_of(name):
            words[operation_of(asked)] |= said(asked)

    for operation, sent in words.items():
        missing = sayable(operation) - sent - NOT_SAID.get(operation, set())
        if "*" not in NOT_SAID.get(operation, ()):
            assert (operation, missing, sent - sayable(operation)) == (operation, set(), set())


@pytest.mark.parametrize("name", [name for name in NAMES if "idempotency_key" in parameters(name)])
async def test_the_key_of_a_write_is_yours(name: str) -> None:
    (asked,) = await requests_of(name)

    assert asked.headers["idempotency-key"] == "x"


def test_every_write_takes_a_key() -> None:
    writing = {
        operation
        for operation, told in OPERATIONS.items()
        if any(one["name"] == "Idempotency-Key" for one in told.get("parameters", []))
    }

    assert len([name for name in NAMES if "idempotency_key" in parameters(name)]) == len(writing)


@pytest.mark.parametrize("name", NAMES)
async def test_all_that_is_answered_is_told(name: str) -> None:
    recorder = Recorder()
    client = Client("https://relevo.example.com", "token", transport=recorder)
    found = await made(client, name, {word: filled(type_) for word, type_ in parameters(name).items()})

    answer = answer_of(operation_of(recorder.asked[0]))
    if isinstance(found, msgspec.Struct):
        told = answer if "stats" in answer else answer.get("data", answer)
        assert told.keys() - {"status"} <= words_of(found)
    elif isinstance(found, list) and found and isinstance(found[0], msgspec.Struct):
        assert answer["data"][0].keys() <= words_of(found[0])
    else:
        assert found is None or found


def words_of(value: msgspec.Struct) -> set[str]:
    return set(value.__struct_encode_fields__)
