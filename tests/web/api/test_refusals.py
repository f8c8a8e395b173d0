"""What cannot be read, is too large, is not there, or cannot be stored: nothing is done, and it is said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from relevo.domain.errors import Busy, DecisionFailed, Unavailable
from relevo.domain.events import AnyEvent
from relevo.testing.builders import World
from relevo.web.app import create_app
from tests.web.api.conftest import Ana, app_of
from tests.web.api.validating import Api
from tests.web.exchanges import client_of, exchanging


async def send(api: Api, ana: Ana, body: bytes, content_type: str = "application/json") -> Any:
    return await api.send(
        "POST", "/subscriber/pause-bot", content=body, headers={"content-type": content_type}
    )


async def test_a_body_that_is_no_json_object_is_refused(api: Api, ana: Ana) -> None:
    for body in (
        b"{",
        b"[]",
        b"[1]",
        b'"x"',
        b"5",
        b"true",
        b"\xff",
        b'{"a":' * 2000,
        b"[" * 100_000,
        b"user_ns=x",
    ):
        answer = await send(api, ana, body)

        assert answer.status_code == 422, body[:20]
        told = answer.json()
        assert list(told["errors"]) == ["body"]
        assert told["message"] == told["errors"]["body"][0]
    assert (await ana.state()).pause is None


async def test_no_body_at_all_is_a_body_without_parameters(api: Api, ana: Ana) -> None:
    for body in (b"", b" ", b"{}", b"null"):
        answer = await send(api, ana, body)

        assert (answer.status_code, list(answer.json()["errors"])) == (
            422,
            ["user_ns" if body != b"null" else "body"],
        )


async def test_parameters_may_come_from_anywhere(api: Api, ana: Ana) -> None:
    whom = ana.user_ns.encode()
    for minutes, (path, body, content_type) in enumerate(
        (
            ("", b'{"user_ns":"%s","minutes":1}' % whom, "application/json"),
            ("", b'{"user_ns":"%s","minutes":2}' % whom, "text/plain"),
            ("", b'{"user_ns":"%s","minutes":3}' % whom, "application/json; charset=utf-8"),
            ("", b"user_ns=%s&minutes=4" % whom, "application/x-www-form-urlencoded"),
            (f"?user_ns={ana.user_ns}&minutes=5", b"", "application/json"),
            (f"?user_ns={ana.user_ns}", b'{"minutes":6}', ""),
            (f"?minutes=7&user_ns={ana.user_ns}", b'{"user_ns":"%s","minutes":7}' % whom, ""),
        ),
        1,
    ):
        answer = await api.send(
            "POST", f"/subscriber/pause-bot{path}", content=body, headers={"content-type": content_type}
        )

        assert answer.status_code == 200, answer.text
        pause = (await ana.state()).pause
        assert (pause.until - pause.since).total_seconds() == 60 * minutes


async def test_a_get_may_have_a_content_type_and_unknown_headers(api: Api, ana: Ana) -> None:
    headers = {"content-type": "application/json", "x-workspace-id": "7", "accept": "text/html"}
    answer = await api.send(
        "GET", "/subscriber/get-info", params={"user_ns": ana.user_ns, "x": "1"}, headers=headers
    )
    in_body = await api.send("GET", "/subscriber/get-info", json={"user_ns": ana.user_ns}, headers=headers)

    assert answer.status_code == in_body.status_code == 200


async def test_what_is_said_twice_differently_is_not_guessed(api: Api, ana: Ana) -> None:
    answer = await api.send(
        "POST",
        f"/subscriber/pause-bot?user_ns={ana.user_ns}&minutes=5",
        json={"user_ns": "f1001u99", "minutes": 5},
    )

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["user_ns"]
    assert (await ana.state()).pause is None


async def test_too_many_parameters_are_refused(api: Api) -> None:
    answer = await api.send("GET", "/subscribers?" + "&".join(f"a{n}=1" for n in range(1001)))

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["query_string"])


# Too large


async def test_a_body_over_the_limit_is_refused_by_what_it_says_of_itself(world: World, api: Api) -> None:
    headers = {"authorization": f"Bearer {api.token}", "content-length": "1000001"}
    app = app_of(world.services())

    async with exchanging(app, "POST", "/api/subscriber/send-text", headers=headers, ends=False) as exchange:
        status, answered = await exchange.start()

        assert (status, exchange.taken) == (413, 0)
        assert answered["connection"] == "close"
        words = "The request is larger than the limit of 1000000 bytes."
        assert msgspec.json.decode(await exchange.body()) == {"message": words}


async def test_a_body_over_the_limit_is_refused_while_it_comes(world: World, api: Api) -> None:
    headers = {"authorization": f"Bearer {api.token}"}
    pieces = [b" " * 400_000] * 10
    app = app_of(world.services())

    async with exchanging(
        app, "POST", "/api/subscriber/send-text", headers=headers, pieces=pieces
    ) as exchange:
        status, _ = await exchange.start()

        assert (status, exchange.taken) == (413, 3)


async def test_a_body_at_the_limit_is_taken(api: Api, ana: Ana) -> None:
    body = b'{"user_ns":"%s"}' % ana.user_ns.encode()

    assert (await send(api, ana, body.ljust(1_000_000))).status_code == 200
    assert (await send(api, ana, body.ljust(1_000_001))).status_code == 413


# Not there


async def test_an_unknown_path_is_json_too(world: World, api: Api) -> None:
    async with client_of(create_app(world.services())) as client:
        for path in ("/api/nothing", "/api/subscriber/list", "/api/subscriber/get-info/x", "/api/me/x"):
            answer = await client.get(path, headers={"accept": "text/html"})

            words = f"The route {path[1:]} could not be found. /api/openapi.json has those that there are."
            assert (answer.status_code, answer.json()) == (404, {"message": words})
            assert answer.headers["relevo-error"] == "not_found"


async def test_the_api_is_part_of_the_server(world: World, api: Api) -> None:
    async with client_of(create_app(world.services())) as client:
        served = Api(client, api.told, api.token)

        assert (await served.get("/me")).status_code == 200
        assert (
            await served.http.get("/api/me/", headers={"authorization": f"Bearer {api.token}"})
        ).status_code == 200


# Cannot be stored


@pytest.fixture
async def failing(world: World, api: Api) -> AsyncIterator[Any]:
    """The API of a server whose engine does not take anything, and a way to say why."""

    class Refusing:
        error: Exception = Unavailable(cause="disk full")

        async def submit(self, event: AnyEvent) -> Any:
            raise self.error

    engine: Any = Refusing()
    async with client_of(app_of(msgspec.structs.replace(world.services(), engine=engine))) as client:
        yield Api(client, api.told, api.token), engine


async def test_what_cannot_be_stored_is_not_accepted(failing: Any, ana: Ana) -> None:
    broken, engine = failing
    for error, status, retry_after in (
        (Unavailable(cause="disk full"), 503, "2"),
        (Busy(), 503, "1"),
        (DecisionFailed(fault="KeyError"), 500, None),
    ):
        engine.error = error
        answer = await broken.post("/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Hi"})

        assert (answer.status_code, answer.json()) == (status, {"message": error.message})
        assert answer.headers.get("retry-after") == retry_after
        assert answer.headers["relevo-error"] == error.code


async def test_a_fault_of_ours_says_nothing_of_itself(failing: Any, ana: Ana) -> None:
    broken, engine = failing
    engine.error = KeyError("a secret")

    answer = await broken.post("/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Hi"})

    assert answer.status_code == 500
    assert "secret" not in answer.text


async def test_without_a_database_every_call_says_to_try_again(world: World, api: Api, ana: Ana) -> None:
    def gone() -> Any:
        raise Unavailable(cause="connection refused")

    world.database.read = world.database.write = gone  # type: ignore[method-assign]
    world.clock.advance(_LONG_ENOUGH_TO_FORGET_THE_TOKEN)

    for answer in (
        await api.get("/subscribers"),
        await api.post("/subscriber/pause-bot", {"user_ns": ana.user_ns}),
    ):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


_LONG_ENOUGH_TO_FORGET_THE_TOKEN = timedelta(minutes=2)
