"""The small world that other tests start from."""

from __future__ import annotations

from relevo.domain.conversations import Control
from relevo.domain.messages import plain_text
from relevo.store.database import Database
from relevo.testing.builders import make_engine


async def test_a_customer_writes_and_the_flow_answers(database: Database) -> None:
    async with make_engine(database) as world:
        result = await world.says("Hello")

        said = [
            (one.type.value, plain_text(one.content)) for one in await world.messages(result.conversation_id)
        ]
        assert said == [("in", "Hello"), ("out", "Hello Ana. Write *agent* to talk to a person.")]


async def test_the_word_of_the_flow_hands_the_conversation_over(database: Database) -> None:
    async with make_engine(database) as world:
        result = await world.says("an agent, please", channel=world.company.apichat)

        assert (await world.conversation(result.conversation_id)).control is Control.AGENT


async def test_companies_are_apart(database: Database) -> None:
    async with make_engine(database) as world:
        other = await world.add_company("Bolt")

        result = await world.says("Hello", channel=other.web)

        assert result.flow_id == other.flow.id != world.company.flow.id
