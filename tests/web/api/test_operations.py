"""PUT and DELETE, declared like any other write: with a body, and for clients that cannot send one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
import pytest
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.testing.builders import World
from relevo.web import api as category
from relevo.web.api.answers import Ok
from relevo.web.api.calls import Call
from relevo.web.api.document import make_document
from relevo.web.api.operations import USER_NS, writes
from tests.web.api.conftest import Ana, app_of
from tests.web.api.validating import Api, Json, Told
from tests.web.exchanges import client_of


class Flagged(msgspec.Struct, frozen=True):
    flag_name: Annotated[str, Meta(max_length=9, description="A flag.")]
    value: Annotated[Any, Meta(description="Anything.")] = None


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    user_ns: Annotated[str, Meta(description="Whom.")]
    data: Annotated[list[Flagged], Meta(max_length=2, description="The flags.")]


_EXAMPLE = {"user_ns": USER_NS, "data": [{"flag_name": "a"}]}
_done: list[tuple[str, Flags]] = []


@writes("/flags", method="PUT", tag="Me", title="Set flags", name="setFlags", example=_EXAMPLE)
async def set_flags(call: NamedDependency[Call], data: JSONBody[Flags]) -> Ok:
    """Set them."""
    _done.append(("set", data))
    return Ok()


@writes("/flags-away", method="DELETE", tag="Me", title="Drop flags", name="dropFlags", example=_EXAMPLE)
async def drop_flags(call: NamedDependency[Call], data: JSONBody[Flags]) -> Ok:
    """Drop them."""
    _done.append(("dropped", data))
    return Ok()


CALLS = [*category.CALLS, set_flags, drop_flags]


@pytest.fixture(scope="module")
def told_with_flags() -> Told:
    return Told(make_document(CALLS, "https://relevo.example.com"))


@pytest.fixture
async def flags(
    world: World, api: Api, told_with_flags: Told, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Api]:
    """The API with two operations more."""
    _done.clear()
    monkeypatch.setattr(category, "CALLS", CALLS)
    async with client_of(app_of(world.services())) as http:
        yield Api(http, told_with_flags, api.token)


ASKED: Json = {"user_ns": "f1u1", "data": [{"flag_name": "a", "value": [1]}, {"flag_name": "b"}]}
TAKEN = Flags(user_ns="f1u1", data=[Flagged("a", [1]), Flagged("b")])


async def test_a_delete_has_a_body_and_so_has_a_put(flags: Api) -> None:
    assert (await flags.write("PUT", "/flags", ASKED)).json() == {"status": "ok"}
    assert (await flags.write("DELETE", "/flags-away", ASKED)).json() == {"status": "ok"}
    assert _done == [("set", TAKEN), ("dropped", TAKEN)]


@pytest.mark.parametrize(
    ("headers", "more"),
    [({"x-http-method-override": "DELETE"}, {}), ({}, {"_method": "delete"})],
    ids=["header", "field"],
)
async def test_a_post_that_names_the_method_stands_for_it(flags: Api, headers: Json, more: Json) -> None:
    answer = await flags.send("POST", "/flags-away", json=ASKED | more, headers=headers)

    assert (answer.status_code, _done) == (200, [("dropped", TAKEN)])


@pytest.mark.parametrize("named", ["", "PUT", "GET"])
async def test_a_post_that_does_not_name_it_does_nothing(flags: Api, named: str) -> None:
    answer = await flags.send("POST", "/flags-away", json=ASKED, headers={"x-http-method-override": named})

    assert (answer.status_code, answer.headers["allow"], _done) == (405, "DELETE", [])


async def test_a_delete_without_a_body_takes_its_query(flags: Api, ana: Ana) -> None:
    query = {"user_ns": ana.user_ns, "status": "done"}
    answer = await flags.send("DELETE", "/flags-away", params=query)

    assert answer.json()["errors"] == {"data": ["The data field is required."]}
    assert _done == []


async def test_what_is_wrong_inside_of_a_list_is_told_by_its_path(flags: Api) -> None:
    wrong = {"user_ns": "f1u1", "data": [{"tag": "a"}, "b"]}
    many = {"user_ns": "f1u1", "data": [{"flag_name": "a"}] * 3}
    two = {"user_ns": "f1u1", "data": [{}, {"flag_name": "too long for it"}]}

    assert (await flags.write("PUT", "/flags", wrong)).json()["errors"] == {
        f"data.{index}.flag_name": [f"The data.{index}.flag_name field is required."] for index in (0, 1)
    }
    assert (await flags.write("PUT", "/flags", many)).json()["message"] == (
        "The data must not have more than 2 items; it has 3."
    )
    assert (await flags.write("PUT", "/flags", two)).json()["errors"] == {
        "data.0.flag_name": ["The data.0.flag_name field is required."],
        "data.1.flag_name": ["The data.1.flag_name must not be greater than 9 characters; it has 15."],
    }


def test_the_document_has_the_body_of_both(flags: Api) -> None:
    for method, path in (("PUT", "/flags"), ("DELETE", "/flags-away")):
        told = flags.told.operation(method, path)
        assert told is not None
        assert told["requestBody"]["content"]["application/json"]["examples"] == {
            "example": {"value": _EXAMPLE}
        }
        assert [one["name"] for one in told["parameters"]] == ["Idempotency-Key"]


@pytest.mark.parametrize("number", [2**63, 10**30, -(10**30)])
async def test_a_number_in_the_path_that_no_database_has_is_not_there(api: Api, number: int) -> None:
    for path in ("/flow/shortcuts", "/flow/closing-notes", "/team/agent-group"):
        assert (await api.send("GET", f"{path}/{number}")).status_code in (404, 422), path
