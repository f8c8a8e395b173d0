"""Calls of flows: asked once and again, answered in time, late, or with nonsense; and dropped when nobody
waits for them any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from relevo.domain.conversations import Conversation
from relevo.domain.deliveries import Accepted, GiveUp, Park, RetryAt, Unreachable
from relevo.domain.events import AgentReplied, BotResumed, ByConversation, MessageReceived
from relevo.domain.messages import Text, plain_text
from relevo.store import problems, secrets
from relevo.store.database import Database
from relevo.testing.builders import World
from relevo.testing.fake_http import Asked, Reply, Script, reply
from tests.couriers.carrying import Carrying, another_process, carrying

HEAD = "version: 1\nflow: support\nstart: welcome\ntriggers:\n  - {on: keyword, words: [order], do: order}\n"
ORDER = """\
subflows:
  welcome: [{send: Hello.}]
  order:
    - http:
        url: https://shop.example/orders?key={{ secret.KEY }}
        headers: {X-Token: "t-{{ secret.KEY }}"}
        json: {said: "{{ last_input }}", key: "{{ secret.KEY }}"}
        save: {state: order.state}
        timeout: 5s
        retry: {times: 2, after: 2s, factor: 3}
        catch: {404: none, timeout: late, error: broken}
    - send: Your order is {{ state }}.
  none: [{send: There is no such order.}]
  late: [{send: The shop is slow.}]
  broken: [{send: The shop is closed.}]
"""
FOUND = reply(body=b'{"order": {"state": "on its way"}}')


async def set_secret(world: World, value: str) -> None:
    async with world.database.write() as connection:
        of = world.company.workspace.id
        await secrets.put(connection, world.cipher, of, "KEY", value, world.clock.now())
    await world.catalog.refresh(at_once=True)


async def ordering(here: Carrying, words: str = "order 7") -> Conversation:
    await set_secret(here.world, 'k-"1')
    result = await here.world.says(words)
    await here.settle_down()
    return await here.world.conversation(result.conversation_id)


async def said(world: World, of: Conversation) -> list[str]:
    return [plain_text(one.content) for one in await world.messages(of.id) if one.type != "in"]


async def reported(world: World, of: Conversation) -> list[str]:
    async with world.database.read() as connection:
        rows = await problems.listing(connection, world.company.workspace.id, limit=50)
    return [row.code for row in rows if row.conversation_id == of.id]


def calls(here: Carrying) -> list[Asked]:
    return [asked for asked in here.http.requests if "shop.example" in asked.url or "ai.example" in asked.url]


async def test_a_flow_asks_and_goes_on_with_the_answer(database: Database) -> None:
    async with carrying(database, lambda _: FOUND, flow=HEAD + ORDER) as here:
        of = await ordering(here)

        (asked,) = calls(here)
        assert (asked.method, asked.url) == ("POST", 'https://shop.example/orders?key=k-"1')
        assert asked.headers["X-Token"] == 't-k-"1'
        assert msgspec.json.decode(asked.body) == {"said": "order 7", "key": 'k-"1'}
        assert asked.headers["content-type"] == "application/json"
        assert asked.headers["webhook-id"] == asked.headers["idempotency-key"]
        assert await said(here.world, of) == ["Your order is on its way."]
        assert of.subscriber.fields == {"state": "on its way"}
        assert of.run is None


async def test_no_secret_is_written_down(database: Database) -> None:
    echo = reply(body=b'{"order": {"state": "ok"}, "you": "k-\\"1"}', headers={"x-you": 'k-"1'})
    async with carrying(database, lambda _: echo, flow=HEAD + ORDER) as here:
        await ordering(here)

        (row,) = await here.rows("call")
        async with here.world.database.read() as connection:
            body = (await connection.exec_driver_sql("SELECT body FROM deliveries")).scalar_one()
        (attempt,) = await here.attempts(row.id)
        assert b"k-" not in bytes(body)
        assert attempt.exchange is not None
        assert "k-" not in attempt.exchange.url
        assert "{{ secret.KEY }}" in attempt.exchange.url
        assert attempt.exchange.request_headers["X-Token"] == "t-{{ secret.KEY }}"
        assert "k-" not in str(attempt.exchange.request_body)
        assert attempt.exchange.answer_headers == {"x-you": "••••"}


@pytest.mark.parametrize(
    ("answers", "asked", "words"),
    [
        ([reply(404)], 1, "There is no such order."),
        ([reply(422)], 1, "The shop is closed."),
        ([reply(500), FOUND], 2, "Your order is on its way."),
        ([reply(429), reply(503), FOUND], 3, "Your order is on its way."),
        ([reply(500), reply(500), reply(500)], 3, "The shop is closed."),
        ([Unreachable("timeout")] * 3, 3, "The shop is slow."),
        ([Unreachable("connect"), reply(410)], 2, "The shop is closed."),
        ([reply(body=b"<html>")], 1, "The shop is closed."),
        ([reply(302)], 1, "The shop is closed."),
        ([reply(body=b" " * 300_000)], 1, "The shop is closed."),
    ],
)
async def test_what_may_pass_is_tried_again(
    database: Database, answers: list[Reply], asked: int, words: str
) -> None:
    async with carrying(database, answers, flow=HEAD + ORDER) as here:
        of = await ordering(here)
        for _ in range(3):
            await here.later(timedelta(seconds=20))

        assert len(calls(here)) == asked
        assert len({one.headers["webhook-id"] for one in calls(here)}) == 1
        assert await said(here.world, of) == [words]
        assert here.world.catalog.directory.endpoints[here.world.company.endpoint.id].disabled_reason == ""


async def test_the_waits_are_those_of_the_step(database: Database) -> None:
    async with carrying(database, lambda _: reply(500), flow=HEAD + ORDER) as here:
        await ordering(here)
        await here.later(timedelta(seconds=1))
        assert len(calls(here)) == 1
        await here.later(timedelta(seconds=2))
        assert len(calls(here)) == 2
        await here.later(timedelta(seconds=4))
        assert len(calls(here)) == 2
        await here.later(timedelta(seconds=4))
        assert len(calls(here)) == 3

        (row,) = await here.rows("call")
        verdicts = [type(one.verdict) for one in await here.attempts(row.id)]
        assert verdicts == [RetryAt, RetryAt, Park]


async def test_a_missing_secret_asks_nobody(database: Database) -> None:
    async with carrying(database, lambda _: FOUND, flow=HEAD + ORDER) as here:
        result = await here.world.says("order")
        await here.settle_down()

        of = await here.world.conversation(result.conversation_id)
        assert calls(here) == []
        assert await said(here.world, of) == ["The shop is closed."]
        (row,) = await here.rows("call")
        assert (row.state, row.reason) == ("given_up", "unknown_secret")


# Nobody waits any more


def answering_while(happens: Any) -> Script:
    """Something happens while the other side thinks."""

    async def script(asked: Asked) -> Reply:
        if "shop.example" in asked.url:
            await happens()
            return FOUND
        return reply()

    return script


async def test_an_answer_is_dropped_when_an_agent_has_taken_over(database: Database) -> None:
    """Promise 5, also when the bot is back by then."""
    inside: list[Carrying] = []

    async def takes_over() -> None:
        world = inside[0].world
        id_ = (await world.says("Hello?")).conversation_id
        await world.submit(AgentReplied(to=ByConversation(id_), contents=(Text("I am Luis."),)))
        await world.submit(BotResumed(to=ByConversation(id_), by="api"))

    async with carrying(database, answering_while(takes_over), flow=HEAD + ORDER) as here:
        inside.append(here)
        of = await ordering(here)

        assert await said(here.world, of) == ["I am Luis."]
        assert await reported(here.world, of) == ["stale_call"]
        assert "state" not in of.subscriber.fields


async def test_an_answer_is_dropped_when_another_flow_has_begun(database: Database) -> None:
    inside: list[Carrying] = []
    asked_again: list[bool] = []

    async def asks_again() -> None:
        if not asked_again:
            asked_again.append(True)
            await inside[0].world.says("order 8")

    async with carrying(database, answering_while(asks_again), flow=HEAD + ORDER) as here:
        inside.append(here)
        of = await ordering(here)

        assert await said(here.world, of) == ["Your order is on its way."]
        assert await reported(here.world, of) == ["stale_call"]
        assert of.calls == 2


async def test_nobody_is_asked_again_for_what_nobody_waits_for(database: Database) -> None:
    async with carrying(database, lambda _: reply(500), flow=HEAD + ORDER) as here:
        of = await ordering(here)
        await here.world.submit(AgentReplied(to=ByConversation(of.id), contents=(Text("I am Luis."),)))
        await here.later(timedelta(seconds=20))

        assert len(calls(here)) == 1
        (row,) = await here.rows("call")
        assert (row.state, row.reason) == ("given_up", "stale_call")


async def test_a_word_in_between_does_not_end_the_wait(database: Database) -> None:
    async with carrying(database, [reply(500), FOUND], flow=HEAD + ORDER) as here:
        of = await ordering(here)
        await here.world.says("Are you there?")
        await here.later(timedelta(seconds=3))

        assert await said(here.world, of) == ["Your order is on its way."]


async def test_a_call_of_which_nothing_comes_times_out(database: Database) -> None:
    """It was skipped by a person, or the couriers of all processes were gone for an hour."""
    async with carrying(database, lambda _: reply(500), flow=HEAD + ORDER) as here:
        of = await ordering(here)
        async with here.world.database.write() as connection:
            await connection.exec_driver_sql("UPDATE deliveries SET state = 'skipped', due_at = NULL")
        here.world.clock.advance(timedelta(hours=1))
        await here.world.submit(MessageReceived(to=ByConversation(of.id), content=Text("Well?")))

        assert (await said(here.world, of))[0] == "The shop is slow."


# Dying in between


async def test_what_a_dead_process_has_asked_is_asked_again_under_the_same_id(database: Database) -> None:
    """`kill -9` between the request and the record of its answer."""
    async with (
        carrying(database, lambda _: FOUND, flow=HEAD + ORDER) as here,
        another_process(here.world, lambda _: FOUND) as (others, http),
    ):
        here.couriers.recorder, world = _Dead(), here.world
        await set_secret(world, "k")
        id_ = (await world.says("order")).conversation_id
        await here.couriers.until_idle()
        (first,) = calls(here)

        world.clock.advance(timedelta(seconds=11))
        await others._renew()
        while await others.claim_due() or others.lanes:
            await others.until_idle()

        (second,) = http.requests
        assert second.headers["webhook-id"] == first.headers["webhook-id"]
        assert await said(world, await world.conversation(id_)) == ["Your order is on its way."]


class _Dead:
    """Records nothing: the process is gone."""

    async def settle(self, settlement: object) -> Any:
        raise RuntimeError("killed")


# Language models

FAQ = """\
subflows:
  welcome: [{send: Hello.}]
  order:
    - ai:
        url: https://ai.example/v1
        model: small
        key: "{{ secret.KEY }}"
        instructions: You help.
        history: 3
        tools: {hand_off: true, set_fields: [city]}
        timeout: 20s
        retry: {times: 1, after: 2s}
        catch: {error: broken}
  broken: [{send: I do not know.}]
"""


def completion(content: Any = None, **message: Any) -> Reply:
    """An answer as the documentation has it."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
    }
    return reply(body=msgspec.json.encode(body))


def tool(tool_name: str, /, **arguments: Any) -> dict[str, Any]:
    written = msgspec.json.encode(arguments).decode()
    return {"id": "call_1", "type": "function", "function": {"name": tool_name, "arguments": written}}


async def test_a_model_is_asked_with_what_was_said(database: Database) -> None:
    async with carrying(database, lambda _: completion("It is open."), flow=HEAD + FAQ) as here:
        of = await ordering(here, "order?")

        (asked,) = calls(here)
        body = msgspec.json.decode(asked.body)
        assert asked.url == "https://ai.example/v1/chat/completions"
        assert asked.headers["Authorization"] == 'Bearer k-"1'
        assert (body["model"], body["stream"], body["max_tokens"]) == ("small", False, 500)
        assert body["messages"] == [
            {"role": "system", "content": "You help."},
            {"role": "user", "content": "order?"},
        ]
        assert await said(here.world, of) == ["It is open."]


async def test_a_model_uses_tools_and_then_speaks(database: Database) -> None:
    answers = [
        completion(tool_calls=[tool("set_field", name="city", value="Rome")]),
        completion("Rome, fine."),
    ]
    async with carrying(database, answers, flow=HEAD + FAQ) as here:
        of = await ordering(here)

        second = msgspec.json.decode(calls(here)[1].body)
        assert second["messages"][-1] == {"role": "tool", "tool_call_id": "call_1", "content": "done"}
        assert of.subscriber.fields == {"city": "Rome"}
        assert await said(here.world, of) == ["Rome, fine."]
        assert len(await here.rows("call")) == 1


async def test_a_model_calls_a_person(database: Database) -> None:
    answer = completion("One moment.", tool_calls=[tool("hand_off", reason="asks for one")])
    async with carrying(database, lambda _: answer, flow=HEAD + FAQ) as here:
        of = await ordering(here)

        assert of.control == "agent"
        assert await said(here.world, of) == ["One moment."]


@pytest.mark.parametrize(
    "answer",
    [
        reply(body=b"<html>502</html>"),
        reply(body=b"{}"),
        reply(body=b'{"choices": []}'),
        reply(body=b'{"choices": [{"message": "Hello"}]}'),
        reply(body=b'{"choices": [{"message": {"content": 5}}]}'),
        reply(body=b'{"choices": [{"message": {"content": "x"}, "finish_reason": "content_filter"}]}'),
        completion(""),
        completion(None, refusal="I cannot."),
        completion(tool_calls=[tool("launch_rockets")]),
        completion(tool_calls=[{"function": None}, {}]),
        completion(tool_calls=[tool("set_field", name="admin", value="yes")]),
        completion(tool_calls="no list"),
        reply(500),
        reply(401, body=b'{"error": {"message": "Incorrect API key", "type": "invalid_request_error"}}'),
        Unreachable("timeout"),
    ],
)
async def test_a_model_that_talks_nonsense_is_caught(database: Database, answer: Reply) -> None:
    async with carrying(database, lambda _: answer, flow=HEAD + FAQ) as here:
        of = await ordering(here)
        await here.later(timedelta(seconds=20))

        assert await said(here.world, of) == ["I do not know."]
        assert of.subscriber.fields == {}
        assert len(calls(here)) <= 6


async def test_all_rounds_share_one_timeout(database: Database) -> None:
    inside: list[Carrying] = []

    async def slowly(asked: Asked) -> Reply:
        if "ai.example" in asked.url:
            inside[0].world.clock.advance(timedelta(seconds=9))
            return completion(tool_calls=[tool("set_field", name="city", value="Rome")])
        return reply()

    async with carrying(database, slowly, flow=HEAD + FAQ) as here:
        inside.append(here)
        await ordering(here)

        timeouts = [round(asked.timeout.total_seconds()) for asked in calls(here)[:3]]
        assert timeouts == [20, 11, 2]
        (row,) = await here.rows("call")
        assert isinstance((await here.attempts(row.id))[0].outcome, Accepted | Unreachable)
        assert not isinstance((await here.attempts(row.id))[0].verdict, GiveUp)
