"""Vendors' hooks: what is taken is stored, what is not is refused for a reason, and nothing twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from relevo.domain import signing
from relevo.domain.errors import Busy, Unavailable
from relevo.domain.events import AgentReplied, AnyEvent, ByConversation, ReceiptCame
from relevo.domain.messages import MessageStatus, MessageType, Text
from relevo.store import accounts, conversations, directory, problems, tables
from relevo.store.database import AnyRow
from relevo.store.encryption import hash_token
from relevo.testing.builders import SIGNING_SECRET, World
from relevo.testing.chance import FakeChance
from relevo.web.app import create_app
from relevo.web.bearers import BELIEVED_FOR
from relevo.web.front_door import FrontDoor
from relevo.web.services import Edge, Services
from tests.web.exchanges import Client, client_of, exchanging

HELLO = {
    "event": "message_created",
    "message_type": "incoming",
    "content": "hello",
    "id": "m-1",
    "sender": {"id": "u-1", "name": "Ana"},
}


@pytest.fixture
async def token(world: World) -> str:
    return await world.add_token()


@pytest.fixture
def url(world: World) -> str:
    return f"/hooks/apichat/{world.company.apichat.key}"


@pytest.fixture
def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def conversation_id(world: World, user_id: str = "u-1") -> Any:
    async with world.database.read() as connection:
        found = await conversations.find_by_user(connection, world.company.apichat.id, user_id)
    return found.id if found else None


async def said(world: World, user_id: str = "u-1") -> list[str]:
    """What the customer has said, as stored."""
    id_ = await conversation_id(world, user_id)
    messages = await world.messages(id_) if id_ else []
    return [
        message.content.text
        for message in messages
        if message.type is MessageType.IN and isinstance(message.content, Text)
    ]


async def found_problems(world: World) -> list[AnyRow]:
    async with world.database.read() as connection:
        return await problems.listing(connection, world.company.workspace.id)


async def test_a_message_is_stored_when_it_is_acknowledged(
    world: World, client: Client, url: str, bearer: dict[str, str]
) -> None:
    answer = await client.post(url, json=HELLO, headers=bearer)

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "mids": ["m-1"], "duplicate": False}
    assert await said(world) == ["hello"]


async def test_the_same_message_again_is_acknowledged_and_stored_once(
    world: World, client: Client, url: str, bearer: dict[str, str]
) -> None:
    await client.post(url, json=HELLO, headers=bearer)
    answer = await client.post(url, json=HELLO, headers=bearer)

    assert (answer.status_code, answer.json()["duplicate"]) == (200, True)
    assert await said(world) == ["hello"]


async def test_the_same_message_twice_at_once_is_stored_once(
    world: World, client: Client, url: str, bearer: dict[str, str]
) -> None:
    answers = await asyncio.gather(*(client.post(url, json=HELLO, headers=bearer) for _ in range(5)))

    assert [answer.status_code for answer in answers] == [200] * 5
    assert sorted(answer.json()["duplicate"] for answer in answers) == [False, True, True, True, True]
    assert await said(world) == ["hello"]


async def test_a_message_without_an_id_is_given_one(
    world: World, client: Client, url: str, bearer: dict[str, str]
) -> None:
    answer = await client.post(url, json={**HELLO, "id": None}, headers=bearer)

    id_ = await conversation_id(world)
    assert answer.json()["mids"] == [(await world.messages(id_))[0].mid]
    assert answer.json()["mids"] != [""]


async def test_the_contents_of_one_request_are_stored_in_their_order(
    world: World, client: Client, url: str, bearer: dict[str, str]
) -> None:
    files = [{"type": "image", "url": f"https://files.example.com/{number}.png"} for number in range(10)]
    answer = await client.post(url, json={**HELLO, "content": "", "attachments": files}, headers=bearer)

    id_ = await conversation_id(world)
    stored = [message for message in await world.messages(id_) if message.type is MessageType.IN]
    assert [message.mid for message in stored] == answer.json()["mids"]
    assert len(stored) == 10


# Who may post


@pytest.mark.parametrize("given", ["", "Bearer nobody's", "Basic abc"])
async def test_without_a_token_of_the_flow_nothing_is_taken(
    world: World, client: Client, url: str, given: str
) -> None:
    answer = await client.post(url, json=HELLO, headers={"authorization": given} if given else {})

    assert answer.status_code == 401
    assert answer.json() == {"status": "error", "code": "unauthenticated", "message": "Unauthenticated."}
    assert await said(world) == []


async def test_another_flow_s_token_is_nobody_s(world: World, client: Client, url: str) -> None:
    other = await world.add_company("Other")
    answer = await client.post(
        url, json=HELLO, headers={"authorization": f"Bearer {await world.add_token(other)}"}
    )

    assert answer.status_code == 401
    assert await said(world) == []


async def test_a_revoked_token_works_for_a_second_at_most(
    world: World, client: Client, url: str, bearer: dict[str, str], token: str
) -> None:
    assert (await client.post(url, json=HELLO, headers=bearer)).status_code == 200

    async with world.database.write() as connection:
        key = await accounts.find_api_key(connection, hash_token(token))
        assert key is not None
        await accounts.revoke_api_key(connection, key.id, world.clock.now())
    world.clock.advance(timedelta(seconds=BELIEVED_FOR))

    assert (await client.post(url, json={**HELLO, "id": "m-2"}, headers=bearer)).status_code == 401
    assert await said(world) == ["hello"]


async def test_a_token_that_could_not_be_looked_up_is_looked_up_again(
    world: World, client: Client, url: str, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        raise Unavailable(cause="gone")

    with monkeypatch.context() as patch:
        patch.setattr(accounts, "find_api_key", gone)
        assert (await client.post(url, json=HELLO, headers=bearer)).status_code == 503

    assert (await client.post(url, json=HELLO, headers=bearer)).status_code == 200


async def test_a_token_is_known_as_soon_as_it_is_made(world: World, client: Client, url: str) -> None:
    bearer = {"authorization": f"Bearer {FakeChance(seed=0).token()}"}
    assert (await client.post(url, json=HELLO, headers=bearer)).status_code == 401

    world.chance = FakeChance(seed=0)
    assert await world.add_token() in bearer["authorization"]
    assert (await client.post(url, json=HELLO, headers=bearer)).status_code == 200


async def test_a_signed_request_must_be_signed_rightly(
    world: World, client: Client, url: str, bearer: dict[str, str]
) -> None:
    await set_secret(world)
    body = msgspec.json.encode(HELLO)
    signed = signing.headers([SIGNING_SECRET], "msg_1", world.clock.now(), body)

    forged = await client.post(url, content=body + b" ", headers=bearer | signed)
    assert (forged.status_code, forged.json()["message"]) == (401, "Unauthenticated.")
    assert await said(world) == []

    assert (await client.post(url, content=body, headers=bearer | signed)).status_code == 200
    assert await said(world) == ["hello"]


async def set_secret(world: World) -> None:
    config = {**world.company.apichat.config, "secret": SIGNING_SECRET}
    table = tables.channels
    sealed = world.cipher.seal(config, directory.CONFIG_LABEL)
    async with world.database.write() as connection:
        this = table.update().where(table.c.id == world.company.apichat.id)
        await connection.execute(this.values(config_encrypted=sealed))
        await directory.touch(connection)
    await world.catalog.refresh(at_once=True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/hooks/apichat/nobody"),
        ("POST", "/hooks/telegram/{key}"),
        ("POST", "/hooks/apichat"),
        ("POST", "/hooks/apichat/{key}/more"),
        ("DELETE", "/hooks/apichat/{key}"),
    ],
)
async def test_what_is_no_hook_is_not_found(
    world: World, client: Client, bearer: dict[str, str], method: str, path: str
) -> None:
    path = path.format(key=world.company.apichat.key)
    answer = await client.request(method, path, json=HELLO, headers=bearer)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_channel_made_a_moment_ago_has_its_hook(world: World, client: Client) -> None:
    other = await world.add_company("Other")
    world.catalog.directory = msgspec.structs.replace(world.catalog.directory, channels={}, version=0)
    bearer = {"authorization": f"Bearer {await world.add_token(other)}"}

    answer = await client.post(f"/hooks/apichat/{other.apichat.key}", json=HELLO, headers=bearer)

    assert answer.status_code == 200


async def test_somebody_who_tries_keys_is_soon_told_to_wait(world: World, client: Client, url: str) -> None:
    tries = [await client.post(f"/hooks/apichat/key-{number}") for number in range(40)]

    assert [answer.status_code for answer in tries] == [404] * 30 + [429] * 10
    assert tries[-1].headers["retry-after"] == "1"
    assert (await client.post(url)).status_code == 401  # known keys are not counted


# What is not taken


async def test_the_payload_of_somebody_else_is_refused(
    world: World, client: Client, url: str, bearer: dict[str, str]
) -> None:
    for body in (b'{"object":"whatsapp"}', b"not json", b"", b"[]"):
        answer = await client.post(url, content=body, headers=bearer)
        assert (answer.status_code, answer.json()["code"]) == (400, "foreign_payload"), body

    assert await said(world) == []
    assert await found_problems(world) == []


async def test_what_is_new_to_us_is_acknowledged_and_kept(
    world: World, client: Client, url: str, bearer: dict[str, str]
) -> None:
    body = msgspec.json.encode({"event": "message_beamed", "sender": {"id": "u-1"}})
    answer = await client.post(url, content=body, headers=bearer)

    assert answer.status_code == 200
    (problem,) = await found_problems(world)
    assert (problem.code, problem.raw) == ("unsupported_payload", body)
    assert problem.channel_id == world.company.apichat.id
    assert "message_beamed" in problem.detail
    assert await conversation_id(world) is None


async def test_of_something_large_and_new_the_beginning_is_kept(
    world: World, client: Client, url: str, bearer: dict[str, str]
) -> None:
    body = msgspec.json.encode({"event": "message_beamed", "data": "x" * 100_000})
    await client.post(url, content=body, headers=bearer)

    (problem,) = await found_problems(world)
    assert problem.raw == body[:64_000]
    assert f"64000 of {len(body)} bytes" in problem.detail


async def test_a_content_that_is_new_to_us_is_a_message_and_a_problem(
    world: World, client: Client, url: str, bearer: dict[str, str]
) -> None:
    answer = await client.post(url, json={**HELLO, "content_type": "hologram"}, headers=bearer)

    assert answer.json()["mids"] == ["m-1"]
    assert [problem.code for problem in await found_problems(world)] == ["unsupported_payload"]
    assert (await world.messages(await conversation_id(world)))[0].type is MessageType.IN


async def test_an_id_that_is_too_long_to_keep_is_refused(
    world: World, client: Client, url: str, bearer: dict[str, str]
) -> None:
    answer = await client.post(url, json={**HELLO, "sender": {"id": "u" * 201}}, headers=bearer)

    assert answer.status_code == 400
    assert "200 characters" in answer.json()["message"]


# Sizes


async def test_a_body_that_says_it_is_too_large_is_refused_unread(
    app: FrontDoor, url: str, bearer: dict[str, str]
) -> None:
    headers = bearer | {"content-length": "1000001"}
    async with exchanging(app, "POST", url, headers=headers, pieces=[b"x"] * 3) as exchange:
        status, said_back = await exchange.start()

        assert (status, exchange.taken) == (413, 0)
        assert said_back["connection"] == "close"


async def test_a_body_is_refused_as_soon_as_it_is_too_large(
    app: FrontDoor, url: str, bearer: dict[str, str]
) -> None:
    async with exchanging(app, "POST", url, headers=bearer, pieces=[b"x" * 400_000] * 10) as exchange:
        status, _ = await exchange.start()

        assert (status, exchange.taken) == (413, 3)


async def test_a_body_in_pieces_is_put_together(
    world: World, app: FrontDoor, url: str, bearer: dict[str, str]
) -> None:
    body = msgspec.json.encode(HELLO)
    async with exchanging(app, "POST", url, headers=bearer, pieces=[body[:10], b"", body[10:]]) as exchange:
        assert (await exchange.start())[0] == 200

    assert await said(world) == ["hello"]


async def test_nobody_without_a_token_has_a_body_read(app: FrontDoor, url: str) -> None:
    async with exchanging(app, "POST", url, pieces=[b"x" * 1000] * 10) as exchange:
        assert (await exchange.start())[0] == 401
        assert exchange.taken == 0


async def test_a_client_that_goes_away_amid_its_body_is_given_up(
    world: World, app: FrontDoor, url: str, bearer: dict[str, str]
) -> None:
    body = msgspec.json.encode(HELLO)
    async with exchanging(app, "POST", url, headers=bearer, pieces=[body], ends=False) as exchange:
        exchange.leave()
        assert await exchange.piece() is None

    assert await said(world) == []


# Signs of life


async def test_receipts_and_typing_of_strangers_begin_no_conversation(
    world: World, client: Client, url: str, bearer: dict[str, str]
) -> None:
    for body in (
        {"event": "typing_on", "sender": {"id": "u-1"}},
        {"event": "message_status", "status": "read", "mids": ["x"], "sender": {"id": "u-1"}},
    ):
        assert (await client.post(url, json=body, headers=bearer)).status_code == 200

    assert await conversation_id(world) is None
    (problem,) = await found_problems(world)
    assert problem.code == "unknown_subscriber"


async def test_a_receipt_moves_our_message_forward(
    world: World, client: Client, url: str, bearer: dict[str, str]
) -> None:
    await client.post(url, json=HELLO, headers=bearer)
    id_ = await conversation_id(world)
    ours = await say_and_know(world, id_)

    receipt = {"event": "message_status", "status": "read", "mids": [ours], "sender": {"id": "u-1"}}
    assert (await client.post(url, json=receipt, headers=bearer)).status_code == 200

    assert (await world.messages(id_))[-1].status is MessageStatus.READ


async def say_and_know(world: World, id_: Any) -> str:
    """An agent says something, and the channel gives it an id."""
    told = await world.submit(AgentReplied(to=ByConversation(id_), contents=(Text("Hi"),)))
    sent = ReceiptCame(
        to=ByConversation(id_),
        status=MessageStatus.SENT,
        message_ids=told.message_ids,
        new_mid="theirs-1",
    )
    await world.submit(sent)
    return "theirs-1"


async def test_somebody_who_opens_the_chat_begins_a_conversation(
    world: World, client: Client, url: str, bearer: dict[str, str]
) -> None:
    body = {"event": "conversation_opened", "sender": {"id": "u-1", "name": "Ana"}}
    assert (await client.post(url, json=body, headers=bearer)).status_code == 200

    assert await conversation_id(world) is not None


# When Relevo cannot


class _Refusing:
    """An engine that takes nothing, then everything."""

    waiting = 0

    def __init__(self, world: World, error: Exception) -> None:
        self._world, self.error = world, error
        self.is_well = False

    async def submit(self, event: AnyEvent) -> Any:
        if not self.is_well:
            raise self.error
        return await self._world.submit(event)


@pytest.mark.parametrize(("error", "seconds"), [(Unavailable(cause="disk full"), "2"), (Busy(), "1")])
async def test_what_cannot_be_stored_now_is_to_be_sent_again(
    world: World, services: Services, url: str, bearer: dict[str, str], error: Exception, seconds: str
) -> None:
    engine: Any = _Refusing(world, error)
    app = create_app(msgspec.structs.replace(services, engine=engine))
    async with client_of(app) as client:
        refused = await client.post(url, json=HELLO, headers=bearer)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, seconds)
        assert "disk full" not in refused.text
        assert await said(world) == []

        engine.is_well = True
        assert (await client.post(url, json=HELLO, headers=bearer)).status_code == 200
        assert await said(world) == ["hello"]


async def test_of_a_request_that_was_stored_in_part_the_rest_is_stored_when_it_comes_again(
    world: World, services: Services, url: str, bearer: dict[str, str]
) -> None:
    files = [{"type": "image", "url": f"https://files.example.com/{number}.png"} for number in range(3)]
    body = {**HELLO, "content": "", "attachments": files}

    class Partly:
        waiting = 0
        full = True

        async def submit(self, event: Any) -> Any:
            if self.full and event.mid == "m-1:1":
                raise Busy
            return await world.submit(event)

    engine: Any = Partly()
    app = create_app(msgspec.structs.replace(services, engine=engine))
    async with client_of(app) as client:
        assert (await client.post(url, json=body, headers=bearer)).status_code == 503
        engine.full = False
        again = await client.post(url, json=body, headers=bearer)
        assert (again.status_code, again.json()["duplicate"]) == (200, False)

    messages = await world.messages(await conversation_id(world))
    mids = [message.mid for message in messages if message.type is MessageType.IN]
    assert sorted(mids) == ["m-1", "m-1:1", "m-1:2"]


async def test_a_fault_of_ours_is_an_error_without_details(
    world: World, services: Services, url: str, bearer: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    engine: Any = _Refusing(world, RuntimeError("the secret plan"))
    app = create_app(msgspec.structs.replace(services, engine=engine))
    async with client_of(app) as client:
        answer = await client.post(url, json=HELLO, headers=bearer)

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret plan" not in answer.text


async def test_the_limit_of_a_body_is_the_operator_s(world: World, url: str, bearer: dict[str, str]) -> None:
    app = create_app(world.services(edge=Edge(public_url="https://relevo.example.com", max_body=50)))
    async with client_of(app) as client:
        assert (await client.post(url, json=HELLO, headers=bearer)).status_code == 413
