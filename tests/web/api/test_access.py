"""Who may call, how often, and with which method."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from relevo.domain.workspaces import Scope
from relevo.store import accounts
from relevo.testing.builders import PUBLIC_URL, World
from relevo.web.services import Edge
from tests.web.api.conftest import Ana, app_of
from tests.web.api.validating import Api
from tests.web.exchanges import client_of

UNAUTHENTICATED = {"message": "Unauthenticated."}


async def test_without_a_known_token_nothing_is_told(api: Api, ana: Ana) -> None:
    for authorization in (
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic x",
        f"Token {api.token}",
        api.token,
    ):
        headers = {} if authorization is None else {"authorization": authorization}
        for method, path in (("GET", "/api/me"), ("POST", "/api/subscriber/pause-bot")):
            answer = await api.http.request(method, path, headers=headers, json={"user_ns": ana.user_ns})

            assert (answer.status_code, answer.json()) == (401, UNAUTHENTICATED)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "x-ratelimit-limit" not in answer.headers


async def test_the_scheme_may_be_written_in_any_case(api: Api) -> None:
    answer = await api.http.get("/api/me", headers={"authorization": f"bearer  {api.token} "})

    assert answer.status_code == 200


async def test_a_token_in_the_address_is_none(api: Api) -> None:
    assert (await api.http.get(f"/api/me?token={api.token}&api_token={api.token}")).status_code == 401


async def test_a_revoked_token_is_none(api: Api, world: World) -> None:
    async with world.database.write() as connection:
        (key,) = [listed.key for listed in await accounts.list_api_keys(connection)]
        await accounts.revoke_api_key(connection, key.id, world.clock.now())

    assert (await api.get("/me")).status_code == 401


async def test_a_token_is_asked_for_before_a_body_is_read(api: Api) -> None:
    answer = await api.http.post(
        "/api/subscriber/send-text", content=b"{", headers={"authorization": "Bearer x"}
    )

    assert answer.status_code == 401


async def test_a_token_needs_the_scope_in_uchats_words(api: Api, ana: Ana, world: World) -> None:
    other = api.with_token(await world.add_token(scopes=[Scope.MANAGE_TEAM, Scope.SEND_MESSAGE]))

    for answer in (
        await other.get("/subscribers"),
        await other.get("/flow/agents"),
        await other.post("/subscriber/pause-bot", {"user_ns": ana.user_ns}),
        await other.post("/handoff/typing", {"user_ns": ana.user_ns}),
    ):
        assert (answer.status_code, answer.json()) == (403, {"message": "Scope required: Manage Flow"})
    assert (await ana.state()).epoch == 0


# How often


@pytest.fixture
async def hurried(world: World, api: Api) -> Any:
    """The API with a limit of three calls an hour."""
    app = app_of(world.services(edge=Edge(public_url=PUBLIC_URL, rate_limit=3)))
    async with client_of(app) as client:
        yield Api(client, api.told, api.token)


async def test_calls_are_counted_and_the_one_too_many_is_refused(hurried: Api, ana: Ana) -> None:
    left = [(await hurried.get("/me")).headers["x-ratelimit-remaining"] for _ in range(3)]
    refused = await hurried.post("/subscriber/pause-bot", {"user_ns": ana.user_ns})

    assert left == ["2", "1", "0"]
    assert (refused.status_code, refused.json()) == (429, {"message": "Too Many Attempts."})
    assert refused.headers["retry-after"] == "1200"
    assert refused.headers["x-ratelimit-limit"] == "3"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert (await ana.state()).pause is None


async def test_after_the_time_that_was_told_there_is_room_again(hurried: Api, world: World) -> None:
    answers = [await hurried.get("/me") for _ in range(4)]
    world.clock.advance(timedelta(seconds=int(answers[-1].headers["retry-after"])))

    assert (await hurried.get("/me")).status_code == 200
    assert (await hurried.get("/me")).status_code == 429


async def test_each_token_has_calls_of_its_own(hurried: Api, world: World) -> None:
    other = hurried.with_token(await world.add_token())
    for _ in range(4):
        await hurried.get("/me")

    assert (await other.get("/me")).headers["x-ratelimit-remaining"] == "2"


async def test_refused_calls_count_as_well(hurried: Api) -> None:
    await hurried.get("/subscriber/get-info", user_ns="f1001u999")
    answer = await hurried.get("/subscriber/get-info", user_ns="nonsense")

    assert (answer.status_code, answer.headers["x-ratelimit-remaining"]) == (422, "1")


async def test_a_limit_of_nothing_is_none(world: World, api: Api) -> None:
    app = app_of(world.services(edge=Edge(public_url=PUBLIC_URL, rate_limit=0)))
    async with client_of(app) as client:
        headers = {"authorization": f"Bearer {api.token}"}
        answers = [await client.get("/api/me", headers=headers) for _ in range(5)]

    assert {one.status_code for one in answers} == {200}
    assert not any("x-ratelimit-limit" in one.headers for one in answers)


async def test_every_path_says_what_methods_it_has_with_a_token_or_without(api: Api) -> None:
    for path, item in api.told.document["paths"].items():
        for headers in ({}, {"authorization": f"Bearer {api.token}"}):
            answer = await api.http.options(path.replace("{id}", "3"), headers=headers)
            assert answer.status_code == 204, (path, answer.text)
            allowed = {one.strip() for one in answer.headers["allow"].split(",")}
            assert {method.upper() for method in item} <= allowed, path


# When a token was used


async def test_the_use_of_a_token_is_noted_once_a_minute(api: Api, world: World) -> None:
    async def last_used() -> Any:
        async with world.database.read() as connection:
            return (await accounts.list_api_keys(connection))[0].last_used_at

    assert await last_used() is None
    first = world.clock.now()
    await api.get("/me")
    assert await last_used() == first
    world.clock.advance(timedelta(seconds=59))
    await api.get("/me")
    assert await last_used() == first
    world.clock.advance(timedelta(seconds=1))
    await api.get("/subscriber/get-info", user_ns="f1001u999")
    assert await last_used() == first + timedelta(minutes=1)


# Methods


async def test_a_post_may_stand_for_a_get(api: Api, ana: Ana) -> None:
    plain = await api.get("/subscriber/get-info", user_ns=ana.user_ns)

    for about in (
        {"headers": {"x-http-method-override": "GET"}, "json": {"user_ns": ana.user_ns}},
        {"headers": {"x-http-method-override": "get"}, "params": {"user_ns": ana.user_ns}},
        {"json": {"user_ns": ana.user_ns, "_method": "GET"}},
        {"data": {"user_ns": ana.user_ns, "_method": "get"}},
    ):
        answer = await api.send("POST", "/subscriber/get-info", **about)
        assert (answer.status_code, answer.json()) == (200, plain.json())


async def test_a_post_that_stands_for_something_else_does_nothing(api: Api, ana: Ana) -> None:
    for method, more in (("DELETE", {}), ("", {"_method": "PUT"})):
        answer = await api.http.post(
            "/api/subscriber/pause-bot",
            json={"user_ns": ana.user_ns, **more},
            headers={"authorization": f"Bearer {api.token}", "x-http-method-override": method},
        )

        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST"
    assert (await ana.state()).pause is None


async def test_a_method_that_a_route_does_not_have_is_refused_in_laravels_words(api: Api) -> None:
    for method, path, allowed in (
        ("POST", "/subscribers", "GET"),
        ("PUT", "/subscribers", "GET"),
        ("GET", "/subscriber/send-text", "POST"),
        ("DELETE", "/subscriber/pause-bot", "POST"),
    ):
        answer = await api.send(method, path)

        words = f"The {method} method is not supported for route api{path}. Supported methods: {allowed}."
        assert (answer.status_code, answer.json()) == (405, {"message": words})
        assert answer.headers["allow"] == allowed
