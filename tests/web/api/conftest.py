"""A company, its API and a customer who has written."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar

from relevo.domain.deliveries import Destination
from relevo.domain.ids import ConversationId, user_ns
from relevo.domain.messages import Message, plain_text
from relevo.domain.redeliveries import UNDELIVERED, Selection
from relevo.store import deliveries, redeliveries, tables
from relevo.testing.builders import World
from relevo.web.api import CALLS, create_api
from relevo.web.api.document import make_document
from relevo.web.errors import exception_handlers
from relevo.web.services import Services
from tests.web.api.validating import Api, Told
from tests.web.exchanges import Client


@pytest.fixture(scope="session")
def told() -> Told:
    return Told(make_document(CALLS, "https://relevo.example.com"))


def app_of(services: Services) -> Litestar:
    """An application that is nothing but the API."""
    return Litestar(
        [create_api(services)],
        exception_handlers=exception_handlers,
        openapi_config=None,
        logging_config=None,
    )


@pytest.fixture
def app(services: Services) -> Litestar:
    return app_of(services)


@pytest.fixture
async def api(client: Client, world: World, told: Told) -> Api:
    """With a token of the first company's flow, in the name of its owner, Olga."""
    return Api(client, told, await world.add_token())


class Ana:
    """A customer who has written *Hello* on the web channel, and was greeted by the bot."""

    def __init__(self, world: World, id_: ConversationId) -> None:
        self.world, self.id = world, id_

    @property
    def user_ns(self) -> str:
        return user_ns(self.world.company.flow.id, self.id)

    async def said(self) -> list[tuple[str, str, str]]:
        """Who said what, in whose name."""
        return [(one.type.value, plain_text(one.content), one.username) for one in await self.messages()]

    async def messages(self) -> list[Message]:
        return await self.world.messages(self.id)

    async def last(self) -> Message:
        return (await self.messages())[-1]

    async def state(self) -> Any:
        return await self.world.conversation(self.id)


async def park(world: World) -> dict[str, int]:
    """Ana asks for an agent, and nothing arrives anywhere; a redelivery of it all is under way. The numbers
    of these things, as operations call them."""
    await world.says("agent")
    to_desk = Selection(destination=Destination("endpoint", world.company.endpoint.id))
    rows, begun = tables.deliveries, Selection(flow_id=world.company.flow.id, states=UNDELIVERED)
    news = {"state": "parked", "reason": "schedule_exhausted", "due_at": None, "claimed_by": None}
    async with world.database.write() as connection:
        now, here = world.clock.now(), world.company.workspace.id
        await connection.execute(rows.update().values(**news, finished_at=now))
        found = await deliveries.listing(connection, here, to_desk)
        redelivery = await redeliveries.insert_new(connection, here, begun, by="Olga", now=now)
    return {"delivery_id": found[-1].id, "from_delivery_id": found[-1].id, "redelivery_id": redelivery}


@pytest.fixture
async def ana(world: World) -> Ana:
    return Ana(world, (await world.says("Hello")).conversation_id)
