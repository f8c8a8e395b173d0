"""Requests that Schemathesis makes from our own document, right ones and wrong ones, for every operation:
nothing is answered that the document does not tell, and nothing is a fault of ours.

The cases are made without asking anything (the same ones each time, once for both databases), and then sent
in this event loop. `make schemathesis` is the long form, which follows answers to further requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode

from relevo.testing.builders import World
from tests.web.api.conftest import READY, Ana, park
from tests.web.api.validating import Api, Json, Told

Case = schemathesis.Case[Any]

EACH = 2
"""Cases of an operation, of each kind and with each kind of ids."""

ALL_HEALTHY = [*HealthCheck]
KINDS = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


def made(operation: Any, kind: GenerationMode) -> list[Case]:
    """The same cases in every run."""
    cases: list[Case] = []

    @seed(1)
    @settings(max_examples=EACH, phases=[Phase.generate], suppress_health_check=ALL_HEALTHY)
    @given(operation.as_strategy(generation_mode=kind))
    def collect(case: Case) -> None:
        cases.append(case)

    collect()
    return cases


@pytest.fixture(scope="module")
def cases(told: Told) -> list[Case]:
    operations: Any = schemathesis.openapi.from_dict(told.document).get_all_operations()
    return [case for found in operations for kind in KINDS for case in made(found.ok(), kind)]


async def test_whatever_is_asked_the_answer_is_told(
    api: Api, ana: Ana, world: World, cases: list[Case]
) -> None:
    ours = {"user_ns": ana.user_ns, "agent_id": world.company.agent.id, **await park(world)}
    ours |= {"tag_ns": "f1001t1", "var_ns": "f1001v1", "sub_flow_ns": "f1001s1", "user_id": "visitor-1"}

    wrong = []
    for case in cases:
        for about in requests_of(case, ours):
            wrong += await complaints(api, case, about)

    assert not wrong, "\n".join(wrong[:20])
    assert len(cases) > 500


async def complaints(api: Api, case: Case, about: Json) -> list[str]:
    """What is wrong with the answer, and what was asked."""
    path = about.pop("url").removeprefix("https://relevo.example.com/api")
    try:
        answer = await api.send(case.method, path, **about)
        assert answer.status_code < 500, answer.text
    except AssertionError as error:
        return [f"{case.method} {path} {about}: {error}"[:1500]]
    return []


def requests_of(case: Case, ours: Json) -> Iterator[Json]:
    """As it was made, and about what is there."""
    sent = case.as_transport_kwargs(base_url="https://relevo.example.com")
    given = {name.lower(): str(value) for name, value in (case.headers or {}).items()}
    headers = {name: value for name, value in given.items() if name != "authorization"}
    about: Json = {"url": sent["url"], "params": sent.get("params") or {}, "headers": headers}
    if "json" in sent:
        about["json"] = sent["json"]
    elif isinstance(sent.get("data"), bytes | str):
        about["content"] = sent["data"]
    yield dict(about)
    there = dict(about)
    there["url"] = sent["url"].replace(str((case.path_parameters or {}).get("id")), str(READY))
    there["params"] = named(about["params"], ours)
    there["headers"] = {}
    if "json" in about:
        there["json"] = named(about["json"], ours)
    yield there


def named(sent: Any, ours: Json) -> Any:
    """The same, about what is there."""
    if not isinstance(sent, dict):
        return sent
    return msgspec.convert({name: ours.get(name, value) for name, value in sent.items()}, Json)
