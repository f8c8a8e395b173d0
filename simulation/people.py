"""Who uses the installation: customers who write, agents who answer, and somebody who redelivers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from relevo.domain.errors import Busy, DecisionFailed, HandoffTaken, NoHandoff, Unavailable
from relevo.domain.events import (
    AgentRead,
    AgentReplied,
    AgentTyped,
    AnyEvent,
    Assigned,
    BotPaused,
    BotResumed,
    BotTold,
    ByConversation,
    ByUser,
    CustomerTyped,
    HandoffAccepted,
    MessageReceived,
    Moved,
    NoteWritten,
    Once,
)
from relevo.domain.ids import ChannelId, DeliveryId, MemberId, parse_user_ns
from relevo.domain.messages import Content, Media, Text
from relevo.domain.subscribers import Profile
from relevo.engine.batches import Result
from relevo.store import interventions
from simulation.network import Arrival
from simulation.process import Gone, Process
from simulation.world import World

T = TypeVar("T")

BOT_WAS_TOLD = "told"
"""How texts begin that the platform had the bot say: those it says whoever has control."""
_TRY_AGAIN = (Gone, TimeoutError, Unavailable, Busy, DecisionFailed)
_WORDS = ("hello", "agent", "agent", "later", "order", "bot", "menu", "what is this?", "a picture")


class Accepted(msgspec.Struct, frozen=True):
    """Something that the installation has answered for."""

    mid: str
    result: Result


class People:
    """What they asked for, and what they were promised."""

    def __init__(self, world: World, processes: list[Process | None], channels: list[ChannelId]) -> None:
        self._world, self._processes, self._channels = world, processes, channels
        self.accepted: list[Accepted] = []
        self.replies: dict[str, Result] = {}
        self.redelivered: set[int] = set()
        self._acting: set[asyncio.Task[None]] = set()
        self._acts = 0

    async def until_done(self) -> None:
        """Until nobody wants anything any more."""
        while self._acting:
            await asyncio.wait(set(self._acting))

    def begin(self) -> None:
        for number in range(self._world.plan.customers):
            self._go(self._customer(number))

    def _go(self, work: object) -> None:
        task = self._world.loop.create_task(work)  # type: ignore[arg-type, var-annotated]
        self._acting.add(task)
        task.add_done_callback(self._acting.discard)

    # Customers

    async def _customer(self, number: int) -> None:
        plan, chance = self._world.plan, self._world.chance
        to = ByUser(chance.choice(self._channels), f"customer-{number}")
        is_hasty = chance.random() < 0.3
        for index in range(plan.messages):
            await asyncio.sleep(chance.uniform(0, plan.pause))
            mid = f"m-{number}-{index}"
            event = MessageReceived(to=to, content=self._words(mid), profile=Profile(name="Ana"), mid=mid)
            if chance.random() < 0.1:
                self._go(self._once(CustomerTyped(to=to)))
            if is_hasty:
                self._go(self._write(event))
            else:
                await self._write(event)

    def _words(self, mid: str) -> Content:
        word = self._world.chance.choice(_WORDS)
        if word == "a picture":
            return Media("image", f"https://vendor.example.com/{mid}")
        return Text(word)

    async def _write(self, event: MessageReceived) -> None:
        """As a vendor does: again until it is accepted, and sometimes once more."""
        result = await self._insist(event)
        self._world.tell("accepted", mid=event.mid, conversation=result.conversation_id)
        self.accepted.append(Accepted(event.mid, result))
        if self._world.strikes(0.1):
            again = await self._insist(event)
            if again.message_ids != result.message_ids:
                self._world.accuse(f"{event.mid} came again and was {again}, first {result}")

    # Agents

    def hears(self, arrival: Arrival) -> None:
        """The platform has got a webhook: perhaps somebody does something about it."""
        chance = self._world.chance
        wanted = {"handoff.requested": 0.7, "message.received": 0.4, "message.sent": 0.02}
        if chance.random() < wanted.get(arrival.type, 0) and self._acts < 25:
            self._acts += 1
            self._go(self._act(arrival, self._acts))

    async def _act(self, arrival: Arrival, number: int) -> None:
        chance = self._world.chance
        await asyncio.sleep(chance.uniform(0, 4))
        parsed = parse_user_ns(arrival.user_ns)
        assert parsed is not None
        to = ByConversation(parsed[1])
        once = Once(f"agent {number}", "")
        event = self._deed(to, once, number)
        if arrival.type == "handoff.requested" and chance.random() < 0.4:
            event = HandoffAccepted(to=to, once=once, by="api", member_id=MemberId(2))
        try:
            result = await self._insist(event)
        except (NoHandoff, HandoffTaken):
            return  # somebody was faster
        self._world.tell("acted", what=type(event).__name__, conversation=to.id)
        if isinstance(event, AgentReplied):
            self.replies[f"reply {number}"] = result

    def _deed(self, to: ByConversation, once: Once, number: int) -> AnyEvent:
        chance = self._world.chance
        deeds: list[AnyEvent] = [
            AgentReplied(to=to, once=once, contents=(Text(f"reply {number}"),), member_id=MemberId(2)),
            AgentReplied(to=to, once=once, contents=(Text(f"reply {number}"),)),
            BotResumed(to=to, once=once, by="api"),
            BotResumed(to=to, once=once, by="api", reason="solved", note="kind", outcome="sold"),
            HandoffAccepted(to=to, once=once, by="api", member_id=MemberId(2)),
            HandoffAccepted(to=to, once=once, by="api"),
            BotPaused(to=to, once=once, minutes=chance.choice((None, 1)), by="api"),
            Assigned(to=to, once=once, member_id=MemberId(2)),
            NoteWritten(to=to, once=once, text="a note"),
            AgentRead(to=to),
            AgentTyped(to=to),
            Moved(to=to, once=once, status="done"),
            BotTold(to=to, once=once, contents=(Text(f"{BOT_WAS_TOLD} {number}"),)),
        ]
        return chance.choice(deeds)

    # An operator

    async def redeliver(self, id_: int) -> None:
        """Somebody wants a parked delivery to be carried again."""
        self.redelivered.add(id_)
        await self._again(lambda process: lambda: _redeliver(process, DeliveryId(id_)))

    # Asking

    async def _insist(self, event: AnyEvent) -> Result:
        return await self._again(lambda process: lambda: process.engine.submit(event))

    async def _once(self, event: AnyEvent) -> None:
        with contextlib.suppress(*_TRY_AGAIN):
            await self._ask(lambda process: lambda: process.engine.submit(event))

    async def _again(self, work: Callable[[Process], Callable[[], Awaitable[T]]]) -> T:
        while True:
            try:
                return await self._ask(work)
            except _TRY_AGAIN:
                await asyncio.sleep(self._world.chance.uniform(0.05, 2))

    async def _ask(self, work: Callable[[Process], Callable[[], Awaitable[T]]]) -> T:
        chance = self._world.chance
        open_ = [one for one in self._processes if one is not None and one.is_open]
        if not open_:
            raise Gone
        process = chance.choice(open_)
        goes_away = self._world.strikes(self._world.plan.rates.cancel)
        return await process.ask(work(process), chance.expovariate(20) if goes_away else 10)


async def _redeliver(process: Process, id_: DeliveryId) -> bool:
    async with process.database.write() as connection:
        return await interventions.redeliver(connection, id_, process.clock.now())
