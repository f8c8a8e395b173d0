"""Pausing, resuming, assigning, moving; typing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from relevo.domain.conversations import Control
from relevo.engine.hub import Typing, conversation_topic
from relevo.testing.builders import World
from tests.web.api.conftest import Ana
from tests.web.api.validating import Api

OK = {"status": "ok"}


async def test_the_bot_is_paused_for_some_minutes(api: Api, ana: Ana, world: World) -> None:
    answer = await api.post("/subscriber/pause-bot", {"user_ns": ana.user_ns, "minutes": 30})

    assert answer.json() == OK
    state = await ana.state()
    assert state.control is Control.AGENT
    assert state.pause.until == world.clock.now() + timedelta(minutes=30)
    assert state.pause.cause == "api"


async def test_minutes_may_be_sent_as_clients_do(api: Api, ana: Ana, world: World) -> None:
    for number, minutes in enumerate(["30", 31.0, " 32 "], 30):
        await api.post("/subscriber/pause-bot", {"user_ns": ana.user_ns, "minutes": minutes})

        assert (await ana.state()).pause.until == world.clock.now() + timedelta(minutes=number)


async def test_without_minutes_the_bot_is_paused_until_it_is_resumed(api: Api, ana: Ana) -> None:
    for body in ({}, {"minutes": 0}, {"minutes": "0"}, {"minutes": None}, {"minutes": ""}):
        await api.post("/subscriber/pause-bot", {"user_ns": ana.user_ns, "minutes": 5})

        await api.post("/subscriber/pause-bot", {"user_ns": ana.user_ns, **body})

        assert (await ana.state()).control is Control.AGENT
        assert (await ana.state()).pause.until is None, body


async def test_other_minutes_pause_nothing(api: Api, ana: Ana) -> None:
    for minutes, sentence in WRONG_MINUTES:
        answer = await api.post("/subscriber/pause-bot", {"user_ns": ana.user_ns, "minutes": minutes})

        assert answer.status_code == 422
        assert answer.json() == {"message": sentence, "errors": {"minutes": [sentence]}}
    assert (await ana.state()).control is Control.BOT


WRONG_MINUTES: list[tuple[Any, str]] = [
    (-1, "The minutes must be at least 0; it is -1."),
    (525_601, "The minutes must not be greater than 525600; it is 525601."),
    (10**30, f"The minutes must not be greater than 525600; it is {10**30}."),
    (30.5, "The minutes must be an integer; it is 30.5."),
    ("half an hour", "The minutes must be an integer; it is 'half an hour'."),
    ([30], "The minutes must be an integer; it is [30]."),
    (True, "The minutes must be an integer; it is True."),
]


async def test_the_bot_is_resumed(api: Api, ana: Ana) -> None:
    await api.post("/subscriber/pause-bot", {"user_ns": ana.user_ns})

    answer = await api.post("/subscriber/resume-bot", {"user_ns": ana.user_ns})

    assert answer.json() == OK
    assert (await ana.state()).control is Control.BOT


async def test_resuming_a_bot_that_has_control_changes_nothing(api: Api, ana: Ana) -> None:
    before = await ana.state()

    assert (await api.post("/subscriber/resume-bot", {"user_ns": ana.user_ns})).json() == OK

    assert await ana.state() == before


async def test_a_conversation_is_given_to_an_agent_and_taken_back(api: Api, ana: Ana, world: World) -> None:
    luis = world.company.agent

    body = {"user_ns": ana.user_ns, "agent_id": luis.id}
    assert (await api.post("/subscriber/assign-agent", body)).json() == OK
    assert (await ana.state()).member_id == luis.id
    assert (await ana.state()).control is Control.BOT

    assert (await api.post("/subscriber/unassign-agent", {"user_ns": ana.user_ns})).json() == OK
    assert (await ana.state()).member_id is None


async def test_a_conversation_is_not_given_to_nobody(api: Api, ana: Ana) -> None:
    for agent_id in (0, 999, -1, 2**70):
        answer = await api.post("/subscriber/assign-agent", {"user_ns": ana.user_ns, "agent_id": agent_id})

        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == ["agent_id"]
    assert (await ana.state()).member_id is None


async def test_a_conversation_is_moved(api: Api, ana: Ana) -> None:
    for status, stored in (
        ("pending", "pending"),
        ("done", "done"),
        ("spam", "spam"),
        ("closed", "done"),
        ("open", "open"),
        (" done", "done"),
    ):
        answer = await api.post("/subscriber/move-chat-to", {"user_ns": ana.user_ns, "status": status})

        assert answer.json() == OK
        assert (await ana.state()).status == stored


async def test_there_is_no_other_status(api: Api, ana: Ana) -> None:
    answer = await api.post("/subscriber/move-chat-to", {"user_ns": ana.user_ns, "status": "finished"})

    sentence = "The selected status is invalid: 'finished' is none of closed, done, open, pending, spam."
    assert answer.status_code == 422
    assert answer.json() == {"message": sentence, "errors": {"status": [sentence]}}
    assert (await ana.state()).status == "open"


async def test_the_customer_sees_that_an_agent_is_typing(api: Api, ana: Ana, world: World) -> None:
    with world.hub.listen(conversation_topic(ana.id)) as listener:
        answer = await api.post("/handoff/typing", {"user_ns": ana.user_ns})

        assert answer.json() == OK
        assert any(isinstance(notice, Typing) for notice in await listener.wait())


async def test_the_customer_sees_that_an_agent_has_read(api: Api, ana: Ana) -> None:
    answer = await api.post("/handoff/seen", {"user_ns": ana.user_ns})

    assert answer.json() == OK
    assert [(one.type, one.status) for one in await ana.messages()] == [("in", "read"), ("out", "sent")]
