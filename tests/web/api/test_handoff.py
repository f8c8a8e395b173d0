"""Accepting a handoff and returning it, as a platform does."""

from __future__ import annotations

import pytest

from relevo.domain.conversations import Control
from relevo.domain.handoffs import Phase, Return
from relevo.testing.builders import World
from tests.web.api.conftest import Ana
from tests.web.api.validating import Api

ACCEPT, RETURN = "/handoff/accept", "/handoff/return"


@pytest.fixture
async def waiting(ana: Ana, world: World) -> Ana:
    """She has asked for a person."""
    await world.says("agent")
    return ana


async def test_a_handoff_is_accepted_by_an_agent(api: Api, waiting: Ana, world: World) -> None:
    agent = world.company.agent

    answer = await api.post(ACCEPT, {"user_ns": waiting.user_ns, "agent_id": agent.id, "epoch": 1})

    assert answer.json() == {"status": "ok"}
    state = await waiting.state()
    assert (state.pause.phase, state.pause.accepted_by, state.member_id) == (
        Phase.ACCEPTED,
        agent.id,
        agent.id,
    )


async def test_without_an_agent_it_is_whose_the_token_is(api: Api, waiting: Ana, world: World) -> None:
    await api.post(ACCEPT, {"user_ns": waiting.user_ns})

    assert (await waiting.state()).pause.accepted_by == world.company.owner.id


async def test_who_comes_second_is_told_who_was_first(api: Api, waiting: Ana, world: World) -> None:
    await api.post(ACCEPT, {"user_ns": waiting.user_ns})

    answer = await api.post(ACCEPT, {"user_ns": waiting.user_ns, "agent_id": world.company.agent.id})

    assert (answer.status_code, answer.headers["relevo-error"]) == (409, "handoff_taken")
    assert answer.json() == {"message": f"This handoff was accepted by {world.company.owner.name} before."}


async def test_with_the_bot_in_control_there_is_nothing_to_accept(api: Api, ana: Ana) -> None:
    answer = await api.post(ACCEPT, {"user_ns": ana.user_ns})

    assert (answer.status_code, answer.headers["relevo-error"]) == (409, "no_handoff")


@pytest.mark.parametrize("path", [ACCEPT, RETURN])
async def test_what_is_about_an_older_epoch_does_nothing(api: Api, waiting: Ana, path: str) -> None:
    answer = await api.post(path, {"user_ns": waiting.user_ns, "epoch": 0})

    assert (answer.status_code, answer.headers["relevo-error"]) == (409, "control_changed")
    assert answer.json() == {"message": "Control has changed hands: the epoch is 1 now, and you name 0."}
    assert (await waiting.state()).pause.phase is Phase.REQUESTED


async def test_a_repeated_acceptance_is_answered_as_the_first_whatever_has_happened_since(
    api: Api, waiting: Ana
) -> None:
    await api.post(ACCEPT, {"user_ns": waiting.user_ns}, key="k")
    await api.post(RETURN, {"user_ns": waiting.user_ns})

    answer = await api.post(ACCEPT, {"user_ns": waiting.user_ns}, key="k")

    assert (answer.status_code, answer.headers["idempotent-replayed"]) == (200, "true")


async def test_a_conversation_is_returned_with_what_came_of_it(api: Api, waiting: Ana, world: World) -> None:
    said = {"reason": "solved", "note": "A refund.", "outcome": "refunded", "epoch": 1}

    answer = await api.post(RETURN, {"user_ns": waiting.user_ns, **said})

    assert answer.json() == {"status": "ok"}
    state = await waiting.state()
    assert (state.control, state.epoch) == (Control.BOT, 2)
    assert state.returned == Return("solved", "A refund.", "refunded")
    assert ("note", "A refund.", world.company.owner.name) in await waiting.said()


async def test_returning_what_the_bot_has_is_returning_it_once(api: Api, waiting: Ana) -> None:
    await api.post(RETURN, {"user_ns": waiting.user_ns})
    before = await waiting.state()

    answer = await api.post(RETURN, {"user_ns": waiting.user_ns, "note": "again"})

    assert answer.json() == {"status": "ok"}
    assert await waiting.state() == before


@pytest.mark.parametrize(
    ("field", "value"),
    [("reason", "It is Solved"), ("reason", "x" * 41), ("note", "x" * 2001), ("outcome", "x" * 101)],
)
async def test_what_is_wrong_returns_nothing(api: Api, waiting: Ana, field: str, value: str) -> None:
    answer = await api.post(RETURN, {"user_ns": waiting.user_ns, field: value})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert (await waiting.state()).control is Control.AGENT


async def test_an_agent_that_is_not_there_accepts_nothing(api: Api, waiting: Ana) -> None:
    answer = await api.post(ACCEPT, {"user_ns": waiting.user_ns, "agent_id": 987654})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["agent_id"])
