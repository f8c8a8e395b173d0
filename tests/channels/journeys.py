"""A whole Relevo, of the parts that serve, with a vendor on this machine: what the vendor posts goes through
the hook, and what is sent to customers goes over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec

from relevo.admin import connecting
from relevo.admin.reaching_us import Ourselves
from relevo.channels.adapter import Findings, VendorAnswer, VendorCall
from relevo.couriers.couriers import Couriers
from relevo.couriers.dialogues import Vendors
from relevo.couriers.whispers import Whisperer
from relevo.domain.conversations import Conversation
from relevo.domain.events import AgentReplied, BotTold, ByConversation
from relevo.domain.messages import Content, Message
from relevo.domain.workspaces import Channel
from relevo.http_client.client import HttpClient
from relevo.http_client.egress_guard import EgressGuard
from relevo.store import conversations
from relevo.store.database import Database
from relevo.system.dns import resolve
from relevo.system.media_files import MediaFiles
from relevo.testing.builders import PUBLIC_URL, World, add_channel, make_engine
from relevo.web.app import create_app
from tests.couriers.carrying import TIMEOUT, Passed, carry_all, make_couriers, want_messages_only
from tests.web.exchanges import Client, client_of

WITH_A_CHOICE = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: default, do: lost}
subflows:
  welcome:
    - send: {text: "What can I do?", buttons: [{title: Prices, do: prices}, {title: Person, do: person}]}
  prices:
    - send: "9.90"
  person:
    - send: "Somebody comes."
  lost:
    - send: "I do not understand."
"""
"""A flow that offers two buttons, and does not understand anything else."""


class Journey(msgspec.Struct, kw_only=True):
    """`client` is the vendor, who posts to the hook."""

    world: World
    couriers: Couriers
    client: Client
    channel: Channel
    vendors: Vendors

    @property
    def hook(self) -> str:
        return connecting.hook_url(PUBLIC_URL, self.channel)

    @property
    def us(self) -> Ourselves:
        return Ourselves(PUBLIC_URL, "a-nonce", self.world.cipher.proof("a-nonce"))

    async def ask(
        self, dialogue: Generator[VendorCall, VendorAnswer, Any], hidden: tuple[str, ...], /
    ) -> Any:
        """Of vendors over the network, and of ourselves at the public URL, where the client stands."""
        try:
            call = next(dialogue)
            while True:
                answer = await self._answer(call, hidden)
                if not isinstance(answer, VendorAnswer):
                    return answer
                call = dialogue.send(answer)
        except StopIteration as end:
            return end.value

    async def _answer(self, call: VendorCall, hidden: tuple[str, ...]) -> Any:
        if call.url.startswith(PUBLIC_URL):
            said = await self.client.get(call.url.removeprefix(PUBLIC_URL))
            return VendorAnswer(status=said.status_code, headers=dict(said.headers), body=said.content)
        return (await self.vendors._call(call, "", hidden))[0]

    async def settle_down(self) -> None:
        await carry_all(self.world, self.couriers)
        await asyncio.gather(*self.couriers._whispers)

    async def later(self, by: timedelta) -> None:
        self.world.clock.advance(by)
        await self.couriers._renew()
        await self.settle_down()

    async def connect(self) -> Findings:
        return await connecting.connect(self.ask, self.channel, self.us)

    async def check(self) -> Findings:
        return await connecting.check(self.ask, self.channel, self.us)

    async def agent_says(self, user_id: str, *contents: Content) -> None:
        to = ByConversation((await self.conversation_of(user_id)).id)
        await self.world.submit(AgentReplied(to=to, contents=contents))
        await self.settle_down()

    async def bot_says(self, user_id: str, *contents: Content) -> None:
        to = ByConversation((await self.conversation_of(user_id)).id)
        await self.world.submit(BotTold(to=to, contents=contents))
        await self.settle_down()

    async def conversation_of(self, user_id: str) -> Conversation:
        async with self.world.database.read() as connection:
            found = await conversations.find_by_user(connection, self.channel.id, user_id)
        assert found is not None
        return found

    async def messages_of(self, user_id: str) -> list[Message]:
        return await self.world.messages((await self.conversation_of(user_id)).id)


@asynccontextmanager
async def journey(
    database: Database, folder: Path, type_: str, config: dict[str, Any], *, flow: str
) -> AsyncIterator[Journey]:
    passed = Passed()
    async with make_engine(database, flow=flow, carriers=passed) as world:
        await want_messages_only(world)
        clock = world.clock
        http = HttpClient(EgressGuard([ip_network("127.0.0.0/8")], resolve), clock.monotonic)
        whisper = Whisperer(catalog=world.catalog, http=http, clock=clock, chance=world.chance)
        couriers = make_couriers(world, http, MediaFiles(folder), whisper=whisper)
        await couriers.start()
        passed.to = couriers
        async with client_of(create_app(world.services(media_folder=folder))) as client:
            yield Journey(
                world=world,
                couriers=couriers,
                client=client,
                channel=await add_channel(world, type_, config),
                vendors=Vendors(http=http, clock=clock, timeout=TIMEOUT),
            )
        await couriers.stop(TIMEOUT)
        await http.close()
